/* ready.c - what keeps a Provisioner from having nodes: its template, its requirements, its subnets, its launches. */
#include "provisioner/lifecycle/ready.h"

#include "provisioner/api/label_keys.h"
#include "provisioner/plan/supply.h"

static const struct cloud_template DEFAULT_TEMPLATE = {
    .http_hop_limit = -1,
    .disk = {.root_bytes = -1, .ephemeral_is_root = true},
};

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

static bool find_zones(struct pass *pass, const struct cloud_template *template_, struct arena *arena, struct str **ret,
                       size_t *ret_n)
{
    const struct cloud_provider *cloud = &control_effects(pass->control)->cloud;
    return template_ && cloud->zones && cloud->zones(cloud->context, template_, arena, ret, ret_n);
}

int provisioner_in_its_zones(struct pass *pass, const struct objects *objects, const struct provisioner *provisioner,
                             struct arena *arena, struct provisioner *ret, bool *ret_known, struct err *err)
{
    struct str *zones;
    size_t n_zones, n = provisioner->requirements.n;
    *ret = *provisioner;
    *ret_known = find_zones(pass, provisioner_template(objects, provisioner), arena, &zones, &n_zones);
    if (!*ret_known)
        return 0;
    struct requirement *all = arena_array(arena, struct requirement, n + 1);
    struct str *values = arena_array(arena, struct str, n_zones);
    if (!all || !values)
        return err_nomem(err);
    for (size_t i = 0; i < n_zones; i++)
        if (!(values[i] = str_dup(arena, zones[i])).ptr)
            return err_nomem(err);
    for (size_t i = 0; i < n; i++)
        all[i] = provisioner->requirements.items[i];
    all[n] = (struct requirement){STR(LABEL_ZONE), OP_IN, values, n_zones};
    ret->requirements = (struct requirements){all, n + 1};
    return 0;
}

uint64_t provisioner_template_hash(struct pass *pass, const struct provisioner *provisioner)
{
    const struct cloud_template *template_ = provisioner_template(&pass->view.objects, provisioner);
    struct str *zones;
    size_t n;
    if (!template_)
        return 0;
    uint64_t hash = 1 + (uint64_t)template_->disk.root_bytes * 4 + template_->disk.instance_store_raid0;
    if (find_zones(pass, template_, pass->arena, &zones, &n))
        for (size_t i = 0; i < n; i++)
            hash = hash * 31 + str_hash(zones[i]);
    return hash;
}

/* "NodeTemplate default", "spec.provider" */
static const char *template_text(const struct provisioner *provisioner, struct arena *arena)
{
    if (provisioner->inline_template || !provisioner->template_name.len)
        return "spec.provider";
    return arena_printf(arena, "%s %.*s", provisioner->karpenter ? "AWSNodeTemplate" : "NodeTemplate",
                        STR_ARG(provisioner->template_name));
}

static int no_template(struct pass *pass, const struct provisioner *provisioner, const char *what, struct trouble *ret,
                       struct err *err)
{
    struct str findings =
        state_findings(pass->state, provisioner->karpenter ? CLUSTER_KARPENTER_TEMPLATE : CLUSTER_NODE_TEMPLATE,
                       provisioner->template_name);
    ret->reason = "TemplateNotFound";
    ret->message = findings.len ? arena_printf(pass->arena, "spec.providerRef.name: %s cannot be used: %.*s", what,
                                               STR_ARG(findings))
                                : arena_printf(pass->arena, "spec.providerRef.name: there is no %s", what);
    return ret->message ? 0 : err_nomem(err);
}

/* It would have something to offer, were it not for the zones. */
static int no_subnet(struct pass *pass, const struct provisioner *in_zones, const char *what, struct trouble *ret,
                     struct err *err)
{
    const struct requirement *zones = &in_zones->requirements.items[in_zones->requirements.n - 1];
    const char *names = "";
    ret->reason = "NoSubnet";
    ret->may_pass = true;
    for (size_t i = 0; i < zones->n_values && names; i++)
        names = arena_printf(pass->arena, "%s%s%.*s", names, i ? ", " : "", STR_ARG(zones->values[i]));
    if (!zones->n_values)
        ret->message = arena_printf(pass->arena, "%s: no subnet that it selects has a free address", what);
    else if (names)
        ret->message = arena_printf(pass->arena,
                                    "spec.requirements: what they leave is on sale only where %s selects no subnet: "
                                    "those are in %s",
                                    what, names);
    return ret->message ? 0 : err_nomem(err);
}

static int look_at_offerings(struct pass *pass, const struct provisioner *provisioner, const char *what,
                             struct trouble *ret, struct err *err)
{
    const struct cloud_provider *cloud = &control_effects(pass->control)->cloud;
    const struct cloud_catalogue *catalogue = cloud->catalogue(cloud->context);
    const struct objects *objects = &pass->view.objects;
    const char *none;
    struct provisioner in_zones;
    bool known;
    int code = supply_none(objects, catalogue, provisioner, pass->arena, &none, err);
    if (code)
        return code;
    if (none) {
        ret->reason = "NothingOffered";
        ret->message = none;
        return 0;
    }
    code = provisioner_in_its_zones(pass, objects, provisioner, pass->arena, &in_zones, &known, err);
    if (!code && known)
        code = supply_none(objects, catalogue, &in_zones, pass->arena, &none, err);
    ret->not_known = cloud->zones && !known;
    return !code && none ? no_subnet(pass, &in_zones, what, ret, err) : code;
}

int provisioner_trouble(struct pass *pass, const struct provisioner *provisioner, struct trouble *ret, struct err *err)
{
    const char *what = template_text(provisioner, pass->arena);
    *ret = (struct trouble){0};
    if (!what)
        return err_nomem(err);
    if (!provisioner_template(&pass->view.objects, provisioner))
        return no_template(pass, provisioner, what, ret, err);
    int code = look_at_offerings(pass, provisioner, what, ret, err);
    if (!code && !ret->reason && control_hold_reason(pass->control, provisioner, &ret->reason, &ret->message))
        ret->may_pass = true;
    return code;
}
