/* Tests of what is said of a Provisioner by which no node can be had, and that it is said no longer than it is true. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/stage.h"

static void provisioner(struct stage *stage, const char *name, int generation, const char *spec)
{
    fake_cluster_applyf(stage->cluster,
                        "{apiVersion: stoker.sh/v1alpha1, kind: Provisioner, metadata: {name: %s, generation: %d}, "
                        "spec: {%s}}",
                        name, generation, spec);
}

/* Its only condition: "True Valid ", "False NothingOffered spec.requirements: ..." */
static const char *ready(struct stage *stage, const char *name)
{
    static char text[2000];
    const struct doc *all =
        doc_at(fake_cluster_get(stage->cluster, CLUSTER_PROVISIONER, "", name), "status.conditions");
    assert_non_null(all);
    assert_int_equal(all->count, 1);
    const struct doc *condition = all->first;
    assert_true(str_is(doc_get(condition, "type")->text, "Ready"));
    snprintf(text, sizeof(text), "%.*s %.*s %.*s", STR_ARG(doc_get(condition, "status")->text),
             STR_ARG(doc_get(condition, "reason")->text), STR_ARG(doc_get(condition, "message")->text));
    return text;
}

static struct str since(struct stage *stage, const char *name)
{
    const struct doc *all =
        doc_at(fake_cluster_get(stage->cluster, CLUSTER_PROVISIONER, "", name), "status.conditions");
    return doc_get(all->first, "lastTransitionTime")->text;
}

static void check(struct stage *stage, const char *requirements, const char *said)
{
    static int generation = 1;
    char spec[1000];
    snprintf(spec, sizeof(spec), "requirements: [%s]", requirements);
    provisioner(stage, "p", ++generation, spec);
    stage_run(stage, 11000);
    if (strcmp(ready(stage, "p"), said) != 0)
        fail_msg("%s: %s", requirements, ready(stage, "p"));
}

static void the_requirement_that_leaves_nothing_is_named(void **state)
{
    struct stage *stage = *state;
    stage_start(stage);
    check(stage, "{key: karpenter.k8s.aws/instance-family, operator: In, values: [m99]}",
          "False NothingOffered spec.requirements: nothing on sale in us-west-2 meets "
          "karpenter.k8s.aws/instance-family In [m99]");
    assert_int_equal(fake_cluster_events(stage->cluster, "p", "NothingOffered"), 1);
    check(stage, "{key: karpenter.k8s.aws/instance-family, operator: In, values: [m4]}", "True Valid ");
    check(stage,
          "{key: karpenter.k8s.aws/instance-family, operator: In, values: [m4]}, {key: "
          "node.kubernetes.io/instance-type, operator: In, values: [c4.large]}, {key: karpenter.sh/capacity-type, "
          "operator: In, values: [spot]}",
          "False NothingOffered spec.requirements: nothing meets node.kubernetes.io/instance-type In [c4.large] as "
          "well as what stands before it, which leaves 8 of 20 offerings in us-west-2");
    check(stage, "{key: team, operator: In, values: [a]}", "True Valid ");
}

static void labels_and_contradictions_are_named(void **state)
{
    struct stage *stage = *state;
    stage_start(stage);
    provisioner(stage, "labelled", 1, "labels: {topology.kubernetes.io/zone: us-west-2x}");
    provisioner(
        stage, "torn", 1,
        "requirements: [{key: team, operator: In, values: [a, b]}, {key: team, operator: NotIn, values: [a, b]}]");
    stage_run(stage, 6000);
    assert_string_equal(ready(stage, "labelled"),
                        "False NothingOffered spec.labels: nothing on sale in us-west-2 meets "
                        "topology.kubernetes.io/zone In [us-west-2x]");
    assert_string_equal(ready(stage, "torn"),
                        "False NothingOffered spec.requirements: no value of team meets all that is said of it");
}

static void the_template_is_named(void **state)
{
    struct stage *stage = *state;
    stage->bad_objects = true;
    stage_start(stage);
    provisioner(stage, "p", 1, "providerRef: {name: t}");
    stage_run(stage, 6000);
    assert_string_equal(ready(stage, "p"), "False TemplateNotFound spec.providerRef.name: there is no NodeTemplate t");
    assert_int_equal(fake_cluster_events(stage->cluster, "p", "TemplateNotFound"), 1);
    fake_cluster_apply(stage->cluster,
                       "{apiVersion: stoker.sh/v1alpha1, kind: NodeTemplate, metadata: {name: t}, spec: "
                       "{amiFamily: Plan9, subnetSelector: {a: b}, securityGroupSelector: {a: b}}}");
    stage_run(stage, 6000);
    assert_non_null(strstr(ready(stage, "p"), "False TemplateNotFound spec.providerRef.name: NodeTemplate t cannot be "
                                              "used: "));
    assert_non_null(strstr(ready(stage, "p"), "Plan9"));
    fake_cluster_apply(stage->cluster,
                       "{apiVersion: stoker.sh/v1alpha1, kind: NodeTemplate, metadata: {name: t}, spec: "
                       "{subnetSelector: {a: b}, securityGroupSelector: {a: b}}}");
    stage_run(stage, 6000);
    assert_string_equal(ready(stage, "p"), "True Valid ");
}

