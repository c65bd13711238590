#include <stdlib.h>
#include <string.h>

#include "provisioner/api/decode.h"
#include "provisioner/spark/demand.h"
#include "provisioner/spark/spark.h"

#define PLACEHOLDER "SPARK_EXECUTOR_ID" /* in a claim's name: the executor's number. MountVolumesFeatureStep */

/* What is there of an application as real pods: those with the same namespace and pod.app. */
struct running {
    struct str app;
    bool driver_lives, driver_ended;
    int64_t executors;    /* that live */
    int64_t last_exec_id; /* of all that there ever were, as far as is seen */
};

/* Real Spark pods by application, and the words by which an application may be found. */
struct census {
    struct arena arena;
    struct intern keys; /* "kind namespace/word" */
    VEC(size_t) by_key; /* key id -> index in apps */
    VEC(struct running) apps;
};

static void census_release(struct census *census)
{
    arena_release(&census->arena);
    intern_release(&census->keys);
    VEC_FREE(&census->by_key);
    VEC_FREE(&census->apps);
}

/* Words of different kinds do not meet. */
enum key_kind { KEY_APP = 'a', KEY_OPERATOR = 'o', KEY_DRIVER = 'd', KEY_DEMAND = 'n' };

static char *key_text(struct census *census, enum key_kind kind, struct str namespace_, struct str word)
{
    return arena_printf(&census->arena, "%c %.*s/%.*s", (char)kind, STR_ARG(namespace_), STR_ARG(word));
}

/* NULL if there is no such application. */
static struct running *census_find(struct census *census, const char *key)
{
    uint32_t id = intern_find(&census->keys, str_of(key));
    return id == INTERN_NONE ? NULL : &census->apps.items[census->by_key.items[id]];
}

/* Lets `key` mean the application; `replace`: also if it means another already. */
static int census_set(struct census *census, const char *key, size_t app, bool replace, struct err *err)
{
    uint32_t id;
    int code = intern_add(&census->keys, str_of(key), &id, err);
    if (code)
        return code;
    if (id == census->by_key.len)
        return VEC_PUSH(&census->by_key, app) ? 0 : err_nomem(err);
    if (replace)
        census->by_key.items[id] = app;
    return 0;
}

static int64_t exec_id_of(const struct pod *pod)
{
    const struct str *text = labels_get(&pod->labels, STR("spark-exec-id"));
    int64_t id;
    return text && str_to_int64(*text, &id) && id > 0 && id < INT32_MAX ? id : 0;
}

static void count_pod(struct running *app, const struct pod *pod)
{
    bool ended = pod->phase == POD_SUCCEEDED || pod->phase == POD_FAILED;
    bool lives = !ended && !pod->deleting;
    if (pod->role == SPARK_DRIVER) {
        app->driver_lives = app->driver_lives || lives;
        app->driver_ended = app->driver_ended || ended;
    } else {
        int64_t id = exec_id_of(pod);
        app->executors += lives;
        app->last_exec_id = id > app->last_exec_id ? id : app->last_exec_id;
    }
}

/* The index of the pod's application, which is new if none has its word yet. */
static int app_of(struct census *census, const struct pod *pod, size_t *ret, struct err *err)
{
    char *key = key_text(census, KEY_APP, pod->namespace_, pod->app);
    if (!key)
        return err_nomem(err);
    struct running *known = census_find(census, key);
    if (known) {
        *ret = (size_t)(known - census->apps.items);
        return 0;
    }
    struct running fresh = {.app = pod->app};
    if (!VEC_PUSH(&census->apps, fresh))
        return err_nomem(err);
    *ret = census->apps.len - 1;
    return census_set(census, key, *ret, false, err);
}

static int census_add(struct census *census, const struct pod *pod, struct err *err)
{
    struct arena_mark mark = arena_mark(&census->arena);
    size_t app = 0;
    int code = app_of(census, pod, &app, err);
    if (code)
        return code;
    count_pod(&census->apps.items[app], pod);
    bool lives = pod->phase != POD_SUCCEEDED && pod->phase != POD_FAILED;
    const struct str *operator_name = labels_get(&pod->labels, STR("sparkoperator.k8s.io/app-name"));
    if (operator_name) {
        char *key = key_text(census, KEY_OPERATOR, pod->namespace_, *operator_name);
        code = key ? census_set(census, key, app, lives, err) : err_nomem(err);
    }
    if (code == 0 && pod->role == SPARK_DRIVER) {
        char *key = key_text(census, KEY_DRIVER, pod->namespace_, pod->name);
        code = key ? census_set(census, key, app, lives, err) : err_nomem(err);
    }
    arena_rewind(&census->arena, mark);
    return code;
}

