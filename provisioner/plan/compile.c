#include "provisioner/plan/compile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bitset.h"
#include "base/quantity.h"

/* The groups and conflict sides that a demand shape is in, as ascending codes: rules[first[s]] … rules[first[s + 1]].
 */
struct membership {
    uint32_t *first; /* [n_shapes + 1] */
    uint32_t *codes;
};

/* Parts that are one shape to the solver. */
struct merged {
    const struct compile_part *part; /* the first of them */
    const int64_t *req;
    const uint64_t *admits;
    const uint32_t *codes;
    uint32_t n_codes;
    int32_t priority;
    int64_t count;
    uint64_t hash;
    uint32_t id; /* before sorting */
};

struct compiler {
    const struct compile_input *in;
    struct arena *arena;
    struct membership members;
    struct merged *merged; /* [n_merged] */
    uint32_t n_merged;
    uint32_t *slots; /* [slot_count] index into merged + 1 */
    size_t slot_count;
    uint32_t n_dims;
    size_t n_offerings, n_nodes;
};

static uint32_t conflict_code(const struct topology *topology, size_t conflict, uint32_t side)
{
    return (uint32_t)(topology->n_groups + 2 * conflict + side);
}

/* Walks all (shape, code) in ascending order of codes and moves the shape's cursor; writes the code there if asked. */
static void each_membership(const struct compile_input *in, uint32_t *cursor, uint32_t *codes)
{
    const struct topology *topology = in->topology;
    size_t n_shapes = in->demand->n_shapes;
    for (size_t g = 0; g < topology->n_groups; g++) {
        for (uint32_t i = 0; i < topology->groups[g].n_shapes; i++) {
            uint32_t shape = topology->groups[g].shapes[i];
            if (codes)
                codes[cursor[shape]] = (uint32_t)g;
            cursor[shape]++;
        }
    }
    for (size_t c = 0; c < topology->n_conflicts; c++) {
        const uint64_t *sides[2] = {topology->conflicts[c].a, topology->conflicts[c].b};
        for (uint32_t side = 0; side < 2; side++) {
            BITSET_EACH (shape, sides[side], n_shapes) {
                if (codes)
                    codes[cursor[shape]] = conflict_code(topology, c, side);
                cursor[shape]++;
            }
        }
    }
}

static int find_members(struct compiler *c, struct err *err)
{
    size_t n_shapes = c->in->demand->n_shapes;
    uint32_t *first = arena_array(c->arena, uint32_t, n_shapes + 1);
    uint32_t *cursor = arena_array(c->arena, uint32_t, n_shapes);
    if (!first || !cursor)
        return err_nomem(err);
    each_membership(c->in, cursor, NULL);
    for (size_t s = 0; s < n_shapes; s++)
        first[s + 1] = first[s] + cursor[s];
    uint32_t *codes = arena_array(c->arena, uint32_t, first[n_shapes]);
    if (!codes)
        return err_nomem(err);
    memcpy(cursor, first, n_shapes * sizeof(*cursor));
    each_membership(c->in, cursor, codes);
    c->members = (struct membership){first, codes};
    return 0;
}

/* FNV-1a over 64-bit words. */
static uint64_t hash_words(uint64_t hash, const void *words, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t word;
        memcpy(&word, (const char *)words + i * sizeof(word), sizeof(word));
        hash = (hash ^ word) * UINT64_C(0x100000001b3);
        hash ^= hash >> 29;
    }
    return hash;
}

static uint64_t hash_codes(uint64_t hash, const uint32_t *codes, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        hash = hash_words(hash, &(uint64_t){codes[i]}, 1);
    return hash;
}

static struct merged merged_of(const struct compiler *c, const struct compile_part *part)
{
    const struct demand_shape *shape = &c->in->demand->shapes[part->shape];
    struct merged m = {.part = part, .req = shape->req, .admits = part->admits, .priority = shape->spec->priority};
    m.codes = c->members.codes + c->members.first[part->shape];
    m.n_codes = c->members.first[part->shape + 1] - c->members.first[part->shape];
    m.hash = hash_words(UINT64_C(0xcbf29ce484222325), m.req, c->n_dims);
    m.hash = hash_words(m.hash, m.admits, BITSET_WORDS(c->n_offerings));
    m.hash = hash_words(m.hash, part->admits_nodes, BITSET_WORDS(c->n_nodes));
    m.hash = hash_words(m.hash, &(uint64_t){(uint32_t)m.priority}, 1);
    m.hash = hash_words(m.hash, &(uint64_t){(uint64_t)part->apart << 1 | part->any_tier}, 1);
    m.hash = hash_codes(m.hash, m.codes, m.n_codes);
    return m;
}

