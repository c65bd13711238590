/*
 * provider_prepare.c - decides what exactly a launch will ask for: subnets, image and launch template of each pool.
 *
 * Stepped until everything is there: each step begins all look-ups that are still missing, so that they run side by
 * side, and starts anew with what has come. Nothing is bought here.
 */
#include <assert.h>

#include "cloud/aws/fleet.h"
#include "cloud/aws/images.h"
#include "cloud/aws/plan_copy.h"
#include "cloud/aws/provider_internal.h"
#include "cloud/aws/types.h"
#include "cloud/aws/user_data.h"

struct preparing {
    struct operation operation;
    struct cloud_launch_plan plan;
    struct err err;
    struct str request;
    const char *note; /* as cloud_prepared has it */
    cloud_prepared_fn done;
    void *context;
};

/* The pools of one image. */
struct config_draft {
    struct aws_variant variant;
    struct str image;
    struct fleet_override *overrides; /* [n_pools] room */
    struct fleet_config config;
};

enum { MAX_VARIANTS = 6 }; /* two architectures, with or without accelerators */

/* What a step finds. Lives in the operation's arena until the step is over. */
struct draft {
    struct preparing *preparing;
    const struct cloud_launch_plan *plan;
    struct arena *arena;
    struct fleet_subnet *subnets; /* one a zone; [n_pools] room */
    size_t n_subnets;
    struct config_draft configs[MAX_VARIANTS];
    size_t n_configs, n_overrides;
    struct str *types; /* different ones so far; [FLEET_MAX_TYPES] */
    size_t n_types;
    const struct str *groups;
    size_t n_groups;
    struct cloud_label *tags;
    size_t n_tags;
    bool pending;
};

static bool own_template(const struct draft *draft)
{
    return draft->plan->template_->launch_template.len > 0;
}

static struct aws_provider *provider_of(const struct draft *draft)
{
    return draft->preparing->operation.provider;
}

/* A negative code ends the step; that something is pending is only remembered. */
static int note_pending(struct draft *draft, int rc)
{
    if (rc > 0)
        draft->pending = true;
    return rc > 0 ? 0 : rc;
}

static bool reserved(struct str key)
{
    return str_starts(key, "kubernetes.io/cluster/") || str_starts(key, "karpenter.sh/") ||
           str_starts(key, "stoker.sh/") || str_starts(key, "aws:");
}

static int add_tag(struct draft *draft, struct str key, const char *value, struct err *err)
{
    if (!value || !key.ptr)
        return err_nomem(err);
    draft->tags[draft->n_tags++] = (struct cloud_label){key, str_of(value)};
    return 0;
}

/* Ours, then the template's; a template may choose another Name. */
static int find_tags(struct draft *draft, struct err *err)
{
    const struct cloud_template *template_ = draft->plan->template_;
    const char *cluster = provider_of(draft)->cluster.name.ptr;
    struct str provisioner = draft->plan->provisioner;
    bool named = false;
    draft->tags = arena_array(draft->arena, struct cloud_label, template_->n_tags + 4);
    if (!draft->tags)
        return err_nomem(err);
    for (size_t i = 0; i < template_->n_tags; i++) {
        if (reserved(template_->tags[i].key))
            return err_set(err, ERR_INVALID, "template %.*s: tag %.*s is reserved", STR_ARG(template_->name),
                           STR_ARG(template_->tags[i].key));
        named = named || str_is(template_->tags[i].key, "Name");
    }
    int rc = add_tag(draft, str_of(arena_printf(draft->arena, "kubernetes.io/cluster/%s", cluster)), "owned", err);
    if (!rc)
        rc = add_tag(draft, STR("stoker.sh/cluster"), cluster, err);
    if (!rc)
        rc = add_tag(draft, STR("karpenter.sh/provisioner-name"), provisioner.ptr, err);
    if (!rc && !named)
        rc = add_tag(draft, STR("Name"), arena_printf(draft->arena, "%s/%.*s", cluster, STR_ARG(provisioner)), err);
    for (size_t i = 0; i < template_->n_tags && rc == 0; i++)
        draft->tags[draft->n_tags++] = template_->tags[i];
    return rc;
}

/* Index of the subnet chosen in that zone; n_subnets if there is none. */
static size_t find_zone(const struct draft *draft, struct str zone)
{
    size_t i = 0;
    while (i < draft->n_subnets && !str_eq(draft->subnets[i].zone, zone))
        i++;
    return i;
}

