#include "provisioner/cmd/verify_plan.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/bitset.h"
#include "base/doc.h"
#include "base/intern.h"
#include "provisioner/cmd/member.h"
#include "solver/check.h"

enum { KEY_MAX = 1024 };

/* What is known of a pod while the plan is read. */
enum pod_state { POD_NOT_ASKED, POD_ASKED, POD_SEEN };

struct reader {
    const struct objects *objects;
    const struct planner_result *asked;
    struct arena *arena;
    struct intern pods;          /* "namespace/name"; the id is the index into objects->pods */
    struct intern pools;         /* see pool_key */
    VEC(uint32_t) first_of_pool; /* by id in `pools`: its first offering */
    uint32_t *next_of_pool;      /* [supply->n] the same pool with other labels (variants), SOLVER_NONE */
    size_t *named_by;            /* [supply->n] the last node that chose or lists it, counted from 1 */
    struct intern nodes;         /* the id is the node's in the bound's problem */
    uint8_t *states;             /* [objects->pods.len] enum pod_state */
    VEC(struct solver_purchase) purchases;
    VEC(struct solver_filling) fillings;
    int64_t *left;    /* [n_shapes] unschedulable pods */
    int64_t *charged; /* [n_owners][n_dims] capacity at the largest pool of each node */
    struct verified_plan found;
    int64_t claimed_cost_microusd, claimed_worst_microusd;
    bool read;
};

/* The text that snprintf wrote into a key, cut where it was too long: no name of the input is. */
static struct str key_text(const char key[KEY_MAX], int len)
{
    return (struct str){key, len < 0 ? 0 : len < KEY_MAX ? (size_t)len : KEY_MAX - 1};
}

static int add_unique(struct intern *table, struct str key, size_t expected_id, struct err *err)
{
    uint32_t id = 0;
    int rc = intern_add(table, key, &id, err);
    if (!rc && id != expected_id)
        rc = err_set(err, ERR_INVALID, "the input names %.*s twice", STR_ARG(key));
    return rc;
}

static int index_pods(struct reader *reader, struct err *err)
{
    const struct objects *objects = reader->objects;
    char name[KEY_MAX];
    for (size_t i = 0; i < objects->pods.len; i++) {
        const struct pod *pod = &objects->pods.items[i];
        int len = snprintf(name, sizeof(name), "%.*s/%.*s", STR_ARG(pod->namespace_), STR_ARG(pod->name));
        struct str key = key_text(name, len);
        int rc = add_unique(&reader->pods, key, i, err);
        if (rc)
            return rc;
    }
    const struct demand *demand = reader->asked->demand;
    for (size_t s = 0; s < demand->n_shapes; s++)
        for (uint32_t i = 0; i < demand->shapes[s].n_pods; i++)
            reader->states[demand->shapes[s].pods[i]] = POD_ASKED;
    return 0;
}

/* "provisioner\ntype\nzone\ncapacity-type". */
static struct str pool_key(char key[KEY_MAX], struct str provisioner, struct str type, struct str zone,
                           struct str capacity_type)
{
    int len = snprintf(key, KEY_MAX, "%.*s\n%.*s\n%.*s\n%.*s", STR_ARG(provisioner), STR_ARG(type), STR_ARG(zone),
                       STR_ARG(capacity_type));
    return key_text(key, len);
}

/* From the last to the first, so that each pool's list starts with its first offering. */
static int index_pools(struct reader *reader, struct err *err)
{
    const struct supply *supply = reader->asked->supply;
    char key[KEY_MAX];
    for (size_t i = supply->n; i-- > 0;) {
        const struct supply_offering *o = &supply->offerings[i];
        struct str name = pool_key(key, reader->objects->provisioners.items[o->provisioner].name,
                                   supply->catalogue->types[o->type].name, supply->catalogue->zones[o->zone],
                                   str_of(cloud_capacity_type_name(o->capacity_type)));
        uint32_t id = 0;
        int rc = intern_add(&reader->pools, name, &id, err);
        if (rc)
            return rc;
        bool known = id < reader->first_of_pool.len;
        if (!known && !VEC_PUSH(&reader->first_of_pool, SOLVER_NONE))
            return err_nomem(err);
        reader->next_of_pool[i] = reader->first_of_pool.items[id];
        reader->first_of_pool.items[id] = (uint32_t)i;
    }
    return 0;
}

