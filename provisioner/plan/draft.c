#include "provisioner/plan/draft.h"

#include <stdlib.h>
#include <string.h>

#include "base/bitset.h"
#include "base/intern.h"

struct drafter {
    const struct objects *objects;
    const struct pools *pools;
    struct arena *arena;
    struct draft *draft;
    struct share *share;      /* NULL: no Provisioner sets one */
    struct share_loads loads; /* scratch, room for every pod of a bin or group */
    struct intern pattern_keys;
};

static const struct provisioner *owner_of(const struct drafter *d, uint32_t offering)
{
    return &d->objects->provisioners.items[d->draft->market->offerings[offering].owner];
}

static int by_shape(const void *a, const void *b)
{
    const struct solver_take *x = a, *y = b;
    return x->shape < y->shape ? -1 : x->shape > y->shape;
}

/* What the bin really holds. */
static int count_takes(struct drafter *d, struct bin *bin, struct err *err)
{
    size_t slots = 0;
    for (uint32_t i = 0; i < bin->n_takes; i++)
        slots += (size_t)bin->takes[i].count;
    if (slots == bin->n_pods)
        return 0;
    struct solver_take *takes = arena_array(d->arena, struct solver_take, bin->n_takes);
    if (!takes)
        return err_nomem(err);
    uint32_t n = 0;
    for (uint32_t k = 0; k < bin->n_pods; k++) {
        uint32_t shape = d->draft->pass->shape_of_pod[bin->pods[k]], i = 0;
        while (i < n && takes[i].shape != shape)
            i++;
        if (i == n)
            takes[n++] = (struct solver_take){shape, 0};
        takes[i].count++;
    }
    qsort(takes, n, sizeof(*takes), by_shape);
    bin->takes = takes;
    bin->n_takes = n;
    return 0;
}

/* Bins of one Provisioner (and variant) and capacity type with equal takes share a pattern. */
static int pattern_of(struct drafter *d, const struct bin *bin, uint32_t *ret_pattern, struct err *err)
{
    struct draft *draft = d->draft;
    const struct supply_offering *offering = &draft->market->supply->offerings[bin->offering];
    uint32_t kind = 2 * offering->variant + (offering->capacity_type == CLOUD_SPOT);
    size_t size = sizeof(kind) + bin->n_takes * sizeof(*bin->takes);
    char *key = arena_alloc(d->arena, size);
    if (!key)
        return err_nomem(err);
    memcpy(key, &kind, sizeof(kind));
    memcpy(key + sizeof(kind), bin->takes, bin->n_takes * sizeof(*bin->takes));
    uint32_t id = 0;
    int code = intern_add(&d->pattern_keys, (struct str){key, size}, &id, err);
    if (code)
        return code;
    if (id == draft->n_patterns) {
        struct draft_pattern *pattern = &draft->patterns[id];
        *pattern = (struct draft_pattern){.takes = bin->takes, .n_takes = bin->n_takes};
        bool all = d->share || market_limited(draft->market, draft->market->offerings[bin->offering].owner);
        double ratio = all ? 0 : owner_of(d, bin->offering)->max_price_ratio;
        code = pools_hosting(d->pools, &draft->pass->compiled.problem, bin->takes, bin->n_takes, bin->offering, ratio,
                             d->arena, &pattern->hosts, &pattern->n_hosts, err);
        if (code)
            return code;
        draft->n_patterns++;
    }
    *ret_pattern = id;
    return 0;
}

static int find_patterns(struct drafter *d, struct err *err)
{
    struct draft *draft = d->draft;
    draft->patterns = arena_array(d->arena, struct draft_pattern, draft->n_bins);
    draft->pattern_of_bin = arena_array(d->arena, uint32_t, draft->n_bins);
    if (!draft->patterns || !draft->pattern_of_bin)
        return err_nomem(err);
    for (size_t b = 0; b < draft->n_bins; b++) {
        struct bin *bin = &draft->bins[b];
        draft->pattern_of_bin[b] = SOLVER_NONE;
        int code = count_takes(d, bin, err);
        if (!code && bin->offering != SOLVER_NONE && bin->n_pods)
            code = pattern_of(d, bin, &draft->pattern_of_bin[b], err);
        if (code)
            return code;
    }
    return 0;
}

