/* Tests of overlay_read: PriceOverlay documents, right and wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "provisioner/plan/overlay.h"

struct fixture {
    struct overlay overlay;
    struct diag diag;
    struct err err;
};

static int set_up(void **state)
{
    *state = calloc(1, sizeof(struct fixture));
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    overlay_release(&f->overlay);
    diag_release(&f->diag);
    free(f);
    return 0;
}

static int read_text(struct fixture *f, const char *text)
{
    return overlay_read(&f->overlay, str_of(text), "o.yaml", &f->diag, &f->err);
}

static void rules_keep_their_order(void **state)
{
    struct fixture *f = *state;
    int rc = read_text(f, "apiVersion: stoker.sh/v1alpha1\n"
                          "kind: PriceOverlay\n"
                          "metadata: {name: savings-plan}\n"
                          "spec:\n"
                          "  requirements:\n"
                          "  - {key: karpenter.sh/capacity-type, operator: In, values: [on-demand]}\n"
                          "  - {key: karpenter.k8s.aws/instance-generation, operator: Gt, values: ['5']}\n"
                          "  adjust: '-27.5%'\n"
                          "---\n"
                          "kind: PriceOverlay\n"
                          "spec: {price: 0.0421}\n");
    assert_int_equal(rc, 0);
    assert_int_equal(f->overlay.rules.len, 2);
    const struct overlay_rule *first = &f->overlay.rules.items[0], *second = first + 1;
    assert_false(first->absolute);
    assert_int_equal(first->adjust_permyriad, -2750);
    assert_int_equal(first->requirements.n, 2);
    assert_true(str_is(first->requirements.items[0].key, "karpenter.sh/capacity-type"));
    assert_int_equal(first->requirements.items[1].op, OP_GT);
    assert_true(second->absolute);
    assert_int_equal(second->price_microusd, 42100);
    assert_int_equal(second->requirements.n, 0);
    assert_int_equal(overlay_price(first, 1000000), 725000);
    assert_int_equal(overlay_price(second, 1000000), 42100);
}

static void percentages_have_bounds(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *text;
        int64_t adjust; /* 0: refused */
    } cases[] = {
        {"-99.99%", -9999}, {"-0.5%", -50},  {"+2.05%", 205},
        {"1000%", 100000},  {"7%", 700},     {"-100%", 0},
        {"-100.01%", 0},    {"1000.01%", 0}, {"7", 0},
        {"%", 0},           {"1.234%", 0},   {"1.%", 0},
        {".5%", 0},         {"1.-5%", 0},    {"--1%", 0},
        {"1e1%", 0},        {"", 0},         {"9999999999999999999%", 0},
    };
    for (size_t i = 0; i < CC_COUNT(cases); i++) {
        char text[128];
        snprintf(text, sizeof(text), "kind: PriceOverlay\nspec: {adjust: \"%s\"}\n", cases[i].text);
        int rc = read_text(f, text);
        assert_int_equal(rc, cases[i].adjust ? 0 : ERR_INVALID);
        if (cases[i].adjust) {
            assert_int_equal(f->overlay.rules.items[f->overlay.rules.len - 1].adjust_permyriad, cases[i].adjust);
        } else {
            assert_int_equal(diag_count(&f->diag), 1);
            assert_int_equal(f->diag.findings[0].line, 2);
            assert_non_null(strstr(f->diag.findings[0].text, "spec.adjust: is \""));
        }
        diag_release(&f->diag);
    }
}

static void wrong_documents_are_findings(void **state)
{
    struct fixture *f = *state;
    static const char *const wrong[] = {
        "kind: PriceOverlay\nspec: {}\n",
        "kind: PriceOverlay\nspec: {adjust: '1%', price: '1'}\n",
        "kind: PriceOverlay\n",
        "kind: Provisioner\nspec: {price: '1'}\n",
        "spec: {price: '1'}\n",
        "kind: PriceOverlay\nspec: {price: '0'}\n",
        "kind: PriceOverlay\nspec: {price: '-1'}\n",
        "kind: PriceOverlay\nspec: {price: [1]}\n",
        "kind: PriceOverlay\nspec: {adjust: -35}\n",
        "kind: PriceOverlay\nspec: {price: '1', requirments: []}\n",
        "kind: PriceOverlay\nspec: {price: '1', requirements: [{key: a, operator: Is, values: [b]}]}\n",
        "- 1\n",
        "kind: [\n",
    };
    for (size_t i = 0; i < CC_COUNT(wrong); i++) {
        assert_int_equal(read_text(f, wrong[i]), ERR_INVALID);
        assert_true(diag_count(&f->diag) >= 1);
        assert_string_equal(f->diag.findings[0].file, "o.yaml");
        assert_int_equal(f->overlay.rules.len, 0);
        diag_release(&f->diag);
    }
}

static void what_is_no_document_is_said_by_line(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(read_text(f, "kind: PriceOverlay\nkind: PriceOverlay\n"), ERR_INVALID);
    assert_int_equal(diag_count(&f->diag), 1);
    assert_int_equal(f->diag.findings[0].line, 2);
    diag_add_message(&f->diag, "x", "line 0: what");
    diag_add_message(&f->diag, "x", "line up");
    assert_int_equal(f->diag.findings[1].line, 0);
    assert_string_equal(f->diag.findings[1].text, "line 0: what");
    assert_string_equal(f->diag.findings[2].text, "line up");
}

static void an_empty_file_has_no_rules(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(read_text(f, "# nothing\n"), 0);
    assert_int_equal(f->overlay.rules.len, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(rules_keep_their_order),       TEST(percentages_have_bounds),
        TEST(wrong_documents_are_findings), TEST(what_is_no_document_is_said_by_line),
        TEST(an_empty_file_has_no_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
