#include "provisioner/api/label_keys.h"
#include "provisioner/plan/supply_internal.h"

#include "base/bitset.h"

/* Which part of an offering answers for a key. */
enum key_kind { KEY_ZONE, KEY_REGION, KEY_CAPACITY, KEY_EKS_CAPACITY, KEY_PROVISIONER, KEY_HOSTNAME, KEY_OTHER };

static enum key_kind kind_of(struct str key)
{
    static const struct {
        const char *key;
        enum key_kind kind;
    } kinds[] = {
        {LABEL_ZONE, KEY_ZONE},
        {LABEL_REGION, KEY_REGION},
        {LABEL_CAPACITY_TYPE, KEY_CAPACITY},
        {LABEL_EKS_CAPACITY, KEY_EKS_CAPACITY},
        {LABEL_PROVISIONER, KEY_PROVISIONER},
        {LABEL_HOSTNAME, KEY_HOSTNAME},
    };
    for (size_t i = 0; i < CC_COUNT(kinds); i++)
        if (str_is(key, kinds[i].key))
            return kinds[i].kind;
    return KEY_OTHER;
}

bool supply_key_is_capacity_type(struct str key)
{
    enum key_kind kind = kind_of(key);
    return kind == KEY_CAPACITY || kind == KEY_EKS_CAPACITY;
}

bool supply_key_is_custom(struct str key)
{
    return kind_of(key) == KEY_OTHER && !label_key_well_known(key);
}

bool supply_key_is_by_type(struct str key)
{
    return kind_of(key) == KEY_OTHER;
}

static const struct str *capacity_label(enum key_kind kind, enum cloud_capacity_type type)
{
    static const struct str names[] = {[CLOUD_ON_DEMAND] = {"on-demand", 9}, [CLOUD_SPOT] = {"spot", 4}};
    static const struct str eks_names[] = {[CLOUD_ON_DEMAND] = {"ON_DEMAND", 9}, [CLOUD_SPOT] = {"SPOT", 4}};
    return kind == KEY_CAPACITY ? &names[type] : &eks_names[type];
}

static const struct str *cloud_label_of(const struct cloud_catalogue *catalogue, enum key_kind kind,
                                        const struct cloud_offering *offering, struct str key)
{
    switch (kind) {
    case KEY_ZONE: return &catalogue->zones[offering->zone];
    case KEY_REGION: return catalogue->region.len ? &catalogue->region : NULL;
    case KEY_CAPACITY:
    case KEY_EKS_CAPACITY: return capacity_label(kind, offering->capacity_type);
    case KEY_PROVISIONER:
    case KEY_HOSTNAME: return NULL;
    case KEY_OTHER: return cloud_type_label(&catalogue->types[offering->type], key);
    }
    return NULL;
}

const struct str *supply_cloud_label(const struct cloud_catalogue *catalogue, const struct cloud_offering *offering,
                                     struct str key)
{
    return cloud_label_of(catalogue, kind_of(key), offering, key);
}

static const struct str *label_of(const struct supply *supply, const struct supply_offering *offering,
                                  enum key_kind kind, struct str key)
{
    if (kind == KEY_PROVISIONER)
        return &supply->objects->provisioners.items[offering->provisioner].name;
    const struct cloud_offering *sold = &supply->catalogue->offerings[offering->cloud];
    const struct str *value = cloud_label_of(supply->catalogue, kind, sold, key);
    if (value || kind != KEY_OTHER)
        return value;
    return labels_get(&supply->variants[offering->variant].labels, key);
}

const struct str *supply_label(const struct supply *supply, size_t offering, struct str key)
{
    return label_of(supply, &supply->offerings[offering], kind_of(key), key);
}

/* A new node has some hostname, and none that anybody could name. */
static bool met_by_new_hostname(const struct requirement *requirement)
{
    return requirement->op == OP_EXISTS || requirement->op == OP_NOT_IN;
}

