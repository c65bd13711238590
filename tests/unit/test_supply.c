/* Tests of provisioner/plan/supply.h and dims.h on a small catalogue and Provisioners made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bitset.h"
#include "cloud/aws/catalogue.h"
#include "provisioner/plan/supply.h"

#define MIB INT64_C(1048576)

/* Two types in two zones of one region; every pair On-Demand and on spot, but no spot for the arm type in zone b. */
static const char types_tsv[] =
    "instance_type\tarch\tvcpu\tmemory_mib\tenis\tipv4_per_eni\tnvme_total_gb\tgpu_count\tgpu_"
    "manufacturer\n"
    "c5d.xlarge\tamd64\t4\t8192\t4\t15\t100\t0\t\n"
    "m6g.large\tarm64\t2\t8192\t3\t10\t0\t0\t\n";
static const char prices_tsv[] = "instance_type\tzone\ton_demand_usd_hour\tspot_usd_hour\n"
                                 "c5d.xlarge\tus-west-2a\t0.2\t0.1\nc5d.xlarge\tus-west-2b\t0.2\t0.08\n"
                                 "m6g.large\tus-west-2a\t0.1\t0.04\nm6g.large\tus-west-2b\t0.1\t\n";

struct fixture {
    struct arena arena;
    struct diag diag;
    struct err err;
    struct cloud_catalogue catalogue;
    struct objects objects;
    struct dims dims;
    struct supply supply;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    const struct aws_catalogue_source source = {.types_tsv = str_of(types_tsv), .prices_tsv = str_of(prices_tsv)};
    *state = f;
    return f ? aws_catalogue_load(&source, &f->arena, &f->diag, &f->catalogue, &f->err) : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    objects_release(&f->objects);
    arena_release(&f->arena);
    diag_release(&f->diag);
    free(f);
    return 0;
}

static struct provisioner *add_provisioner(struct fixture *f, const char *name, const struct requirement *requirements,
                                           size_t n)
{
    const struct provisioner provisioner = {
        .name = str_of(name), .requirements = {requirements, n}, .kubelet = CLOUD_KUBELET_INIT};
    assert_true(VEC_PUSH(&f->objects.provisioners, provisioner));
    return &f->objects.provisioners.items[f->objects.provisioners.len - 1];
}

static struct pod_spec *add_spec(struct fixture *f)
{
    struct pod_spec *spec = arena_new(&f->arena, struct pod_spec);
    assert_non_null(spec);
    spec->id = (uint32_t)f->objects.specs.len;
    assert_true(VEC_PUSH(&f->objects.specs, spec));
    return spec;
}

static void add_pod(struct fixture *f, const struct pod_spec *spec)
{
    const struct pod pod = {.spec = spec->id, .namespace_ = STR("default"), .name = STR("p")};
    assert_true(VEC_PUSH(&f->objects.pods, pod));
}

static void add_daemon(struct fixture *f, const struct pod_spec *spec)
{
    const struct daemon_set set = {.name = STR("agent"), .spec = spec->id};
    assert_true(VEC_PUSH(&f->objects.daemon_sets, set));
}

static int build_with(struct fixture *f, const struct supply_options *options)
{
    assert_int_equal(dims_of(&f->objects, &f->dims, &f->err), 0);
    return supply_build(&f->objects, &f->catalogue, &f->dims, options, &f->arena, &f->supply, &f->err);
}

static void build(struct fixture *f)
{
    const struct supply_options options = {0};
    assert_int_equal(build_with(f, &options), 0);
}

/* How many offerings meet it. */
static size_t meeting(struct fixture *f, const char *key, enum label_op op, const char *value)
{
    const struct str values[] = {str_of(value)};
    const struct requirement requirement = {str_of(key), op, values, value ? 1 : 0};
    const uint64_t *set = supply_meeting(&f->supply, &requirement);
    assert_non_null(set);
    assert_ptr_equal(set, supply_meeting(&f->supply, &requirement)); /* cached */
    return bitset_count(set, f->supply.n);
}

