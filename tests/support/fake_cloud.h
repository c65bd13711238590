/*
 * fake_cloud.h - a cloud in memory behind struct cloud_provider: pools with an end, tokens that are remembered, lists
 * that lag, and the faults that real ones have.
 */
#ifndef STOKER_TESTS_SUPPORT_FAKE_CLOUD_H
#define STOKER_TESTS_SUPPORT_FAKE_CLOUD_H

#include "base/loop.h"
#include "cloud/provider.h"
#include "tests/support/fake_cluster.h" /* enum fake_fate */

enum fake_cloud_api { FAKE_PREPARE, FAKE_LAUNCH, FAKE_LIST, FAKE_TERMINATE, FAKE_ACKNOWLEDGE, FAKE_CLOUD_APIS };

struct fake_machine {
    struct cloud_instance instance;
    struct clock_mono made; /* not listed before fake->visible_ms is over */
    struct str provisioner;
};

struct fake_cloud_store;

/* Knobs may be turned at any time. */
struct fake_cloud {
    int64_t answer_ms;  /* from a call, which is done at once, to its answer; 20 */
    int64_t visible_ms; /* until a new instance is in lists; 0 */
    /* NULL, or decides about each call; `number` counts them from 1. FORBIDDEN: ERR_AUTH. */
    enum fake_fate (*on_call)(void *context, enum fake_cloud_api api, uint64_t number);
    void *on_call_context;
    uint64_t n_calls, calls[FAKE_CLOUD_APIS];
    uint64_t n_launches;      /* that were not answered from memory */
    bool prepare_fails;       /* ERR_INVALID: a template without subnets */
    const char *prepare_note; /* what prepare has to tell, NULL: nothing */
    const char *zones;        /* with subnets, "us-west-2a,us-west-2b"; "?": not known; NULL at its start: all */
    const char *full_zone;    /* prepare fails there: its subnets have no address */
    void (*on_prepare)(void *context, const struct cloud_launch_plan *plan); /* NULL, or told of each */
    void *on_prepare_context;
    bool terminate_fails; /* at once, ERR_INVALID */
    struct fake_cloud_store *store;
};

/* `loop` and `catalogue` must outlive it. Failures of ours fail the test. */
struct fake_cloud *fake_cloud_open(struct loop *loop, const struct cloud_catalogue *catalogue);
void fake_cloud_close(struct fake_cloud *fake);
struct cloud_provider fake_cloud_provider(struct fake_cloud *fake);
/* The client is gone: nothing that was asked is answered. Another may start. */
void fake_cloud_cut(struct fake_cloud *fake);

/* How many more machines a pool has; all have no end at first. type and zone NULL: any. */
void fake_cloud_capacity(struct fake_cloud *fake, const char *instance_type, const char *zone,
                         enum cloud_capacity_type capacity_type, int64_t left);

/* Every machine there ever was, by id; terminated ones have their state. */
const struct fake_machine *fake_cloud_machines(const struct fake_cloud *fake, size_t *ret_n);
size_t fake_cloud_running(const struct fake_cloud *fake);
/* One that nobody asked for, with our tag. Returns its id. */
struct str fake_cloud_stray(struct fake_cloud *fake, const char *instance_type, const char *zone);
/* It goes by itself. */
void fake_cloud_lose(struct fake_cloud *fake, struct str id);
/* Says a notice to whoever started the cloud. */
void fake_cloud_notify(struct fake_cloud *fake, const struct cloud_notice *notice);
bool fake_cloud_acknowledged(const struct fake_cloud *fake, struct str handle);

#endif
