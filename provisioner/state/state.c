#include "provisioner/state/state.h"

#include <assert.h>
#include <stdlib.h>

#include "provisioner/state/internal.h"

int state_open(const struct state_options *options, struct state **ret, struct err *err)
{
    struct state *state = calloc(1, sizeof(*state));
    if (!state)
        return err_nomem(err);
    state->options = *options;
    for (int kind = 0; kind < CLUSTER_WATCHED; kind++) {
        state->tables[kind].item_size = state_item_size((enum cluster_kind)kind);
        state->refused[kind].item_size = sizeof(struct str);
    }
    *ret = state;
    return 0;
}

static void drop_all(struct table *table, struct owned_limbo *limbo)
{
    for (size_t i = 0; i < table->len; i++)
        owned_drop(table->entries[i].owned, limbo);
    table_close(table);
}

void state_close(struct state *state)
{
    if (!state)
        return;
    state_forget_picture(state);
    owned_limbo_release(&state->limbo);
    for (int kind = 0; kind < CLUSTER_WATCHED; kind++) {
        drop_all(&state->tables[kind], &state->limbo);
        drop_all(&state->refused[kind], &state->limbo);
    }
    specs_release(&state->specs, &state->limbo);
    index_release(&state->providers);
    free(state);
}

static void changed(struct state *state, enum cluster_kind kind, bool wakes)
{
    state->generation++;
    state_forget_picture(state);
    if (wakes && state->options.changed)
        state->options.changed(state->options.context, kind);
}

static void failed(struct state *state, enum cluster_kind kind, struct str name, const struct err *err)
{
    if (err->code == ERR_NOMEM)
        state->lost[kind] = true;
    if (state->options.failed)
        state->options.failed(state->options.context, kind, name, err);
}

/* Graves: a ring, so that the oldest are forgotten first. */

static void dig(struct state *state, struct str uid)
{
    if (uid.len)
        state->graves[state->n_graves++ % STATE_GRAVES_MAX] = str_hash(uid);
}

static bool in_grave(const struct state *state, struct str uid)
{
    size_t n = state->n_graves < STATE_GRAVES_MAX ? state->n_graves : STATE_GRAVES_MAX;
    uint64_t hash = str_hash(uid);
    for (size_t i = 0; i < n; i++)
        if (state->graves[i] == hash)
            return true;
    return false;
}

/* What an item is linked by, as a hash; 0: by nothing. */
static uint64_t link_of(enum cluster_kind kind, const union state_item *item)
{
    if (kind == CLUSTER_POD && item->pod.node_name.len)
        return table_hash(STR(""), item->pod.node_name);
    return kind == CLUSTER_NODE && item->node.provider_id.len ? str_hash(item->node.provider_id) : 0;
}

/* Takes away what `id` has, before it is removed or replaced. */
static void strip(struct state *state, enum cluster_kind kind, uint32_t id)
{
    struct table *table = &state->tables[kind];
    struct entry *entry = &table->entries[id];
    const uint32_t *spec = state_item_spec(kind, table_item(table, id));
    if (spec)
        specs_drop(&state->specs, *spec, &state->limbo);
    if (kind == CLUSTER_NODE && entry->link)
        index_remove(&state->providers, entry->link, id);
    owned_drop(entry->owned, &state->limbo);
}

static void remove_item(struct state *state, enum cluster_kind kind, uint32_t id)
{
    struct table *table = &state->tables[kind];
    uint32_t last = (uint32_t)table->len - 1;
    strip(state, kind, id);
    if (kind == CLUSTER_NODE && id != last && table->entries[last].link)
        index_rename(&state->providers, table->entries[last].link, last, id);
    table_remove(table, id);
}

static void remove_refusal(struct state *state, enum cluster_kind kind, uint32_t id)
{
    owned_drop(state->refused[kind].entries[id].owned, &state->limbo);
    table_remove(&state->refused[kind], id);
}

/* The entry of an object, good or refused; NULL: it is not known. */
static struct entry *known(const struct state *state, enum cluster_kind kind, const struct state_identity *identity)
{
    uint32_t id = table_find(&state->tables[kind], identity->namespace_, identity->name);
    if (id != INDEX_NONE)
        return table_entry(&state->tables[kind], id);
    id = table_find(&state->refused[kind], identity->namespace_, identity->name);
    return id != INDEX_NONE ? table_entry(&state->refused[kind], id) : NULL;
}

