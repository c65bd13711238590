/* test_aws_user_data.c - what a node is told at its first boot, by family, and the user's own merged into it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cloud/aws/kubelet.h"
#include "cloud/aws/mime.h"
#include "cloud/aws/toml.h"
#include "cloud/aws/user_data.h"

static const struct cloud_label labels[] = {
    {STR_INIT("karpenter.sh/provisioner-name"), STR_INIT("default")},
    {STR_INIT("kubernetes.io/team"), STR_INIT("not-by-a-kubelet")},
    {STR_INIT("team"), STR_INIT("")},
};
static const struct cloud_taint taints[] = {
    {STR_INIT("stoker.sh/placing"), STR_INIT(""), STR_INIT("NoSchedule")},
    {STR_INIT("dedicated"), STR_INIT("spark"), STR_INIT("NoExecute")},
    {STR_INIT("dedicated"), STR_INIT("spark"), STR_INIT("NoSchedule")},
};
static const struct cloud_resource reserved[] = {{STR_INIT("cpu"), 100}, {STR_INIT("memory"), 209715200}};

struct fixture {
    struct arena arena;
    struct cloud_kubelet kubelet;
    struct cloud_bootstrap bootstrap;
    struct cloud_template template_;
    struct aws_cluster cluster;
    struct err err;
};

static struct fixture fixture(struct str family)
{
    struct fixture f = {
        .kubelet = CLOUD_KUBELET_INIT,
        .bootstrap = {.labels = labels, .n_labels = 3, .taints = taints, .n_taints = 3, .kubelet_json = STR("")},
        .template_ = {.name = STR("t"), .family = family, .user_data = STR(""), .disk = CLOUD_DISK_INIT},
        .cluster = {STR("c1"), STR("https://api.example:443"), STR("Q0E="), STR("10.100.0.0/16"), STR("10.100.0.10")},
    };
    return f;
}

/* The user data; NULL, and f->err, where it cannot be made. */
static const char *made(struct fixture *f)
{
    struct str text;
    f->bootstrap.kubelet = &f->kubelet;
    f->err = (struct err){0};
    return aws_user_data(&f->cluster, &f->template_, &f->bootstrap, &f->arena, &text, &f->err) ? NULL : text.ptr;
}

#define CONTAINS(text, part)                               \
    do {                                                   \
        if (!strstr((text), (part)))                       \
            fail_msg("\"%s\" is not in:\n%s", part, text); \
    } while (0)
#define LACKS(text, part)                              \
    do {                                               \
        if (strstr((text), (part)))                    \
            fail_msg("\"%s\" is in:\n%s", part, text); \
    } while (0)

static void al2023(void **state)
{
    (void)state;
    struct fixture f = fixture(STR("AL2023"));
    f.kubelet.max_pods = 42;
    f.kubelet.kube_reserved = reserved;
    f.kubelet.n_kube_reserved = 2;
    f.template_.disk.instance_store_raid0 = true;
    assert_string_equal(
        made(&f),
        "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"==stoker-000\"\n\n--==stoker-000\n"
        "Content-Type: application/node.eks.aws\n\napiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\nspec:\n"
        "  cluster:\n    name: \"c1\"\n    apiServerEndpoint: \"https://api.example:443\"\n"
        "    certificateAuthority: \"Q0E=\"\n    cidr: \"10.100.0.0/16\"\n"
        "  instance:\n    localStorage:\n      strategy: RAID0\n"
        "  kubelet:\n    config: {\"maxPods\":42,\"clusterDNS\":[\"10.100.0.10\"],"
        "\"kubeReserved\":{\"cpu\":\"100m\",\"memory\":\"209715200\"}}\n"
        "    flags:\n      - \"--node-labels=karpenter.sh/provisioner-name=default,team=\"\n"
        "      - \"--register-with-taints=stoker.sh/placing=:NoSchedule,dedicated=spark:NoExecute,"
        "dedicated=spark:NoSchedule\"\n\n--==stoker-000--\n");
    arena_release(&f.arena);
}