/* One subnet for each zone of the pools, as far as there are any. */
static int find_subnets(struct draft *draft, struct err *err)
{
    struct aws_provider *provider = provider_of(draft);
    const struct cloud_template *template_ = draft->plan->template_;
    const struct aws_subnet *found;
    size_t n;
    int rc = aws_discovery_subnets(provider->discovery, (struct aws_selector){template_->subnets, template_->n_subnets},
                                   draft->preparing->operation.since, &found, &n, err);
    if (rc < 0)
        return err_wrap(err, "template %.*s: subnetSelector", STR_ARG(template_->name));
    if (rc)
        return note_pending(draft, rc);
    if (n == 0)
        return err_set(err, ERR_INVALID, "template %.*s: subnetSelector finds no subnet", STR_ARG(template_->name));
    for (size_t i = 0; i < draft->plan->n_pools; i++) {
        struct str zone = draft->plan->pools[i].zone;
        if (find_zone(draft, zone) < draft->n_subnets)
            continue;
        const struct aws_subnet *subnet = aws_discovery_pick(provider->discovery, found, n, zone);
        if (!subnet)
            continue;
        struct fleet_subnet *chosen = &draft->subnets[draft->n_subnets++];
        *chosen = (struct fleet_subnet){str_dup(draft->arena, subnet->id), zone};
        if (!chosen->id.ptr)
            return err_nomem(err);
    }
    if (draft->n_subnets == 0)
        return err_set(err, ERR_NO_CAPACITY,
                       "template %.*s: subnetSelector finds no subnet with free addresses in %.*s",
                       STR_ARG(template_->name), STR_ARG(draft->plan->pools[0].zone));
    return 0;
}

static int find_groups(struct draft *draft, struct err *err)
{
    const struct cloud_template *template_ = draft->plan->template_;
    struct aws_selector selector = {template_->security_groups, template_->n_security_groups};
    if (own_template(draft))
        return 0;
    int rc = aws_discovery_groups(provider_of(draft)->discovery, selector, draft->preparing->operation.since,
                                  &draft->groups, &draft->n_groups, err);
    if (rc < 0)
        return err_wrap(err, "template %.*s: securityGroupSelector", STR_ARG(template_->name));
    if (rc == 0 && draft->n_groups == 0)
        return err_set(err, ERR_INVALID, "template %.*s: securityGroupSelector finds no security group",
                       STR_ARG(template_->name));
    return note_pending(draft, rc);
}

/* The config for machines of that kind; a user's own launch template is for all kinds. NULL: memory ran out. */
static struct config_draft *need_config(struct draft *draft, struct aws_variant variant)
{
    for (size_t i = 0; i < draft->n_configs; i++) {
        const struct aws_variant *has = &draft->configs[i].variant;
        if (own_template(draft) || (has->arm64 == variant.arm64 && has->accelerator == variant.accelerator))
            return &draft->configs[i];
    }
    assert(draft->n_configs < MAX_VARIANTS);
    struct config_draft *config = &draft->configs[draft->n_configs];
    config->overrides = arena_array(draft->arena, struct fleet_override, draft->plan->n_pools);
    if (!config->overrides)
        return NULL;
    config->variant = variant;
    draft->n_configs++;
    return config;
}

/* False: it would be one type more than a request takes. */
static bool count_type(struct draft *draft, struct str type)
{
    for (size_t i = 0; i < draft->n_types; i++)
        if (str_eq(draft->types[i], type))
            return true;
    if (draft->n_types == FLEET_MAX_TYPES)
        return false;
    draft->types[draft->n_types++] = type;
    return true;
}

/*
 * Pools to overrides, in the plan's order, which is the order of preference: what does not fit in a request any more is
 * what the plan wanted least. Pools in zones without a subnet are left out.
 */
static int place_pools(struct draft *draft, struct err *err)
{
    const struct cloud_launch_plan *plan = draft->plan;
    for (size_t i = 0; i < plan->n_pools && draft->n_overrides < FLEET_MAX_OVERRIDES; i++) {
        const struct cloud_type *type = market_type(provider_of(draft)->market, plan->pools[i].instance_type);
        size_t subnet = find_zone(draft, plan->pools[i].zone);
        if (!type || (subnet == draft->n_subnets && !draft->pending) || !count_type(draft, type->name))
            continue;
        struct config_draft *config = need_config(draft, aws_variant_of(type->details));
        if (!config)
            return err_nomem(err);
        config->overrides[config->config.n_overrides++] = (struct fleet_override){
            .instance_type = plan->pools[i].instance_type, .subnet = (uint32_t)subnet, .priority = (uint32_t)i};
        draft->n_overrides++;
    }
    if (draft->n_overrides == 0)
        return err_set(err, ERR_INVALID, "none of the plan's %zu pools is on sale", plan->n_pools);
    return 0;
}