static void assert_label(const struct fixture *f, size_t offering, const char *key, const char *value)
{
    const struct str *found = supply_label(&f->supply, offering, str_of(key));
    if (!value) {
        assert_null(found);
        return;
    }
    assert_non_null(found);
    assert_true(str_is(*found, value));
}

static const struct str spot[] = {{"spot", 4}}, on_demand[] = {{"on-demand", 9}}, arm[] = {{"arm64", 5}};

/* --- dims --- */

static void dims_are_what_pods_ask_for(void **state)
{
    struct fixture *f = *state;
    static const struct cloud_resource gpus[] = {{{"cpu", 3}, 1000}, {{"nvidia.com/gpu", 14}, 1}};
    static const struct cloud_resource efas[] = {{{"vpc.amazonaws.com/efa", 21}, 1}};
    static const struct cloud_resource limits[] = {{{"ephemeral-storage", 17}, 5}};
    struct pod_spec *spec = add_spec(f), *bound = add_spec(f);
    spec->requests = (struct resources){gpus, 2};
    bound->requests = (struct resources){efas, 1};
    add_pod(f, bound);
    f->objects.pods.items[0].node_name = STR("n");
    add_pod(f, spec);
    add_provisioner(f, "p", NULL, 0)->limits = (struct resources){limits, 1};
    assert_int_equal(dims_of(&f->objects, &f->dims, &f->err), 0);
    assert_int_equal(f->dims.n, 5);
    assert_true(str_is(f->dims.names[DIM_MEMORY], "memory"));
    assert_true(str_is(f->dims.names[3], "ephemeral-storage"));
    assert_true(str_is(f->dims.names[4], "nvidia.com/gpu"));
    assert_int_equal(dims_find(&f->dims, STR("vpc.amazonaws.com/efa")), SOLVER_NONE);
    int64_t vector[5] = {9, 9, 9, 9, 9};
    dims_vector(&f->dims, gpus, 2, vector);
    static const int64_t expected[5] = {1000, 0, 0, 0, 1};
    assert_memory_equal(vector, expected, sizeof(expected));
}

static void too_many_resources_are_refused(void **state)
{
    struct fixture *f = *state;
    struct cloud_resource many[SOLVER_MAX_DIMS];
    char names[SOLVER_MAX_DIMS][8];
    for (size_t i = 0; i < SOLVER_MAX_DIMS; i++) {
        snprintf(names[i], sizeof(names[i]), "a.b/%zu", i);
        many[i] = (struct cloud_resource){str_of(names[i]), 1};
    }
    struct pod_spec *spec = add_spec(f);
    spec->requests = (struct resources){many, SOLVER_MAX_DIMS};
    add_pod(f, spec);
    assert_int_equal(dims_of(&f->objects, &f->dims, &f->err), ERR_INVALID);
    assert_non_null(strstr(f->err.message, "16 different resources"));
}

/* --- what a Provisioner admits --- */

static void no_requirement_admits_everything(void **state)
{
    struct fixture *f = *state;
    add_provisioner(f, "all", NULL, 0);
    build(f);
    assert_int_equal(f->supply.n, f->catalogue.n_offerings);
    assert_int_equal(f->supply.n, 7);
    assert_int_equal(f->supply.offerings[0].price_microusd, 200000);
    assert_int_equal(f->supply.offerings[0].alloc[DIM_CPU], 3920);
    assert_int_equal(f->supply.offerings[0].capacity[DIM_CPU], 4000);
    assert_int_equal(f->supply.offerings[0].alloc[DIM_PODS], 58);
    assert_label(f, 0, "topology.kubernetes.io/zone", "us-west-2a");
    assert_label(f, 0, "topology.kubernetes.io/region", "us-west-2");
    assert_label(f, 0, "karpenter.sh/capacity-type", "on-demand");
    assert_label(f, 1, "eks.amazonaws.com/capacityType", "SPOT");
    assert_label(f, 0, "karpenter.sh/provisioner-name", "all");
    assert_label(f, 0, "kubernetes.io/arch", "amd64");
    assert_label(f, 0, "kubernetes.io/hostname", NULL);
    assert_label(f, 0, "team", NULL);
}

