/* test_label_keys.c - what a label key or value may look like, which keys are reserved, and old spellings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cc.h"
#include "provisioner/api/label_keys.h"

static void keys_follow_kubernetes(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        bool valid;
    } cases[] = {
        {"a", true},    {"a.b_c-D", true},    {"example.com/a", true}, {"9", true},          {"", false},
        {"/a", false},  {"a/", false},        {"a/b/c", false},        {"-a", false},        {"a-", false},
        {"a b", false}, {"a_b.com/x", false}, {"-x.com/a", false},     {"a\xc3\xa4", false},
    };
    for (size_t i = 0; i < CC_COUNT(cases); i++)
        assert_int_equal(label_key_valid(str_of(cases[i].key)), cases[i].valid);
    assert_false(label_key_valid((struct str){"a\0b", 3}));
}

static void names_and_values_have_a_length(void **state)
{
    (void)state;
    char text[65];
    memset(text, 'x', sizeof(text));
    assert_true(label_key_valid((struct str){text, 63}));
    assert_false(label_key_valid((struct str){text, 64}));
    assert_true(label_value_valid((struct str){text, 63}));
    assert_false(label_value_valid((struct str){text, 64}));
    assert_true(label_value_valid(str_of("")));
    assert_false(label_value_valid(str_of("a/b")));
    assert_false(label_value_valid(str_of(" ")));
    assert_true(label_value_valid(str_of("m5.2xlarge")));
}

static void reserved_domains_have_exceptions(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        bool restricted;
    } cases[] = {
        {"team", false},
        {"kubernetes.io", false}, /* a name, not a domain */
        {"example.com/a", false},
        {"notkubernetes.io/a", false},
        {"kubernetes.io/a", true},
        {"x.kubernetes.io/a", true},
        {"k8s.io/a", true},
        {"node-role.kubernetes.io/spark", true},
        {"karpenter.sh/a", true},
        {"karpenter.sh/provisioner-name", true},
        {"stoker.sh/cluster", true},
        {"kubernetes.io/hostname", true},
        {"kubernetes.io/arch", false},
        {"kubernetes.io/os", false},
        {"topology.kubernetes.io/zone", false},
        {"topology.kubernetes.io/region", false},
        {"karpenter.sh/capacity-type", false},
        {"node.kubernetes.io/instance-type", false},
        {"node.kubernetes.io/own", false},
        {"node-restriction.kubernetes.io/a", false},
        {"x.node-restriction.kubernetes.io/a", false},
        {"kops.k8s.io/instancegroup", false},
        {"karpenter.k8s.aws/instance-family", false},
        {"karpenter.k8s.aws/instance-local-nvme", false},
        {"karpenter.k8s.aws/instance-", true},
        {"karpenter.k8s.aws/instance-colour", true},
    };
    for (size_t i = 0; i < CC_COUNT(cases); i++)
        assert_int_equal(label_key_restricted(str_of(cases[i].key)), cases[i].restricted);
}

static void old_keys_have_todays_name(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone"},
        {"failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region"},
        {"topology.ebs.csi.aws.com/zone", "topology.kubernetes.io/zone"},
        {"beta.kubernetes.io/arch", "kubernetes.io/arch"},
        {"beta.kubernetes.io/os", "kubernetes.io/os"},
        {"beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type"},
        {"topology.kubernetes.io/zone", "topology.kubernetes.io/zone"},
        {"zone", "zone"},
    };
    for (size_t i = 0; i < CC_COUNT(cases); i++)
        assert_true(str_is(label_key_current(str_of(cases[i][0])), cases[i][1]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_follow_kubernetes),
        cmocka_unit_test(names_and_values_have_a_length),
        cmocka_unit_test(reserved_domains_have_exceptions),
        cmocka_unit_test(old_keys_have_todays_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
