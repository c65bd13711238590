/* rent.h - many existing nodes as a few kinds of rented room, for the duals. */
#ifndef STOKER_SOLVER_RENT_H
#define STOKER_SOLVER_RENT_H

#include "solver/ascent.h"

/*
 * Groups the problem's nodes by the size of what is free on them (to a factor of about 1.4 in each of the first three
 * dimensions); each group becomes one rented kind with the mean room and the shapes that any of its nodes admits.
 * The first guess of its rent is its share of the cheapest kind for its largest resource. [*ret_n] in `arena`.
 */
CC_MUST_CHECK int rent_nodes(const struct packer *packer, const struct bin *bins, const struct kinds *kinds,
                             struct arena *arena, struct ascent_rented **ret, uint32_t *ret_n, struct err *err);

#endif
