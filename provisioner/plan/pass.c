#include "provisioner/plan/pass.h"

#include "base/bitset.h"
#include "provisioner/plan/reasons.h"
#include "solver/check.h"
#include "solver/solve.h"

/*
 * Close enough for a large demand, where the last tenth of a per cent takes longest; small ones are worth the whole
 * search, which is short there.
 */
static const double LARGE_GAP_TARGET = 0.008;
enum { LARGE_PODS = 500 };

static size_t pod_count(const struct pass_input *input)
{
    return input->objects->pods.len;
}

static int build_demand(const struct pass_input *input, const struct pass_rules *rules, struct arena *arena,
                        struct pass *pass, struct err *err)
{
    struct demand_options options = {.by_app = rules->zone_of_pod != NULL,
                                     .skip = rules->skip,
                                     .relaxed = rules->relaxed,
                                     .no_preferences = rules->no_preferences};
    int code = demand_build(input->objects, input->supply, &options, arena, &pass->demand, err);
    if (code)
        return code;
    uint32_t *zone_of_app = NULL;
    if (rules->zone_of_pod) {
        zone_of_app = arena_array(arena, uint32_t, pass->demand.n_apps);
        if (!zone_of_app)
            return err_nomem(err);
        for (size_t a = 0; a < pass->demand.n_apps; a++)
            zone_of_app[a] = SOLVER_NONE;
        for (size_t i = 0; i < pod_count(input); i++)
            if (pass->demand.pod_app[i] != SOLVER_NONE && rules->zone_of_pod[i] != SOLVER_NONE)
                zone_of_app[pass->demand.pod_app[i]] = rules->zone_of_pod[i];
    }
    return topology_build(&pass->demand, zone_of_app, arena, &pass->topology, err);
}

static void add_part(struct pass *pass, const struct topology_part *part, const uint64_t *admits, const uint32_t *pods,
                     uint32_t n_pods)
{
    pass->part_pods[pass->n_parts] = pods;
    pass->parts[pass->n_parts++] = (struct compile_part){
        .shape = part->shape, .n_pods = n_pods, .admits = admits, .admits_nodes = part->admits_nodes};
}

/* One part of the topology by the classes of its pods: a part for each, and one for the pods that have none. */
static int split_part(const struct pass_input *input, const struct pass_rules *rules, const struct topology_part *part,
                      const uint32_t *pods, struct arena *arena, struct pass *pass, struct err *err)
{
    size_t n_offerings = input->market->supply->n;
    uint32_t *first = arena_array(arena, uint32_t, (size_t)rules->n_classes + 2);
    uint32_t *sorted = arena_array(arena, uint32_t, part->n_pods);
    if (!first || !sorted)
        return err_nomem(err);
    for (uint32_t k = 0; k < part->n_pods; k++) {
        uint32_t class = rules->class_of_pod[pods[k]];
        first[(class == SOLVER_NONE ? rules->n_classes : class) + 1]++;
    }
    for (uint32_t c = 0; c <= rules->n_classes; c++)
        first[c + 1] += first[c];
    for (uint32_t k = part->n_pods; k-- > 0;) {
        uint32_t class = rules->class_of_pod[pods[k]];
        sorted[--first[(class == SOLVER_NONE ? rules->n_classes : class) + 1]] = pods[k];
    }
    /* first[c + 1] is now where class c begins. */
    for (uint32_t c = 0; c <= rules->n_classes; c++) {
        uint32_t begin = first[c + 1], end = c < rules->n_classes ? first[c + 2] : part->n_pods;
        const uint64_t *admits = part->admits;
        if (begin == end)
            continue;
        if (c < rules->n_classes) {
            uint64_t *narrowed = arena_array(arena, uint64_t, BITSET_WORDS(n_offerings));
            if (!narrowed)
                return err_nomem(err);
            bitset_copy(narrowed, part->admits, n_offerings);
            bitset_and(narrowed, rules->classes[c], n_offerings);
            admits = narrowed;
        }
        add_part(pass, part, admits, sorted + begin, end - begin);
    }
    return 0;
}

