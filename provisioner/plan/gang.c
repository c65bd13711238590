#include "provisioner/plan/gang.h"

#include <math.h>
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
    uint32_t bound;   /* executors that run */
    int64_t *drivers; /* [n_dims] requests of drivers that have no node */
    int64_t *least;   /* [n_dims] the least that an executor without a node requests; INT64_MAX: there is none */
};

static bool has_ended(const struct pod *pod)
{
    return pod->phase == POD_SUCCEEDED || pod->phase == POD_FAILED || pod->deleting;
}

static void count_request(struct gang *gang, const struct pass *pass, enum spark_role role, uint32_t shape)
{
    const struct solver_problem *problem = &pass->compiled.problem;
    for (uint32_t d = 0; shape != SOLVER_NONE && d < problem->n_dims; d++) {
        int64_t req = problem->shapes[shape].req[d];
        if (role == SPARK_DRIVER)
            gang->drivers[d] += req;
        else if (role == SPARK_EXECUTOR && req < gang->least[d])
            gang->least[d] = req;
    }
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
    if (!bound)
        count_request(gang, pass, pod->role, pass->shape_of_pod[index]);
    if (pod->role == SPARK_EXECUTOR) {
        gang->bound += bound;
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

/* All that pods may still take up: what the limits leave and what is free on nodes; INFINITY where nothing limits. */
static void total_room(const struct solver_problem *problem, double *ret_room)
{
    for (uint32_t d = 0; d < problem->n_dims; d++) {
        ret_room[d] = 0;
        for (uint32_t o = 0; o < problem->n_owners; o++)
            ret_room[d] += problem->owners[o].limit[d] == SOLVER_UNLIMITED ? (double)INFINITY
                                                                           : (double)problem->owners[o].limit[d];
        for (uint32_t n = 0; n < problem->n_nodes; n++)
            ret_room[d] += (double)problem->nodes[n].free[d];
    }
}

/* Would the least that the gang may run with need more than all the room there is? Then no other need yield to it. */
static bool too_large(const struct pass_input *input, const struct solver_problem *problem, const struct gang *gang,
                      const double *room)
{
    double executors = ceil(min_share(input, gang) * gang->asked - 0.001) - gang->bound;
    for (uint32_t d = 0; d < problem->n_dims; d++) {
        double need = (double)gang->drivers[d];
        if (executors > 0 && gang->least[d] != INT64_MAX)
            need += executors * (double)gang->least[d];
        if (need > room[d])
            return true;
    }
    return false;
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

/* Skips the demand's pods of the applications marked in reason_of_app [n_apps]; they are added to `yielded` too. */
static void skip_pods(const struct pass *pass, size_t n_pods, const char *const *reason_of_app, uint64_t *skip,
                      uint64_t *yielded, const char **reasons)
{
    for (size_t i = 0; i < n_pods; i++) {
        uint32_t app = pass->demand.pod_app[i];
        bool wanted = pass->shape_of_pod[i] != SOLVER_NONE || pass->reasons[i];
        if (app == SOLVER_NONE || !reason_of_app[app] || !wanted)
            continue;
        bitset_add(skip, i);
        if (yielded)
            bitset_add(yielded, i);
        reasons[i] = reason_of_app[app];
    }
}

/* The room that some yielded is free again: it was not enough for the one that they yielded to. */
static void ask_again(size_t n_pods, uint64_t *skip, uint64_t *yielded, const char **reasons)
{
    for (size_t i = 0; i < n_pods; i++) {
        if (!bitset_has(yielded, i))
            continue;
        bitset_remove(skip, i);
        bitset_remove(yielded, i);
        reasons[i] = NULL;
    }
}

/* Zeroed but for what is not zero; NULL if memory ran out. */
static struct gang *new_gangs(size_t n_apps, uint32_t n_dims, struct arena *arena)
{
    struct gang *gangs = arena_array(arena, struct gang, n_apps);
    int64_t *requests = arena_array(arena, int64_t, n_apps * n_dims * 2);
    if (!gangs || !requests)
        return NULL;
    for (uint32_t a = 0; a < n_apps; a++) {
        gangs[a] = (struct gang){.app = a, .owner = SOLVER_NONE, .drivers = requests + (size_t)a * n_dims * 2};
        gangs[a].least = gangs[a].drivers + n_dims;
        for (uint32_t d = 0; d < n_dims; d++)
            gangs[a].least[d] = INT64_MAX;
    }
    return gangs;
}

/* Of those that fall short, in order: those that wait for good stand first, ret_n of them, if any is too large. */
static size_t too_large_first(const struct pass_input *input, const struct pass *pass, struct gang *gangs, size_t n)
{
    double room[SOLVER_MAX_DIMS];
    size_t n_large = 0;
    total_room(&pass->compiled.problem, room);
    for (size_t i = 0; i < n; i++) {
        if (!too_large(input, &pass->compiled.problem, &gangs[i], room))
            continue;
        struct gang large = gangs[i];
        gangs[i] = gangs[n_large];
        gangs[n_large++] = large;
    }
    return n_large;
}

int gang_wait(const struct pass_input *input, const struct pass *pass, bool all, uint64_t *skip, uint64_t *yielded,
              const char **reasons, struct arena *arena, size_t *ret_n, struct err *err)
{
    size_t n_pods = input->objects->pods.len, n_apps = pass->demand.n_apps, n = 0;
    *ret_n = 0;
    if (!pass_limited(pass, NULL))
        return 0;
    struct gang *gangs = new_gangs(n_apps, pass->compiled.problem.n_dims, arena);
    const char **reason_of_app = arena_array(arena, const char *, n_apps);
    if (!gangs || !reason_of_app)
        return err_nomem(err);
    for (uint32_t i = 0; i < n_pods; i++)
        if (pass->demand.pod_app[i] != SOLVER_NONE)
            count_pod(&gangs[pass->demand.pod_app[i]], pass, input->objects, i);
    note_limits(pass, gangs);
    for (uint32_t a = 0; a < n_apps; a++)
        if (falls_short(input, &gangs[a]) && (all || gangs[a].holds))
            gangs[n++] = gangs[a];
    qsort(gangs, n, sizeof(*gangs), least_last);
    size_t n_large = all ? 0 : too_large_first(input, pass, gangs, n);
    size_t kept = all || n_large || n < 2 ? 0 : 1;
    n = n_large ? n_large : n;
    for (size_t i = kept; i < n; i++) {
        reason_of_app[gangs[i].app] = reason_of(input, pass, &gangs[i], arena);
        if (!reason_of_app[gangs[i].app])
            return err_nomem(err);
    }
    if (n == 1 && !all && !n_large)
        ask_again(n_pods, skip, yielded, reasons);
    skip_pods(pass, n_pods, reason_of_app, skip, kept ? yielded : NULL, reasons);
    *ret_n = n - kept;
    return 0;
}