static int pass_on(const struct err *from, struct err *err)
{
    if (err)
        *err = *from;
    return from->code;
}

static int find_image(struct draft *draft, struct config_draft *config, struct err *err)
{
    struct aws_provider *provider = provider_of(draft);
    int rc = aws_image_find(provider->discovery, draft->plan->template_, provider->version, config->variant,
                            draft->preparing->operation.since, draft->arena, &config->image, err);
    return note_pending(draft, rc);
}

/* A kind of machine without an image is left out, unless it is the only one. */
static int find_images(struct draft *draft, struct err *err)
{
    size_t kept = 0, n = draft->n_configs;
    struct err first = {0}, why = {0};
    for (size_t i = 0; i < n && !own_template(draft); i++) {
        struct config_draft config = draft->configs[i];
        int rc = find_image(draft, &config, &why);
        if (rc && rc != ERR_INVALID)
            return pass_on(&why, err);
        if (rc && !first.code)
            first = why;
        if (!rc)
            draft->configs[kept++] = config;
    }
    if (own_template(draft))
        return 0;
    draft->n_configs = kept;
    return kept ? 0 : pass_on(&first, err);
}

struct str provider_profile(const struct aws_provider *provider, const struct cloud_template *template_)
{
    return template_->instance_profile.len ? template_->instance_profile : provider->instance_profile;
}

int provider_user_data(const struct aws_provider *provider, const struct cloud_template *template_,
                       const struct cloud_bootstrap *bootstrap, struct arena *arena, struct str *ret, struct err *err)
{
    if (provider_profile(provider, template_).len == 0 && !str_is(template_->family, "Custom"))
        return err_set(err, ERR_INVALID,
                       "no instance profile, and a node of family %.*s cannot join without one: spec.instanceProfile "
                       "or --instance-profile names it",
                       STR_ARG(template_->family));
    return aws_user_data(&provider->cluster, template_, bootstrap, arena, ret, err);
}

static int need_template(struct draft *draft, struct config_draft *config, struct str user_data, struct err *err)
{
    struct aws_provider *provider = provider_of(draft);
    const struct cloud_template *template_ = draft->plan->template_;
    const struct launch_template_content content = {
        .image = config->image,
        .user_data = user_data,
        .instance_profile = provider_profile(provider, template_),
        .security_groups = draft->groups,
        .n_security_groups = draft->n_groups,
        .template_ = template_,
        .tags = draft->tags,
        .n_tags = draft->n_tags,
        .spot = draft->plan->capacity_type == CLOUD_SPOT,
        .cluster = provider->cluster.name,
    };
    struct str form;
    config->config.version = STR("1"); /* what the name was made of; ours never get a second one */
    int rc = launch_template_form(&content, draft->arena, &config->config.launch_template, &form, err);
    if (!rc)
        rc = launch_templates_need(provider->templates, config->config.launch_template, form,
                                   draft->preparing->operation.since, err);
    return note_pending(draft, rc);
}

static int find_templates(struct draft *draft, struct err *err)
{
    const struct cloud_template *template_ = draft->plan->template_;
    struct str user_data;
    if (own_template(draft)) {
        draft->configs[0].config.launch_template = template_->launch_template;
        draft->configs[0].config.version = STR("$Latest"); /* as v1alpha5 takes it */
        return 0;
    }
    int rc = provider_user_data(provider_of(draft), template_, draft->plan->bootstrap, draft->arena, &user_data, err);
    if (rc)
        return err_wrap(err, "template %.*s", STR_ARG(template_->name));
    for (size_t i = 0; i < draft->n_configs && rc == 0; i++)
        rc = need_template(draft, &draft->configs[i], user_data, err);
    return rc;
}

