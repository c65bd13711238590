#include "provisioner/plan/supply.h"

#include <stdlib.h>

#include "base/bitset.h"
#include "provisioner/plan/supply_internal.h"

/* What a Provisioner demands of an offering: a requirement, or a label of its own that the offering decides. */
struct condition {
    struct requirement requirement;
    bool by_type; /* the same for all offerings of a type */
};

/* Room of one type under one Provisioner's kubelet and disk. */
struct room {
    const int64_t *capacity, *allocatable; /* [dims->n] */
};

/* A supply in the making. */
struct building {
    struct supply *supply;
    const struct supply_options *options;
    struct err *err;
    VEC(struct supply_variant) variants;
    VEC(struct supply_offering) offerings;
};

static bool condition_matters(const struct building *b, struct str key)
{
    return !supply_key_is_custom(key) && !(b->options->on_demand_only && supply_key_is_capacity_type(key));
}

/* Conditions of a Provisioner on what the cloud sells; those on other keys made the variants. */
static int find_conditions(const struct building *b, const struct provisioner *provisioner, struct condition **ret,
                           size_t *ret_n)
{
    size_t n = 0;
    struct condition *conditions =
        arena_array(b->supply->arena, struct condition, provisioner->requirements.n + provisioner->labels.n);
    if (!conditions)
        return err_nomem(b->err);
    for (size_t i = 0; i < provisioner->requirements.n; i++)
        if (condition_matters(b, provisioner->requirements.items[i].key))
            conditions[n++].requirement = provisioner->requirements.items[i];
    for (size_t i = 0; i < provisioner->labels.n; i++) {
        const struct cloud_label *label = &provisioner->labels.items[i];
        if (condition_matters(b, label->key))
            conditions[n++].requirement = (struct requirement){label->key, OP_IN, &label->value, 1};
    }
    for (size_t i = 0; i < n; i++)
        conditions[i].by_type = supply_key_is_by_type(conditions[i].requirement.key);
    *ret = conditions;
    *ret_n = n;
    return 0;
}

static bool conditions_met(const struct building *b, const struct condition *conditions, size_t n, bool by_type,
                           const struct cloud_offering *offering)
{
    for (size_t i = 0; i < n; i++) {
        const struct requirement *requirement = &conditions[i].requirement;
        if (conditions[i].by_type == by_type &&
            !requirement_met(requirement, supply_cloud_label(b->supply->catalogue, offering, requirement->key)))
            return false;
    }
    return true;
}

/* Not what this supply is about, whoever asks. */
static bool left_out(const struct supply_options *options, const struct cloud_offering *offering)
{
    return (options->zones && !bitset_has(options->zones, offering->zone)) ||
           (options->on_demand_only && offering->capacity_type != CLOUD_ON_DEMAND);
}

/* Of the Provisioner's own group if both have one of that name. */
static const struct node_template *template_named(const struct objects *objects, struct str name, bool karpenter)
{
    const struct node_template *found = NULL;
    for (size_t i = 0; i < objects->templates.len; i++) {
        const struct node_template *template = &objects->templates.items[i];
        if (str_eq(template->name, name) && (!found || template->karpenter == karpenter))
            found = template;
    }
    return found;
}

int supply_disk(const struct objects *objects, const struct provisioner *provisioner, struct cloud_disk *ret,
                struct err *err)
{
    struct str name = provisioner->template_name;
    *ret = provisioner->inline_template ? provisioner->inline_template->disk : CLOUD_DISK_INIT;
    if (provisioner->inline_template || name.len == 0)
        return 0;
    const struct node_template *template = template_named(objects, name, provisioner->karpenter);
    if (template) {
        *ret = template->disk;
        return 0;
    }
    /* A plan of Provisioners and pods alone is what most people try first: it takes the cloud's default disk. */
    if (!objects->templates.len)
        return 0;
    return err_set(err, ERR_INVALID,
                   "Provisioner %.*s: providerRef.name: there is no node template %.*s; allowed is the name of an "
                   "AWSNodeTemplate or NodeTemplate that is read too",
                   STR_ARG(provisioner->name), STR_ARG(name));
}

static int find_room(const struct building *b, const struct provisioner *provisioner, const struct cloud_disk *disk,
                     uint32_t type, struct room *ret)
{
    const struct supply *supply = b->supply;
    struct arena scratch = ARENA_INIT;
    struct cloud_resource *capacity, *allocatable;
    size_t n = 0;
    int64_t *vectors = arena_array(supply->arena, int64_t, 2 * (size_t)supply->dims->n);
    if (!vectors)
        return err_nomem(b->err);
    int rc = supply->catalogue->node_resources(&supply->catalogue->types[type], &provisioner->kubelet, disk, &scratch,
                                               &capacity, &allocatable, &n, b->err);
    if (!rc) {
        dims_room(supply->dims, capacity, n, vectors);
        dims_room(supply->dims, allocatable, n, vectors + supply->dims->n);
        *ret = (struct room){vectors, vectors + supply->dims->n};
    }
    arena_release(&scratch);
    return rc;
}

/* Appends an offering of the Provisioner's first variant. */
static int append(struct building *b, uint32_t p, size_t cloud, const struct room *room)
{
    const struct cloud_offering *sold = &b->supply->catalogue->offerings[cloud];
    const struct supply_offering offering = {.provisioner = p,
                                             .variant = (uint32_t)b->variants.len,
                                             .cloud = (uint32_t)cloud,
                                             .type = sold->type,
                                             .zone = sold->zone,
                                             .capacity_type = sold->capacity_type,
                                             .price_microusd = sold->price_microusd,
                                             .capacity = room->capacity,
                                             .alloc = room->allocatable};
    return VEC_PUSH(&b->offerings, offering) ? 0 : err_nomem(b->err);
}

