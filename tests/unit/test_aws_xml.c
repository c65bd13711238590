/* test_aws_xml.c - XML answers as trees, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "cloud/aws/xml.h"

static const char ANSWER[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<!-- by hand --><ec2:Describe xmlns:ec2=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\n"
    "  <set>\n    <item><id>i-1</id><zone><name> us-west-2a </name></zone></item>\n"
    "    <item><id>i-2</id><zone/></item>\n  </set>\n"
    "  <note kind=\"x\">a &lt;&amp;&#65; <![CDATA[<raw>]]> ü</note><nextToken/>\n</ec2:Describe>";

static void a_tree(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    const struct xml *root = NULL;
    assert_int_equal(xml_read(str_of(ANSWER), &arena, &root, NULL), 0);
    assert_true(str_is(root->name, "Describe"));
    assert_int_equal(root->count, 3);
    size_t items = 0;
    XML_EACH(item, xml_get(root, "set"))
    {
        assert_true(str_is(item->name, "item"));
        assert_true(str_is(xml_text(item, "id"), items ? "i-2" : "i-1"));
        assert_true(str_is(xml_text(item, "zone.name"), items ? "" : "us-west-2a"));
        items++;
    }
    assert_int_equal(items, 2);
    assert_true(str_is(xml_text(root, "note"), "a <&A <raw> ü"));
    assert_true(str_is(xml_get(root, "set")->text, ""));
    assert_non_null(xml_get(root, "nextToken"));
    assert_null(xml_at(root, "set.item.nothing.there"));
    assert_null(xml_get(NULL, "x"));
    assert_ptr_equal(xml_at(root, ""), root);
    arena_release(&arena);
}

static void assert_refused(struct str text, const char *words)
{
    struct arena arena = ARENA_INIT;
    const struct xml *root = NULL;
    struct err err = {0};
    assert_int_equal(xml_read(text, &arena, &root, &err), ERR_INVALID);
    assert_null(root);
    if (!strstr(err.message, words))
        fail_msg("\"%s\" lacks \"%s\"", err.message, words);
    arena_release(&arena);
}

static void refused(void **state)
{
    (void)state;
    assert_refused(STR(""), "no element found");
    assert_refused((struct str){NULL, 0}, "no element found");
    assert_refused(STR("<a>\n<b></a>"), "line 2: mismatched tag");
    assert_refused(STR("<a>"), "no element found");
    assert_refused(STR("<a/><b/>"), "junk after document element");
    assert_refused(STR("<a>\xff\xfe</a>"), "line 1: ");
    assert_refused(STR("<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>"), "line 1: a DOCTYPE is not accepted");
    assert_refused(STR("<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>"), "DOCTYPE");
    assert_refused(STR("<a>&unknown;</a>"), "undefined entity");
}

static struct str repeat(struct arena *arena, const char *before, const char *piece, size_t times, const char *after)
{
    struct buf buf = BUF_INIT(arena);
    buf_add(&buf, str_of(before));
    for (size_t i = 0; i < times; i++)
        buf_add(&buf, str_of(piece));
    buf_add(&buf, str_of(after));
    struct str text = {NULL, 0};
    assert_int_equal(buf_str(&buf, &text, NULL), 0);
    return text;
}

static void limits(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    const struct xml *root = NULL;
    assert_refused(repeat(&arena, "", "<a>", XML_MAX_DEPTH + 1, ""), "nested too deep");
    assert_refused(repeat(&arena, "<a>", "<b/>", XML_MAX_NODES, "</a>"), "too many elements");
    struct str wide = repeat(&arena, "<a>", "<b/>", XML_MAX_NODES - 1, "</a>");
    assert_int_equal(xml_read(wide, &arena, &root, NULL), 0);
    assert_int_equal(root->count, XML_MAX_NODES - 1);
    struct err err = {0};
    assert_int_equal(xml_read((struct str){"<a/>", XML_MAX_INPUT_BYTES + 1}, &arena, &root, &err), ERR_INVALID);
    assert_non_null(strstr(err.message, "too large"));
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tree),
        cmocka_unit_test(refused),
        cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
