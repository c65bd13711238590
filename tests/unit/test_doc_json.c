/* JSON as a tree: every kind of value, lists taken apart, and everything that is not JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cc.h"
#include "tests/unit/doc_trace.h"

static void expect(const char *text, const char *want)
{
    struct trace trace = {0};
    struct err err = {0};
    int code = doc_read(str_of(text), "x.json", trace_object, &trace, &err);
    if (code || strcmp(trace.text, want) != 0)
        fail_msg("%s\ngave (%d, %s)\n%snot\n%s", text, code, err.message, trace.text, want);
}

static void values(void **state)
{
    (void)state;
    expect("{\"a\": 1, \"b\": [true, false, null], \"c\": {\"d\": \"e\"}}", "{a:1 b:[true false null] c:{d:'e'}}\n");
    expect("{\"n\": [0, -0, 1.50, 1e9, 2E-3, 12345678901234567890123]}",
           "{n:[0 -0 1.50 1e9 2E-3 12345678901234567890123]}\n");
    /* 63 digits; what comes behind the number shows that all of it was taken. */
    expect("[123456789012345678901234567890123456789012345678901234567890123, -0.0E+1]",
           "[123456789012345678901234567890123456789012345678901234567890123 -0.0E+1]\n");
    expect("{\n \"a\":\n  1,\r\n\"b\": [\n2]}", "{a:@31 b:@4[@52]}\n");
    expect("{}", "{}\n");
    expect("[]", "[]\n");
    expect("[[[]], {}]", "[[[]] {}]\n");
    expect("{\"\": \"\"}", "{:''}\n");
    expect("", "");
    expect(" \r\n\t", "");
    expect("\xef\xbb\xbf{}", "{}\n");
    expect("{}{} [1]\n{\"a\":1}", "{}\n{}\n[1]\n@2{a:1}\n");
}

static void strings(void **state)
{
    (void)state;
    expect("{\"a\": \"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}", "{a:'\"\\/\b\f\n\r\t'}\n");
    expect("{\"a\": \"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\"}", "{a:'A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80'}\n");
    /* Text that looks like the grammar around it, with lines to lose. */
    expect("{\"a,]\":\n\"}:\\\"[\", \"\": [\n[\"]\", \"\\\\\"], {},\n[], \"null\"], \"1\": 1}",
           "{a,]:@2'}:\"[' :@2[@3[']' '\\'] @3{} @4[] @4'null'] 1:@41}\n");
    expect("{\"\\u0061\": \"\xc3\xa9\x7f\"}", "{a:'\xc3\xa9\x7f'}\n");
}