static void what_a_family_needs(void **state)
{
    (void)state;
    struct fixture f = fixture(STR("AL2023"));
    f.cluster.cidr = STR("");
    assert_null(made(&f));
    assert_int_equal(f.err.code, ERR_INVALID);
    CONTAINS(f.err.message, "service CIDR");
    f.template_.family = STR("AL2");
    assert_non_null(made(&f));
    f.template_.family = STR("Windows2022");
    assert_null(made(&f));
    CONTAINS(f.err.message, "Windows2022");
    arena_release(&f.arena);
}

static void kubelet_fields_win(void **state)
{
    (void)state;
    struct fixture f = fixture(STR("AL2023"));
    f.kubelet.max_pods = 42;
    f.kubelet.evict_memory_permille = 55;
    f.bootstrap.kubelet_json = STR(" {\"evictionSoft\": {\"memory.available\":\"5%\"}, \"maxPods\": 8} ");
    const char *text = made(&f);
    CONTAINS(text,
             "{\"clusterDNS\":[\"10.100.0.10\"],\"evictionSoft\": {\"memory.available\":\"5%\"}, \"maxPods\": 8}");
    LACKS(text, "42");
    LACKS(text, "evictionHard");
    f.bootstrap.kubelet_json = STR("{}");
    CONTAINS(made(&f), "\"evictionHard\":{\"memory.available\":\"5.5%\"}}");
    f.bootstrap.kubelet_json = STR("[1]");
    assert_null(made(&f));
    f.bootstrap.kubelet_json = STR("{\"a\": ");
    assert_null(made(&f));
    assert_int_equal(f.err.code, ERR_INVALID);
    arena_release(&f.arena);
}

static void al2_script(void **state)
{
    (void)state;
    struct fixture f = fixture(STR("AL2"));
    f.kubelet.max_pods = 20;
    f.kubelet.system_reserved = reserved;
    f.kubelet.n_system_reserved = 2;
    f.kubelet.evict_nodefs_permille = 100;
    f.template_.disk.instance_store_raid0 = true;
    f.cluster.name = STR("it's");
    const char *text = made(&f);
    CONTAINS(text, "/etc/eks/bootstrap.sh 'it'\\''s' \\\n  --apiserver-endpoint 'https://api.example:443' \\\n"
                   "  --b64-cluster-ca 'Q0E=' \\\n  --dns-cluster-ip '10.100.0.10' \\\n  --use-max-pods 'false' \\\n"
                   "  --local-disks 'raid0' \\\n"
                   "  --kubelet-extra-args '--node-labels=karpenter.sh/provisioner-name=default,team= "
                   "--register-with-taints=stoker.sh/placing=:NoSchedule,dedicated=spark:NoExecute,"
                   "dedicated=spark:NoSchedule --max-pods=20 --system-reserved=cpu=100m,memory=209715200 "
                   "--eviction-hard=nodefs.available<10.0%'\n");
    f.bootstrap.kubelet_json = STR("{\"topologyManagerPolicy\":\"best-effort\"}");
    assert_null(made(&f));
    CONTAINS(f.err.message, "topologyManagerPolicy");
    arena_release(&f.arena);
}

static void nothing_leaves_its_quotes(void **state)
{
    (void)state;
    const char *const bad[] = {"a'; reboot; '", "a\"b", "$(id)", "a b", "a\nb", "a\\b"};
    for (size_t i = 0; i < CC_COUNT(bad); i++) {
        struct fixture f = fixture(STR("AL2"));
        const struct cloud_label label = {STR("k"), str_of(bad[i])};
        f.bootstrap.labels = &label;
        f.bootstrap.n_labels = 1;
        assert_null(made(&f));
        assert_int_equal(f.err.code, ERR_INVALID);
        f.template_.family = STR("AL2023");
        assert_null(made(&f));
        const struct cloud_taint taint = {STR("k"), str_of(bad[i]), STR("NoSchedule")};
        f.bootstrap.n_labels = 0;
        f.bootstrap.taints = &taint;
        f.bootstrap.n_taints = 1;
        assert_null(made(&f));
        arena_release(&f.arena);
    }
}