/* What the limits leave beyond the nodes as chosen: [n_owners][n_dims], SOLVER_UNLIMITED where there is none. */
static int64_t *limit_slack(const struct drafter *d)
{
    const struct market *market = d->draft->market;
    uint32_t n_dims = market->supply->dims->n;
    int64_t *slack = arena_calloc(d->arena, market->n_owners, n_dims * sizeof(*slack));
    if (!slack)
        return NULL;
    for (uint32_t o = 0; o < market->n_owners; o++)
        memcpy(slack + o * n_dims, market->owners[o].limit, n_dims * sizeof(*slack));
    for (size_t b = 0; b < d->draft->n_bins; b++) {
        if (d->draft->pattern_of_bin[b] == SOLVER_NONE)
            continue;
        const struct solver_offering *offering = &market->offerings[d->draft->bins[b].offering];
        for (uint32_t i = 0; i < n_dims; i++)
            if (slack[offering->owner * n_dims + i] != SOLVER_UNLIMITED)
                slack[offering->owner * n_dims + i] -= offering->capacity[i];
    }
    return slack;
}

/* May a node move from `planned` to `host` within what its Provisioner's limits leave? */
static bool within_limits(const struct market *market, uint32_t planned, uint32_t host, const int64_t *slack)
{
    const struct solver_offering *from = &market->offerings[planned], *to = &market->offerings[host];
    const int64_t *left = slack + from->owner * market->supply->dims->n;
    for (uint32_t i = 0; i < market->supply->dims->n; i++)
        if (left[i] != SOLVER_UNLIMITED && to->capacity[i] > from->capacity[i] &&
            to->capacity[i] - from->capacity[i] > left[i])
            return false;
    return true;
}

static void charge_move(const struct market *market, uint32_t planned, uint32_t host, int64_t *slack)
{
    const struct solver_offering *from = &market->offerings[planned], *to = &market->offerings[host];
    int64_t *left = slack + from->owner * market->supply->dims->n;
    for (uint32_t i = 0; i < market->supply->dims->n; i++)
        if (left[i] != SOLVER_UNLIMITED)
            left[i] -= to->capacity[i] - from->capacity[i];
}

/* The cheapest pool for the bin that limits and share allow; SOLVER_NONE if there is none. */
static uint32_t choose(const struct drafter *d, const struct draft_pattern *pattern, uint32_t planned,
                       const int64_t *slack)
{
    const struct market *market = d->draft->market;
    int64_t planned_price = market->offerings[planned].price_microusd;
    bool planned_allowed = !d->share || share_allows(d->share, planned, &d->loads);
    for (size_t i = 0; i < pattern->n_hosts; i++) {
        uint32_t host = pattern->hosts[i];
        if (planned_allowed && market->offerings[host].price_microusd >= planned_price)
            break;
        if (within_limits(market, planned, host, slack) && (!d->share || share_allows(d->share, host, &d->loads)))
            return host;
    }
    return planned_allowed ? planned : SOLVER_NONE;
}

