/* outer.h - the bound where packings are too hard to price: patterns and, for such kinds, fractions of them. */
#ifndef STOKER_SOLVER_OUTER_H
#define STOKER_SOLVER_OUTER_H

#include "solver/columns.h"

/*
 * Column generation ends where no better pattern is found, but Farley's bound asks for proof that there is none. On
 * large nodes with many shapes that proof drowns, and one such kind scales the whole bound down. Here such a kind may
 * carry its linear relaxation's answer as a column too. That makes a relaxation whose pricing always ends: its value,
 * a bound between the aggregated one and that of the patterns, is reached.
 *
 * Raises columns->bound with its duals until it is columns->enough, the relaxation's value is reached, or time is up.
 * Pricing one kind takes up to `node_limit` branch-and-bound nodes. Patterns found on the way join the pool.
 */
CC_MUST_CHECK int outer_bound(struct columns *columns, uint32_t node_limit, struct err *err);

#endif
