/* solve.c - one solve on the worker: its own view of the state, which nothing changes while it is read. */
#include <stdlib.h>
#include <string.h>

#include "provisioner/lifecycle/demands.h"
#include "provisioner/lifecycle/ready.h"

void solve_free(struct solve *solve)
{
    state_view_release(solve->state, &solve->view);
    arena_release(&solve->arena);
    free(solve);
}

static void release_call(struct control_call *call)
{
    struct solve *solve = (struct solve *)call;
    solve->part->running = NULL;
    solve_free(solve);
}

/*
 * A Provisioner that cannot launch must not keep the others from it. Nothing is planned where a template has no subnet;
 * where that is not known the launch's preparation finds out, and the next plan is another one.
 */
static int choose_provisioners(struct pass *pass, struct solve *solve, struct err *err)
{
    struct objects *objects = &solve->objects;
    struct provisioner *kept = arena_array(&solve->arena, struct provisioner, objects->provisioners.len);
    size_t n = 0;
    bool known;
    if (!kept)
        return err_nomem(err);
    for (size_t i = 0; i < objects->provisioners.len; i++) {
        const struct provisioner *provisioner = &objects->provisioners.items[i];
        if (control_held(pass->control, provisioner))
            solve->held = provisioner->name;
        else if (provisioner_template(objects, provisioner) &&
                 provisioner_in_its_zones(pass, objects, provisioner, &solve->arena, &kept[n++], &known, err) < 0)
            return ERR_NOMEM;
    }
    objects->provisioners.items = kept;
    objects->provisioners.len = objects->provisioners.cap = n;
    return 0;
}

static bool was_tried_in_vain(const struct demand_part *part, struct str node)
{
    uint64_t key = str_hash(node);
    for (size_t i = 0; i < part->tries.len; i++)
        if (part->tries.items[i].in_vain && part->tries.items[i].node == key)
            return true;
    return false;
}

/* An open node on which kube-scheduler would not put a pod that we thought fits: it is left to its other pods. */
static int close_tried_nodes(struct solve *solve, const struct demand_part *part, struct err *err)
{
    struct objects *objects = &solve->objects;
    bool any = false;
    for (size_t i = 0; i < part->tries.len; i++)
        any |= part->tries.items[i].in_vain;
    if (!any)
        return 0;
    struct node *nodes = arena_array(&solve->arena, struct node, objects->nodes.len);
    if (!nodes)
        return err_nomem(err);
    for (size_t i = 0; i < objects->nodes.len; i++) {
        nodes[i] = objects->nodes.items[i];
        nodes[i].unschedulable |= was_tried_in_vain(part, nodes[i].name);
    }
    objects->nodes.items = nodes;
    objects->nodes.cap = objects->nodes.len;
    return 0;
}

/* On the worker's thread: touches the solve alone. */
static void work(void *job)
{
    struct solve *solve = job;
    solve->code =
        planner_plan(&solve->objects, &solve->catalogue, &solve->options, &solve->arena, &solve->result, &solve->err);
}

static void done(void *job)
{
    struct solve *solve = job;
    control_call_end(&solve->call);
    solve->part->answered = true;
}

void solve_prepare(struct pass *pass)
{
    const struct objects *objects = &pass->view.objects;
    for (size_t i = 0; i < objects->provisioners.len; i++)
        (void)provisioner_template_hash(pass, &objects->provisioners.items[i]);
}

static int fill(struct pass *pass, const struct demand_part *part, struct solve *solve, struct err *err)
{
    solve->objects = solve->view.objects;
    solve->options = (struct planner_options){.clock = control_effects(pass->control)->loop->clock,
                                              .budget_ms = control_settings(pass->control)->solve_budget_ms,
                                              .skip_on_demand = true};
    int code = choose_provisioners(pass, solve, err);
    if (!code)
        code = close_tried_nodes(solve, part, err);
    return code ? code : control_catalogue(pass->control, &solve->arena, &solve->catalogue, err);
}

int solve_start(struct pass *pass, struct demand_part *part, struct err *err)
{
    const struct worker *worker = &control_effects(pass->control)->worker;
    struct solve *solve = calloc(1, sizeof(*solve));
    if (!solve)
        return err_nomem(err);
    solve->part = part;
    solve->state = pass->state;
    int code = state_view(pass->state, &solve->arena, &solve->view, err);
    if (code) {
        arena_release(&solve->arena);
        free(solve);
        return code;
    }
    code = fill(pass, part, solve, err);
    if (code) {
        solve_free(solve);
        return code;
    }
    control_call_begin(pass->control, &solve->call, release_call);
    part->running = solve;
    part->answered = false;
    code = worker->submit(worker->context, work, done, solve, err);
    if (code) {
        control_call_end(&solve->call);
        part->running = NULL;
        solve_free(solve);
        return code == ERR_NOMEM ? code : 0; /* busy: the next pass asks again */
    }
    return 0;
}
