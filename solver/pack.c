#include "solver/pack.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bitset.h"
#include "solver/fit.h"
#include "solver/relax.h"
#include "solver/states.h"

enum { STATES_FROM_NODES = 1000, STATES_PER_NODE = 10 };

/* Work space of one packing, sized for the whole problem once. */
struct pack_scratch {
    struct arena arena;
    uint32_t *shape; /* [n] candidates of the bin at hand */
    int64_t *bound;  /* [n] most pods of each candidate */
    double *value, *bound_f, *columns, *x, *reduced;
    uint8_t *state;        /* [n] of the simplex */
    uint32_t *order;       /* [n] candidates by reduced value, best first */
    int64_t *count, *best; /* [n] pods taken now, and in the best packing */
    int64_t *room;         /* [n_dims] left */
    int64_t *group_left;   /* [n_groups] */
    uint64_t *present;     /* [n_shapes] on the node now; only kept where there are conflicts */
    uint32_t *by_shape;    /* [n_shapes] candidate index, valid for candidates only */
    struct solver_take *takes;
    uint32_t n_takes;
    uint32_t n; /* candidates of the last packing */
};

/* One run of branch and bound. */
struct search {
    const struct packer *packer;
    struct pack_scratch *s;
    uint32_t n;   /* candidates */
    double upper; /* of the relaxation */
    double value, best_value;
    double margin; /* gains below this are rounding */
    uint32_t nodes_left;
    bool complete;
};

static int build_groups(struct packer *packer, struct arena *arena)
{
    const struct solver_problem *p = packer->problem;
    packer->group_start = arena_array(arena, uint32_t, (size_t)p->n_shapes + 2);
    if (!packer->group_start)
        return ERR_NOMEM;
    uint32_t *start = packer->group_start;
    for (uint32_t g = 0; g < p->n_groups; g++)
        for (uint32_t k = 0; k < p->groups[g].n_shapes; k++)
            start[p->groups[g].shapes[k] + 2]++;
    for (uint32_t s = 1; s < p->n_shapes + 2; s++)
        start[s] += start[s - 1];
    packer->group_of = arena_array(arena, uint32_t, start[p->n_shapes + 1]);
    if (!packer->group_of)
        return ERR_NOMEM;
    for (uint32_t g = 0; g < p->n_groups; g++)
        for (uint32_t k = 0; k < p->groups[g].n_shapes; k++)
            packer->group_of[start[p->groups[g].shapes[k] + 1]++] = g;
    return 0;
}

static int build_foes(struct packer *packer, struct arena *arena)
{
    const struct solver_problem *p = packer->problem;
    packer->foes = arena_array(arena, const uint64_t *, p->n_shapes);
    uint64_t **foes = arena_array(arena, uint64_t *, p->n_shapes);
    if (!packer->foes || !foes)
        return ERR_NOMEM;
    for (uint32_t c = 0; c < p->n_conflicts; c++)
        for (int side = 0; side < 2; side++) {
            const uint64_t *us = side ? p->conflicts[c].b : p->conflicts[c].a;
            const uint64_t *them = side ? p->conflicts[c].a : p->conflicts[c].b;
            BITSET_EACH (s, us, p->n_shapes) {
                if (!foes[s] && !(foes[s] = arena_array(arena, uint64_t, BITSET_WORDS(p->n_shapes))))
                    return ERR_NOMEM;
                bitset_or(foes[s], them, p->n_shapes);
            }
        }
    for (uint32_t s = 0; s < p->n_shapes; s++)
        packer->foes[s] = foes[s];
    return 0;
}

