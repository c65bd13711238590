/* test_emit.c - one stream of events as JSON and as YAML, byte for byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "provisioner/cmd/emit.h"

typedef void (*events_fn)(struct emit *emit);

static void says(enum emit_syntax syntax, events_fn events, const char *expected)
{
    char *text = NULL;
    size_t len = 0;
    FILE *file = open_memstream(&text, &len);
    assert_non_null(file);
    struct emit emit = emit_to(file, syntax);
    events(&emit);
    assert_true(emit_end(&emit));
    fclose(file);
    assert_string_equal(text, expected);
    free(text);
}

static void nested(struct emit *emit)
{
    emit_map(emit);
    emit_int_at(emit, "pods", 2);
    emit_key(emit, "nodes");
    emit_list(emit);
    emit_map(emit);
    emit_text_at(emit, "type", STR("c5.large"));
    emit_key(emit, "pods");
    emit_list_compact(emit);
    emit_text(emit, STR("spark/a"));
    emit_text(emit, STR("spark/b"));
    emit_close(emit);
    emit_key(emit, "empty");
    emit_list(emit);
    emit_close(emit);
    emit_close(emit);
    emit_map(emit);
    emit_money_at(emit, "usdPerHour", 612100);
    emit_close(emit);
    emit_map(emit);
    emit_close(emit);
    emit_close(emit);
    emit_key(emit, "none");
    emit_map(emit);
    emit_close(emit);
    emit_key(emit, "last");
    emit_null(emit);
    emit_close(emit);
}

static void layout(void **state)
{
    (void)state;
    says(EMIT_JSON, nested,
         "{\n  \"pods\": 2,\n  \"nodes\": [\n    {\n      \"type\": \"c5.large\",\n      \"pods\": [\"spark/a\", "
         "\"spark/b\"],\n      \"empty\": []\n    },\n    {\n      \"usdPerHour\": 0.6121\n    },\n    {}\n  ],\n"
         "  \"none\": {},\n  \"last\": null\n}\n");
    says(EMIT_YAML, nested,
         "pods: 2\nnodes:\n  - type: c5.large\n    pods:\n      - spark/a\n      - spark/b\n    empty: []\n"
         "  - usdPerHour: 0.6121\n  - {}\nnone: {}\nlast: null\n");
}

static void compact(struct emit *emit)
{
    emit_list(emit);
    emit_map_compact(emit);
    emit_key(emit, "a");
    emit_list(emit);
    emit_int(emit, 1);
    emit_int(emit, -2);
    emit_close(emit);
    emit_key(emit, "b");
    emit_bool(emit, true);
    emit_close(emit);
    emit_list(emit);
    emit_decimal(emit, 12.345, 1);
    emit_close(emit);
    emit_close(emit);
}

static void compact_maps_stay_on_their_line(void **state)
{
    (void)state;
    says(EMIT_JSON, compact, "[\n  {\"a\": [1, -2], \"b\": true},\n  [\n    12.3\n  ]\n]\n");
    says(EMIT_YAML, compact, "- a:\n    - 1\n    - -2\n  b: true\n- - 12.3\n");
}

static void awkward(struct emit *emit)
{
    static const char *const texts[] = {"a\"b\\c\n\t\x01\x7f",
                                        "no",
                                        "1.5",
                                        "",
                                        "a: b",
                                        "-x",
                                        "\xc3\xa9",
                                        "a\xff"
                                        "b",
                                        "\xc2\x85",
                                        "\xed\xa0\x80",
                                        "Null",
                                        "x#y"};
    emit_list(emit);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        emit_text(emit, str_of(texts[i]));
    emit_close(emit);
}

static void text_is_quoted_where_it_must_be(void **state)
{
    (void)state;
    static const char *const quoted[] = {"\"a\\\"b\\\\c\\n\\t\\u0001\\u007f\"",
                                         "\"no\"",
                                         "\"1.5\"",
                                         "\"\"",
                                         "\"a: b\"",
                                         "\"-x\"",
                                         "\"\xc3\xa9\"",
                                         "\"a\xef\xbf\xbd"
                                         "b\"",
                                         "\"\\u0085\"",
                                         "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"",
                                         "\"Null\"",
                                         "\"x#y\""};
    char json[1024] = "[", yaml[1024] = "";
    size_t json_len = 1, yaml_len = 0;
    for (size_t i = 0; i < sizeof(quoted) / sizeof(quoted[0]); i++) {
        json_len += (size_t)snprintf(json + json_len, sizeof(json) - json_len, "%s\n  %s", i ? "," : "", quoted[i]);
        yaml_len += (size_t)snprintf(yaml + yaml_len, sizeof(yaml) - yaml_len, "- %s\n", quoted[i]);
    }
    snprintf(json + json_len, sizeof(json) - json_len, "\n]\n");
    says(EMIT_JSON, awkward, json);
    says(EMIT_YAML, awkward, yaml);
}

static void a_full_disk_is_noticed(void **state)
{
    (void)state;
    FILE *file = fopen("/dev/full", "w");
    if (!file)
        skip();
    struct emit emit = emit_to(file, EMIT_JSON);
    nested(&emit);
    assert_false(emit_end(&emit));
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layout),
        cmocka_unit_test(compact_maps_stay_on_their_line),
        cmocka_unit_test(text_is_quoted_where_it_must_be),
        cmocka_unit_test(a_full_disk_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
