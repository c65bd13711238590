#include "provisioner/plan/zone_mode.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bitset.h"
#include "provisioner/plan/estimate.h"
#include "solver/solve.h"

/* Of the premium, what the estimates may use: they are off by some tenths of a per cent. */
static const double PREMIUM_TO_USE = 0.7;

static size_t pod_count(const struct zone_mode *m)
{
    return m->input->objects->pods.len;
}

/* Estimates one pod of a shape in each zone. */
static void estimate_shape(const struct zone_mode *m, const struct demand_shape *shape, double *cost_microusd)
{
    const struct supply *supply = m->input->market->supply;
    uint32_t s = m->problem_shape[shape - m->demand->shapes];
    for (size_t z = 0; z < m->n_zones; z++) {
        double worth = s == SOLVER_NONE ? 0 : m->worth[z * m->problem->n_shapes + s];
        cost_microusd[z] = worth > 0 ? worth : INFINITY;
    }
    BITSET_EACH (e, shape->admits_nodes, m->demand->n_nodes) {
        const struct demand_node *node = &m->demand->nodes[e];
        if (node->zone != SOLVER_NONE && isinf(cost_microusd[node->zone]) &&
            !isinf(estimate_share(shape->req, node->free, supply->dims->n)))
            cost_microusd[node->zone] = 0;
    }
}

/* The Provisioner with the strictest mode among those of the first tier that admit the shape; SOLVER_NONE if none. */
static uint32_t strictest_owner(const struct zone_mode *m, const struct demand_shape *shape)
{
    const struct market *market = m->input->market;
    uint32_t best = SOLVER_NONE;
    BITSET_EACH (j, shape->admits, market->supply->n) {
        uint32_t owner = market->offerings[j].owner;
        if (owner == best)
            continue;
        const struct provisioner *p = &m->input->objects->provisioners.items[owner];
        uint32_t tier = market->owners[owner].tier;
        if (best == SOLVER_NONE || tier < market->owners[best].tier ||
            (tier == market->owners[best].tier && p->zone_mode > m->input->objects->provisioners.items[best].zone_mode))
            best = owner;
    }
    return best;
}

static void add_shape(struct zone_mode *m, const struct demand_shape *shape, double *cost_microusd)
{
    uint32_t owner = strictest_owner(m, shape), s = m->problem_shape[shape - m->demand->shapes];
    double anywhere = s == SOLVER_NONE ? 0 : m->worth[m->n_zones * m->problem->n_shapes + s];
    estimate_shape(m, shape, cost_microusd);
    for (uint32_t k = 0; k < shape->n_pods; k++) {
        uint32_t id = m->demand->pod_app[shape->pods[k]];
        if (id == SOLVER_NONE)
            continue;
        struct zone_app *app = &m->apps[id];
        for (size_t z = 0; z < m->n_zones; z++)
            app->cost_microusd[z] += cost_microusd[z];
        app->free_microusd += anywhere;
        if (owner == SOLVER_NONE)
            continue;
        const struct provisioner *p = &m->input->objects->provisioners.items[owner];
        if (p->zone_mode > app->mode) {
            app->mode = p->zone_mode;
            app->premium = p->zone_premium;
        }
    }
}

static void count_running(struct zone_mode *m)
{
    for (size_t e = 0; e < m->demand->n_nodes; e++) {
        const struct demand_node *node = &m->demand->nodes[e];
        for (uint32_t k = 0; k < node->n_pods && node->zone != SOLVER_NONE; k++) {
            uint32_t app = m->demand->pod_app[node->pods[k]];
            if (app != SOLVER_NONE && m->input->objects->pods.items[node->pods[k]].role == SPARK_EXECUTOR)
                m->apps[app].running[node->zone]++;
        }
    }
}

static double cheapest_of(const struct zone_mode *m, const struct zone_app *app)
{
    double cheapest = INFINITY;
    for (size_t z = 0; z < m->n_zones; z++)
        cheapest = fmin(cheapest, app->cost_microusd[z]);
    return cheapest;
}