static struct pack_scratch *scratch_new(const struct solver_problem *p)
{
    struct pack_scratch *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    struct arena *a = &s->arena;
    size_t n = p->n_shapes;
    s->shape = arena_array(a, uint32_t, n);
    s->bound = arena_array(a, int64_t, n);
    s->value = arena_array(a, double, n);
    s->bound_f = arena_array(a, double, n);
    s->columns = arena_array(a, double, n *PACK_MAX_ROWS);
    s->x = arena_array(a, double, n);
    s->reduced = arena_array(a, double, n);
    s->state = arena_array(a, uint8_t, n);
    s->order = arena_array(a, uint32_t, n);
    s->count = arena_array(a, int64_t, n);
    s->best = arena_array(a, int64_t, n);
    s->room = arena_array(a, int64_t, p->n_dims);
    s->group_left = arena_array(a, int64_t, p->n_groups);
    s->present = arena_array(a, uint64_t, BITSET_WORDS(n));
    s->by_shape = arena_array(a, uint32_t, n);
    s->takes = arena_array(a, struct solver_take, n);
    bool ok = s->shape && s->bound && s->value && s->bound_f && s->columns && s->x && s->reduced && s->state &&
              s->order && s->count && s->best && s->room && s->group_left && s->present && s->by_shape && s->takes;
    if (!ok) {
        arena_release(a);
        free(s);
        return NULL;
    }
    return s;
}

int packer_init(struct packer *packer, const struct solver_problem *p, struct arena *arena, struct err *err)
{
    *packer = (struct packer){.problem = p, .n_shapes = p->n_shapes, .n_dims = p->n_dims};
    int64_t *req = arena_array(arena, int64_t, (size_t)p->n_shapes * p->n_dims);
    if (!req)
        return err_nomem(err);
    for (uint32_t s = 0; s < p->n_shapes; s++)
        memcpy(req + (size_t)s * p->n_dims, p->shapes[s].req, p->n_dims * sizeof(*req));
    packer->req = req;
    double *per_unit = arena_array(arena, double, (size_t)p->n_shapes * p->n_dims);
    if (!per_unit)
        return err_nomem(err);
    for (size_t i = 0; i < (size_t)p->n_shapes * p->n_dims; i++)
        per_unit[i] = req[i] ? 1.0 / (double)req[i] : 0;
    packer->per_unit = per_unit;
    if (build_groups(packer, arena) || build_foes(packer, arena) || !(packer->scratch = scratch_new(p)))
        return err_nomem(err);
    return 0;
}

void packer_release(struct packer *packer)
{
    if (packer->scratch) {
        arena_release(&packer->scratch->arena);
        free(packer->scratch);
        packer->scratch = NULL;
    }
}

static const int64_t *req_of(const struct packer *packer, uint32_t shape)
{
    return packer->req + (size_t)shape * packer->n_dims;
}

static int64_t group_room(const struct packer *packer, const struct bin *bin, uint32_t group)
{
    return bin->group_room ? bin->group_room[group] : packer->problem->groups[group].cap;
}

/* min(room / req, most) by a product that is at most one off, then put right in integers. */
static inline int64_t whole_times(int64_t room, int64_t req, double per_unit, int64_t most)
{
    double times = (double)room * per_unit;
    if (times >= (double)most + 1)
        return most;
    int64_t fit = (int64_t)times;
    if (fit * req > room)
        fit--;
    else if (room - fit * req >= req)
        fit++;
    return fit < most ? fit : most;
}

/* How many pods of a shape fit an amount of room, groups included; at most `most`. */
static int64_t fit_count(const struct packer *packer, const int64_t *room, const int64_t *group_left, uint32_t shape,
                         int64_t most)
{
    const int64_t *req = req_of(packer, shape);
    const double *per_unit = packer->per_unit + (size_t)shape * packer->n_dims;
    for (uint32_t d = 0; d < packer->n_dims; d++) {
        if (req[d] == 0)
            continue;
        if (room[d] < req[d])
            return 0;
        if (most > 1)
            most = whole_times(room[d], req[d], per_unit[d], most);
    }
    for (uint32_t k = packer->group_start[shape]; k < packer->group_start[shape + 1]; k++) {
        int64_t left = group_left[packer->group_of[k]];
        most = left < most ? left : most;
    }
    return most > 0 ? most : 0;
}