static void no_provisioner_means_no_supply(void **state)
{
    struct fixture *f = *state;
    build(f);
    assert_int_equal(f->supply.n, 0);
    assert_int_equal(meeting(f, "a", OP_NOT_IN, "b"), 0);
}

static void requirements_and_labels_restrict(void **state)
{
    struct fixture *f = *state;
    static const struct str four[] = {{"4", 1}};
    const struct requirement spot_arm[] = {{STR("karpenter.sh/capacity-type"), OP_IN, spot, 1},
                                           {STR("kubernetes.io/arch"), OP_IN, arm, 1}};
    const struct requirement small[] = {{STR("karpenter.k8s.aws/instance-cpu"), OP_LT, four, 1},
                                        {STR("karpenter.k8s.aws/instance-local-nvme"), OP_DOES_NOT_EXIST, NULL, 0}};
    const struct cloud_label zone_b[] = {{STR("topology.kubernetes.io/zone"), STR("us-west-2b")}};
    add_provisioner(f, "spot-arm", spot_arm, 2);
    add_provisioner(f, "small", small, 2);
    add_provisioner(f, "b", NULL, 0)->labels = (struct labels){zone_b, 1};
    build(f);
    assert_int_equal(f->supply.n, 1 + 3 + 3);
    assert_label(f, 0, "node.kubernetes.io/instance-type", "m6g.large");
    assert_int_equal(f->supply.offerings[0].capacity_type, CLOUD_SPOT);
    assert_int_equal(f->supply.offerings[1].provisioner, 1);
    assert_int_equal(f->supply.offerings[4].provisioner, 2);
    assert_int_equal(meeting(f, "karpenter.sh/provisioner-name", OP_IN, "b"), 3);
}

static void zones_may_be_left_out(void **state)
{
    struct fixture *f = *state;
    uint64_t zones[1] = {0};
    bitset_add(zones, 1);
    const struct supply_options options = {.zones = zones};
    add_provisioner(f, "all", NULL, 0);
    assert_int_equal(build_with(f, &options), 0);
    assert_int_equal(f->supply.n, 3);
    assert_int_equal(meeting(f, "topology.kubernetes.io/zone", OP_IN, "us-west-2b"), 3);
}

static void the_on_demand_comparison_asks_for_no_capacity_type(void **state)
{
    struct fixture *f = *state;
    const struct requirement spot_only[] = {{STR("karpenter.sh/capacity-type"), OP_IN, spot, 1}};
    const struct supply_options options = {.on_demand_only = true};
    add_provisioner(f, "spot", spot_only, 1);
    assert_int_equal(build_with(f, &options), 0);
    assert_int_equal(f->supply.n, 4);
    assert_int_equal(meeting(f, "karpenter.sh/capacity-type", OP_IN, "spot"), 4);
    assert_int_equal(meeting(f, "eks.amazonaws.com/capacityType", OP_NOT_IN, "ON_DEMAND"), 4);
    assert_label(f, 0, "karpenter.sh/capacity-type", "on-demand");
}

static void a_template_decides_on_disks(void **state)
{
    struct fixture *f = *state;
    static const struct cloud_resource asks[] = {{{"ephemeral-storage", 17}, 1}};
    const struct node_template template = {.name = STR("raid"), .disk = {-1, true, true}};
    const struct node_template other = {.name = STR("other"), .disk = {-1, false, true}};
    struct pod_spec *spec = add_spec(f);
    spec->requests = (struct resources){asks, 1};
    add_pod(f, spec);
    add_provisioner(f, "refers", NULL, 0)->template_name = STR("raid");
    add_provisioner(f, "holds", NULL, 0)->inline_template = &template;
    const struct supply_options options = {0};
    build(f); /* no template was read at all */
    assert_int_equal(f->supply.offerings[0].capacity[3], 20 * 1024 * MIB);
    assert_true(VEC_PUSH(&f->objects.templates, other));
    assert_int_equal(build_with(f, &options), ERR_INVALID);
    assert_non_null(strstr(f->err.message, "Provisioner refers"));
    assert_true(VEC_PUSH(&f->objects.templates, template));
    build(f);
    assert_int_equal(f->supply.offerings[0].capacity[3], INT64_C(100000000000));
    assert_int_equal(f->supply.offerings[7].capacity[3], INT64_C(100000000000));
    assert_int_equal(f->supply.offerings[4].capacity[3], 20 * 1024 * MIB); /* m6g.large has no local disk */
}