/* No pool can take all of the bin's executors: those beyond the cap of the planned pool lose their place. */
static int evict_excess(struct drafter *d, uint32_t index, struct err *err)
{
    struct draft *draft = d->draft;
    struct bin *bin = &draft->bins[index];
    uint32_t kept = 0;
    for (size_t i = 0; i < d->loads.n; i++) {
        int32_t left = share_left(d->share, bin->offering, d->loads.items[i].app);
        if (d->loads.items[i].n > left)
            d->loads.items[i].n = left > 0 ? left : 0;
    }
    for (uint32_t k = 0; k < bin->n_pods; k++) {
        uint32_t pod = bin->pods[k], app = draft->pass->demand.pod_app[pod];
        size_t i = 0;
        while (i < d->loads.n && d->loads.items[i].app != app)
            i++;
        bool counted = d->objects->pods.items[pod].role == SPARK_EXECUTOR && i < d->loads.n;
        if (!counted || d->loads.items[i].n-- > 0)
            bin->pods[kept++] = pod;
        else
            draft->bin_of_pod[pod] = SOLVER_NONE;
    }
    bin->n_pods = kept;
    int code = count_takes(d, bin, err);
    draft->pattern_of_bin[index] = SOLVER_NONE;
    if (!code && kept)
        code = pattern_of(d, bin, &draft->pattern_of_bin[index], err);
    d->loads.n = 0;
    share_count(d->share, bin->pods, bin->n_pods, &d->loads);
    return code;
}

static int choose_pools(struct drafter *d, struct err *err)
{
    struct draft *draft = d->draft;
    int64_t *slack = limit_slack(d);
    if (!slack)
        return err_nomem(err);
    for (uint32_t b = 0; b < draft->n_bins; b++) {
        if (draft->pattern_of_bin[b] == SOLVER_NONE)
            continue;
        struct bin *bin = &draft->bins[b];
        d->loads.n = 0;
        if (d->share)
            share_count(d->share, bin->pods, bin->n_pods, &d->loads);
        uint32_t chosen = choose(d, &draft->patterns[draft->pattern_of_bin[b]], bin->offering, slack);
        if (chosen == SOLVER_NONE) {
            int code = evict_excess(d, b, err);
            if (code)
                return code;
            chosen = bin->offering;
        }
        if (draft->pattern_of_bin[b] == SOLVER_NONE)
            continue;
        charge_move(draft->market, bin->offering, chosen, slack);
        bin->offering = chosen;
        draft->cost_microusd += draft->market->offerings[chosen].price_microusd;
        if (d->share && share_add(d->share, chosen, &d->loads, err))
            return ERR_NOMEM;
    }
    return 0;
}

/* On-Demand before spot, types and zones by name, then by pattern and bin: equal nodes stand together. */
static int by_group(const void *a, const void *b, void *context)
{
    const struct draft *draft = context;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    const struct supply_offering *p = &draft->market->supply->offerings[draft->bins[x].offering];
    const struct supply_offering *q = &draft->market->supply->offerings[draft->bins[y].offering];
    if (p->variant != q->variant)
        return p->variant < q->variant ? -1 : 1;
    if (p->capacity_type != q->capacity_type)
        return p->capacity_type < q->capacity_type ? -1 : 1;
    if (p->type != q->type)
        return p->type < q->type ? -1 : 1;
    if (p->zone != q->zone)
        return p->zone < q->zone ? -1 : 1;
    if (draft->pattern_of_bin[x] != draft->pattern_of_bin[y])
        return draft->pattern_of_bin[x] < draft->pattern_of_bin[y] ? -1 : 1;
    return x < y ? -1 : x > y;
}

static int find_groups(struct drafter *d, struct err *err)
{
    struct draft *draft = d->draft;
    uint32_t *order = arena_array(d->arena, uint32_t, draft->n_bins);
    draft->groups = arena_array(d->arena, struct draft_group, draft->n_bins);
    if (!order || !draft->groups)
        return err_nomem(err);
    size_t n = 0;
    for (uint32_t b = 0; b < draft->n_bins; b++)
        if (draft->pattern_of_bin[b] != SOLVER_NONE)
            order[n++] = b;
    qsort_r(order, n, sizeof(*order), by_group, draft);
    for (size_t i = 0, end; i < n; i = end) {
        struct draft_group *group = &draft->groups[draft->n_groups++];
        group->pattern = draft->pattern_of_bin[order[i]];
        group->offering = draft->bins[order[i]].offering;
        for (end = i + 1; end < n && draft->pattern_of_bin[order[end]] == group->pattern &&
                          draft->bins[order[end]].offering == group->offering;)
            end++;
        group->bins = order + i;
        group->n_bins = end - i;
    }
    return 0;
}