static void lists(void **state)
{
    (void)state;
    expect("{\"kind\":\"List\",\"items\":[{\"kind\":\"Pod\"},\n{\"kind\":\"Node\"}]}",
           "{kind:'Pod'}\n@2{kind:'Node'}\n");
    expect("{\"apiVersion\":\"v1\",\"items\":[{\"a\":1}],\"kind\":\"List\",\"metadata\":{\"items\":[2]}}", "{a:1}\n");
    expect("{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"items\":[{\"a\":1},{\"kind\":\"X\"}]}",
           "{apiVersion:'v1' kind:'Pod' a:1}\n{kind:'X'}\n");
    expect("{\"items\":[{\"a\":1}],\"kind\":\"PodList\",\"apiVersion\":\"v1\"}", "{apiVersion:'v1' kind:'Pod' a:1}\n");
    expect("{\"kind\":\"Pod\",\"items\":[1]}", "{kind:'Pod' items:[1]}\n");
    expect("{\"items\":[1]}", "{items:[1]}\n");
    expect("{\"kind\":\"List\",\"items\":[]}", "");
    expect("{\"kind\":\"PodList\",\"items\":null}", "");
    expect("{\"kind\":\"AllowList\",\"spec\":{}}", "{kind:'AllowList' spec:{}}\n");
    expect("{\"k\\u0069nd\":\"List\",\"items\":[1,2]}", "1\n2\n");
    expect("{\"kind\":\"List\",\"items\":[{\"kind\":\"List\",\"items\":[{\"a\":1},{\"b\":2}]},{\"c\":3}]}",
           "{a:1}\n{b:2}\n{c:3}\n");
    expect("{\"a\":{\"kind\":\"List\"},\"items\":[1]}", "{a:{kind:'List'} items:[1]}\n");
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } samples[] = {
        {"{", "line 1: the text ends where a key in double quotes is expected"},
        {"{\"a\":1,}", "line 1: unexpected '}', expected is a key in double quotes"},
        {"{\"a\" 1}", "line 1: unexpected '1', expected is ':'"},
        {"{\"a\":1 \"b\":2}", "line 1: unexpected '\"', expected is ',' or '}'"},
        {"[1 2]", "line 1: unexpected '2', expected is ',' or ']'"},
        {"[1,]", "line 1: unexpected ']', expected is a value"},
        {"[\n1,\n\n", "line 4: the text ends where a value is expected"},
        {"{} x", "line 1: unexpected 'x', expected is '{', '[' or the end of the text"},
        {"{}\n\n7", "line 3: unexpected '7', expected is '{', '[' or the end of the text"},
        {"{a:1}", "line 1: unexpected 'a', expected is a key in double quotes"},
        {"[01]", "line 1: unexpected '1', expected is ',' or ']'"},
        {"[-]", "line 1: unexpected ']', expected is a digit"},
        {"[1.]", "line 1: unexpected ']', expected is a digit"},
        {"[1e+]", "line 1: unexpected ']', expected is a digit"},
        {"[1,\n1234567890123456789012345678901234567890123456789012345678901234]",
         "line 2: number of 64 bytes, allowed are 63"},
        {"[+1]", "line 1: unexpected '+', expected is a value"},
        {"[.5]", "line 1: unexpected '.', expected is a value"},
        {"[NaN]", "line 1: unexpected 'N', expected is a value"},
        {"[tru]", "line 1: unexpected 't', expected is a value"},
        {"[nul", "line 1: unexpected 'n', expected is a value"},
        {"[\"a\nb\"]", "line 1: unexpected byte 0x0a"},
        {"[\"a", "line 1: the text ends where the end of a string is expected"},
        {"[\"a\\", "line 1: the text ends where the end of a string is expected"},
        {"[\"\\\"", "line 1: the text ends where the end of a string is expected"},
        {"[\"\\u00e9", "line 1: the text ends where the end of a string is expected"},
        {"[\"\\u0000\"]", "line 1: bad escape"},
        {"[\"\\ud800\"]", "line 1: bad escape"},
        {"[\"\\ud800\\u0041\"]", "line 1: bad escape"},
        {"[\"\\udc00\"]", "line 1: bad escape"},
        {"[\"\\u12g4\"]", "line 1: bad escape"},
        {"[\"\\u12\"]", "line 1: bad escape"},
        {"[\"\\x\"]", "line 1: bad escape"},
        {"[\"\\u00e9\n\"]", "line 1: unexpected byte 0x0a"},
        {"{\"a\":1,\n\"\\u0061\":2}", "line 2: key \"a\" is there twice"},
        {"{\"kind\":\"List\",\"items\":[],\"items\":[]}", "line 1: key \"items\" is there twice"},
        {"{\"kind\":\"List\",\"items\":[1 2]}", "line 1: unexpected '2'"},
        {"{\"kind\":\"List\",\"items\":[1]", "line 1: the text ends where"},
        {"\n{\"a\":\"\xc3(\"}", "line 2: byte 0xc3 is not UTF-8 text"},
        {"[\"\xed\xa0\x80\"]", "line 1: byte 0xed"},
        {"[\"\xc0\xaf\"]", "line 1: byte 0xc0"},
        {"[\"\xf4\x90\x80\x80\"]", "line 1: byte 0xf4"},
        {"[\"\xe2\x82", "line 1: byte 0xe2"},
    };
    for (size_t i = 0; i < CC_COUNT(samples); i++) {
        struct trace trace = {0};
        struct err err = {0};
        int code = doc_read(str_of(samples[i].text), "x.json", trace_object, &trace, &err);
        if (code != ERR_INVALID || strncmp(err.message, samples[i].message, strlen(samples[i].message)) != 0)
            fail_msg("%s\ngave %d, %s\nnot %s", samples[i].text, code, err.message, samples[i].message);
    }
    struct trace trace = {0};
    assert_int_equal(doc_read((struct str){"{}\0{}", 5}, "x.json", trace_object, &trace, NULL), ERR_INVALID);
}