static void take(const struct packer *packer, uint32_t shape, int64_t count)
{
    struct pack_scratch *s = packer->scratch;
    const int64_t *req = req_of(packer, shape);
    for (uint32_t d = 0; d < packer->n_dims; d++)
        s->room[d] -= count * req[d];
    for (uint32_t k = packer->group_start[shape]; k < packer->group_start[shape + 1]; k++)
        s->group_left[packer->group_of[k]] -= count;
}

static bool meets_foe(const struct packer *packer, uint32_t shape)
{
    const uint64_t *foes = packer->foes[shape];
    return foes && bitset_intersects(foes, packer->scratch->present, packer->n_shapes);
}

static void open_bin(const struct packer *packer, const struct bin *bin)
{
    struct pack_scratch *s = packer->scratch;
    memcpy(s->room, bin->room, packer->n_dims * sizeof(*s->room));
    for (uint32_t g = 0; g < packer->problem->n_groups; g++)
        s->group_left[g] = group_room(packer, bin, g);
    if (packer->problem->n_conflicts)
        bitset_clear(s->present, packer->n_shapes);
}

/* Candidates: items that are worth something, are available and fit. Values scaled so that the largest is 1. */
static uint32_t gather(const struct packer *packer, const struct bin *bin, const double *values, const int64_t *avail,
                       double *ret_scale)
{
    struct pack_scratch *s = packer->scratch;
    uint32_t n = 0;
    double most = 0;
    bool focused = packer->n_focus > 0 && packer->n_focus < bin->n_items;
    uint32_t count = focused ? packer->n_focus : bin->n_items;
    for (uint32_t k = 0; k < count; k++) {
        uint32_t shape = focused ? packer->focus[k] : bin->items[k];
        if (avail[shape] <= 0 || values[shape] <= 0 || (focused && !bitset_has(bin->members, shape)))
            continue;
        int64_t bound = fit_count(packer, s->room, s->group_left, shape, avail[shape]);
        if (!bound)
            continue;
        s->shape[n] = shape;
        s->bound[n] = bound;
        s->bound_f[n] = (double)bound;
        s->value[n] = values[shape];
        most = values[shape] > most ? values[shape] : most;
        n++;
    }
    for (uint32_t i = 0; i < n; i++)
        s->value[i] /= most;
    *ret_scale = most;
    return n;
}

/* What the candidates can use of a dimension. */
static double usable_room(const struct packer *packer, uint32_t n, uint32_t dim, int64_t room)
{
    const struct pack_scratch *s = packer->scratch;
    int64_t step = 0;
    for (uint32_t i = 0; i < n && step != 1; i++)
        step = fit_gcd(req_of(packer, s->shape[i])[dim], step);
    return (double)fit_usable(room, step);
}

/* The rows that can bind for these candidates, scaled to a room of 1. */
static uint32_t build_rows(const struct packer *packer, const struct bin *bin, uint32_t n)
{
    struct pack_scratch *s = packer->scratch;
    uint32_t row_dim[PACK_MAX_ROWS], row_group[PACK_MAX_ROWS] = {0}, dims = 0, groups = 0;
    double room[PACK_MAX_ROWS];
    for (uint32_t d = 0; d < packer->n_dims && dims < PACK_MAX_ROWS; d++) {
        double sum = 0;
        for (uint32_t i = 0; i < n; i++)
            sum += s->bound_f[i] * (double)req_of(packer, s->shape[i])[d];
        if (sum > (double)bin->room[d]) {
            room[dims] = usable_room(packer, n, d, bin->room[d]);
            row_dim[dims++] = d;
        }
    }
    for (uint32_t g = 0; g < packer->problem->n_groups && dims + groups < PACK_MAX_ROWS; g++) {
        const struct solver_group *group = &packer->problem->groups[g];
        double sum = 0;
        for (uint32_t k = 0; k < group->n_shapes; k++) {
            uint32_t i = s->by_shape[group->shapes[k]];
            if (i < n && s->shape[i] == group->shapes[k])
                sum += s->bound_f[i];
        }
        if (sum > (double)s->group_left[g])
            row_group[groups++] = g;
    }
    uint32_t m = dims + groups;
    for (uint32_t i = 0; i < n; i++) {
        double *column = s->columns + (size_t)i * m;
        const int64_t *req = req_of(packer, s->shape[i]);
        for (uint32_t r = 0; r < dims; r++)
            column[r] = (double)req[row_dim[r]] / room[r];
        for (uint32_t r = 0; r < groups; r++)
            column[dims + r] = 0;
        for (uint32_t k = packer->group_start[s->shape[i]]; k < packer->group_start[s->shape[i] + 1]; k++)
            for (uint32_t r = 0; r < groups; r++)
                if (row_group[r] == packer->group_of[k])
                    column[dims + r] = 1.0 / (double)s->group_left[row_group[r]];
    }
    return m;
}