/*
 * resourceVersions are compared as the integers that they are for every API server (and may be compared as, since
 * Kubernetes 1.35), within one kind only.
 */
static bool is_old(const struct entry *entry, const struct state_identity *identity)
{
    if (!identity->version || !entry->version)
        return false;
    return str_eq(entry->uid, identity->uid) ? identity->version <= entry->version : identity->version < entry->version;
}

static struct entry entry_of(const struct state *state, enum cluster_kind kind, const struct state_identity *identity,
                             const struct state_kept *kept)
{
    return (struct entry){.owned = kept->owned,
                          .namespace_ = kept->namespace_,
                          .name = kept->name,
                          .uid = kept->uid,
                          .hash = table_hash(identity->namespace_, identity->name),
                          .version = identity->version,
                          .list = state->lists[kind]};
}

/* Puts what was read where it belongs. ERR_NOMEM leaves the state as it was, and takes nothing. */
static int store(struct state *state, enum cluster_kind kind, const struct state_identity *identity,
                 const struct state_kept *kept, bool *ret_wakes, struct err *err)
{
    struct table *table = &state->tables[kind];
    struct entry entry = entry_of(state, kind, identity, kept);
    uint32_t id = table_find(table, identity->namespace_, identity->name);
    entry.link = link_of(kind, &kept->item);
    if (kind == CLUSTER_NODE && !index_reserve(&state->providers))
        return err_nomem(err);
    *ret_wakes = true;
    if (id == INDEX_NONE) {
        if (!table_add(table, &kept->item, &entry))
            return err_nomem(err);
        id = (uint32_t)table->len - 1;
    } else {
        *ret_wakes = !state_same(kind, table_item(table, id), &kept->item);
        entry.assumed = table->entries[id].assumed && str_eq(table->entries[id].uid, identity->uid);
        strip(state, kind, id);
        table_set(table, id, &kept->item, &entry);
    }
    if (kind == CLUSTER_NODE && entry.link)
        index_add(&state->providers, entry.link, id);
    id = table_find(&state->refused[kind], identity->namespace_, identity->name);
    if (id != INDEX_NONE)
        remove_refusal(state, kind, id);
    return 0;
}

/* An object that cannot be read is left out, and why is remembered. */
static int refuse(struct state *state, enum cluster_kind kind, const struct state_identity *identity,
                  const struct err *why, struct err *err)
{
    struct table *table = &state->refused[kind];
    struct state_kept kept;
    int rc = state_refusal(identity, str_of(why->message), &kept, err);
    if (rc < 0)
        return rc;
    struct entry entry = entry_of(state, kind, identity, &kept);
    uint32_t id = table_find(table, identity->namespace_, identity->name);
    if (id == INDEX_NONE) {
        if (!table_add(table, &kept.item, &entry)) {
            owned_drop(kept.owned, &state->limbo);
            return err_nomem(err);
        }
    } else {
        owned_drop(table->entries[id].owned, &state->limbo);
        table_set(table, id, &kept.item, &entry);
    }
    id = table_find(&state->tables[kind], identity->namespace_, identity->name);
    if (id != INDEX_NONE)
        remove_item(state, kind, id);
    return 0;
}

/* Reads and stores; *ret_wakes where a pass should look at it. */
static int take(struct state *state, enum cluster_kind kind, const struct doc *object,
                const struct state_identity *identity, bool *ret_wakes, struct err *err)
{
    const struct table *table = &state->tables[kind];
    uint32_t id = table_find(table, identity->namespace_, identity->name);
    const struct entry *old = id != INDEX_NONE ? table_entry(table, id) : NULL;
    bool again = old && str_eq(old->uid, identity->uid);
    struct state_kept kept;
    int rc = state_read(state, kind, object, identity, again ? table_item(table, id) : NULL, again && old->assumed,
                        &kept, err);
    if (rc < 0)
        return rc;
    rc = store(state, kind, identity, &kept, ret_wakes, err);
    if (rc < 0) {
        const uint32_t *spec = state_item_spec(kind, &kept.item);
        if (spec)
            specs_drop(&state->specs, *spec, &state->limbo);
        owned_drop(kept.owned, &state->limbo);
    }
    return rc;
}