int64_t draft_charge(const struct draft *draft, const struct draft_group *group, uint32_t dim)
{
    int64_t most = draft->market->offerings[group->offering].capacity[dim];
    for (size_t i = 0; i < group->n_alternatives; i++) {
        int64_t capacity = draft->market->offerings[group->alternatives[i]].capacity[dim];
        most = capacity > most ? capacity : most;
    }
    return most;
}

/* Takes from `slack` what it costs to offer `host` to the group; false, and nothing taken, if there is not enough. */
static bool charge_alternative(const struct drafter *d, const struct draft_group *group, uint32_t host, int64_t *slack)
{
    const struct market *market = d->draft->market;
    uint32_t n_dims = market->supply->dims->n;
    int64_t *left = slack + market->offerings[host].owner * n_dims;
    int64_t more[SOLVER_MAX_DIMS];
    for (uint32_t i = 0; i < n_dims; i++) {
        int64_t rise =
            left[i] == SOLVER_UNLIMITED ? 0 : market->offerings[host].capacity[i] - draft_charge(d->draft, group, i);
        more[i] = rise > 0 ? rise * (int64_t)group->n_bins : 0;
        if (more[i] > left[i])
            return false;
    }
    for (uint32_t i = 0; i < n_dims; i++)
        if (left[i] != SOLVER_UNLIMITED)
            left[i] -= more[i];
    return true;
}

/* Is the host's type offered by the group already, or may one more be? */
static bool type_allowed(const struct drafter *d, const struct draft_group *group, uint32_t host)
{
    const struct supply_offering *offerings = d->draft->market->supply->offerings;
    uint32_t types[DRAFT_MAX_TYPES], n = 0;
    types[n++] = offerings[group->offering].type;
    for (size_t i = 0; i < group->n_alternatives; i++) {
        uint32_t k = 0, type = offerings[group->alternatives[i]].type;
        while (k < n && types[k] != type)
            k++;
        if (k == n)
            types[n++] = type;
    }
    for (uint32_t k = 0; k < n; k++)
        if (types[k] == offerings[host].type)
            return true;
    return n < DRAFT_MAX_TYPES;
}

/* Gives the group its next alternative from *cursor on; false if there is none any more. */
static int next_alternative(struct drafter *d, struct draft_group *group, size_t *cursor, int64_t *slack,
                            bool *ret_given, struct err *err)
{
    const struct draft_pattern *pattern = &d->draft->patterns[group->pattern];
    const struct solver_offering *offerings = d->draft->market->offerings;
    double ratio = owner_of(d, group->offering)->max_price_ratio;
    /* The choice is the cheapest that limits allow; a share may have asked for a dearer one. */
    int64_t cheapest = offerings[d->share ? pattern->hosts[0] : group->offering].price_microusd;
    *ret_given = false;
    while (*cursor < pattern->n_hosts) {
        uint32_t host = pattern->hosts[(*cursor)++];
        if (!pools_within(offerings[host].price_microusd, cheapest, ratio))
            break;
        if (host == group->offering || !type_allowed(d, group, host))
            continue;
        if ((d->share && !share_allows(d->share, host, &d->loads)) || !charge_alternative(d, group, host, slack))
            continue;
        group->alternatives[group->n_alternatives++] = host;
        *ret_given = true;
        return d->share ? share_add(d->share, host, &d->loads, err) : 0;
    }
    *cursor = pattern->n_hosts;
    return 0;
}

static void load_group(struct drafter *d, const struct draft_group *group)
{
    d->loads.n = 0;
    for (size_t i = 0; d->share && i < group->n_bins; i++)
        share_count(d->share, d->draft->bins[group->bins[i]].pods, d->draft->bins[group->bins[i]].n_pods, &d->loads);
}

