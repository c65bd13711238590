/* problem.c - is the question well-formed: everything the solver and the checker take for granted is tested here. */
#include "solver/problem.h"

#include "base/bitset.h"
#include "base/money.h"
#include "solver/solve.h"

static bool tail_is_clear(const uint64_t *set, size_t bits)
{
    return bits % 64 == 0 || set[bits / 64] >> (bits % 64) == 0;
}

static bool all_amounts(const int64_t *amounts, uint32_t n_dims)
{
    if (!amounts)
        return n_dims == 0;
    for (uint32_t d = 0; d < n_dims; d++)
        if (amounts[d] < 0 || amounts[d] > SOLVER_MAX_AMOUNT)
            return false;
    return true;
}

static int check_sizes(const struct solver_problem *p, struct err *err)
{
    if (p->n_dims == 0 || p->n_dims > SOLVER_MAX_DIMS)
        return err_set(err, ERR_INVALID, "%u dimensions, allowed are 1 to %d", p->n_dims, SOLVER_MAX_DIMS);
    if ((p->n_shapes && !p->shapes) || (p->n_offerings && !p->offerings) || (p->n_owners && !p->owners) ||
        (p->n_groups && !p->groups) || (p->n_conflicts && !p->conflicts) || (p->n_nodes && !p->nodes))
        return err_set(err, ERR_INVALID, "an array is missing");
    return 0;
}

static int check_shape(const struct solver_problem *p, uint32_t s, struct err *err)
{
    const struct solver_shape *shape = &p->shapes[s];
    if (shape->count < 1 || shape->count > INT32_MAX)
        return err_set(err, ERR_INVALID, "shape %u: count %lld, allowed is 1 to %d", s, (long long)shape->count,
                       INT32_MAX);
    if (!all_amounts(shape->req, p->n_dims))
        return err_set(err, ERR_INVALID, "shape %u: a request is missing, negative or absurd", s);
    if (p->n_offerings && !shape->admits)
        return err_set(err, ERR_INVALID, "shape %u: no set of offerings", s);
    if (!tail_is_clear(shape->admits, p->n_offerings))
        return err_set(err, ERR_INVALID, "shape %u: admits an offering that does not exist", s);
    if (shape->admits_nodes && !tail_is_clear(shape->admits_nodes, p->n_nodes))
        return err_set(err, ERR_INVALID, "shape %u: admits a node that does not exist", s);
    return 0;
}

/* What all pods ask for together, and what they would cost on one node each, must fit in int64. */
static int check_sums(const struct solver_problem *p, struct err *err)
{
    int64_t pods = 0, dearest = 0, cost;
    int64_t asked[SOLVER_MAX_DIMS] = {0};
    for (uint32_t s = 0; s < p->n_shapes; s++) {
        const struct solver_shape *shape = &p->shapes[s];
        pods += shape->count; /* at most 2^32 shapes of 2^31 pods */
        for (uint32_t d = 0; d < p->n_dims; d++) {
            int64_t part;
            if (__builtin_mul_overflow(shape->count, shape->req[d], &part) ||
                __builtin_add_overflow(asked[d], part, &asked[d]))
                return err_set(err, ERR_INVALID, "dimension %u: what the pods ask for together is beyond int64", d);
        }
    }
    if (pods > INT32_MAX)
        return err_set(err, ERR_INVALID, "%lld pods, allowed are %d", (long long)pods, INT32_MAX);
    for (uint32_t j = 0; j < p->n_offerings; j++)
        if (p->offerings[j].price_microusd > dearest)
            dearest = p->offerings[j].price_microusd;
    if (__builtin_mul_overflow(pods, dearest, &cost))
        return err_set(err, ERR_INVALID, "%lld pods at up to %lld micro-dollars: the cost is beyond int64",
                       (long long)pods, (long long)dearest);
    return 0;
}

