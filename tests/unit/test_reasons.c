/* Tests of reason_word: every reason that the planner gives has its word, on the planner's own texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "provisioner/plan/reasons.h"
#include "tests/support/planned.h"

/* The word for a pod with these further spec fields under a Provisioner with these. */
static const char *word_of(const char *provisioner, const char *cpu, const char *more)
{
    struct planned p;
    assert_int_equal(planned_open(&p, NULL), 0);
    char *yaml = arena_printf(&p.arena,
                              "{apiVersion: stoker.sh/v1alpha1, kind: Provisioner, metadata: {name: default}, spec: "
                              "{requirements: [{key: karpenter.k8s.aws/instance-category, operator: In, values: [c, "
                              "m]}]%s%s}}",
                              *provisioner ? ", " : "", provisioner);
    assert_non_null(yaml);
    assert_int_equal(planned_read(&p, yaml), 0);
    assert_int_equal(planned_pods(&p, "a", "executor", 1, cpu, "1Gi", more), 0);
    assert_int_equal(planned_run(&p), 0);
    const char *reason = planned_reason(&p, "spark/a-exec-1");
    assert_non_null(reason);
    const char *word = reason_word(reason);
    planned_close(&p);
    return word;
}

static void test_words(void **state)
{
    (void)state;
    assert_string_equal(word_of("", "100", ""), "too-large");
    assert_string_equal(word_of("", "1", "nodeSelector: {team: etl}"), "constraints");
    assert_string_equal(word_of("", "1", "nodeSelector: {topology.kubernetes.io/zone: mars-1a}"), "constraints");
    assert_string_equal(word_of("taints: [{key: k, value: v, effect: NoSchedule}]", "1", ""), "taints");
    assert_string_equal(word_of("limits: {resources: {cpu: 1}}, spark: {gangMinShare: 0}", "1", ""), "limit");
    assert_string_equal(word_of("", "1", "volumes: [{name: v, persistentVolumeClaim: {claimName: none}}]"), "volume");
    assert_string_equal(reason_word("something that nobody has said yet"), "other");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_words)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
