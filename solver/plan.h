/* plan.h - the solver's answer: nodes to buy with what goes on each, what goes where there is room, and the proof. */
#ifndef STOKER_SOLVER_PLAN_H
#define STOKER_SOLVER_PLAN_H

#include <stddef.h>
#include <stdint.h>

/* `count` pods of one shape on one node. */
struct solver_take {
    uint32_t shape;
    int32_t count; /* > 0 */
};

/* `copies` equal new nodes. */
struct solver_purchase {
    uint32_t offering;
    int64_t copies;                  /* > 0 */
    const struct solver_take *takes; /* [n_takes], ascending by shape, on each copy */
    uint32_t n_takes;
};

/* What goes on an existing node. */
struct solver_filling {
    uint32_t node;
    const struct solver_take *takes;
    uint32_t n_takes;
};

enum solver_why {
    SOLVER_PLACED = 0,
    SOLVER_NO_OFFERING, /* no offering and no existing room admits it and is large enough */
    SOLVER_LIMIT        /* only offerings of owners whose limit is used up */
};

struct solver_leftover {
    uint32_t shape;
    int64_t count;
    enum solver_why why;
    uint32_t owner; /* SOLVER_LIMIT: whose limit, else SOLVER_NONE */
};

/*
 * The proof: shape s is worth duals_nanousd[s] >= 0 per pod; no admitted pattern on offering j is worth more than
 * j's price; an existing node e can carry at most some worth w_e. Then no plan for the placed pods is cheaper than
 * sum(placed_s * duals_s) - sum(w_e): weak duality. See docs/solver.md.
 */
struct solver_plan {
    struct solver_purchase *purchases;
    size_t n_purchases;
    struct solver_filling *fillings;
    size_t n_fillings;
    struct solver_leftover *leftovers;
    size_t n_leftovers;
    int64_t cost_microusd;        /* sum over the purchases */
    int64_t lower_bound_microusd; /* true lower bound on the same, rounded down; 0 if nothing better is known */
    int64_t *duals_nanousd;       /* [n_shapes] of the bound's problem; 1e-9 USD per hour and pod */
    const char *method;           /* "exact", "columns", "heuristic": where the answer came from */
};

#endif