static int compare_int64s(const int64_t *a, const int64_t *b, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (a[i] != b[i])
            return a[i] > b[i] ? -1 : 1;
    return 0;
}

/* Higher priorities and larger requests first, then by content. 0: the same to the solver. */
static int compare_merged(const struct compiler *c, const struct merged *a, const struct merged *b)
{
    if (a->priority != b->priority)
        return a->priority > b->priority ? -1 : 1;
    int order = compare_int64s(a->req, b->req, c->n_dims);
    if (!order && a->part->admits != b->part->admits)
        order = memcmp(a->part->admits, b->part->admits, BITSET_WORDS(c->n_offerings) * sizeof(uint64_t));
    if (!order && a->part->admits_nodes != b->part->admits_nodes)
        order = memcmp(a->part->admits_nodes, b->part->admits_nodes, BITSET_WORDS(c->n_nodes) * sizeof(uint64_t));
    if (!order && a->n_codes != b->n_codes)
        order = a->n_codes < b->n_codes ? -1 : 1;
    if (!order && a->n_codes)
        order = memcmp(a->codes, b->codes, a->n_codes * sizeof(*a->codes));
    if (!order)
        order = (a->part->any_tier > b->part->any_tier) - (a->part->any_tier < b->part->any_tier);
    return order ? order : (a->part->apart > b->part->apart) - (a->part->apart < b->part->apart);
}

/* Adds the part to the merged shape it belongs to; gives its id. */
static uint32_t merge_part(struct compiler *c, const struct compile_part *part)
{
    struct merged m = merged_of(c, part);
    size_t slot = m.hash & (c->slot_count - 1);
    for (; c->slots[slot]; slot = (slot + 1) & (c->slot_count - 1)) {
        struct merged *at = &c->merged[c->slots[slot] - 1];
        if (at->hash == m.hash && !compare_merged(c, at, &m)) {
            at->count += part->n_pods;
            return at->id;
        }
    }
    m.count = part->n_pods;
    m.id = c->n_merged;
    c->merged[c->n_merged++] = m;
    c->slots[slot] = c->n_merged;
    return m.id;
}

static int by_content(const void *a, const void *b, void *compiler)
{
    return compare_merged(compiler, a, b);
}

static int merge_parts(struct compiler *c, uint32_t *shape_of_part, struct err *err)
{
    size_t n_parts = c->in->n_parts;
    for (c->slot_count = 16; c->slot_count < 2 * n_parts;)
        c->slot_count *= 2;
    c->merged = arena_array(c->arena, struct merged, n_parts);
    c->slots = arena_array(c->arena, uint32_t, c->slot_count);
    uint32_t *place = arena_array(c->arena, uint32_t, n_parts);
    if (!c->merged || !c->slots || !place)
        return err_nomem(err);
    for (size_t i = 0; i < n_parts; i++)
        shape_of_part[i] = c->in->parts[i].n_pods > 0 ? merge_part(c, &c->in->parts[i]) : SOLVER_NONE;
    qsort_r(c->merged, c->n_merged, sizeof(*c->merged), by_content, c);
    for (uint32_t s = 0; s < c->n_merged; s++)
        place[c->merged[s].id] = s;
    for (size_t i = 0; i < n_parts; i++)
        if (shape_of_part[i] != SOLVER_NONE)
            shape_of_part[i] = place[shape_of_part[i]];
    return 0;
}

static int build_shapes(struct compiler *c, struct solver_problem *problem, struct err *err)
{
    struct solver_shape *shapes = arena_array(c->arena, struct solver_shape, c->n_merged);
    if (!shapes)
        return err_nomem(err);
    for (uint32_t s = 0; s < c->n_merged; s++) {
        struct merged *m = &c->merged[s];
        if (c->in->market->n_tiers > 1 && !m->part->any_tier) {
            uint64_t *narrowed = arena_array(c->arena, uint64_t, BITSET_WORDS(c->n_offerings));
            if (!narrowed)
                return err_nomem(err);
            bitset_copy(narrowed, m->admits, c->n_offerings);
            market_narrow(c->in->market, narrowed);
            m->admits = narrowed;
        }
        shapes[s] = (struct solver_shape){.count = m->count,
                                          .req = m->req,
                                          .admits = m->admits,
                                          .admits_nodes = m->part->admits_nodes,
                                          .priority = m->priority};
    }
    problem->shapes = shapes;
    problem->n_shapes = c->n_merged;
    return 0;
}

/* The members of each code among the merged shapes, all at once: lists[first[code]] … */
struct inverse {
    uint32_t *first; /* [n_codes + 1] */
    uint32_t *shapes;
};