static void depth(void **state)
{
    (void)state;
    char text[2 * DOC_MAX_DEPTH + 3];
    struct trace trace = {0};
    struct err err = {0};
    memset(text, '[', DOC_MAX_DEPTH);
    memset(text + DOC_MAX_DEPTH, ']', DOC_MAX_DEPTH);
    assert_int_equal(doc_read((struct str){text, 2 * DOC_MAX_DEPTH}, "x.json", trace_object, &trace, &err), 0);
    memset(text, '[', DOC_MAX_DEPTH + 1);
    assert_int_equal(doc_read((struct str){text, 2 * DOC_MAX_DEPTH}, "x.json", trace_object, &trace, &err),
                     ERR_INVALID);
    assert_non_null(strstr(err.message, "nested too deeply"));
}

static void many_keys(void **state)
{
    (void)state;
    char text[4096] = "{";
    size_t len = 1;
    for (int i = 0; i < 100; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "\"k%d\":0,\n", i);
    struct trace trace = {0};
    struct err err = {0};
    snprintf(text + len, sizeof(text) - len, "\"last\":0}");
    assert_int_equal(doc_read(str_of(text), "x.json", trace_object, &trace, &err), 0);
    snprintf(text + len, sizeof(text) - len, "\"k7\":0}");
    assert_int_equal(doc_read(str_of(text), "x.json", trace_object, &trace, &err), ERR_INVALID);
    assert_string_equal(err.message, "line 101: key \"k7\" is there twice, allowed is once");
}

static void callback_stops(void **state)
{
    (void)state;
    struct trace trace = {.stop_at = 2};
    struct err err = {0};
    /* The name says nothing, so that a wrong turn to YAML would show. */
    int code =
        doc_read(STR("{\"kind\":\"List\",\"items\":[{\"a\":1},{\"b\":2},{\"c\":3}]}"), "-", trace_object, &trace, &err);
    assert_int_equal(code, ERR_INVALID);
    assert_string_equal(err.message, "stopped");
    assert_int_equal(trace.objects, 2);
}

static void too_many_nodes(void **state)
{
    (void)state;
    size_t count = (size_t)DOC_MAX_OBJECT_NODES + 1;
    char *text = malloc(2 * count + 3);
    assert_non_null(text);
    char *at = text;
    *at++ = '[';
    for (size_t i = 0; i < count; i++) {
        *at++ = '0';
        *at++ = ',';
    }
    at[-1] = ']';
    struct trace trace = {0};
    struct err err = {0};
    int code = doc_read((struct str){text, (size_t)(at - text)}, "x.json", trace_object, &trace, &err);
    free(text);
    assert_int_equal(code, ERR_INVALID);
    assert_non_null(strstr(err.message, "too large"));
}

static void walking(void **state)
{
    (void)state;
    struct doc leaf = {.kind = DOC_STRING, .key = STR("b.c"), .text = STR("x")};
    struct doc inner = {.kind = DOC_MAP, .key = STR("a"), .count = 1, .first = &leaf};
    struct doc root = {.kind = DOC_MAP, .count = 1, .first = &inner};
    assert_ptr_equal(doc_get(&root, "a"), &inner);
    assert_ptr_equal(doc_get(doc_get(&root, "a"), "b.c"), &leaf);
    assert_null(doc_get(&root, "b"));
    assert_null(doc_get(&leaf, "b"));
    assert_null(doc_get(NULL, "a"));
    leaf.key = STR("b");
    assert_ptr_equal(doc_at(&root, "a.b"), &leaf);
    assert_null(doc_at(&root, "a.b.c"));
    assert_null(doc_at(&root, "x.y"));
    assert_null(doc_at(NULL, "a"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values),         cmocka_unit_test(strings),        cmocka_unit_test(lists),
        cmocka_unit_test(refused),        cmocka_unit_test(depth),          cmocka_unit_test(many_keys),
        cmocka_unit_test(callback_stops), cmocka_unit_test(too_many_nodes), cmocka_unit_test(walking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