static int write_request(struct draft *draft, struct err *err)
{
    const struct cloud_launch_plan *plan = draft->plan;
    struct fleet_config configs[MAX_VARIANTS];
    struct fleet_request request = {
        .capacity_type = plan->capacity_type,
        .count = plan->count,
        .tags = draft->tags,
        .n_tags = draft->n_tags,
        .subnets = draft->subnets,
        .n_subnets = draft->n_subnets,
        .configs = configs,
        .n_configs = draft->n_configs,
    };
    for (size_t i = 0; i < draft->n_configs; i++) {
        configs[i] = draft->configs[i].config;
        configs[i].overrides = draft->configs[i].overrides;
    }
    int rc = fleet_strategy(plan->strategy, plan->capacity_type, &request.strategy, err);
    if (!rc)
        rc = fleet_request_write(&request, &draft->preparing->operation.arena, &draft->preparing->request, err);
    if (rc)
        return rc;
    /* Each zone's subnet may get all of them: better too careful than one too few. */
    for (size_t i = 0; i < draft->n_subnets; i++)
        aws_discovery_promise(provider_of(draft)->discovery, draft->subnets[i].id, plan->count);
    return 0;
}

/* 0 with draft->pending: look-ups are under way. */
static int make(struct draft *draft, struct err *err)
{
    struct str strategy;
    if (!draft->plan->template_->name.len)
        return err_set(err, ERR_INVALID, "no template: spec.providerRef or spec.provider says how nodes are made");
    draft->subnets = arena_array(draft->arena, struct fleet_subnet, draft->plan->n_pools);
    draft->types = arena_array(draft->arena, struct str, FLEET_MAX_TYPES);
    int rc = draft->subnets && draft->types ? 0 : err_nomem(err);
    if (!rc)
        rc = fleet_strategy(draft->plan->strategy, draft->plan->capacity_type, &strategy, err);
    if (!rc)
        rc = find_tags(draft, err);
    if (!rc)
        rc = find_subnets(draft, err);
    if (!rc)
        rc = find_groups(draft, err);
    if (!rc)
        rc = place_pools(draft, err); /* while subnets are pending: to learn which images are needed */
    if (!rc)
        rc = find_images(draft, err);
    if (!rc && !draft->pending)
        rc = find_templates(draft, err);
    return !rc && !draft->pending ? write_request(draft, err) : rc;
}

static int step(struct operation *operation)
{
    struct preparing *preparing = (struct preparing *)operation;
    struct arena arena = ARENA_INIT;
    struct draft draft = {.preparing = preparing, .plan = &preparing->plan, .arena = &arena};
    int rc = make(&draft, &preparing->err);
    arena_release(&arena);
    if (!rc && !draft.pending)
        launch_templates_clean(operation->provider->templates);
    return rc || !draft.pending;
}

static void finish(struct operation *operation)
{
    struct preparing *preparing = (struct preparing *)operation;
    struct cloud_prepared prepared = {.request = preparing->request, .note = preparing->note};
    if (preparing->err.code) {
        prepared.err = &preparing->err;
        prepared.failure = failure_of(&preparing->err, AWS_SCOPE_CALL);
        if (preparing->err.code == ERR_NO_CAPACITY) /* no subnet there, whatever the type */
            prepared.failure.zone = preparing->plan.pools[0].zone;
    }
    preparing->done(preparing->context, &prepared);
}

static const struct operation_kind kind = {step, finish, NULL};

/* A family whose images are no more is replaced, and that is said. */
static int find_family(struct preparing *preparing, struct err *err)
{
    struct arena *arena = &preparing->operation.arena;
    struct str version = preparing->operation.provider->version;
    const struct cloud_template *asked = preparing->plan.template_;
    struct str family = aws_image_family(asked, version);
    if (asked->launch_template.len || str_eq(family, asked->family))
        return 0;
    struct cloud_template *template_ = arena_new(arena, struct cloud_template);
    preparing->note = arena_printf(arena, "template %.*s: there is no %.*s image for Kubernetes %.*s: %.*s is taken",
                                   STR_ARG(asked->name), STR_ARG(asked->family), STR_ARG(version), STR_ARG(family));
    if (!template_ || !preparing->note)
        return err_nomem(err);
    *template_ = *asked;
    template_->family = family;
    preparing->plan.template_ = template_;
    return 0;
}

int provider_prepare(void *context, const struct cloud_launch_plan *plan, cloud_prepared_fn done, void *done_context,
                     struct err *err)
{
    if (plan->n_pools == 0 || plan->count == 0)
        return err_set(err, ERR_INVALID, "a launch of nothing");
    struct preparing *preparing = operation_new(context, &kind, sizeof(*preparing));
    if (!preparing)
        return err_nomem(err);
    preparing->done = done;
    preparing->context = done_context;
    int rc = launch_plan_copy(plan, &preparing->operation.arena, &preparing->plan, err);
    if (!rc)
        rc = find_family(preparing, err);
    if (!rc)
        rc = operation_begin(&preparing->operation, err);
    if (rc)
        operation_free(&preparing->operation);
    return rc;
}