/* Deals each demand shape's pods to its parts, in input order; those that topology refused are the last. */
static int build_parts(const struct pass_input *input, const struct pass_rules *rules, struct arena *arena,
                       struct pass *pass, struct err *err)
{
    const struct topology *topology = &pass->topology;
    size_t most = 0;
    for (size_t i = 0; i < topology->n_parts; i++)
        most += topology->parts[i].n_pods < rules->n_classes + 1 ? topology->parts[i].n_pods : rules->n_classes + 1;
    pass->parts = arena_array(arena, struct compile_part, most);
    pass->part_pods = arena_array(arena, const uint32_t *, most);
    pass->dealt = arena_array(arena, uint32_t, pass->demand.n_shapes);
    if (!pass->parts || !pass->part_pods || !pass->dealt)
        return err_nomem(err);
    for (size_t i = 0; i < topology->n_parts; i++) {
        const struct topology_part *part = &topology->parts[i];
        const struct demand_shape *shape = &pass->demand.shapes[part->shape];
        const uint32_t *pods = shape->pods + pass->dealt[part->shape];
        if (shape->reason || !part->n_pods)
            continue;
        pass->dealt[part->shape] += part->n_pods;
        if (!rules->class_of_pod)
            add_part(pass, part, part->admits, pods, part->n_pods);
        else if (split_part(input, rules, part, pods, arena, pass, err))
            return ERR_NOMEM;
    }
    return 0;
}

/*
 * Shapes that are placed in fewer places than they admit: of these a tier may have none, so lower ones come in that
 * the whole shape would never ask. NULL if memory ran out.
 */
static bool *narrowed_shapes(const struct pass_input *input, const struct pass *pass, bool modes, struct arena *arena)
{
    size_t n_shapes = pass->demand.n_shapes;
    bool *narrowed = arena_array(arena, bool, n_shapes);
    for (size_t s = 0; narrowed && s < n_shapes; s++)
        narrowed[s] = modes;
    for (size_t i = 0; narrowed && i < pass->topology.n_parts; i++) {
        const struct topology_part *part = &pass->topology.parts[i];
        if (!bitset_equal(part->admits, pass->demand.shapes[part->shape].admits, input->market->supply->n))
            narrowed[part->shape] = true;
    }
    return narrowed;
}

/*
 * One part for each demand shape as it was before topology and modes; `counts` [n_shapes] pods, NULL: all of them.
 * `modes`: some may yet narrow it.
 */
static int whole_shapes(const struct pass_input *input, const struct pass *pass, const int64_t *counts, bool modes,
                        struct arena *arena, struct compile_part **ret_parts, struct err *err)
{
    const struct demand *demand = &pass->demand;
    struct compile_part *parts = arena_array(arena, struct compile_part, demand->n_shapes);
    const bool *narrowed = narrowed_shapes(input, pass, modes, arena);
    if (!parts || !narrowed)
        return err_nomem(err);
    for (size_t s = 0; s < demand->n_shapes; s++) {
        const struct demand_shape *shape = &demand->shapes[s];
        parts[s] = (struct compile_part){.shape = (uint32_t)s,
                                         .n_pods = counts          ? counts[s]
                                                   : shape->reason ? 0
                                                                   : shape->n_pods,
                                         .admits = shape->admits,
                                         .admits_nodes = shape->admits_nodes,
                                         .any_tier = narrowed[s]};
    }
    *ret_parts = parts;
    return 0;
}

/*
 * The question before zones were chosen, about the pods that topology did not refuse. Parts of different shapes there
 * are kept apart here: zones may have made them equal.
 */
static int build_relaxed(const struct pass_input *input, const struct compile_input *chosen, struct arena *arena,
                         struct pass *pass, struct err *err)
{
    struct compile_input whole = *chosen;
    struct compile_part *parts = NULL;
    int64_t *counts = arena_array(arena, int64_t, pass->demand.n_shapes);
    if (!counts)
        return err_nomem(err);
    for (size_t i = 0; i < pass->n_parts; i++)
        counts[pass->parts[i].shape] += pass->parts[i].n_pods;
    int code = whole_shapes(input, pass, counts, false, arena, &parts, err);
    if (code)
        return code;
    whole.parts = parts;
    whole.n_parts = pass->demand.n_shapes;
    code = compile_problem(&whole, arena, &pass->relaxed, err);
    for (size_t i = 0; !code && i < pass->n_parts; i++)
        pass->parts[i].apart = pass->relaxed.shape_of_part[pass->parts[i].shape];
    return code;
}

