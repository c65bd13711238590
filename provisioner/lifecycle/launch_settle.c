/* launch_settle.c - what a launch gave goes to its claims; what it did not give is said, and planned around. */
#include "provisioner/lifecycle/launches.h"

static const struct node_claim *claim_named(const struct launch_group *group, struct str name)
{
    for (size_t i = 0; i < group->n; i++)
        if (str_eq(group->claims[i]->name, name))
            return group->claims[i];
    return NULL;
}

static const struct node_claim *claim_with(const struct launch_group *group, struct str instance_id)
{
    for (size_t i = 0; i < group->n; i++)
        if (str_eq(group->claims[i]->instance_id, instance_id))
            return group->claims[i];
    return NULL;
}

static bool is_promised(const struct launch *launch, struct str name)
{
    for (size_t i = 0; i < launch->n_instances; i++)
        if (str_eq(launch->owners[i], name))
            return true;
    return false;
}

/* The first claim by name that waits and was promised nothing. */
static const struct node_claim *next_claim(const struct launch *launch, const struct launch_group *group)
{
    for (size_t i = 0; i < group->n; i++)
        if (group->claims[i]->phase == CLAIM_LAUNCHING && !is_promised(launch, group->claims[i]->name))
            return group->claims[i];
    return NULL;
}

/*
 * In id order to claims in name order, so that one who comes after a crash decides the same. What was promised once
 * stays promised while the claim is there.
 */
static int promise(struct launch *launch, const struct launch_group *group, struct err *err)
{
    for (size_t i = 0; i < launch->n_instances; i++) {
        const struct node_claim *claim = claim_with(group, launch->instances[i].id);
        if (!claim && launch->owners[i].len && claim_named(group, launch->owners[i]))
            continue;
        launch->owners[i] = STR("");
        if (!claim)
            claim = next_claim(launch, group);
        if (!claim)
            continue; /* one too many: nobody's, so it is collected */
        launch->owners[i] = str_dup(&launch->arena, claim->name);
        if (!launch->owners[i].ptr)
            return err_nomem(err);
    }
    return 0;
}

static void tell_launched(struct pass *pass, const struct node_claim *claim)
{
    control_hold_end(pass->control, claim->provisioner);
    control_event(pass->control, CLUSTER_NODE_CLAIM, STR(""), claim->name, claim->uid, EVENT_NORMAL, "Launched",
                  "%.*s: %.*s in %.*s, %s, for %.*s", STR_ARG(claim->instance_id), STR_ARG(claim->instance_type),
                  STR_ARG(claim->zone), cloud_capacity_type_name(claim->capacity_type), STR_ARG(claim->reason));
}

static void count_instances(struct pass *pass, const struct launch *launch, const struct node_claim *claim)
{
    for (size_t i = 0; i < launch->n_instances; i++) {
        const struct cloud_instance *instance = &launch->instances[i];
        const struct str labels[] = {instance->instance_type, instance->zone,
                                     str_of(cloud_capacity_type_name(claim->capacity_type)), claim->provisioner};
        metrics_add(control_effects(pass->control)->metrics, METRIC_LAUNCHES, labels, 1);
    }
}

static int write_down(struct pass *pass, const struct node_claim *claim, const struct cloud_instance *instance,
                      struct err *err)
{
    struct node_claim moved = *claim;
    if (!control_may_act(pass->control) || control_busy(pass->control, CLUSTER_NODE_CLAIM, STR(""), claim->name))
        return 0;
    moved.instance_id = instance->id;
    moved.provider_id = instance->provider_id;
    moved.instance_type = instance->instance_type;
    moved.zone = instance->zone;
    moved.realised_microusd = instance->price_microusd;
    moved.launched = instance->launched.ns ? instance->launched : pass->wall;
    moved.message = STR("");
    claim_move(pass->control, &moved, CLAIM_LAUNCHED);
    int code = control_patch_status(pass->control, &moved, "launched", err);
    if (!code)
        tell_launched(pass, &moved);
    return code;
}

/* Patches the claims that were promised an instance and do not show it yet; *ret_left counts them. */
static int give_instances(struct pass *pass, const struct launch *launch, const struct launch_group *group,
                          size_t *ret_left, struct err *err)
{
    size_t left = 0;
    for (size_t i = 0; i < launch->n_instances; i++) {
        const struct node_claim *claim = claim_named(group, launch->owners[i]);
        if (!claim || claim->instance_id.len || claim->phase != CLAIM_LAUNCHING)
            continue;
        left++;
        int code = write_down(pass, claim, &launch->instances[i], err);
        if (code)
            return code;
    }
    *ret_left = left;
    return 0;
}