/*
 * Without a share each group takes all it can; with one the groups take turns, one pool each, so that those whose
 * pools must not overlap come away with about as many.
 */
static int find_alternatives(struct drafter *d, struct err *err)
{
    struct draft *draft = d->draft;
    size_t *cursors = arena_array(d->arena, size_t, draft->n_groups);
    int64_t *slack = limit_slack(d);
    if (!cursors || !slack)
        return err_nomem(err);
    for (size_t g = 0; g < draft->n_groups; g++) {
        draft->groups[g].alternatives =
            arena_array(d->arena, uint32_t, draft->patterns[draft->groups[g].pattern].n_hosts);
        if (!draft->groups[g].alternatives)
            return err_nomem(err);
    }
    for (bool again = true; again;) {
        again = false;
        for (size_t g = 0; g < draft->n_groups; g++) {
            bool given = true;
            if (cursors[g] < draft->patterns[draft->groups[g].pattern].n_hosts)
                load_group(d, &draft->groups[g]);
            else
                given = false;
            while (given) {
                int code = next_alternative(d, &draft->groups[g], &cursors[g], slack, &given, err);
                if (code)
                    return code;
                again = again || given;
                if (d->share)
                    break;
            }
        }
    }
    return 0;
}

/* Reasons for pods that the pass placed and the share did not. */
static int explain_refused(struct drafter *d, struct err *err)
{
    struct draft *draft = d->draft;
    draft->reasons = arena_array(d->arena, const char *, d->objects->pods.len);
    if (!draft->reasons)
        return err_nomem(err);
    for (size_t i = 0; d->share && i < d->objects->pods.len; i++) {
        uint32_t shape = draft->pass->shape_of_pod[i], app = draft->pass->demand.pod_app[i];
        if (shape == SOLVER_NONE || draft->pass->reasons[i] || draft->bin_of_pod[i] != SOLVER_NONE)
            continue;
        draft->reasons[i] = arena_printf(
            d->arena, "spec.spot.maxPoolShare: no further pool may take an executor of application %.*s (it has %d)",
            STR_ARG(draft->pass->demand.apps[app]), d->share->executors[app]);
        if (!draft->reasons[i])
            return err_nomem(err);
        draft->n_refused++;
    }
    return 0;
}

static int build(struct drafter *d, struct err *err)
{
    struct draft *draft = d->draft;
    draft->bin_of_pod = arena_array(d->arena, uint32_t, d->objects->pods.len);
    if (!draft->bin_of_pod)
        return err_nomem(err);
    int code = assign_bins(draft->pass, d->arena, &draft->bins, &draft->n_bins, err);
    if (!code)
        code = assign_pods(draft->pass, draft->bins, draft->n_bins, draft->bin_of_pod, d->objects->pods.len, d->arena,
                           err);
    if (!code)
        code = find_patterns(d, err);
    if (!code)
        code = choose_pools(d, err);
    if (!code)
        code = find_groups(d, err);
    if (!code)
        code = find_alternatives(d, err);
    return code ? code : explain_refused(d, err);
}

int draft_build(const struct objects *objects, const struct pass *pass, const struct pools *pools, struct arena *arena,
                struct draft *ret, struct err *err)
{
    struct draft draft = {.pass = pass, .market = pools->market};
    struct share share;
    struct drafter d = {.objects = objects, .pools = pools, .arena = arena, .draft = &draft};
    if (share_wanted(objects)) {
        d.share = &share;
        d.loads.items = arena_array(arena, struct share_load, pass->demand.n_apps);
        if (!d.loads.items)
            return err_nomem(err);
        int code = share_init(&share, objects, pools->market->supply, pass, arena, err);
        if (code)
            return code;
    }
    int code = build(&d, err);
    intern_release(&d.pattern_keys);
    if (code)
        return code;
    *ret = draft;
    return 0;
}