static void keep_best(struct search *q)
{
    q->best_value = q->value;
    memcpy(q->s->best, q->s->count, q->n * sizeof(*q->s->best));
}

static void put(struct search *q, uint32_t i, int64_t count)
{
    q->s->count[i] += count;
    q->value += (double)count * q->s->value[i];
    take(q->packer, q->s->shape[i], count);
    if (q->packer->problem->n_conflicts) {
        if (q->s->count[i])
            bitset_add(q->s->present, q->s->shape[i]);
        else
            bitset_remove(q->s->present, q->s->shape[i]);
    }
}

static int64_t can_add(struct search *q, uint32_t i)
{
    int64_t most = q->s->bound[i] - q->s->count[i];
    if (most <= 0 || meets_foe(q->packer, q->s->shape[i]))
        return 0;
    return fit_count(q->packer, q->s->room, q->s->group_left, q->s->shape[i], most);
}

static void empty(struct search *q)
{
    for (uint32_t i = 0; i < q->n; i++)
        if (q->s->count[i])
            put(q, i, -q->s->count[i]);
    q->value = 0;
}

/* The relaxation rounded down, then filled up in order of reduced value. */
static void round_down(struct search *q)
{
    for (uint32_t k = 0; k < q->n; k++) {
        uint32_t i = q->s->order[k];
        int64_t want = (int64_t)floor(q->s->x[i] + 1e-6);
        int64_t fit = want > 0 ? can_add(q, i) : 0;
        if (fit > 0)
            put(q, i, fit < want ? fit : want);
    }
    for (uint32_t k = 0; k < q->n; k++) {
        uint32_t i = q->s->order[k];
        int64_t fit = can_add(q, i);
        if (fit > 0)
            put(q, i, fit);
    }
    keep_best(q);
    empty(q);
}

/*
 * Depth first. `loss` is what the choices so far cost against the relaxation's bound: reduced values not taken where
 * they are positive, taken where they are negative. A branch is cut where the bound less the loss cannot beat the best.
 */
static void search_from(struct search *q, uint32_t k, double loss)
{
    if (q->value > q->best_value + q->margin)
        keep_best(q);
    for (; k < q->n; k++) {
        uint32_t i = q->s->order[k];
        double reduced = q->s->reduced[i];
        if (reduced <= 0 && q->upper - loss + reduced <= q->best_value + q->margin)
            return; /* the rest costs at least as much */
        int64_t open = q->s->bound[i] - q->s->count[i], fit = can_add(q, i);
        for (int64_t count = fit; count > 0; count--) {
            double more = reduced > 0 ? (double)(open - count) * reduced : -(double)count * reduced;
            if (q->upper - loss - more <= q->best_value + q->margin) {
                if (reduced > 0)
                    return; /* fewer cost more still, none the most */
                continue;
            }
            if (!q->nodes_left) {
                q->complete = false;
                return;
            }
            q->nodes_left--;
            put(q, i, count);
            search_from(q, k + 1, loss + more);
            put(q, i, -count);
        }
        if (reduced > 0) {
            loss += (double)open * reduced;
            if (q->upper - loss <= q->best_value + q->margin)
                return;
        }
    }
}