static int check_offering(const struct solver_problem *p, uint32_t j, struct err *err)
{
    const struct solver_offering *offering = &p->offerings[j];
    if (!all_amounts(offering->alloc, p->n_dims) || !all_amounts(offering->capacity, p->n_dims))
        return err_set(err, ERR_INVALID, "offering %u: an amount is missing, negative or absurd", j);
    if (offering->price_microusd < 1 || offering->price_microusd > MONEY_MAX_MICROUSD)
        return err_set(err, ERR_INVALID, "offering %u: price %lld micro-dollars, allowed is 1 to %lld", j,
                       (long long)offering->price_microusd, (long long)MONEY_MAX_MICROUSD);
    if (offering->owner >= p->n_owners)
        return err_set(err, ERR_INVALID, "offering %u: owner %u of %u", j, offering->owner, p->n_owners);
    return 0;
}

static int check_owner(const struct solver_problem *p, uint32_t o, struct err *err)
{
    for (uint32_t d = 0; d < p->n_dims; d++)
        if (!p->owners[o].limit || p->owners[o].limit[d] < 0)
            return err_set(err, ERR_INVALID, "owner %u: a limit is missing or negative", o);
    if (p->owners[o].tier >= p->n_owners)
        return err_set(err, ERR_INVALID, "owner %u: tier %u among %u owners", o, p->owners[o].tier, p->n_owners);
    return 0;
}

static int check_group(const struct solver_problem *p, uint32_t g, struct err *err)
{
    const struct solver_group *group = &p->groups[g];
    if (group->cap < 1)
        return err_set(err, ERR_INVALID, "group %u: cap %d, allowed is 1 and more", g, group->cap);
    if (group->n_shapes && !group->shapes)
        return err_set(err, ERR_INVALID, "group %u: no members", g);
    for (uint32_t i = 0; i < group->n_shapes; i++) {
        if (group->shapes[i] >= p->n_shapes)
            return err_set(err, ERR_INVALID, "group %u: shape %u of %u", g, group->shapes[i], p->n_shapes);
        if (i && group->shapes[i] <= group->shapes[i - 1])
            return err_set(err, ERR_INVALID, "group %u: members are not ascending", g);
    }
    return 0;
}

static int check_conflict(const struct solver_problem *p, uint32_t c, struct err *err)
{
    const struct solver_conflict *conflict = &p->conflicts[c];
    if (p->n_shapes == 0)
        return 0;
    if (!conflict->a || !conflict->b)
        return err_set(err, ERR_INVALID, "conflict %u: a side is missing", c);
    if (!tail_is_clear(conflict->a, p->n_shapes) || !tail_is_clear(conflict->b, p->n_shapes))
        return err_set(err, ERR_INVALID, "conflict %u: a shape that does not exist", c);
    if (bitset_intersects(conflict->a, conflict->b, p->n_shapes))
        return err_set(err, ERR_INVALID, "conflict %u: a shape is on both sides", c);
    return 0;
}

static int check_node(const struct solver_problem *p, uint32_t e, struct err *err)
{
    const struct solver_node *node = &p->nodes[e];
    if (!all_amounts(node->free, p->n_dims))
        return err_set(err, ERR_INVALID, "node %u: an amount is missing, negative or absurd", e);
    for (uint32_t g = 0; node->group_room && g < p->n_groups; g++)
        if (node->group_room[g] < 0)
            return err_set(err, ERR_INVALID, "node %u: negative room for group %u", e, g);
    return 0;
}

int solver_problem_check(const struct solver_problem *problem, struct err *err)
{
    int rc = check_sizes(problem, err);
    for (uint32_t s = 0; !rc && s < problem->n_shapes; s++)
        rc = check_shape(problem, s, err);
    for (uint32_t j = 0; !rc && j < problem->n_offerings; j++)
        rc = check_offering(problem, j, err);
    for (uint32_t o = 0; !rc && o < problem->n_owners; o++)
        rc = check_owner(problem, o, err);
    for (uint32_t g = 0; !rc && g < problem->n_groups; g++)
        rc = check_group(problem, g, err);
    for (uint32_t c = 0; !rc && c < problem->n_conflicts; c++)
        rc = check_conflict(problem, c, err);
    for (uint32_t e = 0; !rc && e < problem->n_nodes; e++)
        rc = check_node(problem, e, err);
    return rc ? rc : check_sums(problem, err);
}
