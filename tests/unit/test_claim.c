/* test_claim.c - NodeClaims: written and read again they are the same; what cannot be one is refused by its field. */
#include "tests/unit/api_helper.h"

#include "provisioner/api/claim.h"
#include "tests/support/schema_check.h"

#define S INT64_C(1000000000)

struct decoded {
    struct arena *arena;
    struct node_claim claim;
    size_t n;
};

static int on_claim(void *context, const struct doc *object, struct err *err)
{
    struct decoded *decoded = context;
    decoded->n++;
    return claim_decode(object, decoded->arena, &decoded->claim, err);
}

static int decode(struct arena *arena, struct str json, struct node_claim *ret, struct err *err)
{
    struct decoded decoded = {.arena = arena};
    int rc = doc_read(json, "claim.json", on_claim, &decoded, err);
    if (rc == 0) {
        assert_int_equal(decoded.n, 1);
        *ret = decoded.claim;
    }
    return rc;
}

static const struct cloud_pool POOLS[] = {{STR_INIT("m5.xlarge"), STR_INIT("us-west-2a"), 123456},
                                          {STR_INIT("r5.xlarge"), STR_INIT("us-west-2b"), 200000}};
static const struct claim_slot SLOTS[] = {
    {STR_INIT("jobs"), STR_INIT("a-exec-1"), STR_INIT("u-1"), STR_INIT("spark-1"), STR_INIT("0123456789abcdef")},
    {STR_INIT("jobs"), STR_INIT("b"), STR_INIT("u-2"), STR_INIT(""), STR_INIT("")}};
static const struct cloud_label LABELS[] = {{STR_INIT("karpenter.sh/capacity-type"), STR_INIT("spot")},
                                            {STR_INIT("team"), STR_INIT("")}};
static const struct taint TAINTS[] = {{STR_INIT("spark"), STR_INIT("yes"), EFFECT_NO_SCHEDULE},
                                      {STR_INIT("x"), STR_INIT(""), EFFECT_NO_EXECUTE}};
static const struct taint STARTUP[] = {{STR_INIT("cni"), STR_INIT(""), EFFECT_PREFER_NO_SCHEDULE}};
static const struct cloud_resource ALLOCATABLE[] = {{STR_INIT("cpu"), 3920},
                                                    {STR_INIT("ephemeral-storage"), 18242267924},
                                                    {STR_INIT("memory"), INT64_C(14) << 30},
                                                    {STR_INIT("nvidia.com/gpu"), 1024},
                                                    {STR_INIT("pods"), 58}};
static const struct cloud_resource CAPACITY[] = {{STR_INIT("cpu"), 4000}, {STR_INIT("memory"), INT64_C(16) << 30}};

static struct node_claim full_claim(void)
{
    return (struct node_claim){.name = STR("default-7xk2p"),
                               .provisioner = STR("default"),
                               .template_name = STR("spark"),
                               .karpenter = true,
                               .capacity_type = CLOUD_SPOT,
                               .pools = POOLS,
                               .n_pools = 2,
                               .slots = SLOTS,
                               .n_slots = 2,
                               .labels = {LABELS, 2},
                               .taints = {TAINTS, 2},
                               .startup_taints = {STARTUP, 1},
                               .allocatable = {ALLOCATABLE, 5},
                               .capacity = {CAPACITY, 2},
                               .price_microusd = 123456,
                               .worst_microusd = 200000,
                               .bound_microusd = 0,
                               .reason = STR("2 executors of \"spark-1\"\n"),
                               .launch_id = STR("7d9f9f5e-0000-4000-8000-000000000001"),
                               .launch_request = STR("{\"a\":[1,\"x\"]}"),
                               .launch_count = 3,
                               .phase = CLAIM_DRAINING,
                               .instance_id = STR("i-1"),
                               .provider_id = STR("aws:///us-west-2a/i-1"),
                               .instance_type = STR("m5.xlarge"),
                               .zone = STR("us-west-2a"),
                               .node_name = STR("ip-10-0-0-1"),
                               .realised_microusd = 100001,
                               .launched = {1795241922 * S},
                               .registered = {1795241960 * S},
                               .initialized = {1795241961 * S + 250000000},
                               .empty_since = {1795242000 * S},
                               .drain_deadline = {1795242120 * S},
                               .drain_reason = STR("SpotInterruption"),
                               .message = STR("the spot notice of 06:20")};
}

/* An object with metadata that the API server fills in, our spec and our status. */
static struct str object_text(const struct node_claim *claim, struct arena *arena)
{
    struct buf buf = BUF_INIT(arena);
    struct json_out json = JSON_OUT(&buf);
    struct str text;
    json_open_map(&json, NULL);
    json_str(&json, "kind", STR("NodeClaim"));
    json_open_map(&json, "metadata");
    json_str(&json, "name", claim->name);
    json_str(&json, "uid", STR("u"));
    json_str(&json, "resourceVersion", STR("17"));
    json_str(&json, "creationTimestamp", STR("2026-11-21T06:18:40Z"));
    json_close_map(&json);
    claim_write_spec(claim, &json, "spec");
    claim_write_status(claim, &json, "status");
    json_close_map(&json);
    assert_int_equal(buf_str(&buf, &text, NULL), 0);
    return text;
}