static int map_relaxed(struct arena *arena, struct pass *pass, struct err *err)
{
    uint32_t *relaxed_shape = arena_array(arena, uint32_t, pass->compiled.problem.n_shapes);
    if (!relaxed_shape)
        return err_nomem(err);
    for (size_t i = 0; i < pass->n_parts; i++)
        if (pass->compiled.shape_of_part[i] != SOLVER_NONE)
            relaxed_shape[pass->compiled.shape_of_part[i]] = pass->parts[i].apart;
    pass->relaxed_shape = relaxed_shape;
    return 0;
}

static int same_shapes(struct arena *arena, struct pass *pass, struct err *err)
{
    uint32_t n = pass->compiled.problem.n_shapes;
    uint32_t *relaxed_shape = arena_array(arena, uint32_t, n);
    if (!relaxed_shape)
        return err_nomem(err);
    for (uint32_t s = 0; s < n; s++)
        relaxed_shape[s] = s;
    pass->relaxed_shape = relaxed_shape;
    pass->relaxed = pass->compiled;
    return 0;
}

static int build_problems(const struct pass_input *input, const struct pass_rules *rules, struct arena *arena,
                          struct pass *pass, struct err *err)
{
    struct compile_input in = {.market = input->market,
                               .demand = &pass->demand,
                               .topology = &pass->topology,
                               .parts = pass->parts,
                               .n_parts = pass->n_parts};
    /* A mode's solve is measured against its own bound; what is proved is carried over from the pass without modes. */
    pass->narrowed = pass->topology.narrowed && !rules->zone_of_pod && !rules->class_of_pod;
    int code = pass->narrowed ? build_relaxed(input, &in, arena, pass, err) : 0;
    if (!code)
        code = compile_problem(&in, arena, &pass->compiled, err);
    if (code)
        return code;
    return pass->narrowed ? map_relaxed(arena, pass, err) : same_shapes(arena, pass, err);
}

struct deadline {
    const struct clock *clock;
    struct clock_mono end;
};

static bool deadline_passed(void *context)
{
    const struct deadline *deadline = context;
    return clock_now(deadline->clock).ns >= deadline->end.ns;
}

int pass_verify(const struct solver_problem *problem, const struct solver_plan *plan, const char *what, struct err *err)
{
    int code = solver_check_plan(problem, plan, err);
    if (code != ERR_INVALID)
        return code;
    err_wrap(err, "internal: %s is not valid", what);
    if (err)
        err->code = ERR_FATAL;
    return ERR_FATAL;
}

static int solve(const struct pass_input *input, struct arena *arena, struct pass *pass, struct err *err)
{
    struct deadline deadline = {input->clock, clock_now(input->clock)};
    deadline.end.ns += input->budget_ms * 1000000;
    int64_t pods = 0;
    for (uint32_t s = 0; s < pass->compiled.problem.n_shapes; s++)
        pods += pass->compiled.problem.shapes[s].count;
    struct solver_options options = {.expired = deadline_passed,
                                     .context = &deadline,
                                     .gap_target = pods > LARGE_PODS ? LARGE_GAP_TARGET : 0,
                                     .seed = 1,
                                     .relaxed = pass->narrowed ? &pass->relaxed.problem : NULL,
                                     .relaxed_shape = pass->narrowed ? pass->relaxed_shape : NULL};
    int code = solver_solve(&pass->compiled.problem, &options, arena, &pass->plan, err);
    if (code)
        return code;
    return pass_verify(&pass->compiled.problem, &pass->plan, "the solver's plan", err);
}

