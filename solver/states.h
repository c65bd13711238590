/* states.h - knapsack by what is left over: equal rooms reached in different ways are one state. */
#ifndef STOKER_SOLVER_STATES_H
#define STOKER_SOLVER_STATES_H

#include <stdbool.h>
#include <stdint.h>

enum { STATES_MAX_DIMS = 16 };

/* A knapsack without groups and conflicts, its relaxation solved. Everything is borrowed. */
struct states_question {
    uint32_t n_items, n_dims;
    const int64_t *const *req; /* [n_items][n_dims] */
    const int64_t *bound;      /* [n_items] */
    const double *value;       /* [n_items] > 0 */
    const double *reduced;     /* [n_items] of the relaxation, best first */
    const int64_t *room;       /* [n_dims] */
    double upper;              /* of the relaxation */
    double best;               /* value of a packing that is known */
    double margin;             /* gains below this are rounding */
    uint32_t most_states;
};

struct states_answer {
    double best;  /* value of counts, or question.best if nothing better was found */
    double upper; /* no packing is worth more */
    bool better;  /* counts were written */
};

/*
 * Item after item; a state is dropped where the relaxation's bound less its loss cannot beat the best (see pack.c).
 * Where packings abound that differ but leave the same room, as on large nodes with few shapes, this ends long before
 * a tree search would. Ends early at most_states or when memory runs out, with the bound that the open states leave.
 * counts[n_items] are written if a better packing was found.
 */
struct states_answer states_solve(const struct states_question *question, int64_t *counts);

#endif