/*
 * On a large node the search from nothing drowns in equal choices. Most of the relaxation's answer is right: keep a
 * share of it and search what is left, which is small.
 */
static void search_around(struct search *q, double share, uint32_t node_limit)
{
    double kept = 0;
    for (uint32_t k = 0; k < q->n; k++) {
        uint32_t i = q->s->order[k];
        int64_t want = (int64_t)floor(q->s->x[i] * share);
        int64_t fit = want > 0 ? can_add(q, i) : 0;
        if (fit > 0)
            put(q, i, fit < want ? fit : want);
        if (q->s->reduced[i] < 0)
            kept -= q->s->reduced[i] * (double)q->s->count[i];
    }
    q->nodes_left = node_limit;
    search_from(q, 0, kept);
    empty(q);
}

static int by_reduced(const void *a, const void *b, void *context)
{
    const struct pack_scratch *s = context;
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    if (s->reduced[i] != s->reduced[j])
        return s->reduced[i] < s->reduced[j] ? 1 : -1;
    return (i > j) - (i < j);
}

static uint32_t collect_takes(struct pack_scratch *s, uint32_t n)
{
    s->n_takes = 0;
    for (uint32_t i = 0; i < n; i++)
        if (s->best[i])
            s->takes[s->n_takes++] = (struct solver_take){s->shape[i], (int32_t)s->best[i]};
    return s->n_takes;
}

/* The warm start's indices mean something only for the same candidates and rows. */
static void check_warm(const struct pack_scratch *s, uint32_t n, uint32_t m, struct pack_warm *warm)
{
    uint64_t signature = 14695981039346656037u ^ m;
    for (uint32_t i = 0; i < n; i++)
        signature = (signature ^ s->shape[i]) * 1099511628211u;
    if (signature != warm->signature)
        warm->n_rows = 0;
    warm->signature = signature;
}

/* Groups and conflicts look at shapes, not at room: states of equal room are not equal then. */
static bool has_rules(const struct packer *packer, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t shape = packer->scratch->shape[i];
        if (packer->foes[shape] || packer->group_start[shape] != packer->group_start[shape + 1])
            return true;
    }
    return false;
}

/* The tree search was cut off: the other way to search. Returns an upper bound; a better packing goes to `best`. */
static double search_states(struct search *q, const struct bin *bin, uint32_t most_states)
{
    struct pack_scratch *s = q->s;
    struct arena_mark mark = arena_mark(&s->arena);
    const int64_t **req = arena_array(&s->arena, const int64_t *, q->n);
    int64_t *bound = arena_array(&s->arena, int64_t, q->n), *counts = arena_array(&s->arena, int64_t, q->n);
    double *value = arena_array(&s->arena, double, q->n), *reduced = arena_array(&s->arena, double, q->n);
    double upper = q->upper;
    if (req && bound && counts && value && reduced) {
        for (uint32_t k = 0; k < q->n; k++) {
            uint32_t i = s->order[k];
            req[k] = req_of(q->packer, s->shape[i]);
            bound[k] = s->bound[i];
            value[k] = s->value[i];
            reduced[k] = s->reduced[i];
        }
        struct states_question question = {.n_items = q->n,
                                           .n_dims = q->packer->n_dims,
                                           .req = req,
                                           .bound = bound,
                                           .value = value,
                                           .reduced = reduced,
                                           .room = bin->room,
                                           .upper = q->upper,
                                           .best = q->best_value,
                                           .margin = q->margin,
                                           .most_states = most_states};
        struct states_answer answer = states_solve(&question, counts);
        upper = answer.upper;
        q->best_value = answer.best;
        for (uint32_t k = 0; answer.better && k < q->n; k++)
            s->best[s->order[k]] = counts[k];
    }
    arena_rewind(&s->arena, mark);
    return upper;
}