/* Applications that must stay in one zone and find none that admits all their pods. */
static int refuse_single(struct zone_mode *m, struct arena *arena, struct err *err)
{
    const char **reason_of_app = arena_array(arena, const char *, m->demand->n_apps);
    if (!reason_of_app)
        return err_nomem(err);
    bool any = false;
    for (size_t a = 0; a < m->demand->n_apps; a++) {
        if (m->apps[a].mode != SPARK_ZONE_SINGLE || !isinf(cheapest_of(m, &m->apps[a])))
            continue;
        reason_of_app[a] = arena_printf(arena,
                                        "spec.spark.zone is single, and no one zone admits all pods of application "
                                        "%.*s (node selectors, affinity and volumes pin them apart)",
                                        STR_ARG(m->demand->apps[a]));
        if (!reason_of_app[a])
            return err_nomem(err);
        any = true;
    }
    if (!any)
        return 0;
    m->skip = arena_array(arena, uint64_t, BITSET_WORDS(pod_count(m)));
    m->reasons = arena_array(arena, const char *, pod_count(m));
    if (!m->skip || !m->reasons)
        return err_nomem(err);
    for (size_t s = 0; s < m->demand->n_shapes; s++) {
        for (uint32_t k = 0; k < m->demand->shapes[s].n_pods; k++) {
            uint32_t pod = m->demand->shapes[s].pods[k], app = m->demand->pod_app[pod];
            if (app == SOLVER_NONE || !reason_of_app[app])
                continue;
            bitset_add(m->skip, pod);
            m->reasons[pod] = m->demand->shapes[s].reason ? m->demand->shapes[s].reason : reason_of_app[app];
        }
    }
    return 0;
}

/* The problem's shape of each demand shape. */
static uint32_t *map_shapes(const struct pass *plain, struct arena *arena)
{
    uint32_t *map = arena_array(arena, uint32_t, plain->demand.n_shapes);
    for (size_t s = 0; map && s < plain->demand.n_shapes; s++)
        map[s] = plain->narrowed ? plain->relaxed.shape_of_part[s] : SOLVER_NONE;
    for (size_t i = 0; map && !plain->narrowed && i < plain->n_parts; i++)
        map[plain->parts[i].shape] = plain->compiled.shape_of_part[i];
    return map;
}

/* What every shape is worth in every zone, one small market a zone, and in all of them together. */
static int price_zones(struct zone_mode *m, const struct pass *plain, struct arena *arena, struct err *err)
{
    const struct supply *supply = m->input->market->supply;
    const struct solver_problem *problem = m->problem = &plain->relaxed.problem;
    m->worth = arena_array(arena, double, (m->n_zones + 1) * problem->n_shapes);
    m->zone_offerings = arena_array(arena, uint64_t *, m->n_zones + 1);
    m->problem_shape = map_shapes(plain, arena);
    int64_t *demand = arena_array(arena, int64_t, problem->n_shapes);
    if (!m->worth || !m->zone_offerings || !m->problem_shape || !demand)
        return err_nomem(err);
    for (uint32_t s = 0; s < problem->n_shapes; s++)
        demand[s] = problem->shapes[s].count;
    for (size_t z = 0; z <= m->n_zones; z++) {
        uint64_t *offerings = m->zone_offerings[z] = arena_array(arena, uint64_t, BITSET_WORDS(supply->n));
        if (!offerings)
            return err_nomem(err);
        for (size_t j = 0; j < supply->n; j++)
            if (z == m->n_zones || supply->offerings[j].zone == z)
                bitset_add(offerings, j);
        int code =
            solver_worth(problem, demand, offerings, m->worth + z * problem->n_shapes, &m->anywhere_microusd, err);
        if (code)
            return code;
    }
    return 0;
}

int zone_mode_init(struct zone_mode *modes, const struct pass_input *input, const struct pass *plain,
                   struct arena *arena, struct err *err)
{
    struct zone_mode m = {.input = input, .demand = &plain->demand};
    m.n_zones = input->market->supply->catalogue->n_zones;
    m.apps = arena_array(arena, struct zone_app, m.demand->n_apps);
    double *costs = arena_array(arena, double, m.n_zones);
    if (!m.apps || !costs)
        return err_nomem(err);
    for (size_t a = 0; a < m.demand->n_apps; a++) {
        m.apps[a].zone = SOLVER_NONE;
        m.apps[a].cost_microusd = arena_array(arena, double, m.n_zones);
        m.apps[a].running = arena_array(arena, uint32_t, m.n_zones);
        if (!m.apps[a].cost_microusd || !m.apps[a].running)
            return err_nomem(err);
    }
    int code = price_zones(&m, plain, arena, err);
    if (code)
        return code;
    for (size_t s = 0; s < m.demand->n_shapes; s++)
        if (!m.demand->shapes[s].reason)
            add_shape(&m, &m.demand->shapes[s], costs);
    count_running(&m);
    for (size_t a = 0; a < m.demand->n_apps; a++) {
        m.n_prefer += m.apps[a].mode == SPARK_ZONE_PREFER;
        m.n_single += m.apps[a].mode == SPARK_ZONE_SINGLE;
        if (m.apps[a].mode == SPARK_ZONE_PREFER && m.apps[a].premium > m.premium)
            m.premium = m.apps[a].premium;
    }
    code = refuse_single(&m, arena, err);
    if (code)
        return code;
    *modes = m;
    return 0;
}

