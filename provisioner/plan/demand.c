/* demand.c - the pods that need a place, grouped into shapes: all that decides where a pod can go is its shape's. */
#include "provisioner/plan/demand.h"

#include <stdlib.h>
#include <string.h>

#include "base/bitset.h"
#include "provisioner/plan/demand_internal.h"

/* Pods with equal keys are one shape. No padding: the bytes are the key. */
struct shape_key {
    uint32_t spec, role, class, volumes, app, namespace_, relaxed;
};

struct builder {
    struct demand *demand;
    const struct demand_options *options;
    struct arena *arena;
    uint64_t *take;     /* [pods] to place */
    uint32_t *shape_of; /* [pods] SOLVER_NONE if not to place */
    struct intern apps, namespaces, keys;
    struct content_key content;
    VEC(struct shape_key) shape_keys;
    VEC(struct str) app_names;
    struct demand_matcher matcher;
    struct demand_volumes volumes;
    struct demand_admission admission;
};

static void builder_release(struct builder *b)
{
    intern_release(&b->apps);
    intern_release(&b->namespaces);
    intern_release(&b->keys);
    content_release(&b->content);
    VEC_FREE(&b->shape_keys);
    VEC_FREE(&b->app_names);
    demand_matcher_release(&b->matcher);
    demand_volumes_release(&b->volumes);
    demand_admission_release(&b->admission);
}

static bool is_to_place(const struct objects *objects, const struct pod *pod)
{
    return pod->phase != POD_SUCCEEDED && pod->phase != POD_FAILED && !pod->node_name.len && !pod->deleting &&
           !pod->daemon && !str_is(pod->owner_kind, "Node") && !objects->specs.items[pod->spec]->gated;
}

static int choose_pods(struct builder *b, struct err *err)
{
    struct demand *demand = b->demand;
    const struct objects *objects = demand->objects;
    b->take = arena_array(b->arena, uint64_t, BITSET_WORDS(objects->pods.len));
    b->shape_of = arena_array(b->arena, uint32_t, objects->pods.len);
    demand->pod_app = arena_array(b->arena, uint32_t, objects->pods.len);
    if (!b->take || !b->shape_of || !demand->pod_app)
        return err_nomem(err);
    for (size_t i = 0; i < objects->pods.len; i++) {
        const struct pod *pod = &objects->pods.items[i];
        bool skipped = b->options->skip && bitset_has(b->options->skip, i);
        if (is_to_place(objects, pod) && !skipped)
            bitset_add(b->take, i);
        else if (!pod_is_bound(pod))
            demand->n_ignored++;
        demand->pod_app[i] = SOLVER_NONE;
        if (!pod->app.len)
            continue;
        if (intern_add(&b->apps, pod->app, &demand->pod_app[i], err) < 0)
            return ERR_NOMEM;
        if (demand->pod_app[i] == b->app_names.len && !VEC_PUSH(&b->app_names, pod->app))
            return err_nomem(err);
    }
    struct str *apps = arena_array(b->arena, struct str, b->app_names.len);
    if (!apps)
        return err_nomem(err);
    if (b->app_names.len)
        memcpy(apps, b->app_names.items, b->app_names.len * sizeof(*apps));
    demand->apps = apps;
    demand->n_apps = b->app_names.len;
    return 0;
}

size_t demand_relaxations(const struct pod_spec *spec)
{
    return spec->n_preferred_nodes + (spec->n_node_terms > 1 ? spec->n_node_terms - 1 : 0);
}

/* How many of its node affinity terms a pod lets go. */
static uint32_t relaxed_of(const struct builder *b, uint32_t index, const struct pod_spec *spec)
{
    uint32_t most = (uint32_t)demand_relaxations(spec);
    uint32_t wanted = b->options->relaxed ? b->options->relaxed[index] : 0;
    if (b->options->no_preferences)
        return most > 0 ? DEMAND_ALL_RELAXED : 0;
    return wanted > most ? most : wanted;
}

static int key_of(struct builder *b, uint32_t index, struct shape_key *ret_key, struct err *err)
{
    const struct pod *pod = &b->demand->objects->pods.items[index];
    const struct pod_spec *spec = b->demand->objects->specs.items[pod->spec];
    struct shape_key key = {.spec = pod->spec, .role = (uint32_t)pod->role, .app = SOLVER_NONE};
    key.relaxed = relaxed_of(b, index, spec);
    if (b->options->by_app)
        key.app = b->demand->pod_app[index];
    /* The namespace decides only where selectors look into it. */
    if (spec_has_pod_terms(spec) && intern_add(&b->namespaces, pod->namespace_, &key.namespace_, err) < 0)
        return ERR_NOMEM;
    if (demand_matcher_class(&b->matcher, pod, &key.class, err) < 0 ||
        demand_volumes_of(&b->volumes, pod, &key.volumes, err) < 0)
        return ERR_NOMEM;
    *ret_key = key;
    return 0;
}

static int find_shapes(struct builder *b, struct err *err)
{
    size_t n_pods = b->demand->objects->pods.len;
    for (uint32_t i = 0; i < n_pods; i++)
        b->shape_of[i] = SOLVER_NONE;
    BITSET_EACH (i, b->take, n_pods) {
        struct shape_key key;
        if (key_of(b, (uint32_t)i, &key, err) < 0 ||
            intern_add(&b->keys, (struct str){(const char *)&key, sizeof(key)}, &b->shape_of[i], err) < 0)
            return ERR_NOMEM;
        if (b->shape_of[i] == b->shape_keys.len && !VEC_PUSH(&b->shape_keys, key))
            return err_nomem(err);
    }
    return 0;
}