static int invert(struct compiler *c, uint32_t n_codes, struct inverse *ret, struct err *err)
{
    uint32_t *first = arena_array(c->arena, uint32_t, (size_t)n_codes + 1);
    uint32_t *cursor = arena_array(c->arena, uint32_t, (size_t)n_codes + 1);
    if (!first || !cursor)
        return err_nomem(err);
    for (uint32_t s = 0; s < c->n_merged; s++)
        for (uint32_t i = 0; i < c->merged[s].n_codes; i++)
            first[c->merged[s].codes[i] + 1]++;
    for (uint32_t k = 0; k < n_codes; k++)
        first[k + 1] += first[k];
    uint32_t *shapes = arena_array(c->arena, uint32_t, first[n_codes]);
    if (!shapes)
        return err_nomem(err);
    memcpy(cursor, first, n_codes * sizeof(*cursor));
    for (uint32_t s = 0; s < c->n_merged; s++)
        for (uint32_t i = 0; i < c->merged[s].n_codes; i++)
            shapes[cursor[c->merged[s].codes[i]]++] = s;
    *ret = (struct inverse){first, shapes};
    return 0;
}

/* Groups that still have members; `origin` [n] is the topology's group that each was. */
static int build_groups(struct compiler *c, const struct inverse *inverse, struct solver_problem *problem,
                        uint32_t **ret_origin, struct err *err)
{
    const struct topology *topology = c->in->topology;
    struct solver_group *groups = arena_array(c->arena, struct solver_group, topology->n_groups);
    uint32_t *origin = arena_array(c->arena, uint32_t, topology->n_groups);
    if (!groups || !origin)
        return err_nomem(err);
    uint32_t n = 0;
    for (uint32_t g = 0; g < topology->n_groups; g++) {
        uint32_t size = inverse->first[g + 1] - inverse->first[g];
        if (!size)
            continue;
        origin[n] = g;
        groups[n++] = (struct solver_group){inverse->shapes + inverse->first[g], size, topology->groups[g].cap};
    }
    problem->groups = groups;
    problem->n_groups = n;
    *ret_origin = origin;
    return 0;
}

static int build_conflicts(struct compiler *c, const struct inverse *inverse, struct solver_problem *problem,
                           struct err *err)
{
    const struct topology *topology = c->in->topology;
    struct solver_conflict *conflicts = arena_array(c->arena, struct solver_conflict, topology->n_conflicts);
    if (!conflicts)
        return err_nomem(err);
    uint32_t n = 0;
    for (size_t k = 0; k < topology->n_conflicts; k++) {
        uint64_t *sides[2];
        bool both = true;
        for (uint32_t side = 0; side < 2; side++) {
            uint32_t code = conflict_code(topology, k, side);
            sides[side] = arena_array(c->arena, uint64_t, BITSET_WORDS(c->n_merged));
            if (!sides[side])
                return err_nomem(err);
            for (uint32_t i = inverse->first[code]; i < inverse->first[code + 1]; i++)
                bitset_add(sides[side], inverse->shapes[i]);
            both = both && inverse->first[code] < inverse->first[code + 1];
        }
        if (both)
            conflicts[n++] = (struct solver_conflict){sides[0], sides[1]};
    }
    problem->conflicts = conflicts;
    problem->n_conflicts = n;
    return 0;
}

static int build_nodes(struct compiler *c, const uint32_t *origin, struct solver_problem *problem, struct err *err)
{
    const struct topology *topology = c->in->topology;
    struct solver_node *nodes = arena_array(c->arena, struct solver_node, c->n_nodes);
    int32_t *room = arena_calloc(c->arena, c->n_nodes, problem->n_groups * sizeof(*room));
    if (!nodes || !room)
        return err_nomem(err);
    for (size_t e = 0; e < c->n_nodes; e++, room += problem->n_groups) {
        for (uint32_t g = 0; g < problem->n_groups; g++)
            room[g] = topology->group_room[e * topology->n_groups + origin[g]];
        nodes[e] = (struct solver_node){.free = c->in->demand->nodes[e].free, .group_room = room};
    }
    problem->nodes = nodes;
    problem->n_nodes = (uint32_t)c->n_nodes;
    return 0;
}

static int build_problem(struct compiler *c, struct solver_problem *problem, struct err *err)
{
    const struct topology *topology = c->in->topology;
    struct inverse inverse = {0};
    uint32_t *origin = NULL;
    uint32_t n_codes = (uint32_t)(topology->n_groups + 2 * topology->n_conflicts);
    int code = build_shapes(c, problem, err);
    if (!code)
        code = invert(c, n_codes, &inverse, err);
    if (!code)
        code = build_groups(c, &inverse, problem, &origin, err);
    if (!code)
        code = build_conflicts(c, &inverse, problem, err);
    if (!code)
        code = build_nodes(c, origin, problem, err);
    return code;
}