/* Where most of its executors run, if all its pods may go there; SOLVER_NONE if none run. */
static uint32_t zone_running(const struct zone_mode *m, const struct zone_app *app)
{
    uint32_t best = SOLVER_NONE;
    for (uint32_t z = 0; z < m->n_zones; z++)
        if (app->running[z] && !isinf(app->cost_microusd[z]) &&
            (best == SOLVER_NONE || app->running[z] > app->running[best]))
            best = z;
    return best;
}

/*
 * The zone with the least `weight` among those within `zeal` of the premium of the cheapest; SOLVER_NONE if no zone has
 * all its pods.
 */
static uint32_t zone_least(const struct zone_mode *m, const struct zone_app *app, const double *weight, double zeal)
{
    double most = cheapest_of(m, app) * (1 + app->premium * zeal);
    uint32_t best = SOLVER_NONE;
    for (uint32_t z = 0; z < m->n_zones; z++) {
        if (isinf(app->cost_microusd[z]) || app->cost_microusd[z] > most)
            continue;
        if (best == SOLVER_NONE || weight[z] < weight[best] ||
            (weight[z] <= weight[best] && app->cost_microusd[z] < app->cost_microusd[best]))
            best = z;
    }
    return best;
}

static int dearest_first(const void *a, const void *b, void *context)
{
    const struct zone_mode *m = context;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    double cost_x = m->apps[x].free_microusd, cost_y = m->apps[y].free_microusd;
    if (cost_x < cost_y || cost_x > cost_y)
        return cost_x > cost_y ? -1 : 1;
    int names = str_cmp(m->demand->apps[x], m->demand->apps[y]);
    return names ? names : x < y ? -1 : x > y;
}

static double premium_paid(const struct zone_app *app)
{
    return app->zone == SOLVER_NONE ? 0 : app->cost_microusd[app->zone] - app->free_microusd;
}

static int least_premium_first(const void *a, const void *b, void *context)
{
    const struct zone_mode *m = context;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    double paid_x = premium_paid(&m->apps[x]), paid_y = premium_paid(&m->apps[y]);
    if (paid_x < paid_y || paid_x > paid_y)
        return paid_x < paid_y ? -1 : 1;
    return dearest_first(a, b, context);
}

/* Frees those that only prefer a zone: half of them, the ones that pay most for it, or all. */
static void set_free(struct zone_mode *m, uint32_t *order, bool all)
{
    size_t n_apps = m->demand->n_apps, n_kept = all ? 0 : m->n_prefer / 2;
    qsort_r(order, n_apps, sizeof(*order), least_premium_first, m);
    for (size_t i = 0; i < n_apps; i++) {
        struct zone_app *app = &m->apps[order[i]];
        if (app->mode != SPARK_ZONE_PREFER)
            continue;
        if (n_kept)
            n_kept--;
        else
            app->zone = SOLVER_NONE;
    }
}

/* Every application to a zone, in this order. Balanced: the zone with the least so far, within `zeal` of its premium.
 */
static void assign_zones(struct zone_mode *m, const uint32_t *order, bool balanced, double zeal, double *weight)
{
    for (size_t i = 0; i < m->demand->n_apps; i++) {
        struct zone_app *app = &m->apps[order[i]];
        app->zone = SOLVER_NONE;
        if (app->mode == SPARK_ZONE_ANY)
            continue;
        app->zone = zone_running(m, app);
        if (app->zone == SOLVER_NONE)
            app->zone = zone_least(m, app, weight, zeal);
        if (balanced && app->zone != SOLVER_NONE)
            weight[app->zone] += app->cost_microusd[app->zone];
    }
}