static void the_users_own_first(void **state)
{
    (void)state;
    struct fixture f = fixture(STR("AL2023"));
    f.template_.user_data = STR("#!/bin/sh\necho hello\n");
    const char *text = made(&f);
    CONTAINS(text, "--==stoker-000\nContent-Type: text/x-shellscript; charset=\"us-ascii\"\n\n#!/bin/sh\necho hello\n"
                   "--==stoker-000\nContent-Type: application/node.eks.aws\n");
    f.template_.user_data = STR("apiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\n");
    CONTAINS(made(&f),
             "Content-Type: application/node.eks.aws\n\napiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\n--");
    f.template_.user_data = STR("# ours\nkind: NodeConfig\napiVersion: node.eks.aws/v1alpha1\n");
    CONTAINS(made(&f), "Content-Type: application/node.eks.aws\n\n# ours\nkind: NodeConfig\n");
    f.template_.user_data = STR("#!/bin/sh\ncat <<E\napiVersion: node.eks.aws/v1alpha1\nE\n");
    CONTAINS(made(&f), "Content-Type: text/x-shellscript; charset=\"us-ascii\"\n\n#!/bin/sh\ncat <<E\n");
    f.template_.user_data =
        STR("MIME-Version: 1.0\r\nContent-Type: multipart/mixed;\r\n boundary=\"==stoker-000\"\r\n\r\n"
            "preamble\r\n--==stoker-000\r\nContent-Type: text/cloud-config\r\n\r\nruncmd: []\r\n"
            "--==stoker-000--\r\nepilogue");
    text = made(&f);
    CONTAINS(text, "\n--==stoker-000\nContent-Type: text/cloud-config\r\n\r\nruncmd: []\n--==stoker-000\n");
    LACKS(text, "preamble");
    LACKS(text, "epilogue");
    f.template_.user_data = STR("MIME-Version: 1.0\nContent-Type: multipart/mixed\n\n--x\n");
    assert_null(made(&f));
    CONTAINS(f.err.message, "boundary");
    arena_release(&f.arena);
}

static void a_boundary_that_no_part_has(void **state)
{
    (void)state;
    struct fixture f = fixture(STR("AL2023"));
    f.template_.user_data = STR("#!/bin/sh\n--==stoker-000\n--==stoker-001 --\n");
    CONTAINS(made(&f), "boundary=\"==stoker-002\"");
    arena_release(&f.arena);
}

static void custom_as_given(void **state)
{
    (void)state;
    struct fixture f = fixture(STR("Custom"));
    f.cluster = (struct aws_cluster){STR(""), STR(""), STR(""), STR(""), STR("")};
    f.template_.user_data = STR("  any bytes \n");
    assert_string_equal(made(&f), "  any bytes \n");
    arena_release(&f.arena);
}

static void too_long_is_refused(void **state)
{
    (void)state;
    struct fixture f = fixture(STR("Custom"));
    char *text = arena_alloc(&f.arena, AWS_MAX_USER_DATA_BYTES + 1);
    memset(text, 'x', AWS_MAX_USER_DATA_BYTES + 1);
    f.template_.user_data = (struct str){text, AWS_MAX_USER_DATA_BYTES};
    assert_non_null(made(&f));
    f.template_.user_data.len++;
    assert_null(made(&f));
    arena_release(&f.arena);
}

static void bottlerocket(void **state)
{
    (void)state;
    struct fixture f = fixture(STR("Bottlerocket"));
    f.kubelet.max_pods = 42;
    f.kubelet.kube_reserved = reserved;
    f.kubelet.n_kube_reserved = 2;
    f.template_.user_data =
        STR("# mine\n[settings.kubernetes]\nmax-pods = 7\nallowed-unsafe-sysctls = [ # two\n  \"a]\",\n"
            "  'b' ]\n[settings.kubernetes.node-labels]\n\"team\" = \"mine\"\nextra = \"yes\"\n"
            "[settings.host-containers.admin]\nenabled = true\n");
    assert_string_equal(
        made(&f), "settings.kubernetes.api-server = \"https://api.example:443\"\n"
                  "settings.kubernetes.cluster-certificate = \"Q0E=\"\nsettings.kubernetes.cluster-name = \"c1\"\n"
                  "settings.kubernetes.max-pods = 42\nsettings.kubernetes.cluster-dns-ip = \"10.100.0.10\"\n"
                  "settings.kubernetes.kube-reserved.cpu = \"100m\"\n"
                  "settings.kubernetes.kube-reserved.memory = \"209715200\"\n"
                  "settings.kubernetes.node-labels.\"karpenter.sh/provisioner-name\" = \"default\"\n"
                  "settings.kubernetes.node-labels.team = \"\"\n"
                  "settings.kubernetes.node-taints.\"stoker.sh/placing\" = [\":NoSchedule\"]\n"
                  "settings.kubernetes.node-taints.dedicated = [\"spark:NoExecute\", \"spark:NoSchedule\"]\n"
                  "settings.kubernetes.allowed-unsafe-sysctls = [ # two\n  \"a]\",\n  'b' ]\n"
                  "settings.kubernetes.node-labels.extra = \"yes\"\nsettings.host-containers.admin.enabled = true\n");
    arena_release(&f.arena);
}