static void assert_same_text(struct str a, struct str b)
{
    if (!str_eq(a, b))
        print_message("%.*s\n%.*s\n", STR_ARG(a), STR_ARG(b));
    assert_true(str_eq(a, b));
}

static void what_is_written_is_read_again(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct node_claim full = full_claim(), back;
    struct str text = object_text(&full, &arena);
    assert_int_equal(decode(&arena, text, &back, NULL), 0);
    assert_text(back.uid, "u");
    assert_text(back.resource_version, "17");
    assert_int_equal(back.created.ns, 1795241920 * S);
    assert_false(back.deleting);
    assert_true(back.karpenter && back.capacity_type == CLOUD_SPOT && back.phase == CLAIM_DRAINING);
    assert_int_equal(back.n_pools, 2);
    assert_int_equal(back.pools[1].price_microusd, 200000);
    assert_int_equal(back.n_slots, 2);
    assert_text(back.slots[0].shape, "0123456789abcdef");
    assert_text(back.slots[1].app, "");
    assert_text(*labels_get(&back.labels, STR("karpenter.sh/capacity-type")), "spot");
    assert_int_equal(back.taints.items[1].effect, EFFECT_NO_EXECUTE);
    assert_int_equal(back.startup_taints.items[0].effect, EFFECT_PREFER_NO_SCHEDULE);
    assert_int_equal(amount_of(&back.allocatable, "cpu"), 3920);
    assert_int_equal(amount_of(&back.allocatable, "memory"), INT64_C(14) << 30);
    assert_int_equal(amount_of(&back.allocatable, "ephemeral-storage"), 18242267924);
    assert_int_equal(amount_of(&back.allocatable, "nvidia.com/gpu"), 1024);
    assert_int_equal(back.worst_microusd, 200000);
    assert_int_equal(back.bound_microusd, 0);
    assert_int_equal(back.realised_microusd, 100001);
    assert_int_equal(back.launch_count, 3);
    assert_text(back.launch_request, "{\"a\":[1,\"x\"]}");
    assert_int_equal(back.initialized.ns, full.initialized.ns);
    assert_int_equal(back.drain_deadline.ns, full.drain_deadline.ns);
    assert_text(back.drain_reason, "SpotInterruption");
    assert_same_text(object_text(&back, &arena), text);
    arena_release(&arena);
}

static void a_copy_stands_alone(void **state)
{
    (void)state;
    struct arena first = ARENA_INIT, second = ARENA_INIT;
    struct node_claim full = full_claim(), back, copy;
    struct str text = object_text(&full, &second);
    assert_int_equal(decode(&first, text, &back, NULL), 0);
    assert_int_equal(claim_copy(&back, &second, &copy, NULL), 0);
    arena_release(&first);
    assert_same_text(object_text(&copy, &second), text);
    assert_text(copy.resource_version, "17");
    arena_release(&second);
}

static void a_new_object_has_no_nulls(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct buf buf = BUF_INIT(&arena);
    struct node_claim claim = {.name = STR("n"), .provisioner = STR("p"), .bound_microusd = -1}, back;
    struct str text;
    claim_write_object(&claim, &buf);
    assert_int_equal(buf_str(&buf, &text, NULL), 0);
    assert_null(strstr(text.ptr, "null"));
    assert_null(strstr(text.ptr, "launch"));
    assert_non_null(strstr(text.ptr, "\"finalizers\":[\"stoker.sh/instance\"]"));
    assert_non_null(strstr(text.ptr, "\"karpenter.sh/provisioner-name\":\"p\""));
    assert_int_equal(decode(&arena, text, &back, NULL), 0);
    assert_int_equal(back.phase, CLAIM_PLANNED);
    assert_int_equal(back.bound_microusd, -1);
    assert_int_equal(back.realised_microusd, -1);
    assert_int_equal(back.launched.ns, 0);
    assert_int_equal(back.launch_count, 0);
    arena_release(&arena);
}

static void a_claim_with_a_launch_says_so_in_a_label(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct buf buf = BUF_INIT(&arena);
    struct node_claim claim = full_claim(), back;
    struct str text;
    claim_write_object(&claim, &buf);
    assert_int_equal(buf_str(&buf, &text, NULL), 0);
    assert_non_null(strstr(text.ptr, "\"stoker.sh/launch\":\"7d9f9f5e-0000-4000-8000-000000000001\""));
    assert_int_equal(decode(&arena, text, &back, NULL), 0);
    assert_int_equal(back.phase, CLAIM_LAUNCHING);
    arena_release(&arena);
}

#define OBJECT(spec, rest) "{\"metadata\":{\"name\":\"n\"},\"spec\":{" spec "}" rest "}"
#define GOOD               "\"provisioner\":\"p\",\"capacityType\":\"spot\""