static void the_last_overlay_rule_that_matches_holds(void **state)
{
    struct fixture *f = *state;
    const struct requirement is_spot[] = {{STR("karpenter.sh/capacity-type"), OP_IN, spot, 1}};
    const struct requirement is_arm[] = {{STR("kubernetes.io/arch"), OP_IN, arm, 1}};
    struct overlay overlay = {0};
    const struct overlay_rule cheaper = {.requirements = {is_spot, 1}, .adjust_permyriad = -3500};
    const struct overlay_rule fixed = {.requirements = {is_arm, 1}, .absolute = true, .price_microusd = 42};
    assert_true(VEC_PUSH(&overlay.rules, cheaper));
    assert_true(VEC_PUSH(&overlay.rules, fixed));
    const struct supply_options options = {.overlay = &overlay},
                                compared = {.overlay = &overlay, .on_demand_only = true};
    add_provisioner(f, "all", NULL, 0);
    assert_int_equal(build_with(f, &options), 0);
    assert_int_equal(f->supply.offerings[0].price_microusd, 200000);
    assert_int_equal(f->supply.offerings[1].price_microusd, 65000);
    assert_int_equal(f->supply.offerings[4].price_microusd, 42);
    assert_int_equal(build_with(f, &compared), 0);
    assert_int_equal(f->supply.offerings[0].price_microusd, 200000); /* a spot discount is none here */
    overlay_release(&overlay);
}

static void overlay_prices_round_and_stay_above_zero(void **state)
{
    (void)state;
    const struct overlay_rule third = {.adjust_permyriad = -3333}, almost_all = {.adjust_permyriad = -9999};
    const struct overlay_rule eleven = {.adjust_permyriad = 100000};
    assert_int_equal(overlay_price(&third, 100), 67);
    assert_int_equal(overlay_price(&almost_all, 100), 1);
    assert_int_equal(overlay_price(&eleven, INT64_C(1000000000000)), INT64_C(11000000000000));
}

/* --- labels that the Provisioner defines --- */

static void undefined_keys_pass_only_negative_conditions(void **state)
{
    struct fixture *f = *state;
    const struct cloud_label own[] = {{STR("team"), STR("red")}};
    add_provisioner(f, "plain", NULL, 0);
    add_provisioner(f, "red", NULL, 0)->labels = (struct labels){own, 1};
    build(f);
    assert_int_equal(meeting(f, "team", OP_IN, "red"), 7);
    assert_int_equal(meeting(f, "team", OP_EXISTS, NULL), 7);
    assert_int_equal(meeting(f, "team", OP_NOT_IN, "red"), 7);
    assert_int_equal(meeting(f, "team", OP_DOES_NOT_EXIST, NULL), 7);
    assert_int_equal(meeting(f, "stage", OP_GT, "1"), 0);
    assert_int_equal(meeting(f, "stage", OP_NOT_IN, "x"), 14);
    assert_int_equal(meeting(f, "karpenter.k8s.aws/instance-local-nvme", OP_GT, "99"), 8);
    assert_int_equal(meeting(f, "karpenter.k8s.aws/instance-local-nvme", OP_DOES_NOT_EXIST, NULL), 6);
    assert_label(f, 7, "team", "red");
}

