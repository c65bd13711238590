#include "provisioner/plan/gang.h"

#include <stdlib.h>

#include "base/bitset.h"
#include "provisioner/plan/reasons.h"

/* What one application asked for and what a pass gives it. */
struct gang {
    uint32_t app;
    uint32_t asked, placed; /* executors, bound ones counted */
    uint32_t holds;         /* pods that the pass gives a place */
    bool driver_waits;
    bool limited;
    uint32_t owner;   /* whose limit */
    int32_t priority; /* the highest of its pods */
};

static bool has_ended(const struct pod *pod)
{
    return pod->phase == POD_SUCCEEDED || pod->phase == POD_FAILED || pod->deleting;
}

static void count_pod(struct gang *gang, const struct pass *pass, const struct objects *objects, uint32_t index)
{
    const struct pod *pod = &objects->pods.items[index];
    bool bound = pod->node_name.len > 0;
    bool waits = pass->reasons[index] != NULL;
    if (has_ended(pod) || (!bound && !waits && pass->shape_of_pod[index] == SOLVER_NONE))
        return;
    int32_t priority = objects->specs.items[pod->spec]->priority;
    if (!gang->asked && !gang->holds && !gang->driver_waits)
        gang->priority = priority;
    gang->priority = priority > gang->priority ? priority : gang->priority;
    gang->holds += !bound && !waits;
    if (pod->role == SPARK_EXECUTOR) {
        gang->asked++;
        gang->placed += !waits;
    } else if (pod->role == SPARK_DRIVER && waits) {
        gang->driver_waits = true;
    }
}

static void note_limits(const struct pass *pass, struct gang *gangs)
{
    for (size_t i = 0; i < pass->plan.n_leftovers; i++) {
        const struct solver_leftover *leftover = &pass->plan.leftovers[i];
        if (leftover->why != SOLVER_LIMIT)
            continue;
        const struct pass_list *list = &pass->lists[leftover->shape];
        for (size_t k = list->n_placed; k < list->n_pods; k++) {
            uint32_t app = pass->demand.pod_app[list->pods[k]];
            if (app == SOLVER_NONE)
                continue;
            gangs[app].limited = true;
            gangs[app].owner = leftover->owner;
        }
    }
}

static double min_share(const struct pass_input *input, const struct gang *gang)
{
    const struct objects *objects = input->objects;
    if (gang->owner < objects->provisioners.len)
        return objects->provisioners.items[gang->owner].gang_min_share;
    double share = 0;
    for (size_t i = 0; i < objects->provisioners.len; i++)
        if (objects->provisioners.items[i].gang_min_share > share)
            share = objects->provisioners.items[i].gang_min_share;
    return share;
}

/* A thousandth of an executor is left to rounding: 0.8 of 5 is 4. */
static bool falls_short(const struct pass_input *input, const struct gang *gang)
{
    if (!gang->limited || !gang->asked)
        return false;
    return gang->driver_waits || gang->placed + 0.001 < min_share(input, gang) * gang->asked;
}

static int least_last(const void *a, const void *b)
{
    const struct gang *x = a, *y = b;
    if (x->priority != y->priority)
        return x->priority > y->priority ? -1 : 1;
    return x->app < y->app ? -1 : x->app > y->app;
}

static const char *reason_of(const struct pass_input *input, const struct pass *pass, const struct gang *gang,
                             struct arena *arena)
{
    const char *limit = "of the Provisioners";
    if (gang->owner < input->market->n_owners) {
        const char *name = reason_limit_name(input->market, &pass->plan, gang->owner, arena);
        limit = name ? arena_printf(arena, "of %s", name) : NULL;
    }
    if (!limit)
        return NULL;
    struct str app = pass->demand.apps[gang->app];
    if (gang->driver_waits)
        return arena_printf(arena, "application %.*s would run without its driver within the limit %s: it waits",
                            STR_ARG(app), limit);
    return arena_printf(arena,
                        "application %.*s would get only %u of %u executors within the limit %s: minimum share %g",
                        STR_ARG(app), gang->placed, gang->asked, limit, min_share(input, gang));
}

/* Skips the demand's pods of the applications marked in reason_of_app [n_apps]. */
static void skip_pods(const struct pass *pass, size_t n_pods, const char *const *reason_of_app, uint64_t *skip,
                      const char **reasons)
{
    for (size_t i = 0; i < n_pods; i++) {
        uint32_t app = pass->demand.pod_app[i];
        bool wanted = pass->shape_of_pod[i] != SOLVER_NONE || pass->reasons[i];
        if (app == SOLVER_NONE || !reason_of_app[app] || !wanted)
            continue;
        bitset_add(skip, i);
        reasons[i] = reason_of_app[app];
    }
}

int gang_wait(const struct pass_input *input, const struct pass *pass, bool all, uint64_t *skip, const char **reasons,
              struct arena *arena, size_t *ret_n, struct err *err)
{
    size_t n_pods = input->objects->pods.len, n_apps = pass->demand.n_apps, n = 0;
    *ret_n = 0;
    if (!pass_limited(pass, NULL))
        return 0;
    struct gang *gangs = arena_array(arena, struct gang, n_apps);
    const char **reason_of_app = arena_array(arena, const char *, n_apps);
    if (!gangs || !reason_of_app)
        return err_nomem(err);
    for (uint32_t a = 0; a < n_apps; a++)
        gangs[a] = (struct gang){.app = a, .owner = SOLVER_NONE};
    for (uint32_t i = 0; i < n_pods; i++)
        if (pass->demand.pod_app[i] != SOLVER_NONE)
            count_pod(&gangs[pass->demand.pod_app[i]], pass, input->objects, i);
    note_limits(pass, gangs);
    for (uint32_t a = 0; a < n_apps; a++)
        if (falls_short(input, &gangs[a]) && (all || gangs[a].holds))
            gangs[n++] = gangs[a];
    qsort(gangs, n, sizeof(*gangs), least_last);
    size_t kept = all || n < 2 ? 0 : 1;
    for (size_t i = kept; i < n; i++) {
        reason_of_app[gangs[i].app] = reason_of(input, pass, &gangs[i], arena);
        if (!reason_of_app[gangs[i].app])
            return err_nomem(err);
    }
    skip_pods(pass, n_pods, reason_of_app, skip, reasons);
    *ret_n = n - kept;
    return 0;
}