/* Appends what meets all conditions. Offerings of a type stand together: it is judged, and its room found, once. */
static int append_admitted(struct building *b, uint32_t p, const struct condition *conditions, size_t n_conditions,
                           const struct cloud_disk *disk)
{
    const struct cloud_catalogue *catalogue = b->supply->catalogue;
    bool type_met = false;
    struct room room = {NULL, NULL};
    for (size_t i = 0; i < catalogue->n_offerings; i++) {
        const struct cloud_offering *sold = &catalogue->offerings[i];
        if (i == 0 || sold->type != catalogue->offerings[i - 1].type) {
            type_met = conditions_met(b, conditions, n_conditions, true, sold);
            room.capacity = NULL;
        }
        if (!type_met || left_out(b->options, sold) || !conditions_met(b, conditions, n_conditions, false, sold))
            continue;
        int rc = 0;
        if (!room.capacity)
            rc = find_room(b, &b->supply->objects->provisioners.items[p], disk, sold->type, &room);
        if (!rc)
            rc = append(b, p, i, &room);
        if (rc)
            return rc;
    }
    return 0;
}

/* The same offerings, from `first` to the end, for each further variant. */
static int repeat_for_variants(struct building *b, size_t first, size_t n_variants)
{
    size_t end = b->offerings.len;
    for (size_t v = 1; v < n_variants; v++) {
        for (size_t i = first; i < end; i++) {
            struct supply_offering offering = b->offerings.items[i];
            offering.variant += (uint32_t)v;
            if (!VEC_PUSH(&b->offerings, offering))
                return err_nomem(b->err);
        }
    }
    return 0;
}

static int add_provisioner(struct building *b, uint32_t p)
{
    const struct provisioner *provisioner = &b->supply->objects->provisioners.items[p];
    struct cloud_disk disk;
    struct supply_variant *variants = NULL;
    struct condition *conditions = NULL;
    size_t n_variants = 0, n_conditions = 0, first = b->offerings.len;
    int rc = supply_disk(b->supply->objects, provisioner, &disk, b->err);
    if (!rc)
        rc = supply_variants(b->supply->objects, p, b->supply->arena, &variants, &n_variants, b->err);
    if (rc || n_variants == 0)
        return rc;
    rc = find_conditions(b, provisioner, &conditions, &n_conditions);
    if (!rc)
        rc = append_admitted(b, p, conditions, n_conditions, &disk);
    if (!rc)
        rc = repeat_for_variants(b, first, n_variants);
    for (size_t v = 0; v < n_variants && !rc; v++)
        rc = VEC_PUSH(&b->variants, variants[v]) ? 0 : err_nomem(b->err);
    return rc;
}

/* The user's own prices: of the rules that match an offering the last one holds. */
static int overlay_prices(const struct supply *supply, const struct overlay *overlay, struct supply_offering *offerings,
                          struct err *err)
{
    uint64_t *matching = arena_array(supply->arena, uint64_t, BITSET_WORDS(supply->n));
    uint64_t *scratch = arena_array(supply->arena, uint64_t, BITSET_WORDS(supply->n));
    if (!matching || !scratch)
        return err_nomem(err);
    for (size_t r = 0; r < overlay->rules.len; r++) {
        const struct overlay_rule *rule = &overlay->rules.items[r];
        bitset_fill(matching, supply->n);
        supply_and_all(supply, &rule->requirements, matching, scratch);
        BITSET_EACH (i, matching, supply->n) {
            int64_t list = supply->catalogue->offerings[offerings[i].cloud].price_microusd;
            offerings[i].price_microusd = overlay_price(rule, list);
        }
    }
    return 0;
}

/* Moves what was collected into the arena, and finishes prices and room there. */
static int finish(struct building *b)
{
    struct supply *supply = b->supply;
    struct supply_variant *variants = arena_array(supply->arena, struct supply_variant, b->variants.len);
    struct supply_offering *offerings = arena_array(supply->arena, struct supply_offering, b->offerings.len);
    supply->cache = arena_new(supply->arena, struct supply_cache);
    if (!variants || !offerings || !supply->cache)
        return err_nomem(b->err);
    for (size_t i = 0; i < b->variants.len; i++)
        variants[i] = b->variants.items[i];
    for (size_t i = 0; i < b->offerings.len; i++)
        offerings[i] = b->offerings.items[i];
    supply->cache->capacity_type_free = b->options->on_demand_only;
    supply->variants = variants;
    supply->n_variants = b->variants.len;
    supply->offerings = offerings;
    supply->n = b->offerings.len;
    int rc = b->options->overlay ? overlay_prices(supply, b->options->overlay, offerings, b->err) : 0;
    return rc ? rc : supply_take_daemons(supply, offerings, b->err);
}

int supply_build(const struct objects *objects, const struct cloud_catalogue *catalogue, const struct dims *dims,
                 const struct supply_options *options, struct arena *arena, struct supply *ret, struct err *err)
{
    struct supply supply = {.objects = objects, .catalogue = catalogue, .dims = dims, .arena = arena};
    struct building b = {.supply = &supply, .options = options, .err = err};
    int rc = 0;
    for (uint32_t p = 0; p < objects->provisioners.len && !rc; p++)
        rc = add_provisioner(&b, p);
    if (!rc)
        rc = finish(&b);
    VEC_FREE(&b.variants);
    VEC_FREE(&b.offerings);
    if (!rc)
        *ret = supply;
    return rc;
}