/* Pods of each shape that have a bin. */
static int64_t *placed_counts(const struct draft *draft, struct arena *arena)
{
    int64_t *placed = arena_array(arena, int64_t, draft->pass->compiled.problem.n_shapes);
    if (!placed)
        return NULL;
    for (size_t b = 0; b < draft->n_bins; b++)
        for (uint32_t k = 0; k < draft->bins[b].n_pods; k++)
            placed[draft->pass->shape_of_pod[draft->bins[b].pods[k]]]++;
    return placed;
}

static int build_purchases(const struct draft *draft, struct arena *arena, struct solver_plan *plan, struct err *err)
{
    plan->purchases = arena_array(arena, struct solver_purchase, draft->n_groups);
    plan->fillings = arena_array(arena, struct solver_filling, draft->n_bins);
    if (!plan->purchases || !plan->fillings)
        return err_nomem(err);
    for (size_t b = 0; b < draft->n_bins; b++) {
        const struct bin *bin = &draft->bins[b];
        if (bin->node != SOLVER_NONE && bin->n_pods)
            plan->fillings[plan->n_fillings++] = (struct solver_filling){bin->node, bin->takes, bin->n_takes};
    }
    for (size_t g = 0; g < draft->n_groups; g++) {
        const struct draft_group *group = &draft->groups[g];
        const struct draft_pattern *pattern = &draft->patterns[group->pattern];
        plan->purchases[plan->n_purchases++] =
            (struct solver_purchase){group->offering, (int64_t)group->n_bins, pattern->takes, pattern->n_takes};
    }
    return 0;
}

/*
 * The pass's shapes without the pods that the share refused. A shape that loses all of them is asked for once, with
 * nowhere to go, since the solver knows no shape without pods.
 */
static int remaining_shapes(const struct draft *draft, const int64_t *placed, struct arena *arena,
                            struct solver_problem *problem, struct solver_plan *plan, struct err *err)
{
    struct solver_shape *shapes = arena_array(arena, struct solver_shape, problem->n_shapes);
    uint64_t *nowhere = arena_array(arena, uint64_t, BITSET_WORDS(problem->n_offerings));
    plan->leftovers = arena_array(arena, struct solver_leftover, draft->pass->plan.n_leftovers + problem->n_shapes);
    if (!shapes || !nowhere || !plan->leftovers)
        return err_nomem(err);
    for (uint32_t s = 0; s < problem->n_shapes; s++) {
        shapes[s] = problem->shapes[s];
        shapes[s].count = placed[s];
    }
    for (size_t i = 0; i < draft->pass->plan.n_leftovers; i++) {
        plan->leftovers[plan->n_leftovers++] = draft->pass->plan.leftovers[i];
        shapes[draft->pass->plan.leftovers[i].shape].count += draft->pass->plan.leftovers[i].count;
    }
    for (uint32_t s = 0; s < problem->n_shapes; s++) {
        if (shapes[s].count)
            continue;
        shapes[s].count = 1;
        shapes[s].admits = nowhere;
        shapes[s].admits_nodes = NULL;
        plan->leftovers[plan->n_leftovers++] = (struct solver_leftover){s, 1, SOLVER_NO_OFFERING, SOLVER_NONE};
    }
    problem->shapes = shapes;
    return 0;
}

int draft_plan(const struct draft *draft, struct arena *arena, struct solver_problem *ret_problem,
               struct solver_plan *ret_plan, struct err *err)
{
    struct solver_problem problem = draft->pass->compiled.problem;
    struct solver_plan plan = {.cost_microusd = draft->cost_microusd, .method = draft->pass->plan.method};
    int64_t *placed = placed_counts(draft, arena);
    plan.duals_nanousd = arena_array(arena, int64_t, problem.n_shapes);
    if (!placed || !plan.duals_nanousd)
        return err_nomem(err);
    int code = build_purchases(draft, arena, &plan, err);
    if (!code)
        code = remaining_shapes(draft, placed, arena, &problem, &plan, err);
    if (code)
        return code;
    *ret_problem = problem;
    *ret_plan = plan;
    return 0;
}