/* Fills shape_of_pod, and the reasons of pods that never reach the solver. */
static int note_pods(const struct pass_input *input, struct arena *arena, struct pass *pass, struct err *err)
{
    const struct demand *demand = &pass->demand;
    uint32_t *dealt = pass->dealt;
    pass->shape_of_pod = arena_array(arena, uint32_t, pod_count(input));
    pass->reasons = arena_array(arena, const char *, pod_count(input));
    if (!pass->shape_of_pod || !pass->reasons)
        return err_nomem(err);
    for (size_t i = 0; i < pod_count(input); i++)
        pass->shape_of_pod[i] = SOLVER_NONE;
    for (size_t i = 0; i < pass->n_parts; i++)
        for (int64_t k = 0; k < pass->parts[i].n_pods; k++)
            pass->shape_of_pod[pass->part_pods[i][k]] = pass->compiled.shape_of_part[i];
    for (size_t r = 0; r < pass->topology.n_refusals; r++) {
        const struct topology_refusal *refusal = &pass->topology.refusals[r];
        for (uint32_t k = 0; k < refusal->n_pods; k++)
            pass->reasons[demand->shapes[refusal->shape].pods[dealt[refusal->shape]++]] = refusal->reason;
        pass->n_unplaced += refusal->n_pods;
    }
    for (size_t s = 0; s < demand->n_shapes; s++)
        for (; dealt[s] < demand->shapes[s].n_pods; dealt[s]++, pass->n_unplaced++)
            pass->reasons[demand->shapes[s].pods[dealt[s]]] =
                demand->shapes[s].reason ? demand->shapes[s].reason : "its placement constraints leave no place";
    return 0;
}

/*
 * The pods of the demand, application by application in the order of their first pods, drivers before executors.
 * What comes last is what a limit leaves over first, and neighbours in this order become neighbours on nodes.
 */
static int order_pods(const struct pass_input *input, const struct demand *demand, struct arena *arena,
                      uint32_t **ret_order, size_t *ret_n, struct err *err)
{
    size_t n_pods = pod_count(input), n = 0;
    uint32_t *order = arena_array(arena, uint32_t, n_pods);
    uint32_t *next = arena_array(arena, uint32_t, n_pods); /* the next pod of the same application, + 1 */
    uint32_t *last = arena_array(arena, uint32_t, demand->n_apps);
    bool *heads = arena_array(arena, bool, n_pods);
    if (!order || !next || !last || !heads)
        return err_nomem(err);
    for (size_t a = 0; a < demand->n_apps; a++)
        last[a] = SOLVER_NONE;
    for (uint32_t i = 0; i < n_pods; i++) {
        uint32_t app = demand->pod_app[i];
        heads[i] = app == SOLVER_NONE || last[app] == SOLVER_NONE;
        if (!heads[i])
            next[last[app]] = i + 1;
        if (app != SOLVER_NONE)
            last[app] = i;
    }
    for (uint32_t head = 0; head < n_pods; head++) {
        if (!heads[head])
            continue;
        for (uint32_t i = head + 1; i; i = next[i - 1])
            if (input->objects->pods.items[i - 1].role == SPARK_DRIVER)
                order[n++] = i - 1;
        for (uint32_t i = head + 1; i; i = next[i - 1])
            if (input->objects->pods.items[i - 1].role != SPARK_DRIVER)
                order[n++] = i - 1;
    }
    *ret_order = order;
    *ret_n = n;
    return 0;
}

static int build_lists(const struct pass_input *input, struct arena *arena, struct pass *pass, struct err *err)
{
    const struct solver_problem *problem = &pass->compiled.problem;
    uint32_t *order = NULL;
    size_t n = 0;
    int code = order_pods(input, &pass->demand, arena, &order, &n, err);
    if (code)
        return code;
    pass->lists = arena_array(arena, struct pass_list, problem->n_shapes);
    if (!pass->lists)
        return err_nomem(err);
    for (uint32_t s = 0; s < problem->n_shapes; s++) {
        pass->lists[s].pods = arena_array(arena, uint32_t, (size_t)problem->shapes[s].count);
        if (!pass->lists[s].pods)
            return err_nomem(err);
    }
    for (size_t i = 0; i < n; i++) {
        uint32_t shape = pass->shape_of_pod[order[i]];
        if (shape != SOLVER_NONE)
            pass->lists[shape].pods[pass->lists[shape].n_pods++] = order[i];
    }
    for (uint32_t s = 0; s < problem->n_shapes; s++)
        pass->lists[s].n_placed = pass->lists[s].n_pods;
    return 0;
}