static void toml_that_cannot_be_merged(void **state)
{
    (void)state;
    static const struct {
        const char *text, *word;
    } cases[] = {
        {"[settings]\nkubernetes = {}\n", "settings.kubernetes cannot be merged"},
        {"[[settings.x]]\na = 1\n", "array of tables"},
        {"a = \"open\nb = 1\n", "line 1: a string does not end"},
        {"a = [1,\n", "a bracket does not end"},
        {"a = 1\nb =\v#\n", "line 2: a value has a control character"},
        {"a 1\n", "expected is ="},
        {"a =\n", "expected is a value"},
        {"[a\n", "expected is ]"},
        {"= 1\n", "expected is a key"},
        {"\"a = 1\n", "quotes do not end"},
        {"a = 1]\n", "bracket was not opened"},
    };
    for (size_t i = 0; i < CC_COUNT(cases); i++) {
        struct fixture f = fixture(STR("Bottlerocket"));
        f.template_.user_data = str_of(cases[i].text);
        assert_null(made(&f));
        assert_int_equal(f.err.code, ERR_INVALID);
        CONTAINS(f.err.message, cases[i].word);
        arena_release(&f.arena);
    }
}

static void strings_of_many_lines(void **state)
{
    (void)state;
    struct fixture f = fixture(STR("Bottlerocket"));
    f.template_.user_data =
        STR("settings.motd = \"\"\"\n[not a header]\n\\\"\"\"\"\nsettings.\"a.b\".c = '''x''' # [\n");
    const char *text = made(&f);
    CONTAINS(text, "settings.motd = \"\"\"\n[not a header]\n\\\"\"\"\"\nsettings.\"a.b\".c = '''x''' # [\n");
    arena_release(&f.arena);
}

static void what_kubelets_may_set(void **state)
{
    (void)state;
    static const char *const yes[] = {"team",
                                      "karpenter.sh/capacity-type",
                                      "karpenter.k8s.aws/instance-size",
                                      "topology.kubernetes.io/zone",
                                      "node.kubernetes.io/instance-type",
                                      "a.kubelet.kubernetes.io/x",
                                      "notkubernetes.io/x"};
    static const char *const no[] = {"kubernetes.io/role", "node-restriction.kubernetes.io/x", "a.k8s.io/x",
                                     "k8s.io/y"};
    for (size_t i = 0; i < CC_COUNT(yes); i++)
        assert_true(aws_kubelet_may_set(str_of(yes[i])));
    for (size_t i = 0; i < CC_COUNT(no); i++)
        assert_false(aws_kubelet_may_set(str_of(no[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(al2023),
        cmocka_unit_test(what_a_family_needs),
        cmocka_unit_test(kubelet_fields_win),
        cmocka_unit_test(al2_script),
        cmocka_unit_test(nothing_leaves_its_quotes),
        cmocka_unit_test(the_users_own_first),
        cmocka_unit_test(a_boundary_that_no_part_has),
        cmocka_unit_test(custom_as_given),
        cmocka_unit_test(too_long_is_refused),
        cmocka_unit_test(bottlerocket),
        cmocka_unit_test(toml_that_cannot_be_merged),
        cmocka_unit_test(strings_of_many_lines),
        cmocka_unit_test(what_kubelets_may_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
