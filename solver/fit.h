/* fit.h - small questions of room that several parts of the solver ask. */
#ifndef STOKER_SOLVER_FIT_H
#define STOKER_SOLVER_FIT_H

#include <stdbool.h>
#include <stdint.h>

#include "solver/problem.h"

/* Does one pod of the shape fit into room[n_dims] that is otherwise empty? */
static inline bool fit_alone(const struct solver_problem *problem, size_t shape, const int64_t *room)
{
    for (uint32_t d = 0; d < problem->n_dims; d++)
        if (problem->shapes[shape].req[d] > room[d])
            return false;
    return true;
}

/* Greatest common divisor; gcd(0, b) = b. */
static inline int64_t fit_gcd(int64_t a, int64_t b)
{
    while (b) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/*
 * What pods can use of `room` whose requests are all multiples of `step`: a node of 15.89 cpu is worth 15 to pods of
 * whole cpus, and every relaxation should know. step 0: nobody asks for any.
 */
static inline int64_t fit_usable(int64_t room, int64_t step)
{
    return step > 1 ? room / step * step : room;
}

#endif