/* `watched`: the watch says so, and it says the truth in the end; else a write's answer, which may come late. */
static void put(struct state *state, enum cluster_kind kind, const struct doc *object, bool watched)
{
    if (kind >= CLUSTER_WATCHED)
        return;
    struct err err = {0}, why = {0};
    struct state_identity identity = state_identity(kind, object);
    if (!identity.name.len) {
        err_note(&err, ERR_INVALID, "an object without a name");
        failed(state, kind, identity.name, &err);
        return;
    }
    struct entry *entry = known(state, kind, &identity);
    if (entry)
        entry->list = state->lists[kind];
    if (entry ? is_old(entry, &identity) : !watched && in_grave(state, identity.uid))
        return;
    bool wakes = true;
    int rc = take(state, kind, object, &identity, &wakes, &err);
    if (rc == ERR_INVALID) {
        rc = refuse(state, kind, &identity, &err, &why);
        failed(state, kind, identity.name, rc < 0 ? &why : &err);
    } else if (rc < 0) {
        failed(state, kind, identity.name, &err);
    }
    if (rc == 0)
        changed(state, kind, wakes);
}

void state_put(struct state *state, enum cluster_kind kind, const struct doc *object)
{
    put(state, kind, object, false);
}

static void on_put(void *context, enum cluster_kind kind, const struct doc *object)
{
    put(context, kind, object, true);
}

static void on_gone(void *context, enum cluster_kind kind, struct str namespace_, struct str name, struct str uid)
{
    struct state *state = context;
    if (kind >= CLUSTER_WATCHED)
        return;
    dig(state, uid);
    uint32_t id = table_find(&state->tables[kind], namespace_, name);
    if (id != INDEX_NONE && (!uid.len || str_eq(state->tables[kind].entries[id].uid, uid))) {
        remove_item(state, kind, id);
        changed(state, kind, true);
    }
    id = table_find(&state->refused[kind], namespace_, name);
    if (id != INDEX_NONE && (!uid.len || str_eq(state->refused[kind].entries[id].uid, uid))) {
        remove_refusal(state, kind, id);
        changed(state, kind, true);
    }
}

static void on_relist(void *context, enum cluster_kind kind)
{
    struct state *state = context;
    if (kind >= CLUSTER_WATCHED)
        return;
    state->lists[kind]++;
    state->lost[kind] = false;
}

/* From the end, since the last takes the place of what is removed. */
static size_t sweep(struct state *state, enum cluster_kind kind, bool refused)
{
    struct table *table = refused ? &state->refused[kind] : &state->tables[kind];
    size_t n = 0;
    for (uint32_t id = (uint32_t)table->len; id-- > 0;) {
        if (table->entries[id].list == state->lists[kind])
            continue;
        dig(state, table->entries[id].uid);
        if (refused)
            remove_refusal(state, kind, id);
        else
            remove_item(state, kind, id);
        n++;
    }
    return n;
}

static void on_listed(void *context, enum cluster_kind kind)
{
    struct state *state = context;
    if (kind >= CLUSTER_WATCHED)
        return;
    size_t n = sweep(state, kind, false) + sweep(state, kind, true);
    bool first = !state->listed[kind];
    state->listed[kind] = true;
    if (n || first)
        changed(state, kind, true);
    if (state->options.listed)
        state->options.listed(state->options.context, kind);
}

static void on_failed(void *context, enum cluster_kind kind, const struct err *err)
{
    const struct state *state = context;
    if (state->options.watch_failed)
        state->options.watch_failed(state->options.context, kind, err);
}

struct cluster_sink state_sink(struct state *state)
{
    return (struct cluster_sink){on_relist, on_put, on_gone, on_listed, on_failed, state};
}

static bool is_karpenter(int kind)
{
    return kind == CLUSTER_KARPENTER_PROVISIONER || kind == CLUSTER_KARPENTER_TEMPLATE;
}

bool state_synced(const struct state *state, enum cluster_kind *ret_missing)
{
    for (int kind = 0; kind < CLUSTER_WATCHED; kind++) {
        bool wanted = !is_karpenter(kind) || state->options.karpenter_manifests;
        if ((!wanted || state->listed[kind]) && !state->lost[kind])
            continue;
        if (ret_missing)
            *ret_missing = (enum cluster_kind)kind;
        return false;
    }
    return true;
}