/* Nobody tells when a subnet is made: it is looked for again, while there is none. */
static void the_zones_with_subnets_are_named(void **state)
{
    struct stage *stage = *state;
    stage->cloud->zones = "?";
    provisioner(stage, "p", 1,
                "requirements: [{key: topology.kubernetes.io/zone, operator: In, values: [us-west-2a]}]");
    stage_start(stage);
    stage_run(stage, 6000);
    assert_string_equal(ready(stage, "p"), "True Valid ");
    stage->cloud->zones = "us-west-2b,us-west-2c";
    stage_run(stage, 21000); /* what was not known is looked at again soon */
    assert_string_equal(ready(stage, "p"), "False NoSubnet spec.requirements: what they leave is on sale only where "
                                           "spec.provider selects no subnet: those are in us-west-2b, us-west-2c");
    stage->cloud->zones = "";
    stage_run(stage, 61000);
    assert_string_equal(ready(stage, "p"),
                        "False NoSubnet spec.provider: no subnet that it selects has a free address");
    stage->cloud->zones = "us-west-2b,us-west-2a";
    stage_run(stage, 61000);
    assert_string_equal(ready(stage, "p"), "True Valid ");
    uint64_t calls = stage->cluster->n_calls;
    stage_run(stage, 600000);
    assert_int_equal(stage->cluster->n_calls, calls);
}

static enum fake_fate forbid_launch(void *context, enum fake_cloud_api api, uint64_t number)
{
    (void)context;
    (void)number;
    return api == FAKE_LAUNCH ? FAKE_FORBIDDEN : FAKE_SERVED;
}

static void a_launch_that_failed_is_in_the_status_until_one_succeeds(void **state)
{
    struct stage *stage = *state;
    stage_provisioner(stage, "");
    stage->cloud->on_call = forbid_launch;
    stage_pods(stage, "a", "executor", 1, 2);
    stage_start(stage);
    stage_run(stage, 12000);
    assert_non_null(strstr(ready(stage, "default"), "False LaunchFailed no spot instances: "));
    assert_non_null(strstr(ready(stage, "default"), "not authorised"));
    stage_run(stage, 60000);
    assert_int_equal(fake_cluster_events(stage->cluster, "default", "LaunchFailed"), 1);
    stage->cloud->on_call = NULL;
    stage_run(stage, 300000);
    assert_string_equal(ready(stage, "default"), "True Valid ");
    assert_int_equal(fake_cloud_running(stage->cloud), 1);
}

/* Who mends a template does not wait for the end of the hold. */
static void a_template_that_changes_is_tried_at_once(void **state)
{
    struct stage *stage = *state;
    stage_provisioner(stage, "");
    stage->cloud->on_call = forbid_launch;
    stage_pods(stage, "a", "executor", 1, 2);
    stage_start(stage);
    stage_run(stage, 300000);
    stage->cloud->on_call = NULL;
    fake_cluster_patch(stage->cluster, CLUSTER_NODE_TEMPLATE, "", "default",
                       "{\"spec\": {\"securityGroupSelector\": {\"team\": \"other\"}}}");
    stage_run(stage, 90000);
    assert_int_equal(fake_cloud_running(stage->cloud), 1);
}

static enum fake_fate refuse_claims(void *context, const struct cluster_request *request, uint64_t number)
{
    (void)context;
    (void)number;
    return request->verb == CLUSTER_CREATE && request->kind == CLUSTER_NODE_CLAIM ? FAKE_FORBIDDEN : FAKE_SERVED;
}

static void claims_that_are_refused_are_told(void **state)
{
    struct stage *stage = *state;
    stage_provisioner(stage, "");
    stage->cluster->on_call = refuse_claims;
    stage_pods(stage, "a", "executor", 1, 2);
    stage_start(stage);
    stage_run(stage, 12000);
    assert_non_null(strstr(ready(stage, "default"), "False ClaimRefused NodeClaim default-"));
    assert_int_equal(stage->cloud->calls[FAKE_LAUNCH], 0);
}

