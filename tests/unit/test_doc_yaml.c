/* YAML as a tree: scalars as Kubernetes reads them, anchors, merges, lists in either order, and what is refused. */
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
    int code = doc_read(str_of(text), "x.yaml", trace_object, &trace, &err);
    if (code || strcmp(trace.text, want) != 0)
        fail_msg("%s\ngave (%d, %s)\n%snot\n%s", text, code, err.message, trace.text, want);
}

static void refuse(const char *text, const char *message)
{
    struct trace trace = {0};
    struct err err = {0};
    int code = doc_read(str_of(text), "x.yaml", trace_object, &trace, &err);
    if (code != ERR_INVALID || strncmp(err.message, message, strlen(message)) != 0)
        fail_msg("%s\ngave %d, %s\nnot %s", text, code, err.message, message);
}

static void scalars(void **state)
{
    (void)state;
    expect("[null, Null, ~, '~', \"\", ]", "[null null null '~' '']\n");
    expect("[true, True, FALSE, yes, no, on, off, y]", "[true true false 'yes' 'no' 'on' 'off' 'y']\n");
    expect("[1, -1, +1, 1.5, .5, 5., 1e3, 1E-3, 0777, 0x1F, 0b1, 12345678901234567890]",
           "[1 -1 +1 1.5 .5 5. 1e3 1E-3 0777 0x1F 0b1 12345678901234567890]\n");
    expect("[1_000, 1.2.3, 1e, e3, -, ., 1Gi, 500m, 0x, 0xg, 12:30]",
           "['1_000' '1.2.3' '1e' 'e3' '-' '.' '1Gi' '500m' '0x' '0xg' '12:30']\n");
    expect("['1', \"true\", 'null']", "['1' 'true' 'null']\n");
    expect("[!!str 1, !!str true, ! 2, !!int 3, !!float 1.5, !!bool true, !!null ~, !!str ]",
           "['1' 'true' '2' 3 1.5 true null '']\n");
    expect("a: |\n  x\n  y\nb: >-\n  x\n  y\n", "{a:'x\ny\n' b:@4'x y'}\n");
    expect("a:\nb: \"\\u00e9\\t\"\n", "{a:null b:@2'\xc3\xa9\t'}\n");
}

static void documents(void **state)
{
    (void)state;
    expect("", "");
    expect("---\n", "");
    expect("# only words\n", "");
    expect("---\n---\na: 1\n---\n# nothing\n---\nb: 2\n...\n", "@3{a:1}\n@7{b:2}\n");
    expect("\xef\xbb\xbf"
           "a: 1\r\nb:\r\n  - 2\r\n",
           "{a:1 b:@3[2]}\n");
    expect("1: 2\ntrue: 3\n", "{1:2 true:@23}\n");
    expect("{a: 1}", "{a:1}\n");
    expect("{\"a\": 1}\n---\nb: 2\n", "{a:1}\n@3{b:2}\n");
    expect("{\"kind\":\"List\",\"items\":[{\"a\":1},{\"b\":2}]}\n---\nc: 2\n", "{a:1}\n{b:2}\n@3{c:2}\n");
    expect("plain", "'plain'\n");
}