uint64_t state_generation(const struct state *state)
{
    return state->generation;
}

static const void *find(const struct state *state, enum cluster_kind kind, struct str namespace_, struct str name)
{
    uint32_t id = table_find(&state->tables[kind], namespace_, name);
    return id == INDEX_NONE ? NULL : table_item(&state->tables[kind], id);
}

const struct pod *state_pod(const struct state *state, struct str namespace_, struct str name)
{
    return find(state, CLUSTER_POD, namespace_, name);
}

const struct node *state_node(const struct state *state, struct str name)
{
    return find(state, CLUSTER_NODE, STR(""), name);
}

const struct node *state_node_by_provider_id(const struct state *state, struct str provider_id)
{
    const struct table *table = &state->tables[CLUSTER_NODE];
    uint64_t hash = str_hash(provider_id);
    uint32_t id;
    for (size_t probe = 0; (id = index_next(&state->providers, hash, &probe)) != INDEX_NONE;) {
        const struct node *node = table_item(table, id);
        if (str_eq(node->provider_id, provider_id))
            return node;
    }
    return NULL;
}

const struct node_claim *state_claim(const struct state *state, struct str name)
{
    return find(state, CLUSTER_NODE_CLAIM, STR(""), name);
}

const struct provisioner *state_provisioner(const struct state *state, struct str name)
{
    const struct provisioner *own = find(state, CLUSTER_PROVISIONER, STR(""), name);
    return own ? own : find(state, CLUSTER_KARPENTER_PROVISIONER, STR(""), name);
}

const struct node_template *state_template(const struct state *state, struct str name, bool karpenter)
{
    return find(state, karpenter ? CLUSTER_KARPENTER_TEMPLATE : CLUSTER_NODE_TEMPLATE, STR(""), name);
}

static struct str findings_of(const struct state *state, enum cluster_kind kind, struct str name)
{
    if (kind == CLUSTER_KARPENTER_PROVISIONER && find(state, CLUSTER_PROVISIONER, STR(""), name))
        return STR("metadata.name: there is a Provisioner of stoker.sh of the same name, which counts");
    return STR("");
}

struct str state_findings(const struct state *state, enum cluster_kind kind, struct str name)
{
    assert(kind < CLUSTER_WATCHED);
    uint32_t id = table_find(&state->refused[kind], STR(""), name);
    if (id != INDEX_NONE)
        return *(const struct str *)table_item(&state->refused[kind], id);
    return find(state, kind, STR(""), name) ? findings_of(state, kind, name) : STR("");
}

void state_each_finding(const struct state *state,
                        void (*each)(void *context, enum cluster_kind kind, struct str name, struct str uid,
                                     struct str findings),
                        void *context)
{
    static const enum cluster_kind kinds[] = {CLUSTER_PROVISIONER, CLUSTER_NODE_TEMPLATE, CLUSTER_KARPENTER_PROVISIONER,
                                              CLUSTER_KARPENTER_TEMPLATE};
    for (size_t k = 0; k < CC_COUNT(kinds); k++) {
        const struct table *good = &state->tables[kinds[k]], *bad = &state->refused[kinds[k]];
        for (size_t i = 0; i < good->len; i++)
            each(context, kinds[k], good->entries[i].name, good->entries[i].uid,
                 findings_of(state, kinds[k], good->entries[i].name));
        for (uint32_t i = 0; i < bad->len; i++)
            each(context, kinds[k], bad->entries[i].name, bad->entries[i].uid, *(const struct str *)table_item(bad, i));
    }
}

void state_assume_bound(struct state *state, struct str namespace_, struct str name, struct str uid, struct str node)
{
    struct table *table = &state->tables[CLUSTER_POD];
    uint32_t id = table_find(table, namespace_, name);
    if (id == INDEX_NONE || !str_eq(table->entries[id].uid, uid))
        return;
    struct pod *pod = table_item(table, id);
    if (pod->node_name.len)
        return;
    struct str kept = str_dup(&table->entries[id].owned->arena, node);
    if (!kept.ptr) {
        struct err err;
        err_note_nomem(&err);
        failed(state, CLUSTER_POD, name, &err);
        return;
    }
    pod->node_name = kept;
    table->entries[id].link = table_hash(STR(""), kept);
    table->entries[id].assumed = true;
    changed(state, CLUSTER_POD, true);
}