/* Pods are told too, while what would have them is left out. */
static void pods_are_told_who_is_left_out(void **state)
{
    struct stage *stage = *state;
    stage_provisioner(stage, "");
    stage->cloud->prepare_fails = true;
    stage_pods(stage, "a", "executor", 1, 1);
    stage_start(stage);
    stage_run(stage, 8000);
    stage_pods(stage, "b", "executor", 1, 1);
    stage_run(stage, 90000);
    assert_true(fake_cluster_events(stage->cluster, "b-exec-1", "NoNodePlanned") >= 1);
    assert_non_null(strstr(ready(stage, "default"), "False LaunchNotPrepared no subnet matches"));
}

static void resources(struct stage *stage, const char *name, const char *cpus)
{
    assert_true(str_is(fake_cluster_text(stage->cluster, CLUSTER_PROVISIONER, "", name, "status.resources.cpu"), cpus));
}

/* When it became so, not when it was written. */
static void the_condition_says_since_when(void **state)
{
    struct stage *stage = *state;
    char first[64];
    stage_provisioner(stage, "");
    stage_start(stage);
    stage_run(stage, 6000);
    snprintf(first, sizeof(first), "%.*s", STR_ARG(since(stage, "default")));
    stage_pods(stage, "a", "executor", 1, 1);
    stage_run(stage, 20000);
    resources(stage, "default", "2");
    assert_true(str_is(since(stage, "default"), first));
    provisioner(stage, "default", 2, "requirements: [{key: kubernetes.io/arch, operator: In, values: [mips]}]");
    stage_run(stage, 11000);
    assert_non_null(strstr(ready(stage, "default"), "False NothingOffered"));
    assert_false(str_is(since(stage, "default"), first));
}

/* Of the same name, and with the same words: its status is another. */
static void one_that_is_made_again_gets_its_status(void **state)
{
    struct stage *stage = *state;
    stage_provisioner(stage, "");
    stage_start(stage);
    stage_run(stage, 6000);
    assert_string_equal(ready(stage, "default"), "True Valid ");
    fake_cluster_remove(stage->cluster, CLUSTER_PROVISIONER, "", "default");
    stage_run(stage, 1000);
    stage_provisioner(stage, "");
    stage_run(stage, 6000);
    assert_string_equal(ready(stage, "default"), "True Valid ");
}

/* The dearer zone is the only one with subnets. */
static void nothing_is_planned_where_there_is_no_subnet(void **state)
{
    struct stage *stage = *state;
    size_t n;
    stage->cloud->zones = "us-west-2b";
    stage_provisioner(stage, "");
    stage_pods(stage, "a", "executor", 1, 8);
    stage_pods(stage, "a", "driver", 1, 1);
    stage_start(stage);
    stage_run(stage, 5000);
    const struct fake_machine *machines = fake_cloud_machines(stage->cloud, &n);
    assert_true(n >= 2);
    for (size_t i = 0; i < n; i++)
        assert_true(str_is(machines[i].instance.zone, "us-west-2b"));
}

/* A pod that only another zone can have is planned when that has a subnet. */
static void a_new_subnet_is_seen_by_pods_that_wait(void **state)
{
    struct stage *stage = *state;
    stage->cloud->zones = "us-west-2a";
    stage_provisioner(stage, "");
    fake_cluster_apply(
        stage->cluster,
        "{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: spark, uid: p}, spec: {nodeSelector: "
        "{topology.kubernetes.io/zone: us-west-2b}, containers: [{name: c, image: i, resources: "
        "{requests: {cpu: 1500m}}}]}, status: {phase: Pending}}");
    stage_start(stage);
    stage_run(stage, 200000);
    assert_int_equal(fake_cloud_running(stage->cloud), 0);
    assert_int_equal(fake_cluster_events(stage->cluster, "p", "NoNodePlanned"), 1);
    stage->cloud->zones = "us-west-2a,us-west-2b";
    stage_run(stage, 70000);
    assert_int_equal(fake_cloud_running(stage->cloud), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST_UNJOINED(the_requirement_that_leaves_nothing_is_named),
        STAGE_TEST_UNJOINED(labels_and_contradictions_are_named),
        STAGE_TEST_UNJOINED(the_template_is_named),
        STAGE_TEST_UNJOINED(the_zones_with_subnets_are_named),
        STAGE_TEST_UNJOINED(a_launch_that_failed_is_in_the_status_until_one_succeeds),
        STAGE_TEST_UNJOINED(a_template_that_changes_is_tried_at_once),
        STAGE_TEST_UNJOINED(claims_that_are_refused_are_told),
        STAGE_TEST_UNJOINED(pods_are_told_who_is_left_out),
        STAGE_TEST_UNJOINED(the_condition_says_since_when),
        STAGE_TEST_UNJOINED(one_that_is_made_again_gets_its_status),
        STAGE_TEST_UNJOINED(nothing_is_planned_where_there_is_no_subnet),
        STAGE_TEST_UNJOINED(a_new_subnet_is_seen_by_pods_that_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
