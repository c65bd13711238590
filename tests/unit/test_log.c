/* test_log.c - log lines as JSON and as text, JSON written piece by piece, and growing text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/doc.h"
#include "base/json_out.h"
#include "base/log.h"

static struct clock_mono no_mono(void *context)
{
    (void)context;
    return (struct clock_mono){0};
}

static struct clock_wall noon(void *context)
{
    (void)context;
    return (struct clock_wall){INT64_C(1767225600123456789)};
}

static const struct clock fixed = {no_mono, noon, NULL};

struct capture {
    struct log log;
    char *text;
    size_t len;
};

static void capture_open(struct capture *capture, bool text)
{
    *capture = (struct capture){0};
    capture->log = (struct log){open_memstream(&capture->text, &capture->len), &fixed, LOG_INFO, text};
    assert_non_null(capture->log.file);
}

static void capture_is(struct capture *capture, const char *expected)
{
    fclose(capture->log.file);
    assert_string_equal(capture->text, expected);
    free(capture->text);
}

static void json_lines(void **state)
{
    (void)state;
    struct capture capture;
    capture_open(&capture, false);
    struct err err = {.message = "line 3: \"x\""};
    log_event(&capture.log, LOG_DEBUG, "left-out", LOG_I("n", 1));
    log_event(&capture.log, LOG_WARN, "claim-launched", LOG_S("claim", STR("a\nb")), LOG_I("n", INT64_MIN),
              LOG_F("usd", 0.25), LOG_B("spot", true), LOG_ERR(&err));
    log_event(&capture.log, LOG_INFO, "odd", LOG_F("nan", 0.0 / (double)(capture.len == 9999)),
              LOG_S("bytes", ((struct str){"\x01\xff\0\xc3\xa9", 5})), LOG_C("none", NULL));
    capture_is(&capture, "{\"time\":\"2026-01-01T00:00:00.123456Z\",\"level\":\"warn\",\"event\":\"claim-launched\","
                         "\"claim\":\"a\\nb\",\"n\":-9223372036854775808,\"usd\":0.25,\"spot\":true,"
                         "\"error\":\"line 3: \\\"x\\\"\"}\n"
                         "{\"time\":\"2026-01-01T00:00:00.123456Z\",\"level\":\"info\",\"event\":\"odd\",\"nan\":null,"
                         "\"bytes\":\"\\u0001\xef\xbf\xbd\xef\xbf\xbd\xc3\xa9\",\"none\":\"\"}\n");
}

static void text_lines(void **state)
{
    (void)state;
    struct capture capture;
    capture_open(&capture, true);
    log_event(&capture.log, LOG_INFO, "pass", LOG_C("plain", "a-b/c:d"), LOG_C("spaced", "a b"), LOG_C("empty", ""),
              LOG_C("control", "\x1b[31m"), LOG_C("equals", "a=b"), LOG_B("ok", false));
    capture_is(&capture, "2026-01-01T00:00:00.123456Z info  pass plain=a-b/c:d spaced=\"a b\" empty=\"\" "
                         "control=\"\\u001b[31m\" equals=\"a=b\" ok=false\n");
}

/* 4 KiB of a text are written, and no character is cut in two. */
static void long_fields_are_cut(void **state)
{
    (void)state;
    enum { LONG = 5000, KEPT = 4096 };
    for (size_t shift = 0; shift < 3; shift++) {
        char text[LONG];
        for (size_t i = 0; i < LONG; i++)
            text[i] = "\xe2\x82\xac"[(i + shift) % 3];
        memset(text, 'x', 3);
        struct capture capture;
        capture_open(&capture, false);
        log_event(&capture.log, LOG_ERROR, "e", LOG_S("t", ((struct str){text, LONG})));
        fclose(capture.log.file);
        const char *end = strstr(capture.text, "...\"}\n");
        assert_non_null(end);
        assert_int_equal(end[-1], '\xac');
        const char *start = strstr(capture.text, "xxx");
        assert_non_null(start);
        assert_null(strstr(end - 3, "\xef\xbf\xbd"));
        free(capture.text);
    }
}

