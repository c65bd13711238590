/* world.h - a small cloud and Kubernetes objects from YAML text, as far as demand and topology, for tests. */
#ifndef STOKER_TESTS_SUPPORT_WORLD_H
#define STOKER_TESTS_SUPPORT_WORLD_H

#include "base/diag.h"
#include "provisioner/plan/demand.h"
#include "provisioner/plan/topology.h"

/*
 * Sold in us-west-2a, b and c, each On-Demand and on spot (spot at 0.4 of the price; in b 10 % dearer, in c 20 %):
 * c5.xlarge (4 cpu, 8 GiB), m5.2xlarge (8 cpu, 32 GiB), r5.4xlarge (16 cpu, 128 GiB; not in c).
 */
struct world {
    struct arena arena;
    struct diag diag;
    struct err err;
    struct cloud_catalogue catalogue;
    struct objects objects;
    struct dims dims;
    struct supply supply;
    struct demand demand;
    struct topology topology;
};

/* For cmocka: *state is a struct world with its catalogue. */
int world_set_up(void **state);
int world_tear_down(void **state);

/* Adds the objects of a YAML text; any finding fails the test. */
void world_read(struct world *world, const char *yaml);
/* printf and world_read. */
void world_add(struct world *world, const char *fmt, ...) CC_PRINTF(2, 3);

/* A Provisioner "default" for linux/amd64, both capacity types, all types and zones. */
void world_add_provisioner(struct world *world);
/* Supply and demand of what was read. `options` NULL: the defaults. */
void world_demand(struct world *world, const struct demand_options *options);
/* The same, and topology. */
void world_topology(struct world *world, const struct demand_options *options);

/* The shape of the pod "namespace/name", or NULL if it is in none. */
const struct demand_shape *world_shape(const struct world *world, const char *pod);
/* How many offerings of a set are in this zone (NULL: any) and of this capacity type (-1: any). */
size_t world_count(const struct world *world, const uint64_t *admits, const char *zone, int capacity_type);

#endif