static void lists(void **state)
{
    (void)state;
    expect("kind: List\nitems:\n- a: 1\n- b: 2\n", "@3{a:1}\n@4{b:2}\n");
    expect("apiVersion: v1\nitems:\n- kind: Pod\n- kind: Node\n  x: 1\nkind: List\nmetadata: {}\n",
           "@3{kind:'Pod'}\n@4{kind:'Node' x:@51}\n");
    expect("apiVersion: v1\nitems:\n- a: 1\n- b: 1\nkind: PodList\n",
           "@3{apiVersion:'v1' kind:'Pod' a:1}\n@4{apiVersion:'v1' kind:'Pod' b:1}\n");
    expect("kind: PodList\napiVersion: v1\nitems:\n- a: 1\n", "@4{apiVersion:'v1' kind:'Pod' a:1}\n");
    expect("kind: Foo\nitems:\n- kind: Pod\n", "{kind:'Foo' items:@3[{kind:'Pod'}]}\n");
    expect("items:\n- a: 1\n", "{items:@2[{a:1}]}\n");
    expect("kind: List\nitems: []\n", "");
    expect("kind: List\nitems:\n", "");
    expect("kind: List\nitems: &x\n- a: 1\nmore: *x\n", "@3{a:1}\n");
    expect("kind: List\nitems:\n- kind: List\n  items: [{a: 1}, {b: 1}]\n- c: 1\n", "@4{a:1}\n@4{b:1}\n@5{c:1}\n");
    refuse("items:\n- kind: Pod\nkind: Foo\n", "line 2: items: kind is not List");
    refuse("items:\n- kind: Pod\n", "line 2: items: kind is not List");
}

static void anchors(void **state)
{
    (void)state;
    expect("a: &x 1\nb: *x\nc: &y [2, *x]\nd: *y\n", "{a:1 b:1 c:@3[2 @11] d:@3[2 @11]}\n");
    expect("a: &x 1\nb: &x 2\nc: *x\n", "{a:1 b:@22 c:@22}\n");
    expect("kind: List\nitems:\n- a: &x [1]\n- b: *x\n- c: [*x]\n", "@3{a:[1]}\n@4{b:@3[1]}\n@5{c:[@3[1]]}\n");
    expect("a: &k key\nb: {*k : 1}\n", "{a:'key' b:@2{key:1}}\n");
    refuse("a: *x\n", "line 1: alias *x has no anchor before it");
    refuse("a: &x [*x]\n", "line 1: alias *x has no anchor before it");
    refuse("a: &x 1\n---\nb: *x\n", "line 3: alias *x has no anchor before it");
}

static void merges(void **state)
{
    (void)state;
    expect("a: &x {p: 1, q: 2}\nb:\n  <<: *x\n  q: 3\n", "{a:{p:1 q:2} b:@3{q:@43 p:@11}}\n");
    expect("b:\n  <<: [{p: 1}, {p: 2, q: 2}]\n", "{b:@2{p:1 q:2}}\n");
    expect("a: {\"<<\": 1}\n", "{a:{<<:1}}\n");
    expect("<<: {kind: List, items: [1, 2]}\n", "1\n2\n");
    refuse("a: {<<: 1}\n", "line 1: << takes a map or a list of maps");
    refuse("a: {<<: [1]}\n", "line 1: << takes a map or a list of maps");
}

