/*
 * provider_zones.c - the zones in which a template has subnets, so that nothing is planned where nothing can be
 * launched. A look-up that is under way again does not make forgotten what the last one said.
 */
#include <string.h>

#include "cloud/aws/provider_internal.h"

static uint64_t hash_selector(const struct cloud_template *template_)
{
    uint64_t hash = template_->n_subnets;
    for (size_t i = 0; i < template_->n_subnets; i++)
        hash = (hash * 31 + str_hash(template_->subnets[i].key)) * 31 + str_hash(template_->subnets[i].value);
    return hash;
}

/* Room for one more: the oldest goes where there are as many as there can be look-ups. NULL: memory ran out. */
static struct known_zones *add_known(struct aws_provider *provider)
{
    struct known_zones *first = provider->zones.items;
    if (provider->zones.len == AWS_DISCOVERY_MAX)
        memmove(first, first + 1, --provider->zones.len * sizeof(*first));
    if (!VEC_PUSH(&provider->zones, (struct known_zones){0}))
        return NULL;
    return &provider->zones.items[provider->zones.len - 1];
}

static struct known_zones *find_known(struct aws_provider *provider, uint64_t selector)
{
    for (size_t i = 0; i < provider->zones.len; i++)
        if (provider->zones.items[i].selector == selector)
            return &provider->zones.items[i];
    return NULL;
}

static void add_zone(struct known_zones *known, struct str zone)
{
    for (size_t i = 0; i < known->n; i++)
        if (str_is(zone, known->zones[i]))
            return;
    if (known->n == KNOWN_ZONES_MAX || zone.len >= ZONE_MAX_BYTES)
        return;
    memcpy(known->zones[known->n], zone.ptr, zone.len);
    known->zones[known->n++][zone.len] = '\0';
}

static struct known_zones zones_of(const struct aws_provider *provider, uint64_t selector,
                                   const struct aws_subnet *subnets, size_t n)
{
    struct known_zones known = {.selector = selector};
    for (size_t i = 0; i < n; i++)
        if (aws_discovery_pick(provider->discovery, subnets, n, subnets[i].zone))
            add_zone(&known, subnets[i].zone);
    return known;
}

bool provider_zones(void *context, const struct cloud_template *template_, struct arena *arena, struct str **ret,
                    size_t *ret_n)
{
    struct aws_provider *provider = context;
    uint64_t selector = hash_selector(template_);
    const struct aws_subnet *subnets;
    size_t n;
    if (template_->launch_template.len && !template_->n_subnets)
        return false; /* the user's own template has its subnet */
    struct known_zones *known = find_known(provider, selector);
    if (aws_discovery_subnets(provider->discovery, (struct aws_selector){template_->subnets, template_->n_subnets},
                              loop_now(provider->loop), &subnets, &n, NULL) == 0) {
        if (!known)
            known = add_known(provider);
        if (known)
            *known = zones_of(provider, selector, subnets, n);
    }
    if (!known)
        return false;
    struct str *zones = arena_array(arena, struct str, known->n);
    if (!zones)
        return false;
    for (size_t i = 0; i < known->n; i++)
        zones[i] = str_of(known->zones[i]);
    *ret = zones;
    *ret_n = known->n;
    return true;
}