static void a_new_hostname_exists_and_is_nobodys(void **state)
{
    struct fixture *f = *state;
    add_provisioner(f, "plain", NULL, 0);
    build(f);
    assert_int_equal(meeting(f, "kubernetes.io/hostname", OP_EXISTS, NULL), 7);
    assert_int_equal(meeting(f, "kubernetes.io/hostname", OP_NOT_IN, "ip-1"), 7);
    assert_int_equal(meeting(f, "kubernetes.io/hostname", OP_IN, "ip-1"), 0);
    assert_int_equal(meeting(f, "kubernetes.io/hostname", OP_DOES_NOT_EXIST, NULL), 0);
}

static void select_team(struct fixture *f, enum label_op op, const char *value)
{
    struct requirement *requirement = arena_new(&f->arena, struct requirement);
    struct str *values = arena_new(&f->arena, struct str);
    assert_true(requirement && values);
    *values = str_of(value);
    *requirement = (struct requirement){STR("team"), op, values, 1};
    struct pod_spec *spec = add_spec(f);
    spec->node_selector = (struct requirements){requirement, 1};
    add_pod(f, spec);
}

static void each_value_that_pods_name_is_a_variant(void **state)
{
    struct fixture *f = *state;
    static const struct str teams[] = {{"red", 3}, {"green", 5}, {"blue", 4}, {"grey", 4}};
    const struct requirement choice[] = {{STR("team"), OP_IN, teams, 4}};
    add_provisioner(f, "teams", choice, 1);
    select_team(f, OP_IN, "green");
    select_team(f, OP_IN, "green");
    select_team(f, OP_NOT_IN, "red");
    select_team(f, OP_IN, "black");
    build(f);
    assert_int_equal(f->supply.n_variants, 3); /* red, green, and one for blue and grey */
    assert_int_equal(f->supply.n, 21);
    assert_int_equal(meeting(f, "team", OP_IN, "green"), 7);
    assert_int_equal(meeting(f, "team", OP_NOT_IN, "red"), 14);
    assert_int_equal(meeting(f, "team", OP_IN, "black"), 0);
    assert_int_equal(meeting(f, "team", OP_EXISTS, NULL), 21);
    assert_int_equal(meeting(f, "team", OP_DOES_NOT_EXIST, NULL), 0);
}

static void a_choice_that_no_pod_cares_for_is_one_variant(void **state)
{
    struct fixture *f = *state;
    static const struct str teams[] = {{"red", 3}, {"green", 5}};
    const struct requirement choice[] = {{STR("team"), OP_IN, teams, 2}, {STR("stage"), OP_EXISTS, NULL, 0}};
    add_provisioner(f, "teams", choice, 2);
    build(f);
    assert_int_equal(f->supply.n_variants, 1);
    assert_label(f, 0, "team", "red");
    assert_label(f, 0, "stage", "0");
}

static void open_requirements_take_what_pods_name(void **state)
{
    struct fixture *f = *state;
    static const struct str excluded[] = {{"red", 3}};
    static const struct str seven[] = {{"7", 1}};
    const struct requirement choice[] = {{STR("team"), OP_EXISTS, NULL, 0}, {STR("team"), OP_NOT_IN, excluded, 1}};
    const struct requirement bounded[] = {{STR("team"), OP_GT, seven, 1}};
    add_provisioner(f, "open", choice, 2);
    add_provisioner(f, "bounded", bounded, 1);
    select_team(f, OP_IN, "red");
    select_team(f, OP_IN, "blue");
    select_team(f, OP_IN, "8");
    select_team(f, OP_LT, "20");
    build(f);
    assert_int_equal(meeting(f, "team", OP_IN, "red"), 0);
    assert_int_equal(meeting(f, "team", OP_IN, "blue"), 7);
    assert_int_equal(meeting(f, "team", OP_IN, "8"), 14);
    assert_int_equal(meeting(f, "team", OP_IN, "19"), 14); /* what "below 20" names */
    assert_int_equal(meeting(f, "team", OP_LT, "20"), 42); /* those, 0 for the others, and 9 for those above 7 */
}