static void what_cannot_be_ours_is_refused_by_its_field(void **state)
{
    (void)state;
    static const struct {
        const char *json, *message;
    } cases[] = {
        {"{\"spec\":{}}", "metadata.name: is missing"},
        {"{\"metadata\":[]}", "metadata: is not a map"},
        {"{\"metadata\":{\"name\":5}}", "metadata.name: is not a string"},
        {OBJECT("", ""), "spec.provisioner: is missing"},
        {OBJECT("\"provisioner\":\"p\"", ""), "spec.capacityType: is missing"},
        {OBJECT("\"provisioner\":\"p\",\"capacityType\":\"x\"", ""), "spec.capacityType: \"x\" is neither"},
        {OBJECT(GOOD ",\"pools\":[{\"instanceType\":\"a\",\"zone\":\"b\"},7]", ""),
         "spec.pools: has an item that is not a map"},
        {OBJECT(GOOD ",\"pools\":[{\"instanceType\":\"a\"}]", ""), "spec.pools[0].zone: is missing"},
        {OBJECT(GOOD ",\"pools\":[{\"instanceType\":\"a\",\"zone\":\"b\",\"price\":\"-1\"}]", ""),
         "spec.pools[0].price: price \"-1\" is negative"},
        {OBJECT(GOOD ",\"slots\":[{\"namespace\":\"a\"}]", ""), "spec.slots[0].name: is missing"},
        {OBJECT(GOOD ",\"taints\":[{\"key\":\"a\",\"effect\":\"b\"}]", ""), "spec.taints[0].effect: \"b\" is none"},
        {OBJECT(GOOD ",\"labels\":{\"a\":1}", ""), "spec.labels: has a value that is not a string"},
        {OBJECT(GOOD ",\"resources\":{\"capacity\":{\"cpu\":\"x\"}}", ""), "spec.resources.capacity: \"cpu\" has no"},
        {OBJECT(GOOD ",\"launch\":{\"count\":1}", ""), "spec.launch.id: is missing"},
        {OBJECT(GOOD ",\"launch\":{\"id\":\"a\",\"count\":0}", ""), "spec.launch.count: is no count"},
        {OBJECT(GOOD, ",\"status\":{\"phase\":\"Flying\"}"), "status.phase: \"Flying\" is none"},
        {OBJECT(GOOD, ",\"status\":{\"launchedAt\":\"noon\"}"), "status.launchedAt: \"noon\" is no time"},
    };
    for (size_t i = 0; i < CC_COUNT(cases); i++) {
        struct arena arena = ARENA_INIT;
        struct node_claim claim;
        struct err err = {0};
        assert_int_equal(decode(&arena, str_of(cases[i].json), &claim, &err), ERR_INVALID);
        if (!strstr(err.message, cases[i].message))
            fail_msg("says \"%s\", wanted \"%s\"", err.message, cases[i].message);
        arena_release(&arena);
    }
}

static void nulls_and_unknown_members_are_read_past(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct node_claim claim;
    static const char json[] =
        "{\"metadata\":{\"name\":\"n\",\"deletionTimestamp\":\"2026-01-01T00:00:00Z\"},\"spec\":{" GOOD
        ",\"pools\":null,\"later\":{\"x\":1},\"launch\":null},\"status\":{\"phase\":null}}";
    assert_int_equal(decode(&arena, str_of(json), &claim, NULL), 0);
    assert_int_equal(claim.n_pools, 0);
    assert_true(claim.deleting);
    assert_int_equal(claim.phase, CLAIM_PLANNED);
    arena_release(&arena);
}

static int check_object(void *context, const struct doc *object, struct err *err)
{
    const bool *patch = context;
    const char *said = schema_check(object, SCHEMA_CLAIM, *patch);
    (void)err;
    if (said)
        print_message("%s\n", said);
    assert_null(said);
    return 0;
}

/* What we write is what the CRD takes: a strict API server refuses all else. */
static void the_schema_knows_every_member(void **state)
{
    struct node_claim claims[] = {full_claim(), {.name = STR("n"), .provisioner = STR("p"), .bound_microusd = -1}};
    (void)state;
    for (size_t i = 0; i < CC_COUNT(claims); i++) {
        struct arena arena = ARENA_INIT;
        struct buf buf = BUF_INIT(&arena);
        struct str object;
        bool patch = true, whole = false;
        claim_write_object(&claims[i], &buf);
        assert_int_equal(buf_str(&buf, &object, NULL), 0);
        assert_int_equal(doc_read(object, "claim.json", check_object, &whole, NULL), 0);
        assert_int_equal(doc_read(object_text(&claims[i], &arena), "claim.json", check_object, &patch, NULL), 0);
        arena_release(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(a_copy_stands_alone),
        cmocka_unit_test(a_new_object_has_no_nulls),
        cmocka_unit_test(a_claim_with_a_launch_says_so_in_a_label),
        cmocka_unit_test(what_cannot_be_ours_is_refused_by_its_field),
        cmocka_unit_test(the_schema_knows_every_member),
        cmocka_unit_test(nulls_and_unknown_members_are_read_past),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
