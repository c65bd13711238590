#include "provisioner/kube/rival.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RECORD_MAX_BYTES = 256, WHERE_MAX_BYTES = 320 };

/* One Lease that the rival may hold. */
struct place {
    struct rival *rival;
    struct str namespace_;
    enum rival_state state;
    char record[RECORD_MAX_BYTES]; /* holder and renewTime as last seen */
    struct clock_mono changed;     /* when that was first seen */
    bool asking;
};

struct rival {
    struct rival_options options;
    struct place places[RIVAL_MAX_PLACES];
    struct loop_timer timer;
    enum rival_state state;
    char where[WHERE_MAX_BYTES]; /* why nothing can be told, or who is alive */
    bool complained;             /* that nothing can be told */
};

static void tell(const struct rival *rival)
{
    if (rival->options.changed)
        rival->options.changed(rival->options.context, rival->state, rival->where);
}

/* Nobody acts while it cannot be told: that must not pass in silence. */
static void complain(struct rival *rival, const struct err *err)
{
    if (rival->complained)
        return;
    rival->complained = true;
    snprintf(rival->where, sizeof(rival->where), "%s", err->message);
    tell(rival);
}

/* Alive if one is, gone if all are. */
static void judge(struct rival *rival)
{
    enum rival_state state = RIVAL_GONE;
    for (size_t i = 0; i < rival->options.n_namespaces; i++) {
        if (rival->places[i].state == RIVAL_ALIVE)
            state = RIVAL_ALIVE;
        else if (rival->places[i].state == RIVAL_UNKNOWN && state == RIVAL_GONE)
            state = RIVAL_UNKNOWN;
    }
    if (state == rival->state)
        return;
    rival->state = state;
    if (state == RIVAL_GONE)
        snprintf(rival->where, sizeof(rival->where), "no lease %.*s is renewed", STR_ARG(rival->options.lease));
    tell(rival);
}

static struct str member(const struct doc *object, const char *path)
{
    const struct doc *found = doc_at(object, path);
    return found ? found->text : (struct str){"", 0};
}

static int64_t duration_ms(const struct doc *object)
{
    int64_t seconds;
    if (!str_to_int64(member(object, "spec.leaseDurationSeconds"), &seconds) || seconds < 1 || seconds > 3600)
        return RIVAL_LEASE_MS;
    return seconds * 1000;
}

static void seen(struct place *place, const struct doc *object)
{
    struct rival *rival = place->rival;
    struct clock_mono now = loop_now(rival->options.loop);
    struct str holder = member(object, "spec.holderIdentity"), renewed = member(object, "spec.renewTime");
    char record[RECORD_MAX_BYTES];
    snprintf(record, sizeof(record), "%.*s %.*s", STR_ARG(holder), STR_ARG(renewed));
    if (!holder.len) {
        place->state = RIVAL_GONE;
        return;
    }
    if (strcmp(record, place->record) != 0) {
        /* At first sight it cannot be told how old a record is: that takes one duration of looking on. */
        bool first = place->state == RIVAL_UNKNOWN && !place->record[0];
        memcpy(place->record, record, sizeof(record));
        place->changed = now;
        if (first)
            return;
        place->state = RIVAL_ALIVE;
        snprintf(rival->where, sizeof(rival->where), "lease %.*s/%.*s is held by %.*s", STR_ARG(place->namespace_),
                 STR_ARG(rival->options.lease), STR_ARG(holder));
    } else if (clock_ms_between(place->changed, now) > (double)duration_ms(object)) {
        place->state = RIVAL_GONE;
    }
}

static void answered(void *context, const struct cluster_answer *answer)
{
    struct place *place = context;
    place->asking = false;
    if (!answer->err)
        seen(place, answer->object);
    else if (answer->err->code == ERR_NOT_FOUND)
        place->state = RIVAL_GONE;
    else if (place->state == RIVAL_UNKNOWN) /* else: what was known stays so until an answer comes */
        complain(place->rival, answer->err);
    /* While we cannot read it, its holder may be unable to write it: it has its whole time from the next look on. */
    if (answer->err)
        place->changed = loop_now(place->rival->options.loop);
    judge(place->rival);
}

static void ask(struct place *place)
{
    const struct cluster_request request = {.verb = CLUSTER_GET,
                                            .kind = CLUSTER_LEASE,
                                            .namespace_ = place->namespace_,
                                            .name = place->rival->options.lease};
    const struct cluster *cluster = &place->rival->options.cluster;
    if (place->asking)
        return;
    place->asking = cluster->request(cluster->context, &request, answered, place, NULL) == 0;
}

static void poll(void *context)
{
    struct rival *rival = context;
    /* Needs no memory: this one has just fired. */
    int rc = loop_timer_after(rival->options.loop, &rival->timer, RIVAL_POLL_MS, NULL);
    assert(rc == 0);
    (void)rc;
    for (size_t i = 0; i < rival->options.n_namespaces; i++)
        ask(&rival->places[i]);
}

int rival_open(const struct rival_options *options, struct rival **ret, struct err *err)
{
    assert(options->n_namespaces > 0 && options->n_namespaces <= RIVAL_MAX_PLACES);
    struct rival *rival = calloc(1, sizeof(*rival));
    if (!rival)
        return err_nomem(err);
    rival->options = *options;
    rival->timer = LOOP_TIMER(poll, rival);
    for (size_t i = 0; i < options->n_namespaces; i++)
        rival->places[i] = (struct place){.rival = rival, .namespace_ = options->namespaces[i]};
    *ret = rival;
    return 0;
}

int rival_start(struct rival *rival, struct err *err)
{
    return loop_timer_after(rival->options.loop, &rival->timer, 0, err);
}

void rival_close(struct rival *rival)
{
    if (!rival)
        return;
    loop_timer_cancel(rival->options.loop, &rival->timer);
    free(rival);
}

enum rival_state rival_state(const struct rival *rival)
{
    return rival->state;
}