/* The last of a shape's pods are those that the solver left over. */
static int mark_leftovers(const struct pass_input *input, struct arena *arena, struct pass *pass, struct err *err)
{
    for (size_t i = 0; i < pass->plan.n_leftovers; i++) {
        const struct solver_leftover *leftover = &pass->plan.leftovers[i];
        const char *reason = reason_leftover(input->market, &pass->plan, leftover, arena);
        if (!reason)
            return err_nomem(err);
        struct pass_list *list = &pass->lists[leftover->shape];
        for (int64_t k = 0; k < leftover->count; k++) {
            pass->reasons[list->pods[--list->n_placed]] = reason;
            pass->n_leftover++;
            pass->n_unplaced++;
        }
    }
    return 0;
}

int pass_run(const struct pass_input *input, const struct pass_rules *rules, struct arena *arena, struct pass *ret,
             struct err *err)
{
    struct pass pass = {0};
    int code = build_demand(input, rules, arena, &pass, err);
    if (!code)
        code = build_parts(input, rules, arena, &pass, err);
    if (!code)
        code = build_problems(input, rules, arena, &pass, err);
    if (!code)
        code = solve(input, arena, &pass, err);
    if (!code)
        code = note_pods(input, arena, &pass, err);
    if (!code)
        code = build_lists(input, arena, &pass, err);
    if (!code)
        code = mark_leftovers(input, arena, &pass, err);
    if (code)
        return code;
    *ret = pass;
    return 0;
}

/* Does any Provisioner choose zones for applications, or share them out among pools. */
static bool has_modes(const struct objects *objects)
{
    for (size_t p = 0; p < objects->provisioners.len; p++)
        if (objects->provisioners.items[p].zone_mode != SPARK_ZONE_ANY ||
            objects->provisioners.items[p].max_pool_share < 1)
            return true;
    return false;
}

static bool has_preferences(const struct objects *objects)
{
    for (size_t s = 0; s < objects->specs.len; s++)
        if (demand_relaxations(objects->specs.items[s]) > 0)
            return true;
    return false;
}

int pass_bound_problem(const struct pass_input *input, const struct pass *plain, struct arena *arena, struct pass *ret,
                       struct err *err)
{
    struct pass pass = {0};
    int code = 0;
    bool preferences = has_preferences(input->objects);
    if (plain && !preferences) {
        pass.demand = plain->demand;
        pass.topology = plain->topology;
    } else {
        code = build_demand(input, &(struct pass_rules){.no_preferences = true}, arena, &pass, err);
    }
    pass.n_parts = pass.demand.n_shapes;
    if (!code)
        code = whole_shapes(input, &pass, NULL, has_modes(input->objects), arena, &pass.parts, err);
    struct compile_input in = {.market = input->market,
                               .demand = &pass.demand,
                               .topology = &pass.topology,
                               .parts = pass.parts,
                               .n_parts = pass.n_parts};
    if (!code)
        code = compile_problem(&in, arena, &pass.compiled, err);
    if (code)
        return code;
    pass.shape_of_pod = arena_array(arena, uint32_t, pod_count(input));
    if (!pass.shape_of_pod)
        return err_nomem(err);
    for (size_t i = 0; i < pod_count(input); i++)
        pass.shape_of_pod[i] = SOLVER_NONE;
    for (size_t s = 0; s < pass.demand.n_shapes; s++)
        for (uint32_t k = 0; k < pass.demand.shapes[s].n_pods; k++)
            pass.shape_of_pod[pass.demand.shapes[s].pods[k]] = pass.compiled.shape_of_part[s];
    *ret = pass;
    return 0;
}

bool pass_limited(const struct pass *pass, uint32_t *ret_owner)
{
    for (size_t i = 0; i < pass->plan.n_leftovers; i++) {
        if (pass->plan.leftovers[i].why == SOLVER_LIMIT) {
            if (ret_owner)
                *ret_owner = pass->plan.leftovers[i].owner;
            return true;
        }
    }
    return false;
}