static void contradictions_admit_nothing(void **state)
{
    struct fixture *f = *state;
    static const struct str red[] = {{"red", 3}}, blue[] = {{"blue", 4}};
    const struct requirement both[] = {{STR("team"), OP_IN, red, 1}, {STR("team"), OP_IN, blue, 1}};
    const struct requirement absent[] = {{STR("team"), OP_DOES_NOT_EXIST, NULL, 0}};
    const struct requirement absent_and_there[] = {{STR("team"), OP_EXISTS, NULL, 0},
                                                   {STR("team"), OP_DOES_NOT_EXIST, NULL, 0}};
    const struct cloud_label own[] = {{STR("team"), STR("red")}};
    add_provisioner(f, "both", both, 2);
    add_provisioner(f, "labelled", absent, 1)->labels = (struct labels){own, 1};
    add_provisioner(f, "absent-and-there", absent_and_there, 2);
    add_provisioner(f, "absent", absent, 1);
    build(f);
    assert_int_equal(f->supply.n, 7);
    assert_int_equal(f->supply.offerings[0].provisioner, 3);
    assert_int_equal(meeting(f, "team", OP_DOES_NOT_EXIST, NULL), 7);
}

static void too_many_choices_are_refused(void **state)
{
    struct fixture *f = *state;
    const struct requirement open[] = {{STR("team"), OP_EXISTS, NULL, 0}};
    char names[SUPPLY_MAX_VARIANTS][8];
    add_provisioner(f, "open", open, 1);
    for (size_t i = 0; i < SUPPLY_MAX_VARIANTS; i++) {
        snprintf(names[i], sizeof(names[i]), "t%zu", i);
        select_team(f, OP_IN, names[i]);
    }
    const struct supply_options options = {0};
    assert_int_equal(build_with(f, &options), ERR_INVALID);
    assert_non_null(strstr(f->err.message, "Provisioner open"));
}

/* --- taints and daemons --- */

static void taints_are_per_provisioner(void **state)
{
    struct fixture *f = *state;
    const struct taint taints[] = {{STR("spark"), STR("yes"), EFFECT_NO_SCHEDULE}};
    const struct toleration tolerations[] = {{STR("spark"), STR("yes"), false, EFFECT_ANY}};
    add_provisioner(f, "plain", NULL, 0)->startup_taints = (struct taints){taints, 1};
    add_provisioner(f, "tainted", NULL, 0)->taints = (struct taints){taints, 1};
    build(f);
    uint64_t set[BITSET_WORDS(14)];
    supply_tolerated(&f->supply, NULL, 0, set);
    assert_int_equal(bitset_count(set, f->supply.n), 7);
    assert_true(bitset_has(set, 0));
    supply_tolerated(&f->supply, tolerations, 1, set);
    assert_int_equal(bitset_count(set, f->supply.n), 14);
}

static const struct cloud_resource agent[] = {{{"cpu", 3}, 100}, {{"memory", 6}, 50 * 1048576}};

static void daemons_take_room_where_they_land(void **state)
{
    struct fixture *f = *state;
    const struct taint taints[] = {{STR("spark"), STR("yes"), EFFECT_NO_SCHEDULE}};
    const struct requirement on_arm[] = {{STR("kubernetes.io/arch"), OP_IN, arm, 1}};
    const struct requirement on_od[] = {{STR("karpenter.sh/capacity-type"), OP_IN, on_demand, 1}};
    const struct node_term terms[] = {{.labels = {on_arm, 1}}, {.labels = {on_od, 1}}};
    add_provisioner(f, "plain", NULL, 0);
    add_provisioner(f, "tainted", NULL, 0)->taints = (struct taints){taints, 1};
    struct pod_spec *spec = add_spec(f);
    spec->requests = (struct resources){agent, 2};
    spec->node_terms = terms;
    spec->n_node_terms = 2;
    spec->node_terms_present = true;
    build(f);
    int64_t whole = f->supply.offerings[0].alloc[DIM_MEMORY];
    add_daemon(f, spec);
    build(f);
    assert_int_equal(f->supply.offerings[0].alloc[DIM_CPU], 3920 - 100); /* amd64, but On-Demand */
    assert_int_equal(f->supply.offerings[0].alloc[DIM_MEMORY], whole - 50 * MIB);
    assert_int_equal(f->supply.offerings[0].alloc[DIM_PODS], 57);
    assert_int_equal(f->supply.offerings[0].capacity[DIM_PODS], 58);
    assert_int_equal(f->supply.offerings[1].alloc[DIM_CPU], 3920);       /* amd64 on spot */
    assert_int_equal(f->supply.offerings[5].alloc[DIM_CPU], 1930 - 100); /* arm64 on spot */
    assert_int_equal(f->supply.offerings[7].alloc[DIM_CPU], 3920);       /* the taint keeps it out */
}