static int take_census(const struct objects *objects, struct census *census, struct err *err)
{
    for (size_t i = 0; i < objects->pods.len; i++) {
        const struct pod *pod = &objects->pods.items[i];
        int code = pod->role != SPARK_NONE && pod->app.len && !pod->planned ? census_add(census, pod, err) : 0;
        if (code)
            return code;
    }
    return 0;
}

/* What runs of this application; *ret NULL if nothing. */
static int find_running(struct census *census, const struct spark_demand *demand, struct running **ret, struct err *err)
{
    const struct {
        enum key_kind kind;
        struct str word;
    } ways[] = {
        {KEY_APP, demand->app_id},
        {KEY_OPERATOR, demand->by_operator ? demand->object_name : STR("")},
        {KEY_DRIVER, demand->driver_name},
    };
    *ret = NULL;
    for (size_t i = 0; i < CC_COUNT(ways) && !*ret; i++) {
        if (!ways[i].word.len)
            continue;
        char *key = key_text(census, ways[i].kind, demand->namespace_, ways[i].word);
        if (!key)
            return err_nomem(err);
        *ret = census_find(census, key);
    }
    return 0;
}

/* --- the pods --- */

/* What one application's pods are made of. */
struct expansion {
    struct objects *objects;
    const struct spark_demand *demand;
    struct str app;
    uint32_t driver_spec, executor_spec;
};

/* The labels of executor `number`: the role's, but for its own spark-exec-id. */
static int number_labels(struct objects *objects, const struct labels *labels, struct str number, struct labels *ret,
                         struct err *err)
{
    struct cloud_label *items = arena_array(&objects->arena, struct cloud_label, labels->n);
    if (!items)
        return err_nomem(err);
    for (size_t i = 0; i < labels->n; i++) {
        items[i] = labels->items[i];
        if (str_is(items[i].key, "spark-exec-id"))
            items[i].value = number;
    }
    *ret = (struct labels){items, labels->n};
    return 0;
}

static struct str replace_placeholder(struct arena *arena, struct str claim, struct str number)
{
    const char *at = claim.len ? memmem(claim.ptr, claim.len, PLACEHOLDER, sizeof(PLACEHOLDER) - 1) : NULL;
    if (!at)
        return claim;
    struct str before = {claim.ptr, (size_t)(at - claim.ptr)};
    struct str behind = {at + sizeof(PLACEHOLDER) - 1, claim.len - before.len - (sizeof(PLACEHOLDER) - 1)};
    char *text = arena_printf(arena, "%.*s%.*s%.*s", STR_ARG(before), STR_ARG(number), STR_ARG(behind));
    return (struct str){text, text ? before.len + number.len + behind.len : 0};
}

static int number_claims(struct objects *objects, const struct spark_pod *of, struct str number, const struct str **ret,
                         struct err *err)
{
    bool any = false;
    for (size_t i = 0; i < of->n_claims; i++)
        any = any || replace_placeholder(&objects->arena, of->claims[i], number).ptr != of->claims[i].ptr;
    if (!any) {
        *ret = of->claims;
        return 0;
    }
    struct str *claims = arena_array(&objects->arena, struct str, of->n_claims);
    if (!claims)
        return err_nomem(err);
    for (size_t i = 0; i < of->n_claims; i++) {
        claims[i] = replace_placeholder(&objects->arena, of->claims[i], number);
        if (!claims[i].ptr)
            return err_nomem(err);
    }
    *ret = claims;
    return 0;
}

static struct pod pod_of(const struct expansion *expansion, const struct spark_pod *of, enum spark_role role)
{
    struct pod pod = {.origin = expansion->demand->origin, .namespace_ = expansion->demand->namespace_};
    pod.uid = pod.node_name = pod.owner_kind = pod.owner_name = STR("");
    pod.labels = of->labels;
    pod.phase = POD_PENDING;
    pod.role = role;
    pod.app = expansion->app;
    pod.spec = role == SPARK_DRIVER ? expansion->driver_spec : expansion->executor_spec;
    pod.claims = of->claims;
    pod.n_claims = of->n_claims;
    pod.ephemeral_classes = of->ephemeral_classes;
    pod.n_ephemeral_classes = of->n_ephemeral_classes;
    pod.planned = true;
    return pod;
}

static int add_driver(const struct expansion *expansion, struct err *err)
{
    const struct spark_demand *demand = expansion->demand;
    struct objects *objects = expansion->objects;
    struct pod pod = pod_of(expansion, &demand->driver, SPARK_DRIVER);
    struct str base = demand->object_name.len ? demand->object_name : demand->name;
    pod.name = demand->driver_name;
    if (!pod.name.len)
        pod.name = str_of(arena_printf(&objects->arena, "%.*s-driver", STR_ARG(base)));
    return pod.name.len && VEC_PUSH(&objects->pods, pod) ? 0 : err_nomem(err);
}

