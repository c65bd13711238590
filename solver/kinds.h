/* kinds.h - offerings reduced to the kinds of node that can matter: equal ones merged, dominated ones left out. */
#ifndef STOKER_SOLVER_KINDS_H
#define STOKER_SOLVER_KINDS_H

#include "solver/pack.h"

struct kind {
    struct bin bin;    /* items: the wanted shapes it admits and that fit alone */
    uint32_t offering; /* the cheapest of its kind */
    uint32_t owner;
    int64_t price_microusd;
    struct pack_warm warm;
};

struct kinds {
    struct kind *items; /* [n] by price, then offering */
    uint32_t n;
};

/*
 * Kinds for the shapes with demand[s] > 0 out of the offerings in `allowed` (bitset [n_offerings]). An offering is
 * left out if another one that counts against the same owner's limits (or if no owner is limited: any) admits all its
 * shapes, has at least its room in every dimension and costs no more. Equal ones: the lowest id stays.
 * Everything is in `arena`.
 */
CC_MUST_CHECK int kinds_build(const struct solver_problem *problem, const int64_t *demand, const uint64_t *allowed,
                              struct arena *arena, struct kinds *ret, struct err *err);

#endif