static void the_daemonset_controllers_tolerations_count(void **state)
{
    struct fixture *f = *state;
    const struct taint taints[] = {{STR("node.kubernetes.io/unschedulable"), STR(""), EFFECT_NO_SCHEDULE}};
    add_provisioner(f, "cordoned", NULL, 0)->taints = (struct taints){taints, 1};
    struct pod_spec *spec = add_spec(f);
    spec->requests = (struct resources){agent, 2};
    add_daemon(f, spec);
    build(f);
    assert_int_equal(f->supply.offerings[0].alloc[DIM_CPU], 3820);
}

static void an_offering_that_daemons_fill_stays_with_no_room(void **state)
{
    struct fixture *f = *state;
    static const struct cloud_resource huge[] = {{{"cpu", 3}, 3000}, {{"memory", 6}, 1048576}};
    add_provisioner(f, "plain", NULL, 0);
    struct pod_spec *spec = add_spec(f);
    spec->requests = (struct resources){huge, 2};
    add_daemon(f, spec);
    add_daemon(f, spec);
    build(f);
    assert_int_equal(f->supply.n, 7);
    assert_int_equal(f->supply.offerings[0].alloc[DIM_CPU], 0);
    assert_true(f->supply.offerings[0].alloc[DIM_MEMORY] > 0);
}

static void a_daemon_that_names_a_node_lands_nowhere_new(void **state)
{
    struct fixture *f = *state;
    static const struct str name[] = {{"ip-1", 4}};
    const struct requirement is_named[] = {{STR("metadata.name"), OP_IN, name, 1}};
    const struct node_term terms[] = {{.fields = {is_named, 1}}};
    add_provisioner(f, "plain", NULL, 0);
    struct pod_spec *spec = add_spec(f);
    spec->requests = (struct resources){agent, 2};
    spec->node_terms = terms;
    spec->n_node_terms = 1;
    spec->node_terms_present = true;
    add_daemon(f, spec);
    build(f);
    assert_int_equal(f->supply.offerings[0].alloc[DIM_CPU], 3920);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(dims_are_what_pods_ask_for),
        TEST(too_many_resources_are_refused),
        TEST(no_requirement_admits_everything),
        TEST(no_provisioner_means_no_supply),
        TEST(requirements_and_labels_restrict),
        TEST(zones_may_be_left_out),
        TEST(the_on_demand_comparison_asks_for_no_capacity_type),
        TEST(a_template_decides_on_disks),
        TEST(the_last_overlay_rule_that_matches_holds),
        TEST(overlay_prices_round_and_stay_above_zero),
        TEST(undefined_keys_pass_only_negative_conditions),
        TEST(a_new_hostname_exists_and_is_nobodys),
        TEST(each_value_that_pods_name_is_a_variant),
        TEST(a_choice_that_no_pod_cares_for_is_one_variant),
        TEST(open_requirements_take_what_pods_name),
        TEST(contradictions_admit_nothing),
        TEST(too_many_choices_are_refused),
        TEST(taints_are_per_provisioner),
        TEST(daemons_take_room_where_they_land),
        TEST(the_daemonset_controllers_tolerations_count),
        TEST(an_offering_that_daemons_fill_stays_with_no_room),
        TEST(a_daemon_that_names_a_node_lands_nowhere_new),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