static void bombs(void **state)
{
    (void)state;
    char text[2048];
    size_t len = (size_t)snprintf(text, sizeof(text), "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for (int i = 1; i < 10; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len,
                                "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i, i - 1, i - 1,
                                i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    refuse(text, "line 7: aliases expand to more than 2000000 nodes");
    len = (size_t)snprintf(text, sizeof(text), "a: &x {p: &p {q: 1}}\n");
    snprintf(text + len, sizeof(text) - len, "%s", "b: [*x, *p]\n");
    expect(text, "{a:{p:{q:1}} b:@2[@1{p:{q:1}} @1{q:1}]}\n");
}

static void many_anchors(void **state)
{
    (void)state;
    enum { COUNT = 1001, ROOM = 20 };
    char *text = malloc((size_t)COUNT * ROOM);
    assert_non_null(text);
    size_t len = 0;
    for (int i = 0; i < COUNT; i++)
        len += (size_t)snprintf(text + len, ROOM, "- &a%d 1\n", i);
    refuse(text, "line 1001: too many anchors");
    free(text);
}

static void refused(void **state)
{
    (void)state;
    refuse("a: 1\na: 2\n", "line 2: key \"a\" is there twice");
    refuse("a: [1\n", "line 2: did not find expected ',' or ']'");
    refuse("a:\n\t- 1\n", "line 2: found character that cannot start any token");
    refuse("a: b: c\n", "line 1: mapping values are not allowed in this context");
    refuse("a: 'x\n\n", "line 3: found unexpected end of stream");
    refuse("[1]: 2\n", "line 1: a key is plain text");
    refuse("{{ x }}: 2\n", "line 1: a key is plain text");
    refuse("~: 2\n", "line 1: a key is text");
    refuse("&k a: 2\n", "line 1: a key is plain text");
    refuse("a: !!binary aGk=\n", "line 1: tag tag:yaml.org,2002:binary does not fit");
    refuse("a: !custom x\n", "line 1: tag !custom does not fit");
    refuse("a: !!int x\n", "line 1: tag tag:yaml.org,2002:int does not fit");
    refuse("a: !!set {x}\n", "line 1: tag tag:yaml.org,2002:set does not fit");
    refuse("a: \"\\0\"\n", "line 1: text holds a NUL character");
    refuse("a: 1\nb: \x01\n", "line 2: control characters are not allowed");
    refuse("a: \xff\n", "line 1: byte 0xff is not UTF-8 text");
    refuse("a: 1\n%YAML 9\n", "line ");
    refuse("{\"a\": 1, \"a\": 2}", "line 1: key \"a\" is there twice");
    char deep[2 * DOC_MAX_DEPTH + 3];
    memset(deep, '[', DOC_MAX_DEPTH + 1);
    memset(deep + DOC_MAX_DEPTH + 1, ']', DOC_MAX_DEPTH + 1);
    deep[sizeof(deep) - 1] = '\0';
    deep[2 * DOC_MAX_DEPTH + 2] = '\0';
    refuse(deep, "line 1: nested too deeply");
}

/* What is JSON means the same as YAML. */
static void json_is_yaml(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"a\":[1,-2.5e3,true,false,null,\"x\",\"1\",\"\",{}],\"b\":{\"c\":[[],[\"\\n\\u00e9\\\"\"]]}}",
        "{\"kind\":\"List\",\"items\":[{\"kind\":\"Pod\",\"n\":1},{\"kind\":\"Node\"}]}",
        "{\"items\":[{\"kind\":\"Pod\",\"n\":1},{\"kind\":\"Node\"}],\"kind\":\"List\"}",
        "{\"items\":[{\"n\":1},{\"n\":2}],\"kind\":\"PodList\",\"apiVersion\":\"v1\"}",
        "{\n\"a\":\n1,\r\n\"b\":[\n2]}",
        "[]",
    };
    for (size_t i = 0; i < CC_COUNT(texts); i++) {
        char yaml[512];
        struct trace from_json = {0}, from_yaml = {0};
        snprintf(yaml, sizeof(yaml), "--- %s", texts[i]);
        assert_int_equal(doc_read(str_of(texts[i]), "x.json", trace_object, &from_json, NULL), 0);
        assert_int_equal(doc_read(str_of(yaml), "x.yaml", trace_object, &from_yaml, NULL), 0);
        assert_string_equal(from_json.text, from_yaml.text);
    }
}

static void callback_stops(void **state)
{
    (void)state;
    struct trace trace = {.stop_at = 2};
    struct err err = {0};
    int code = doc_read(STR("items:\n- kind: A\n- kind: B\n- kind: C\nkind: List\n"), "-", trace_object, &trace, &err);
    assert_int_equal(code, ERR_INVALID);
    assert_string_equal(err.message, "stopped");
    assert_int_equal(trace.objects, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars),        cmocka_unit_test(documents), cmocka_unit_test(lists),
        cmocka_unit_test(anchors),        cmocka_unit_test(merges),    cmocka_unit_test(bombs),
        cmocka_unit_test(many_anchors),   cmocka_unit_test(refused),   cmocka_unit_test(json_is_yaml),
        cmocka_unit_test(callback_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