/* Lists each shape's pods, in input order. */
static int list_pods(struct builder *b, struct err *err)
{
    struct demand *demand = b->demand;
    size_t n_pods = demand->objects->pods.len, n_shapes = b->shape_keys.len;
    demand->shapes = arena_array(b->arena, struct demand_shape, n_shapes);
    uint32_t *lists = arena_array(b->arena, uint32_t, n_pods);
    uint32_t *fill = arena_array(b->arena, uint32_t, n_shapes);
    if (!demand->shapes || !lists || !fill)
        return err_nomem(err);
    demand->n_shapes = n_shapes;
    BITSET_EACH (i, b->take, n_pods)
        demand->shapes[b->shape_of[i]].n_pods++;
    uint32_t at = 0;
    for (size_t s = 0; s < n_shapes; s++) {
        demand->shapes[s].pods = lists + at;
        fill[s] = at;
        at += demand->shapes[s].n_pods;
    }
    BITSET_EACH (i, b->take, n_pods)
        lists[fill[b->shape_of[i]]++] = (uint32_t)i;
    return 0;
}

static int shape_request(struct builder *b, uint32_t volume_set, struct demand_shape *shape, struct err *err)
{
    const int64_t *attached = b->volumes.sets.items[volume_set].attached;
    int64_t *req = arena_array(b->arena, int64_t, b->demand->dims->n);
    if (!req)
        return err_nomem(err);
    dims_vector(b->demand->dims, shape->spec->requests.items, shape->spec->requests.n, req);
    req[DIM_PODS] = 1;
    for (uint32_t d = 0; d < b->demand->dims->n && attached; d++)
        req[d] += attached[d];
    shape->req = req;
    return 0;
}

/* Shapes that ask the same of a node share what they are admitted to, whatever they ask of other pods. */
static int admit_shape(struct builder *b, struct intern *seen, uint32_t *first_of, size_t s, struct err *err)
{
    const struct shape_key *key = &b->shape_keys.items[s];
    struct demand_shape *shape = &b->demand->shapes[s];
    uint32_t id = 0;
    b->content.len = 0;
    if (!content_put_number(&b->content, key->role) || !content_put_number(&b->content, key->volumes) ||
        !content_put_number(&b->content, key->relaxed) || !content_put_node_constraints(&b->content, shape->spec) ||
        intern_add(seen, content_text(&b->content), &id, NULL) < 0)
        return err_nomem(err);
    if (first_of[id] != SOLVER_NONE) {
        const struct demand_shape *like = &b->demand->shapes[first_of[id]];
        shape->req = like->req;
        shape->admits = like->admits;
        shape->admits_nodes = like->admits_nodes;
        shape->dropped_preferences = like->dropped_preferences;
        shape->reason = like->reason;
        return 0;
    }
    first_of[id] = (uint32_t)s;
    if (shape_request(b, key->volumes, shape, err) < 0)
        return ERR_NOMEM;
    return demand_admit(&b->admission, key->volumes, shape, err);
}

static int admit_shapes(struct builder *b, struct err *err)
{
    struct demand *demand = b->demand;
    uint32_t *first_of = arena_array(b->arena, uint32_t, demand->n_shapes);
    if (!first_of)
        return err_nomem(err);
    for (size_t s = 0; s < demand->n_shapes; s++)
        first_of[s] = SOLVER_NONE;
    struct intern seen = {0};
    int code = 0;
    for (size_t s = 0; s < demand->n_shapes && code == 0; s++) {
        const struct shape_key *key = &b->shape_keys.items[s];
        struct demand_shape *shape = &demand->shapes[s];
        shape->spec = demand->objects->specs.items[key->spec];
        shape->namespace_ = demand->objects->pods.items[shape->pods[0]].namespace_;
        shape->role = (enum spark_role)key->role;
        shape->app = key->app;
        shape->relaxed = key->relaxed;
        shape->matches = b->matcher.matches.items[key->class];
        code = admit_shape(b, &seen, first_of, s, err);
    }
    intern_release(&seen);
    return code;
}

int demand_build(const struct objects *objects, struct supply *supply, const struct demand_options *options,
                 struct arena *arena, struct demand *ret, struct err *err)
{
    struct demand demand = {
        .objects = objects, .dims = supply->dims, .supply = supply, .drop_soft = options->drop_soft != 0};
    CC_CLEANUP(builder_release) struct builder b = {.demand = &demand, .options = options, .arena = arena};
    if (choose_pods(&b, err) < 0 || demand_selectors_collect(&demand, b.take, arena, err) < 0 ||
        demand_matcher_init(&b.matcher, &demand, arena, err) < 0 ||
        demand_volumes_init(&b.volumes, objects, demand.dims, arena, err) < 0 || find_shapes(&b, err) < 0 ||
        list_pods(&b, err) < 0 || demand_nodes_build(&demand, &b.volumes.names, arena, err) < 0 ||
        demand_admission_init(&b.admission, &demand, &b.volumes, arena, err) < 0 || admit_shapes(&b, err) < 0)
        return ERR_NOMEM;
    *ret = demand;
    return 0;
}
