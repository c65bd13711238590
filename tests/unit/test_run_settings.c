/* test_run_settings.c - options and the file that says the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "provisioner/cmd/run_cloud.h"

static char *config_with(const char *text)
{
    static char path[] = "/tmp/stoker-settings-XXXXXX";
    memcpy(path + sizeof(path) - 7, "XXXXXX", 6);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    return path;
}

static int parse(const char *text, const char *option, struct run_settings *ret, struct err *err)
{
    char verb[] = "run", config[] = "--config", own[64] = "";
    char *path = config_with(text);
    snprintf(own, sizeof(own), "%s", option ? option : "");
    char *argv[] = {verb, config, path, own, NULL};
    int code = run_settings_parse("run", "", NULL, option ? 4 : 3, argv, ret, err);
    unlink(path);
    return code;
}

static void the_file_says_what_options_say(void **state)
{
    (void)state;
    struct run_settings settings;
    struct err err = {0};
    assert_int_equal(parse("cluster-name: c1\nbatch-idle: 250ms\nlaunch-rate: 20\nkarpenter-manifests: true\n"
                           "no-leader-election: false\nlog-format: text\n",
                           "--launch-rate=30", &settings, &err),
                     0);
    assert_string_equal(settings.cluster_name, "c1");
    assert_int_equal(settings.control.batch_idle_ms, 250);
    assert_int_equal(settings.control.batch_max_ms, 10000);
    assert_int_equal(settings.control.launches_per_minute, 30); /* the command line wins */
    assert_true(settings.control.karpenter_manifests);
    assert_false(settings.no_leader_election);
    assert_true(settings.log_text);
    assert_true(str_is(settings.control.cluster_name, "c1"));
    run_settings_release(&settings);
}

static void what_is_wrong_is_said_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *file, *option, *words;
    } cases[] = {
        {"cluster-name: c1\nclustername: x\n", NULL, "line 2: clustername: no such setting"},
        {"cluster-name: c1\nbatch-idle: soon\n", NULL, "line 2: batch-idle: \"soon\" is no duration"},
        {"cluster-name: c1\nkarpenter-manifests: maybe\n", NULL, "allowed are true, false"},
        {"cluster-name: [a]\n", NULL, "line 1: cluster-name: is no text"},
        {"cluster-name: c1\nconfig: other.yaml\n", NULL, "config: no such setting"},
        {"- a\n", NULL, "is no map of settings"},
        {"region: us-west-2\n", NULL, "--cluster-name is missing"},
        {"cluster-name: a b\n", NULL, "line 1: cluster-name: \"a b\" is no cluster's name; allowed are"},
        {"cluster-name: -a\n", NULL, "is no cluster's name"},
        {"cluster-name: c1\ncluster-endpoint: http://x\n", NULL,
         "line 2: cluster-endpoint: \"http://x\" is no address"},
        {"cluster-name: c1\n", "--cluster-endpoint=https://", "allowed is such as https://host"},
        {"cluster-name: c1\nkubernetes-version: v1.34\n", NULL, "allowed is such as 1.34"},
        {"cluster-name: c1\nkubernetes-version: 1.34.4\n", NULL, "allowed is such as 1.34"},
        {"cluster-name: c1\n", "--cluster-cidr=10.0.0.0", "allowed is such as 172.20.0.0/16"},
        {"cluster-name: c1\n", "--cluster-cidr=10.0.0.300/16", "is no network"},
        {"cluster-name: c1\n", "--cluster-cidr=10.0.0.0/33", "is no network"},
        {"cluster-name: c1\n", "--cluster-dns=10.0.0", "allowed is such as 172.20.0.10"},
        {"cluster-name: c1\n", "--cluster-ca=-----BEGIN", "allowed is PEM in base64"},
        {"cluster-name: c1\n", "--cluster-ca=aGVsbG8=", "allowed is PEM in base64"},
        {"cluster-name: c1\nbatch-idle: 20s\n", NULL, "--batch-idle is longer than --batch-max"},
        {"cluster-name: c1\n", "--stop-at-call=0", "allowed are N, N,before and N,after"},
        {"cluster-name: c1\n", "--log-level=loud", "allowed are debug, info, warn, error"},
    };
    for (size_t i = 0; i < CC_COUNT(cases); i++) {
        struct run_settings settings;
        struct err err = {0};
        assert_int_equal(parse(cases[i].file, cases[i].option, &settings, &err), ERR_INVALID);
        if (!strstr(err.message, cases[i].words))
            fail_msg("%s, not %s", err.message, cases[i].words);
        run_settings_release(&settings);
    }
}

static void what_nodes_are_told_of_the_cluster(void **state)
{
    (void)state;
    static const char *const options[] = {
        "--cluster-endpoint=https://h:1", "--cluster-cidr=10.0.0.0/16",
        "--cluster-cidr=fd00::/108",      "--cluster-dns=fd00::a",
        "--kubernetes-version=1.34",      "--cluster-ca=LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg=="};
    for (size_t i = 0; i < CC_COUNT(options); i++) {
        struct run_settings settings;
        struct err err = {0};
        if (parse("cluster-name: C1_a-b\n", options[i], &settings, &err))
            fail_msg("%s: %s", options[i], err.message);
        run_settings_release(&settings);
    }
}

/* A pod's own way to the API server is no way for a machine that is no node yet. */
static void nodes_are_told_an_address_that_they_can_reach(void **state)
{
    (void)state;
    struct run_settings settings = {0};
    struct run_world world = {
        .settings = &settings, .in_cluster = true, .access = {.server = "https://172.20.0.1:443"}};
    assert_int_equal(run_cloud_endpoint(&world).len, 0);
    world.in_cluster = false;
    assert_true(str_is(run_cloud_endpoint(&world), "https://172.20.0.1:443"));
    settings.cluster_endpoint = "https://api";
    world.in_cluster = true;
    assert_true(str_is(run_cloud_endpoint(&world), "https://api"));
}

static void a_stop_is_before_or_after_a_call(void **state)
{
    (void)state;
    static const struct {
        const char *option;
        int64_t call, effect;
    } cases[] = {{"--stop-at-call=7", 7, 0},
                 {"--stop-at-call=7,before", 7, 0},
                 {"--stop-at-call=7,after", -7, 0},
                 {"--stop-at-effect=8,after", 0, -8}};
    for (size_t i = 0; i < CC_COUNT(cases); i++) {
        struct run_settings settings;
        assert_int_equal(parse("cluster-name: c1\n", cases[i].option, &settings, NULL), 0);
        assert_int_equal(settings.stop_at_call, cases[i].call);
        assert_int_equal(settings.stop_at_effect, cases[i].effect);
        run_settings_release(&settings);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_file_says_what_options_say),
        cmocka_unit_test(what_is_wrong_is_said_with_its_place),
        cmocka_unit_test(what_nodes_are_told_of_the_cluster),
        cmocka_unit_test(nodes_are_told_an_address_that_they_can_reach),
        cmocka_unit_test(a_stop_is_before_or_after_a_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