int compile_problem(const struct compile_input *input, struct arena *arena, struct compiled *ret, struct err *err)
{
    const struct market *market = input->market;
    struct compiler c = {.in = input,
                         .arena = arena,
                         .n_dims = market->supply->dims->n,
                         .n_offerings = market->supply->n,
                         .n_nodes = input->demand->n_nodes};
    struct compiled compiled = {.problem = {.n_dims = c.n_dims,
                                            .n_offerings = (uint32_t)c.n_offerings,
                                            .offerings = market->offerings,
                                            .n_owners = market->n_owners,
                                            .owners = market->owners}};
    compiled.shape_of_part = arena_array(arena, uint32_t, input->n_parts);
    if (!compiled.shape_of_part)
        return err_nomem(err);
    int code = find_members(&c, err);
    if (!code)
        code = merge_parts(&c, compiled.shape_of_part, err);
    if (!code)
        code = build_problem(&c, &compiled.problem, err);
    if (code)
        return code;
    *ret = compiled;
    return 0;
}

/* "cpu=4 memory=15Gi vpc.amazonaws.com/efa=1": what one pod asks for, without the one "pods" that each counts. */
static char *request_text(const struct dims *dims, const int64_t *req, struct arena *arena)
{
    char *text = arena_printf(arena, "%s", "");
    for (uint32_t d = 0; text && d < dims->n; d++) {
        char amount[QUANTITY_TEXT_MAX];
        if (d == DIM_PODS || !req[d])
            continue;
        if (d == DIM_CPU)
            quantity_milli_text(req[d], amount);
        else
            snprintf(amount, sizeof(amount), "%lld", (long long)req[d]);
        text = arena_printf(arena, "%s%.*s=%s ", text, STR_ARG(dims->names[d]), amount);
    }
    return text;
}

/* Groups and conflicts of a shape by their content: what they allow, not the numbers they have in this problem. */
static uint64_t hash_rules(const struct solver_problem *problem, uint32_t shape)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (uint32_t g = 0; g < problem->n_groups; g++)
        for (uint32_t i = 0; i < problem->groups[g].n_shapes; i++)
            if (problem->groups[g].shapes[i] == shape) {
                hash = hash_words(hash, &(uint64_t){(uint32_t)problem->groups[g].cap}, 1);
                hash = hash_codes(hash, problem->groups[g].shapes, problem->groups[g].n_shapes);
            }
    for (uint32_t k = 0; k < problem->n_conflicts; k++) {
        const uint64_t *sides[2] = {problem->conflicts[k].a, problem->conflicts[k].b};
        for (uint32_t side = 0; side < 2; side++)
            if (bitset_has(sides[side], shape))
                hash = hash_words(hash, sides[!side], BITSET_WORDS(problem->n_shapes));
    }
    return hash;
}

static uint64_t hash_places(const struct solver_problem *problem, const struct solver_shape *shape)
{
    uint64_t hash = hash_words(UINT64_C(0xcbf29ce484222325), shape->admits, BITSET_WORDS(problem->n_offerings));
    if (shape->admits_nodes)
        hash = hash_words(hash, shape->admits_nodes, BITSET_WORDS(problem->n_nodes));
    return hash;
}

static const char *key_of(const struct solver_problem *problem, const struct dims *dims, uint32_t shape,
                          struct arena *arena)
{
    const struct solver_shape *s = &problem->shapes[shape];
    const char *request = request_text(dims, s->req, arena);
    if (!request)
        return NULL;
    return arena_printf(arena, "%spriority=%d where=%016llx rules=%016llx", request, s->priority,
                        (unsigned long long)hash_places(problem, s), (unsigned long long)hash_rules(problem, shape));
}

int compile_keys(const struct solver_problem *problem, const struct dims *dims, struct arena *arena,
                 const char *const **ret_keys, struct err *err)
{
    const char **keys = arena_array(arena, const char *, problem->n_shapes);
    if (!keys)
        return err_nomem(err);
    /* Shapes with equal requests stand next to each other: only within such a run can two keys be equal. */
    uint32_t run = 0;
    for (uint32_t s = 0; s < problem->n_shapes; s++) {
        keys[s] = key_of(problem, dims, s, arena);
        if (!keys[s])
            return err_nomem(err);
        if (s && compare_int64s(problem->shapes[s].req, problem->shapes[s - 1].req, problem->n_dims))
            run = s;
        unsigned twins = 1;
        for (uint32_t k = run; k < s; k++)
            twins += !strncmp(keys[k], keys[s], strlen(keys[s]));
        if (twins > 1)
            keys[s] = arena_printf(arena, "%s twin=%u", keys[s], twins);
        if (!keys[s])
            return err_nomem(err);
    }
    *ret_keys = keys;
    return 0;
}
