/* dive.h - from the fractions of the relaxation to whole nodes: fix what is whole, solve again for what is left. */
#ifndef STOKER_SOLVER_DIVE_H
#define STOKER_SOLVER_DIVE_H

#include "solver/bag.h"
#include "solver/columns.h"

/*
 * A plan for columns->demand in `bag` (takes in columns->arena). Rounds down, solves the master for the rest, prices
 * new patterns for it, fixes the most decided column, and so on; the heuristic completes it at several depths and the
 * cheapest completion is kept. The master's demand is put back at the end.
 */
CC_MUST_CHECK int dive_for_plan(struct columns *columns, struct bag *bag, struct err *err);

#endif