static int add_executor(const struct expansion *expansion, int64_t number, struct err *err)
{
    const struct spark_demand *demand = expansion->demand;
    struct objects *objects = expansion->objects;
    struct pod pod = pod_of(expansion, &demand->executor, SPARK_EXECUTOR);
    const char *digits = arena_printf(&objects->arena, "%lld", (long long)number);
    const char *name = arena_printf(&objects->arena, "%.*s-exec-%lld", STR_ARG(demand->name), (long long)number);
    if (!digits || !name)
        return err_nomem(err);
    pod.name = str_of(name);
    int code = number_labels(objects, &demand->executor.labels, str_of(digits), &pod.labels, err);
    if (code == 0)
        code = number_claims(objects, &demand->executor, str_of(digits), &pod.claims, err);
    if (code)
        return code;
    return VEC_PUSH(&objects->pods, pod) ? 0 : err_nomem(err);
}

/*
 * Executors still to come. With dynamic allocation those that were asked for at start and have gone since were not
 * needed any more; without, Spark replaces each that is lost.
 */
static int64_t missing_executors(const struct spark_demand *demand, const struct running *running)
{
    if (!running)
        return demand->executors;
    int64_t there =
        demand->dynamic && running->last_exec_id > running->executors ? running->last_exec_id : running->executors;
    return demand->executors > there ? demand->executors - there : 0;
}

/* What tells the application from all others: the id that Spark gave it, or until there is one namespace/name. */
static int name_app(struct objects *objects, const struct spark_demand *demand, const struct running *running,
                    struct str *ret, struct err *err)
{
    if (running || demand->app_id.len) {
        *ret = running ? running->app : demand->app_id;
        return 0;
    }
    const char *name = arena_printf(&objects->arena, "%.*s/%.*s", STR_ARG(demand->namespace_), STR_ARG(demand->name));
    if (!name)
        return err_nomem(err);
    *ret = str_of(name);
    return 0;
}

static int expand(struct objects *objects, const struct spark_demand *demand, const struct running *running,
                  struct err *err)
{
    if (running && running->driver_ended && !running->driver_lives)
        return 0;
    struct expansion expansion = {.objects = objects, .demand = demand};
    int code = name_app(objects, demand, running, &expansion.app, err);
    if (code == 0)
        code = objects_intern_spec(objects, &demand->driver.spec, &expansion.driver_spec, err);
    if (code == 0)
        code = objects_intern_spec(objects, &demand->executor.spec, &expansion.executor_spec, err);
    if (code == 0 && demand->has_driver && !(running && running->driver_lives))
        code = add_driver(&expansion, err);
    int64_t first = (running ? running->last_exec_id : 0) + 1, n = missing_executors(demand, running);
    for (int64_t i = 0; i < n && code == 0; i++)
        code = add_executor(&expansion, first + i, err);
    return code;
}

/* Is this the first application of its namespace and name? The pods of two would have the same names. */
static int is_first(struct census *census, const struct spark_demand *demand, struct diag *diag, bool *ret,
                    struct err *err)
{
    char *key = key_text(census, KEY_DEMAND, demand->namespace_, demand->name);
    if (!key)
        return err_nomem(err);
    *ret = intern_find(&census->keys, str_of(key)) == INTERN_NONE;
    if (*ret)
        return census_set(census, key, 0, false, err);
    diag_add(diag, demand->origin.file, demand->origin.line, "",
             "Spark application %.*s/%.*s is there twice, allowed is once", STR_ARG(demand->namespace_),
             STR_ARG(demand->name));
    return 0;
}

static int expand_all(struct objects *objects, struct census *census, struct diag *diag, struct err *err)
{
    for (size_t i = 0; i < objects->spark.len; i++) {
        const struct spark_demand *demand = objects->spark.items[i];
        struct running *running;
        bool first = false;
        int code = find_running(census, demand, &running, err);
        if (code == 0)
            code = is_first(census, demand, diag, &first, err);
        if (code == 0 && first)
            code = expand(objects, demand, running, err);
        if (code)
            return code;
    }
    objects->spark.len = 0;
    return 0;
}

int spark_expand(struct objects *objects, struct diag *diag, struct err *err)
{
    if (!objects->spark.len)
        return 0;
    struct census census = {0};
    int code = take_census(objects, &census, err);
    if (code == 0)
        code = expand_all(objects, &census, diag, err);
    census_release(&census);
    return code;
}