/* Offerings of a type stand together: what depends on neither zone nor capacity type is asked once for all of them. */
void supply_evaluate(const struct supply *supply, const struct requirement *requirement, uint64_t *into)
{
    enum key_kind kind = kind_of(requirement->key);
    bitset_clear(into, supply->n);
    if (kind == KEY_HOSTNAME) {
        if (met_by_new_hostname(requirement))
            bitset_fill(into, supply->n);
        return;
    }
    bool by_type = kind == KEY_OTHER, met = false;
    for (size_t i = 0; i < supply->n; i++) {
        const struct supply_offering *offering = &supply->offerings[i], *last = i ? offering - 1 : NULL;
        if (!by_type || !last || last->type != offering->type || last->variant != offering->variant)
            met = requirement_met(requirement, label_of(supply, offering, kind, requirement->key));
        if (met)
            bitset_add(into, i);
    }
}

void supply_and_all(const struct supply *supply, const struct requirements *requirements, uint64_t *into,
                    uint64_t *scratch)
{
    for (size_t i = 0; i < requirements->n; i++) {
        supply_evaluate(supply, &requirements->items[i], scratch);
        bitset_and(into, scratch, supply->n);
    }
}

struct supply_cached {
    struct supply_cached *next;
    struct requirement requirement;
    uint64_t *meeting;
};

static size_t bucket_of(const struct requirement *requirement)
{
    uint64_t hash = str_hash(requirement->key) * 31 + (uint64_t)requirement->op;
    for (size_t i = 0; i < requirement->n_values; i++)
        hash = hash * 31 + str_hash(requirement->values[i]);
    return (size_t)((hash ^ hash >> 32) % SUPPLY_CACHE_BUCKETS);
}

static bool same_requirement(const struct requirement *a, const struct requirement *b)
{
    if (a->op != b->op || a->n_values != b->n_values || !str_eq(a->key, b->key))
        return false;
    for (size_t i = 0; i < a->n_values; i++)
        if (!str_eq(a->values[i], b->values[i]))
            return false;
    return true;
}

/* A copy of the requirement with room for its bitset; NULL if memory ran out. */
static struct supply_cached *cached_new(const struct supply *supply, const struct requirement *requirement)
{
    struct supply_cached *cached = arena_new(supply->arena, struct supply_cached);
    struct str *values = arena_array(supply->arena, struct str, requirement->n_values);
    uint64_t *meeting = arena_array(supply->arena, uint64_t, BITSET_WORDS(supply->n));
    if (!cached || !values || !meeting)
        return NULL;
    cached->requirement = *requirement;
    cached->requirement.values = values;
    cached->meeting = meeting;
    cached->requirement.key = str_dup(supply->arena, requirement->key);
    bool copied = cached->requirement.key.ptr;
    for (size_t i = 0; i < requirement->n_values && copied; i++) {
        values[i] = str_dup(supply->arena, requirement->values[i]);
        copied = values[i].ptr;
    }
    return copied ? cached : NULL;
}

const uint64_t *supply_meeting(struct supply *supply, const struct requirement *requirement)
{
    struct supply_cached **bucket = &supply->cache->buckets[bucket_of(requirement)];
    for (struct supply_cached *cached = *bucket; cached; cached = cached->next)
        if (same_requirement(&cached->requirement, requirement))
            return cached->meeting;
    struct supply_cached *cached = cached_new(supply, requirement);
    if (!cached)
        return NULL;
    if (supply->cache->capacity_type_free && supply_key_is_capacity_type(requirement->key))
        bitset_fill(cached->meeting, supply->n);
    else
        supply_evaluate(supply, requirement, cached->meeting);
    cached->next = *bucket;
    *bucket = cached;
    return cached->meeting;
}

void supply_tolerated(const struct supply *supply, const struct toleration *tolerations, size_t n, uint64_t *into)
{
    bitset_clear(into, supply->n);
    bool tolerated = false;
    for (size_t i = 0; i < supply->n; i++) {
        uint32_t p = supply->offerings[i].provisioner;
        if (i == 0 || p != supply->offerings[i - 1].provisioner)
            tolerated = taints_tolerated(&supply->objects->provisioners.items[p].taints, tolerations, n);
        if (tolerated)
            bitset_add(into, i);
    }
}