static void count_failure(struct pass *pass, const struct node_claim *claim, const struct cloud_failure *failure)
{
    const struct str labels[] = {failure->instance_type, failure->zone,
                                 str_of(cloud_capacity_type_name(claim->capacity_type)), failure->reason};
    metrics_add(control_effects(pass->control)->metrics, METRIC_LAUNCH_ERRORS, labels, 1);
}

static void mark_all_pools(struct pass *pass, const struct node_claim *claim, struct str reason)
{
    for (size_t i = 0; i < claim->n_pools; i++)
        control_mark_unavailable(pass->control, claim->pools[i].instance_type, claim->pools[i].zone,
                                 claim->capacity_type, reason);
}

static const char *failure_text(struct pass *pass, const struct node_claim *claim, const struct cloud_failure *failure)
{
    const char *text =
        arena_printf(pass->arena, "no %s instances: %.*s: %.*s", cloud_capacity_type_name(claim->capacity_type),
                     STR_ARG(failure->reason), STR_ARG(failure->message));
    return text ? text : "the cloud gave no instances"; /* memory ran out */
}

/* Marks what one failure is about; false if no other pool would mend it. */
static bool mark_failure(struct pass *pass, const struct node_claim *claim, const struct cloud_failure *failure)
{
    const struct provisioner *provisioner = state_provisioner(pass->state, claim->provisioner);
    if (failure->whole_bucket) {
        if (failure->instance_type.len)
            control_mark_quota(pass->control, failure->instance_type, claim->capacity_type, failure->reason);
        else
            control_mark_unavailable(pass->control, STR(""), STR(""), claim->capacity_type, failure->reason);
        if (provisioner)
            provisioner_event(pass->control, provisioner, EVENT_WARNING, "QuotaExceeded",
                              failure_text(pass, claim, failure));
    } else if (failure->code != ERR_NO_CAPACITY) {
        if (provisioner)
            provisioner_event(pass->control, provisioner, EVENT_WARNING, "LaunchFailed",
                              failure_text(pass, claim, failure));
        return false;
    } else if (failure->instance_type.len || failure->zone.len) {
        control_mark_unavailable(pass->control, failure->instance_type, failure->zone, claim->capacity_type,
                                 failure->reason);
    } else {
        mark_all_pools(pass, claim, failure->reason);
    }
    return true;
}

/*
 * What had no capacity is left out for a while, so that the next plan is another one. Where nothing says which pools
 * had none, it was all that were asked for. What no other pool mends holds the Provisioner instead.
 */
static void act_on_failures(struct pass *pass, const struct launch *launch, const struct launch_group *group)
{
    const struct node_claim *claim = group->claims[0];
    const struct provisioner *provisioner = state_provisioner(pass->state, claim->provisioner);
    bool marked = false;
    for (size_t i = 0; i < launch->n_failures; i++) {
        count_failure(pass, claim, &launch->failures_told[i]);
        marked |= mark_failure(pass, claim, &launch->failures_told[i]);
    }
    if (launch->n_instances >= claim->launch_count || marked || launch->look || !launch->called)
        return;
    if (launch->n_failures && provisioner)
        provisioner_hold(pass->control, provisioner, launch->failures_told[0].code, "LaunchFailed", "%s",
                         failure_text(pass, claim, &launch->failures_told[0]));
    if (!launch->n_failures)
        mark_all_pools(pass, claim, STR("NoInstance"));
}

static const char *why_nothing(const struct launch *launch, struct arena *arena)
{
    if (launch->look)
        return launch->look;
    if (!launch->n_failures)
        return "the cloud gave no instance for it";
    const struct cloud_failure *failure = &launch->failures_told[0];
    return arena_printf(arena, "the cloud gave no instance for it: %.*s%s%.*s", STR_ARG(failure->reason),
                        failure->message.len ? ": " : "", STR_ARG(failure->message));
}

int launch_settle(struct pass *pass, struct launch *launch, const struct launch_group *group, struct err *err)
{
    size_t left = 0;
    int code = promise(launch, group, err);
    if (!code)
        code = give_instances(pass, launch, group, &left, err);
    if (code)
        return code;
    if (!launch->marked) {
        count_instances(pass, launch, group->claims[0]);
        act_on_failures(pass, launch, group);
        launch->marked = true;
    }
    if (left)
        return 0; /* first all that was got is written down: one who comes after a crash must not miss it */
    const char *message = why_nothing(launch, pass->arena);
    if (!message)
        return err_nomem(err);
    for (size_t i = 0; i < group->n && !code; i++) {
        const struct node_claim *claim = group->claims[i];
        if (claim->phase == CLAIM_LAUNCHING && !is_promised(launch, claim->name))
            code = claim_drain(pass, claim, "NotLaunched", (struct clock_wall){0}, message, err);
    }
    return code;
}