static void silent_and_levels(void **state)
{
    (void)state;
    const struct log silent = {NULL, &fixed, LOG_DEBUG, false};
    log_event(&silent, LOG_ERROR, "e", LOG_I("n", 1));
    enum log_level level;
    assert_true(log_level_parse(STR("debug"), &level) && level == LOG_DEBUG);
    assert_true(log_level_parse(STR("error"), &level) && level == LOG_ERROR);
    assert_false(log_level_parse(STR("Error"), &level));
    assert_false(log_level_parse(STR(""), &level));
}

static void json_pieces(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct buf buf = BUF_INIT(&arena);
    struct json_out json = JSON_OUT(&buf);
    json_open_map(&json, NULL);
    json_open_map(&json, "a");
    json_close_map(&json);
    json_open_list(&json, "b");
    json_open_list(&json, NULL);
    json_close_list(&json);
    json_int(&json, NULL, INT64_MIN);
    json_bool(&json, NULL, false);
    json_null(&json, NULL);
    json_open_map(&json, NULL);
    json_str_by(&json, STR("x\"y"), STR("\t\\/"));
    json_raw(&json, "r", STR("1.50"));
    json_close_map(&json);
    json_close_list(&json);
    json_str(&json, "c", STR("\xc3\xa9\xc3"));
    json_close_map(&json);
    struct str text;
    assert_int_equal(buf_str(&buf, &text, NULL), 0);
    assert_string_equal(text.ptr, "{\"a\":{},\"b\":[[],-9223372036854775808,false,null,"
                                  "{\"x\\\"y\":\"\\t\\\\/\",\"r\":1.50}],\"c\":\"\xc3\xa9\xef\xbf\xbd\"}");
    arena_release(&arena);
}

/* Pieces are looked at by 256 bytes: a character that lies across is one character still. */
static void characters_across_pieces(void **state)
{
    (void)state;
    for (size_t before = 250; before < 262; before++) {
        char text[300];
        memset(text, 'x', sizeof(text));
        memcpy(text + before, "\xf0\x9f\x98\x80", 4);
        struct str rest = {text, before + 4};
        char room[JSON_ESCAPE_BYTES], whole[300];
        size_t len = 0;
        while (rest.len) {
            struct str piece = json_escaped(&rest, room);
            memcpy(whole + len, piece.ptr, piece.len);
            len += piece.len;
        }
        assert_int_equal(len, before + 4);
        assert_memory_equal(whole, text, len);
    }
}

static void growing_text(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct buf buf = BUF_INIT(&arena);
    struct str text, earlier;
    assert_int_equal(buf_str(&buf, &text, NULL), 0);
    assert_int_equal(text.len, 0);
    assert_string_equal(text.ptr, "");
    buf_add(&buf, STR(""));
    buf_add(&buf, STR("ab"));
    assert_int_equal(buf_str(&buf, &earlier, NULL), 0);
    assert_string_equal(earlier.ptr, "ab");
    for (int i = 0; i < 3000; i++)
        buf_byte(&buf, (char)('a' + i % 26));
    assert_int_equal(buf_str(&buf, &text, NULL), 0);
    assert_int_equal(text.len, 3002);
    assert_memory_equal(text.ptr, "ababcdefghijklmnopqrstuvwxyzab", 30);
    assert_int_equal(text.ptr[3002], '\0');
    assert_memory_equal(earlier.ptr, "ab", 2);
    /* Exactly full: the NUL still finds its place. */
    struct buf full = BUF_INIT(&arena);
    char block[256];
    memset(block, 'z', sizeof(block));
    buf_add(&full, (struct str){block, sizeof(block)});
    assert_int_equal(buf_str(&full, &text, NULL), 0);
    assert_int_equal(strlen(text.ptr), 256);
    arena_release(&arena);
}

static void more_than_memory(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct buf buf = BUF_INIT(&arena);
    struct str text = STR("untouched");
    struct err err = {0};
    buf_add(&buf, STR("a"));
    buf_add(&buf, (struct str){"b", SIZE_MAX / 2});
    buf_add(&buf, STR("c"));
    assert_int_equal(buf_str(&buf, &text, &err), ERR_NOMEM);
    assert_string_equal(text.ptr, "untouched");
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_lines),          cmocka_unit_test(text_lines),
        cmocka_unit_test(long_fields_are_cut), cmocka_unit_test(silent_and_levels),
        cmocka_unit_test(json_pieces),         cmocka_unit_test(characters_across_pieces),
        cmocka_unit_test(growing_text),        cmocka_unit_test(more_than_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