static int index_nodes(struct reader *reader, struct err *err)
{
    const struct demand *demand = reader->asked->demand;
    for (size_t i = 0; i < demand->n_nodes; i++) {
        int rc = add_unique(&reader->nodes, demand->nodes[i].node->name, i, err);
        if (rc)
            return rc;
    }
    return 0;
}

/* The pod that an item of a list of names means; it must be asked for and not stand elsewhere in the plan. */
static int take_pod(struct reader *reader, const struct doc *item, struct str name, uint32_t *ret_pod, struct err *err)
{
    uint32_t pod = intern_find(&reader->pods, name);
    if (pod == INTERN_NONE || reader->states[pod] == POD_NOT_ASKED)
        return err_set(err, ERR_INVALID, "line %d: %.*s is no pod that the input asks a place for", item->line,
                       STR_ARG(name));
    if (reader->states[pod] == POD_SEEN)
        return err_set(err, ERR_INVALID, "line %d: %.*s stands in the plan twice", item->line, STR_ARG(name));
    reader->states[pod] = POD_SEEN;
    *ret_pod = pod;
    return 0;
}

static int by_shape(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

/* Sorted shape ids to (shape, count). */
static uint32_t count_shapes(const uint32_t *shapes, size_t n, struct solver_take *takes)
{
    uint32_t n_takes = 0;
    for (size_t i = 0; i < n; i++) {
        if (n_takes && takes[n_takes - 1].shape == shapes[i])
            takes[n_takes - 1].count++;
        else
            takes[n_takes++] = (struct solver_take){shapes[i], 1};
    }
    return n_takes;
}

/* The pods of one node, as shapes and counts. */
static int read_takes(struct reader *reader, const struct doc *node, const struct solver_take **ret_takes,
                      uint32_t *ret_n, struct err *err)
{
    const struct doc *pods = NULL;
    int rc = member_list(node, "pods", &pods, err);
    if (rc)
        return rc;
    uint32_t *shapes = arena_array(reader->arena, uint32_t, pods->count);
    struct solver_take *takes = arena_array(reader->arena, struct solver_take, pods->count);
    if (!shapes || !takes)
        return err_nomem(err);
    size_t n = 0;
    DOC_EACH (item, pods) {
        uint32_t pod = 0;
        rc = take_pod(reader, item, item->text, &pod, err);
        if (rc)
            return rc;
        shapes[n] = reader->asked->pod_shapes[pod];
        if (shapes[n] == SOLVER_NONE)
            return err_set(err, ERR_INVALID, "line %d: %.*s cannot be placed anywhere, yet is placed", item->line,
                           STR_ARG(item->text));
        reader->found.placed[shapes[n++]]++;
    }
    qsort(shapes, n, sizeof(*shapes), by_shape);
    reader->found.n_placed += n;
    *ret_n = count_shapes(shapes, n, takes);
    *ret_takes = takes;
    return 0;
}

static int read_existing(struct reader *reader, const struct doc *item, struct err *err)
{
    struct str name = {NULL, 0};
    struct solver_filling filling = {0};
    int rc = member_text(item, "node", &name, err);
    if (rc)
        return rc;
    filling.node = intern_find(&reader->nodes, name);
    if (filling.node == INTERN_NONE)
        return err_set(err, ERR_INVALID, "line %d: node: %.*s is no existing node with room", item->line,
                       STR_ARG(name));
    rc = read_takes(reader, item, &filling.takes, &filling.n_takes, err);
    if (rc)
        return rc;
    reader->found.n_existing++;
    return VEC_PUSH(&reader->fillings, filling) ? 0 : err_nomem(err);
}

/* Does the offering admit and hold the takes? solver_check_plan looks at the rest: groups, conflicts, counts. */
static int check_carries(const struct reader *reader, int line, uint32_t offering, const struct solver_purchase *node,
                         struct err *err)
{
    const struct solver_problem *problem = reader->asked->bound_problem;
    for (uint32_t i = 0; i < node->n_takes; i++)
        if (!bitset_has(problem->shapes[node->takes[i].shape].admits, offering))
            return err_set(err, ERR_INVALID, "line %d: a pod of %s may not run here", line,
                           reader->asked->shape_keys[node->takes[i].shape]);
    for (uint32_t d = 0; d < problem->n_dims; d++) {
        int64_t used = 0, more = 0;
        bool fits = true;
        for (uint32_t i = 0; i < node->n_takes && fits; i++)
            fits = !__builtin_mul_overflow(node->takes[i].count, problem->shapes[node->takes[i].shape].req[d], &more) &&
                   !__builtin_add_overflow(used, more, &used);
        if (!fits || used > problem->offerings[offering].alloc[d])
            return err_set(err, ERR_INVALID, "line %d: the node's pods do not fit: too much %.*s", line,
                           STR_ARG(reader->asked->demand->dims->names[d]));
    }
    return 0;
}

/* The offering of the pool, in whichever variant of labels carries the node's pods. */
static int pick_variant(const struct reader *reader, int line, uint32_t pool, const struct solver_purchase *node,
                        uint32_t *ret_offering, struct err *err)
{
    int rc = 0;
    for (uint32_t o = reader->first_of_pool.items[pool]; o != SOLVER_NONE; o = reader->next_of_pool[o]) {
        rc = check_carries(reader, line, o, node, err);
        if (!rc) {
            *ret_offering = o;
            return 0;
        }
    }
    return rc;
}

/* What may be bought: a Provisioner's, of one capacity type. */
struct market {
    struct str provisioner, capacity_type;
};

/* Finds the offering that a node or an alternative names and holds its printed price against the one it has. */
static int read_pool(struct reader *reader, const struct doc *doc, const struct market *market,
                     const struct solver_purchase *node, uint32_t *ret_offering, struct err *err)
{
    struct str type = {NULL, 0}, zone = {NULL, 0};
    int64_t price = 0;
    uint32_t offering = 0;
    char key[KEY_MAX];
    int rc = member_text(doc, "instanceType", &type, err);
    if (!rc)
        rc = member_text(doc, "zone", &zone, err);
    if (!rc)
        rc = member_money(doc, "usdPerHour", &price, err);
    if (rc)
        return rc;
    uint32_t pool = intern_find(&reader->pools, pool_key(key, market->provisioner, type, zone, market->capacity_type));
    if (pool == INTERN_NONE)
        return err_set(err, ERR_INVALID, "line %d: %.*s %.*s in %.*s is nothing that Provisioner %.*s may buy",
                       doc->line, STR_ARG(market->capacity_type), STR_ARG(type), STR_ARG(zone),
                       STR_ARG(market->provisioner));
    rc = pick_variant(reader, doc->line, pool, node, &offering, err);
    if (rc)
        return rc;
    if (price != reader->asked->bound_problem->offerings[offering].price_microusd)
        return err_set(err, ERR_INVALID, "line %d: usdPerHour: %.*s in %.*s costs something else", doc->line,
                       STR_ARG(type), STR_ARG(zone));
    *ret_offering = offering;
    return 0;
}

/* The largest of what one node may become, dimension by dimension. */
struct largest {
    int64_t capacity[SOLVER_MAX_DIMS];
    int64_t price_microusd;
};

static void largest_add(struct largest *largest, const struct solver_offering *offering, uint32_t n_dims)
{
    for (uint32_t d = 0; d < n_dims; d++)
        if (offering->capacity[d] > largest->capacity[d])
            largest->capacity[d] = offering->capacity[d];
    if (offering->price_microusd > largest->price_microusd)
        largest->price_microusd = offering->price_microusd;
}

static int read_alternatives(struct reader *reader, const struct doc *node, const struct market *market,
                             const struct solver_purchase *purchase, struct largest *largest, struct err *err)
{
    const struct solver_problem *problem = reader->asked->bound_problem;
    const struct doc *alternatives = NULL;
    int rc = member_list(node, "alternatives", &alternatives, err);
    if (rc)
        return rc;
    DOC_EACH (item, alternatives) {
        uint32_t offering = 0;
        rc = read_pool(reader, item, market, purchase, &offering, err);
        if (!rc && offering == purchase->offering)
            rc = err_set(err, ERR_INVALID, "line %d: the chosen pool is no alternative to itself", item->line);
        if (!rc && reader->named_by[offering] == reader->found.n_nodes)
            rc = err_set(err, ERR_INVALID, "line %d: the alternative stands here for the second time", item->line);
        if (rc)
            return rc;
        reader->named_by[offering] = reader->found.n_nodes;
        largest_add(largest, &problem->offerings[offering], problem->n_dims);
        reader->found.n_alternatives++;
    }
    return 0;
}

static int read_node(struct reader *reader, const struct doc *item, struct err *err)
{
    const struct solver_problem *problem = reader->asked->bound_problem;
    struct solver_purchase purchase = {.copies = 1};
    struct market market = {{NULL, 0}, {NULL, 0}};
    struct largest largest = {0};
    int rc = member_text(item, "provisioner", &market.provisioner, err);
    if (!rc)
        rc = member_text(item, "capacityType", &market.capacity_type, err);
    if (!rc)
        rc = read_takes(reader, item, &purchase.takes, &purchase.n_takes, err);
    if (!rc)
        rc = read_pool(reader, item, &market, &purchase, &purchase.offering, err);
    if (rc)
        return rc;
    reader->found.n_nodes++;
    const struct solver_offering *offering = &problem->offerings[purchase.offering];
    largest_add(&largest, offering, problem->n_dims);
    rc = read_alternatives(reader, item, &market, &purchase, &largest, err);
    if (rc)
        return rc;
    for (uint32_t d = 0; d < problem->n_dims; d++) {
        int64_t *sum = &reader->charged[(size_t)offering->owner * problem->n_dims + d];
        if (__builtin_add_overflow(*sum, largest.capacity[d], sum))
            *sum = INT64_MAX - 1; /* beyond any limit */
    }
    reader->found.cost_microusd += offering->price_microusd;
    reader->found.worst_microusd += largest.price_microusd;
    return VEC_PUSH(&reader->purchases, purchase) ? 0 : err_nomem(err);
}

static int read_unschedulable(struct reader *reader, const struct doc *item, struct err *err)
{
    struct str name = {NULL, 0}, reason = {NULL, 0};
    uint32_t pod = 0;
    int rc = member_text(item, "pod", &name, err);
    if (!rc)
        rc = member_text(item, "reason", &reason, err);
    if (!rc)
        rc = take_pod(reader, item, name, &pod, err);
    if (rc)
        return rc;
    if (!reason.len)
        return err_set(err, ERR_INVALID, "line %d: reason: is empty", item->line);
    uint32_t shape = reader->asked->pod_shapes[pod];
    if (shape != SOLVER_NONE)
        reader->left[shape]++;
    reader->found.n_unschedulable++;
    return 0;
}

static int read_each(struct reader *reader, const struct doc *plan, const char *key,
                     int (*read)(struct reader *, const struct doc *, struct err *), struct err *err)
{
    const struct doc *list = NULL;
    int rc = member_list(plan, key, &list, err);
    if (rc)
        return rc;
    DOC_EACH (item, list) {
        rc = read(reader, item, err);
        if (rc)
            return err_wrap(err, "%s", key);
    }
    return 0;
}

static int check_count(const struct doc *plan, const char *key, size_t counted, struct err *err)
{
    int64_t claimed = 0;
    int rc = member_count(plan, key, &claimed, err);
    if (!rc && (uint64_t)claimed != counted)
        rc = err_set(err, ERR_INVALID, "%s: the plan claims %lld, it holds %zu", key, (long long)claimed, counted);
    return rc;
}

static int check_all_seen(const struct reader *reader, struct err *err)
{
    for (size_t i = 0; i < reader->objects->pods.len; i++) {
        const struct pod *pod = &reader->objects->pods.items[i];
        if (reader->states[i] == POD_ASKED)
            return err_set(err, ERR_INVALID, "%.*s/%.*s does not stand in the plan", STR_ARG(pod->namespace_),
                           STR_ARG(pod->name));
    }
    return 0;
}

static int read_plan(void *context, const struct doc *plan, struct err *err)
{
    struct reader *reader = context;
    struct verified_plan *found = &reader->found;
    if (reader->read)
        return err_set(err, ERR_INVALID, "line %d: a second document; allowed is one", plan->line);
    reader->read = true;
    struct str region = {NULL, 0};
    int rc = member_text(plan, "region", &region, err);
    if (!rc && !str_eq(region, reader->asked->supply->catalogue->region))
        rc = err_set(err, ERR_INVALID, "region: %.*s is not the input's, which is %.*s", STR_ARG(region),
                     STR_ARG(reader->asked->supply->catalogue->region));
    if (!rc)
        rc = read_each(reader, plan, "existing", read_existing, err);
    if (!rc)
        rc = read_each(reader, plan, "nodes", read_node, err);
    if (!rc)
        rc = read_each(reader, plan, "unschedulable", read_unschedulable, err);
    if (!rc)
        rc = check_all_seen(reader, err);
    if (!rc)
        rc = check_count(plan, "scheduled", found->n_placed, err);
    if (!rc)
        rc = check_count(plan, "pods", found->n_placed + found->n_unschedulable, err);
    if (!rc)
        rc = member_money(plan, "usdPerHour", &reader->claimed_cost_microusd, err);
    if (!rc)
        rc = member_money(plan, "worstUsdPerHour", &reader->claimed_worst_microusd, err);
    return rc ? rc : member_money(plan, "lowerBoundUsdPerHour", &found->claimed_bound_microusd, err);
}

static int check_limits(const struct reader *reader, struct err *err)
{
    const struct solver_problem *problem = reader->asked->bound_problem;
    for (uint32_t o = 0; o < problem->n_owners; o++)
        for (uint32_t d = 0; d < problem->n_dims; d++)
            if (reader->charged[(size_t)o * problem->n_dims + d] > problem->owners[o].limit[d])
                return err_set(err, ERR_INVALID,
                               "Provisioner %.*s: limit of %.*s is passed if the largest alternatives are launched",
                               STR_ARG(reader->objects->provisioners.items[o].name),
                               STR_ARG(reader->asked->demand->dims->names[d]));
    return 0;
}

/*
 * The problem of placing just what the plan places. Shapes of which it places nothing are kept, so that all ids stay
 * the same, as shapes that nothing admits: why a pod was left over is not ours to judge.
 */
static int problem_of_placed(const struct reader *reader, struct solver_problem *ret, struct solver_leftover **ret_left,
                             size_t *ret_n_left, struct err *err)
{
    const struct solver_problem *asked = reader->asked->bound_problem;
    struct solver_shape *shapes = arena_array(reader->arena, struct solver_shape, asked->n_shapes);
    struct solver_leftover *left = arena_array(reader->arena, struct solver_leftover, asked->n_shapes);
    uint64_t *nowhere = arena_array(reader->arena, uint64_t, BITSET_WORDS(asked->n_offerings));
    if (!shapes || !left || !nowhere)
        return err_nomem(err);
    *ret_n_left = 0;
    for (uint32_t s = 0; s < asked->n_shapes; s++) {
        shapes[s] = asked->shapes[s];
        shapes[s].count = reader->found.placed[s];
        if (shapes[s].count)
            continue;
        shapes[s].count = reader->left[s];
        shapes[s].admits = nowhere;
        shapes[s].admits_nodes = NULL;
        left[(*ret_n_left)++] = (struct solver_leftover){s, reader->left[s], SOLVER_NO_OFFERING, SOLVER_NONE};
    }
    *ret = *asked;
    ret->shapes = shapes;
    *ret_left = left;
    return 0;
}

/* The independent checker's word on the whole: groups, conflicts, counts, limits, cost. */
static int check_as_solver_plan(struct reader *reader, struct err *err)
{
    struct solver_problem problem;
    struct solver_leftover *leftovers = NULL;
    size_t n_leftovers = 0;
    int rc = problem_of_placed(reader, &problem, &leftovers, &n_leftovers, err);
    if (rc)
        return rc;
    const struct solver_plan plan = {
        .purchases = reader->purchases.items,
        .n_purchases = reader->purchases.len,
        .fillings = reader->fillings.items,
        .n_fillings = reader->fillings.len,
        .leftovers = leftovers,
        .n_leftovers = n_leftovers,
        .cost_microusd = reader->found.cost_microusd,
    };
    return solver_check_plan(&problem, &plan, err);
}

static int check_all(struct reader *reader, struct err *err)
{
    if (!reader->read)
        return err_set(err, ERR_INVALID, "holds no plan");
    int rc = check_limits(reader, err);
    if (!rc)
        rc = check_as_solver_plan(reader, err);
    if (rc)
        return rc;
    if (reader->claimed_cost_microusd != reader->found.cost_microusd)
        return err_set(err, ERR_INVALID, "usdPerHour: is not the sum of the nodes");
    if (reader->claimed_worst_microusd != reader->found.worst_microusd)
        return err_set(err, ERR_INVALID, "worstUsdPerHour: is not the sum of the nodes' dearest pools");
    return 0;
}

static int reader_init(struct reader *reader, struct err *err)
{
    const struct solver_problem *problem = reader->asked->bound_problem;
    reader->states = arena_array(reader->arena, uint8_t, reader->objects->pods.len);
    reader->found.placed = arena_array(reader->arena, int64_t, problem->n_shapes);
    reader->left = arena_array(reader->arena, int64_t, problem->n_shapes);
    reader->charged = arena_array(reader->arena, int64_t, (size_t)problem->n_owners * problem->n_dims);
    reader->next_of_pool = arena_array(reader->arena, uint32_t, reader->asked->supply->n);
    reader->named_by = arena_array(reader->arena, size_t, reader->asked->supply->n);
    if (!reader->states || !reader->found.placed || !reader->left || !reader->charged || !reader->next_of_pool ||
        !reader->named_by)
        return err_nomem(err);
    int rc = index_pods(reader, err);
    if (!rc)
        rc = index_pools(reader, err);
    return rc ? rc : index_nodes(reader, err);
}

int verify_plan(struct str bytes, const char *name, const struct objects *objects, const struct planner_result *asked,
                struct arena *arena, struct verified_plan *ret, struct err *err)
{
    struct reader reader = {.objects = objects, .asked = asked, .arena = arena};
    int rc = reader_init(&reader, err);
    if (!rc)
        rc = doc_read(bytes, name, read_plan, &reader, err);
    if (!rc)
        rc = check_all(&reader, err);
    if (rc)
        rc = rc == ERR_NOMEM ? rc : err_wrap(err, "%s", name);
    else
        *ret = reader.found;
    VEC_FREE(&reader.purchases);
    VEC_FREE(&reader.fillings);
    VEC_FREE(&reader.first_of_pool);
    intern_release(&reader.pods);
    intern_release(&reader.pools);
    intern_release(&reader.nodes);
    return rc;
}
