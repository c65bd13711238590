/* test_objects.c - labels, requirements, selectors, taints: the predicates that everything else is made of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "provisioner/api/objects.h"

/* STR() is no constant expression. */
#define TEXT(literal)                \
    {                                \
        literal, sizeof(literal) - 1 \
    }

static const struct cloud_label LABELS[] = {
    {TEXT("arch"), TEXT("amd64")},
    {TEXT("cpu"), TEXT("16")},
    {TEXT("empty"), TEXT("")},
    {TEXT("zone"), TEXT("us-west-2a")},
};
static const struct labels NODE = {LABELS, CC_COUNT(LABELS)};

static void labels_are_found_by_key(void **state)
{
    (void)state;
    for (size_t i = 0; i < NODE.n; i++)
        assert_ptr_equal(labels_get(&NODE, LABELS[i].key), &LABELS[i].value);
    assert_null(labels_get(&NODE, STR("a")));
    assert_null(labels_get(&NODE, STR("cpus")));
    assert_null(labels_get(&NODE, STR("zz")));
    assert_null(labels_get(&(struct labels){0}, STR("arch")));
}

static void operators_follow_kubernetes(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        enum label_op op;
        const char *values[2];
        bool met;
    } cases[] = {
        {"arch", OP_IN, {"arm64", "amd64"}, true},
        {"arch", OP_IN, {"arm64", NULL}, false},
        {"arch", OP_IN, {"AMD64", NULL}, false},
        {"none", OP_IN, {"amd64", NULL}, false},
        {"none", OP_IN, {"", NULL}, false},
        {"empty", OP_IN, {"", NULL}, true},
        {"arch", OP_NOT_IN, {"arm64", NULL}, true},
        {"arch", OP_NOT_IN, {"arm64", "amd64"}, false},
        {"none", OP_NOT_IN, {"amd64", NULL}, true},
        {"arch", OP_EXISTS, {NULL, NULL}, true},
        {"none", OP_EXISTS, {NULL, NULL}, false},
        {"arch", OP_DOES_NOT_EXIST, {NULL, NULL}, false},
        {"none", OP_DOES_NOT_EXIST, {NULL, NULL}, true},
        {"cpu", OP_GT, {"15", NULL}, true},
        {"cpu", OP_GT, {"16", NULL}, false},
        {"cpu", OP_GT, {"9", NULL}, true}, /* as numbers, not as text */
        {"cpu", OP_LT, {"17", NULL}, true},
        {"cpu", OP_LT, {"16", NULL}, false},
        {"cpu", OP_LT, {"9", NULL}, false},
        {"arch", OP_GT, {"0", NULL}, false},
        {"empty", OP_LT, {"1", NULL}, false},
        {"none", OP_GT, {"0", NULL}, false},
        {"none", OP_LT, {"100", NULL}, false},
    };
    for (size_t i = 0; i < CC_COUNT(cases); i++) {
        struct str values[2];
        size_t n = 0;
        for (; n < 2 && cases[i].values[n]; n++)
            values[n] = str_of(cases[i].values[n]);
        struct requirement requirement = {str_of(cases[i].key), cases[i].op, values, n};
        assert_int_equal(requirement_met(&requirement, labels_get(&NODE, requirement.key)), cases[i].met);
    }
}

static void absent_selector_matches_nothing_and_empty_all(void **state)
{
    (void)state;
    assert_false(selector_matches(&(struct selector){0}, &NODE));
    assert_true(selector_matches(&(struct selector){.present = true}, &NODE));
    assert_true(selector_matches(&(struct selector){.present = true}, &(struct labels){0}));
}

static void all_of_a_selector_must_hold(void **state)
{
    (void)state;
    const struct str amd64 = STR("amd64");
    const struct requirement items[] = {{STR("arch"), OP_IN, &amd64, 1}, {STR("gpu"), OP_EXISTS, NULL, 0}};
    struct selector selector = {true, {items, 1}};
    assert_true(selector_matches(&selector, &NODE));
    selector.all.n = 2;
    assert_false(selector_matches(&selector, &NODE));
}

static bool allowed(struct taint taint, struct toleration toleration)
{
    return taints_tolerated(&(struct taints){&taint, 1}, &toleration, 1);
}

static void tolerations_follow_kubernetes(void **state)
{
    (void)state;
    const struct taint team = {STR("team"), STR("a"), EFFECT_NO_SCHEDULE};
    assert_true(allowed(team, (struct toleration){STR("team"), STR("a"), false, EFFECT_ANY}));
    assert_true(allowed(team, (struct toleration){STR("team"), STR("a"), false, EFFECT_NO_SCHEDULE}));
    assert_false(allowed(team, (struct toleration){STR("team"), STR("b"), false, EFFECT_ANY}));
    assert_false(allowed(team, (struct toleration){STR("team"), STR("a"), false, EFFECT_NO_EXECUTE}));
    assert_true(allowed(team, (struct toleration){STR("team"), STR(""), true, EFFECT_ANY}));
    assert_false(allowed(team, (struct toleration){STR("other"), STR(""), true, EFFECT_ANY}));
    assert_true(allowed(team, (struct toleration){STR(""), STR(""), true, EFFECT_ANY}));
    assert_false(allowed(team, (struct toleration){STR(""), STR(""), true, EFFECT_NO_EXECUTE}));
    assert_false(allowed(team, (struct toleration){STR(""), STR("a"), false, EFFECT_ANY}));
}

static void every_hard_taint_needs_a_toleration(void **state)
{
    (void)state;
    const struct taint items[] = {{STR("soft"), STR(""), EFFECT_PREFER_NO_SCHEDULE},
                                  {STR("a"), STR(""), EFFECT_NO_SCHEDULE},
                                  {STR("b"), STR(""), EFFECT_NO_EXECUTE}};
    const struct toleration a = {STR("a"), STR(""), true, EFFECT_ANY};
    assert_true(taints_tolerated(&(struct taints){items, 1}, NULL, 0));
    assert_false(taints_tolerated(&(struct taints){items, 2}, NULL, 0));
    assert_true(taints_tolerated(&(struct taints){items, 2}, &a, 1));
    assert_false(taints_tolerated(&(struct taints){items, 3}, &a, 1));
    assert_true(taints_tolerated(&(struct taints){0}, NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_are_found_by_key),
        cmocka_unit_test(operators_follow_kubernetes),
        cmocka_unit_test(absent_selector_matches_nothing_and_empty_all),
        cmocka_unit_test(all_of_a_selector_must_hold),
        cmocka_unit_test(tolerations_follow_kubernetes),
        cmocka_unit_test(every_hard_taint_needs_a_toleration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