/* Adds up what was assigned to one zone (n_zones: to none) as demand of the problem's shapes. */
static void demand_of_zone(const struct zone_mode *m, size_t zone, int64_t *demand)
{
    memset(demand, 0, m->problem->n_shapes * sizeof(*demand));
    for (size_t s = 0; s < m->demand->n_shapes; s++) {
        const struct demand_shape *shape = &m->demand->shapes[s];
        for (uint32_t k = 0; k < shape->n_pods && m->problem_shape[s] != SOLVER_NONE; k++) {
            uint32_t app = m->demand->pod_app[shape->pods[k]];
            uint32_t chosen = app == SOLVER_NONE ? SOLVER_NONE : m->apps[app].zone;
            demand[m->problem_shape[s]] += chosen == SOLVER_NONE ? zone == m->n_zones : zone == chosen;
        }
    }
}

/*
 * What the assignment costs, as a ratio to all being free: one small market a zone, with just what was assigned to it.
 * The sum of worths in markets for everything would flatter: a zone is cheap for a mix, not for each part of it.
 */
static int estimate_zones(struct zone_mode *m, struct arena *arena, struct err *err)
{
    struct arena_mark mark = arena_mark(arena);
    int64_t *demand = arena_array(arena, int64_t, m->problem->n_shapes);
    double *worth = arena_array(arena, double, m->problem->n_shapes), sum = 0;
    int code = demand && worth ? 0 : err_nomem(err);
    for (size_t z = 0; !code && z <= m->n_zones; z++) {
        double total = 0;
        demand_of_zone(m, z, demand);
        code = solver_worth(m->problem, demand, m->zone_offerings[z], worth, &total, err);
        sum += total;
    }
    arena_rewind(arena, mark);
    m->estimate = m->anywhere_microusd > 0 ? sum / m->anywhere_microusd : 1;
    return code;
}

/* Balances as far as the estimates stay well within the premium: whole plans are dear to try. */
static int balance_zones(struct zone_mode *m, const uint32_t *order, double *weight, struct arena *arena,
                         struct err *err)
{
    static const double ZEALS[] = {1, 0.3, 0.1};
    int code = 0;
    for (size_t i = 0; !code && i < CC_COUNT(ZEALS); i++) {
        memset(weight, 0, m->n_zones * sizeof(*weight));
        assign_zones(m, order, true, ZEALS[i], weight);
        code = estimate_zones(m, arena, err);
        if (m->estimate <= 1 + PREMIUM_TO_USE * m->premium)
            break;
    }
    return code;
}

/* All that may go there to the one zone that is cheapest for all together. */
static void gather_zones(struct zone_mode *m, const uint32_t *order, double *weight)
{
    size_t best = 0;
    for (size_t z = 0; z < m->n_zones; z++) {
        weight[z] = 0;
        for (uint32_t s = 0; s < m->problem->n_shapes; s++) {
            double here = m->worth[z * m->problem->n_shapes + s];
            double anywhere = m->worth[m->n_zones * m->problem->n_shapes + s];
            weight[z] += (double)m->problem->shapes[s].count * (here > 0 ? here : 4 * anywhere);
        }
        best = weight[z] < weight[best] ? z : best;
    }
    assign_zones(m, order, false, 1, weight);
    for (size_t a = 0; a < m->demand->n_apps; a++)
        if (m->apps[a].zone != SOLVER_NONE && zone_running(m, &m->apps[a]) == SOLVER_NONE &&
            !isinf(m->apps[a].cost_microusd[best]))
            m->apps[a].zone = (uint32_t)best;
}

int zone_mode_choose(struct zone_mode *m, enum zone_attempt attempt, struct arena *arena, uint32_t *zone_of_pod,
                     struct err *err)
{
    double *weight = arena_array(arena, double, m->n_zones);
    uint32_t *order = arena_array(arena, uint32_t, m->demand->n_apps);
    if (!weight || !order)
        return err_nomem(err);
    for (uint32_t a = 0; a < m->demand->n_apps; a++)
        order[a] = a;
    qsort_r(order, m->demand->n_apps, sizeof(*order), dearest_first, m);
    int code = 0;
    if (attempt == ZONE_BALANCED) {
        code = balance_zones(m, order, weight, arena, err);
    } else {
        gather_zones(m, order, weight);
        if (attempt != ZONE_TOGETHER)
            set_free(m, order, attempt == ZONE_SINGLE);
        code = estimate_zones(m, arena, err);
    }
    for (size_t i = 0; i < pod_count(m); i++) {
        uint32_t app = m->demand->pod_app[i];
        zone_of_pod[i] = app == SOLVER_NONE ? SOLVER_NONE : m->apps[app].zone;
    }
    return code;
}
