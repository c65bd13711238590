/* solve.c - one solve on the worker: its own view of the state, which nothing changes while it is read. */
#include <stdlib.h>
#include <string.h>

#include "provisioner/lifecycle/demands.h"

static const struct cloud_template DEFAULT_TEMPLATE = {
    .http_hop_limit = -1,
    .disk = {.root_bytes = -1, .ephemeral_is_root = true},
};

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

const struct cloud_template *provisioner_template(const struct objects *objects, const struct provisioner *provisioner)
{
    if (provisioner->inline_template)
        return &provisioner->inline_template->launch;
    if (!provisioner->template_name.len)
        return &DEFAULT_TEMPLATE;
    for (size_t i = 0; i < objects->templates.len; i++) {
        const struct node_template *template_ = &objects->templates.items[i];
        if (template_->karpenter == provisioner->karpenter && str_eq(template_->name, provisioner->template_name))
            return &template_->launch;
    }
    return NULL;
}

static bool may_be_asked(struct pass *pass, const struct objects *objects, const struct provisioner *provisioner)
{
    if (provisioner_template(objects, provisioner))
        return !control_held(pass->control, provisioner->name);
    control_event(pass->control, provisioner->karpenter ? CLUSTER_KARPENTER_PROVISIONER : CLUSTER_PROVISIONER, STR(""),
                  provisioner->name, provisioner->uid, EVENT_WARNING, "TemplateNotFound",
                  "spec.providerRef.name: there is no %s %.*s",
                  provisioner->karpenter ? "AWSNodeTemplate" : "NodeTemplate", STR_ARG(provisioner->template_name));
    return false;
}

/* A Provisioner that cannot launch must not keep the others from it. */
static int choose_provisioners(struct pass *pass, struct solve *solve, struct err *err)
{
    struct objects *objects = &solve->objects;
    struct provisioner *kept = arena_array(&solve->arena, struct provisioner, objects->provisioners.len);
    size_t n = 0;
    if (!kept)
        return err_nomem(err);
    for (size_t i = 0; i < objects->provisioners.len; i++)
        if (may_be_asked(pass, objects, &objects->provisioners.items[i]))
            kept[n++] = objects->provisioners.items[i];
    solve->narrowed = n < objects->provisioners.len;
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

static bool is_sold(const struct cloud_catalogue *catalogue, struct str zone)
{
    for (size_t i = 0; i < catalogue->n_zones; i++)
        if (str_eq(catalogue->zones[i], zone))
            return true;
    return false;
}

static bool has_zone(const struct planner_options *options, const char *zone)
{
    for (size_t i = 0; i < options->n_zones; i++)
        if (strcmp(options->zones[i], zone) == 0)
            return true;
    return false;
}

/* The zones of a template that are not among those yet; false: it is not known where it can be. */
static bool add_zones(struct pass *pass, struct solve *solve, const struct cloud_template *template_,
                      const char **zones, size_t most)
{
    const struct cloud_provider *cloud = &control_effects(pass->control)->cloud;
    struct str *found;
    size_t n;
    if (!template_ || !cloud->zones(cloud->context, template_, &solve->arena, &found, &n))
        return false;
    for (size_t i = 0; i < n && solve->options.n_zones < most; i++) {
        const char *zone = arena_copy(&solve->arena, found[i].ptr, found[i].len);
        if (!zone)
            return false;
        if (is_sold(&solve->catalogue, found[i]) && !has_zone(&solve->options, zone))
            zones[solve->options.n_zones++] = zone;
    }
    return true;
}

/*
 * Nothing is planned where no template has a subnet. What is not known is not narrowed: the launch's preparation then
 * finds out, and the next plan is another one.
 */
static int choose_zones(struct pass *pass, struct solve *solve, struct err *err)
{
    size_t most = solve->catalogue.n_zones;
    if (!control_effects(pass->control)->cloud.zones || !most)
        return 0;
    const char **zones = arena_array(&solve->arena, const char *, most);
    if (!zones)
        return err_nomem(err);
    solve->options.zones = zones;
    bool known = true;
    for (size_t i = 0; i < solve->objects.provisioners.len; i++)
        known &= add_zones(pass, solve, provisioner_template(&solve->objects, &solve->objects.provisioners.items[i]),
                           zones, most);
    if (known && solve->options.n_zones)
        return 0;
    solve->options.zones = NULL;
    solve->options.n_zones = 0;
    return 0;
}

void solve_prepare(struct pass *pass)
{
    const struct cloud_provider *cloud = &control_effects(pass->control)->cloud;
    const struct objects *objects = &pass->view.objects;
    struct str *zones;
    size_t n;
    for (size_t i = 0; cloud->zones && i < objects->provisioners.len; i++) {
        const struct cloud_template *template_ = provisioner_template(objects, &objects->provisioners.items[i]);
        if (template_)
            (void)cloud->zones(cloud->context, template_, pass->arena, &zones, &n);
    }
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
    if (!code)
        code = control_catalogue(pass->control, &solve->arena, &solve->catalogue, err);
    return code ? code : choose_zones(pass, solve, err);
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