struct packing pack_best(struct packer *packer, const struct bin *bin, const double *values, const int64_t *avail,
                         uint32_t node_limit, struct pack_warm *warm)
{
    struct pack_scratch *s = packer->scratch;
    open_bin(packer, bin);
    double scale = 1;
    uint32_t n = gather(packer, bin, values, avail, &scale);
    s->n_takes = 0;
    s->n = n;
    if (!n)
        return (struct packing){0, 0, 0};
    for (uint32_t i = 0; i < n; i++) {
        s->by_shape[s->shape[i]] = i;
        s->count[i] = 0;
        s->order[i] = i;
    }
    struct relax lp = {.n_items = n,
                       .n_rows = build_rows(packer, bin, n),
                       .values = s->value,
                       .bounds = s->bound_f,
                       .columns = s->columns,
                       .x = s->x,
                       .reduced = s->reduced,
                       .state = s->state};
    if (warm)
        check_warm(s, n, lp.n_rows, warm);
    relax_solve(&lp, warm);
    qsort_r(s->order, n, sizeof(*s->order), by_reduced, s);
    struct search q = {
        .packer = packer, .s = s, .n = n, .upper = relax_bound(&lp), .nodes_left = node_limit, .complete = true};
    q.margin = q.upper * 1e-9;
    round_down(&q);
    if (node_limit == 0)
        return (struct packing){q.best_value * scale, q.upper * scale, collect_takes(s, n)};
    for (int eighths = 7; eighths > 0 && q.best_value + q.margin < q.upper; eighths -= 2)
        search_around(&q, eighths / 8.0, node_limit / 4);
    q.complete = true;
    q.nodes_left = node_limit;
    search_from(&q, 0, 0);
    double upper = q.complete ? q.best_value + q.margin : q.upper;
    if (!q.complete && node_limit >= STATES_FROM_NODES && !has_rules(packer, n))
        upper = search_states(&q, bin, node_limit * STATES_PER_NODE);
    return (struct packing){q.best_value * scale, upper * scale, collect_takes(s, n)};
}

const struct solver_take *pack_takes(const struct packer *packer)
{
    return packer->scratch->takes;
}

void pack_relaxed(const struct packer *packer, const uint32_t **ret_shapes, const double **ret_amounts, uint32_t *ret_n)
{
    *ret_shapes = packer->scratch->shape;
    *ret_amounts = packer->scratch->x;
    *ret_n = packer->scratch->n;
}

/* Puts takes into the open bin; false if they do not fit. */
static bool put_takes(struct packer *packer, const struct bin *bin, const struct solver_take *takes, uint32_t n_takes)
{
    open_bin(packer, bin);
    for (uint32_t k = 0; k < n_takes; k++) {
        uint32_t shape = takes[k].shape;
        if (meets_foe(packer, shape))
            return false;
        const struct pack_scratch *s = packer->scratch;
        if (fit_count(packer, s->room, s->group_left, shape, takes[k].count) < takes[k].count)
            return false;
        take(packer, shape, takes[k].count);
        if (packer->problem->n_conflicts)
            bitset_add(packer->scratch->present, shape);
    }
    return true;
}

bool pack_fits(struct packer *packer, const struct bin *bin, const struct solver_take *takes, uint32_t n_takes)
{
    for (uint32_t k = 0; k < n_takes; k++)
        if (!bitset_has(bin->members, takes[k].shape))
            return false;
    return put_takes(packer, bin, takes, n_takes);
}

int64_t pack_more(struct packer *packer, const struct bin *bin, const struct solver_take *takes, uint32_t n_takes,
                  uint32_t shape, int64_t most)
{
    if (!bitset_has(bin->members, shape) || !put_takes(packer, bin, takes, n_takes) || meets_foe(packer, shape))
        return 0;
    return fit_count(packer, packer->scratch->room, packer->scratch->group_left, shape, most);
}
