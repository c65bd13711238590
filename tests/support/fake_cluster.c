#include "tests/support/fake_cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/intern.h"
#include "tests/support/doc_edit.h"

/* One version of an object; never changed. */
struct version {
    int refs;
    struct arena arena;
    const struct doc *doc;
};

struct entry {
    struct version *version; /* NULL: deleted */
    enum cluster_kind kind;
    struct str namespace_, name; /* owned by the store's intern table */
};

enum due_kind { DUE_ANSWER, DUE_WATCH, DUE_LIST, DUE_START, DUE_STOP };

/* Something that will be told or will happen. */
struct due {
    enum due_kind kind;
    int64_t at_ns;
    /* answer */
    cluster_done_fn done;
    void *done_context;
    struct err err;
    int64_t retry_after_ms;
    bool failed, budget;
    /* watch, list, start, stop */
    enum cluster_kind of;
    struct version *version; /* of the answer too; counted */
    bool gone;
};

struct fake_store {
    struct fake_cluster fake;
    struct loop_timer timer;
    struct cluster_sink sink;
    bool started, listed[CLUSTER_KINDS];
    struct intern names; /* "kind namespace/name" -> entries */
    struct arena texts;
    VEC(struct entry) entries;
    VEC(struct due *) queue; /* by at_ns, then by when they were put there */
    uint64_t last_version, last_uid, last_name;
};

static const struct {
    enum cluster_kind kind;
    const char *api, *name;
} kind_names[] = {
    {CLUSTER_POD, "v1", "Pod"},
    {CLUSTER_NODE, "v1", "Node"},
    {CLUSTER_DAEMON_SET, "apps/v1", "DaemonSet"},
    {CLUSTER_VOLUME_CLAIM, "v1", "PersistentVolumeClaim"},
    {CLUSTER_VOLUME, "v1", "PersistentVolume"},
    {CLUSTER_STORAGE_CLASS, "storage.k8s.io/v1", "StorageClass"},
    {CLUSTER_CSI_NODE, "storage.k8s.io/v1", "CSINode"},
    {CLUSTER_PRIORITY_CLASS, "scheduling.k8s.io/v1", "PriorityClass"},
    {CLUSTER_DISRUPTION_BUDGET, "policy/v1", "PodDisruptionBudget"},
    {CLUSTER_PROVISIONER, "stoker.sh/v1alpha1", "Provisioner"},
    {CLUSTER_NODE_TEMPLATE, "stoker.sh/v1alpha1", "NodeTemplate"},
    {CLUSTER_NODE_CLAIM, "stoker.sh/v1alpha1", "NodeClaim"},
    {CLUSTER_KARPENTER_PROVISIONER, "karpenter.sh/v1alpha5", "Provisioner"},
    {CLUSTER_KARPENTER_TEMPLATE, "karpenter.k8s.aws/v1alpha1", "AWSNodeTemplate"},
    {CLUSTER_LEASE, "coordination.k8s.io/v1", "Lease"},
    {CLUSTER_EVENT, "v1", "Event"},
    {CLUSTER_CRD, "apiextensions.k8s.io/v1", "CustomResourceDefinition"},
};

static bool has_namespace(enum cluster_kind kind)
{
    return kind == CLUSTER_POD || kind == CLUSTER_DAEMON_SET || kind == CLUSTER_VOLUME_CLAIM ||
           kind == CLUSTER_DISRUPTION_BUDGET || kind == CLUSTER_LEASE || kind == CLUSTER_EVENT;
}

/* Versions. */

static void version_drop(struct version *version)
{
    if (!version || --version->refs)
        return;
    arena_release(&version->arena);
    free(version);
}

static struct version *version_keep(struct version *version)
{
    if (version)
        version->refs++;
    return version;
}

static struct version *version_new(const struct doc *base, const struct doc *patch)
{
    struct version *version = calloc(1, sizeof(*version));
    assert_non_null(version);
    version->refs = 1;
    version->doc = doc_merge(&version->arena, base, patch);
    return version;
}

/* The queue. */

static void due_free(struct due *due)
{
    version_drop(due->version);
    free(due);
}

static void on_due(void *context);

static void arm(struct fake_store *store)
{
    struct err err = {0};
    loop_timer_cancel(store->fake.loop, &store->timer);
    if (store->queue.len)
        assert_int_equal(
            loop_timer_set(store->fake.loop, &store->timer, (struct clock_mono){store->queue.items[0]->at_ns}, &err),
            0);
}

/* Takes a zeroed due with its kind and content. */
static void put_due(struct fake_store *store, struct due due, int64_t in_ms)
{
    struct due *kept = malloc(sizeof(*kept));
    assert_non_null(kept);
    *kept = due;
    kept->at_ns = loop_now(store->fake.loop).ns + in_ms * 1000000;
    assert_true(VEC_PUSH(&store->queue, kept));
    size_t at = store->queue.len - 1;
    for (; at > 0 && store->queue.items[at - 1]->at_ns > kept->at_ns; at--)
        store->queue.items[at] = store->queue.items[at - 1];
    store->queue.items[at] = kept;
    arm(store);
}

static struct due *take_due(struct fake_store *store)
{
    struct due *due = store->queue.items[0];
    store->queue.len--;
    memmove(store->queue.items, store->queue.items + 1, store->queue.len * sizeof(struct due *));
    return due;
}

/* Drops what a client that is gone will not hear; `of` CLUSTER_KINDS: answers too, all kinds. */
static void forget_due(struct fake_store *store, enum cluster_kind of)
{
    size_t kept = 0;
    for (size_t i = 0; i < store->queue.len; i++) {
        struct due *due = store->queue.items[i];
        bool told = due->kind == DUE_WATCH || due->kind == DUE_LIST;
        if (of == CLUSTER_KINDS ? told || due->kind == DUE_ANSWER : told && due->of == of)
            due_free(due);
        else
            store->queue.items[kept++] = due;
    }
    store->queue.len = kept;
    arm(store);
}

/* Entries. */

static struct entry *find_entry(struct fake_store *store, enum cluster_kind kind, struct str namespace_,
                                struct str name, bool add)
{
    char key[1024];
    int len = snprintf(key, sizeof(key), "%d %.*s/%.*s", (int)kind, STR_ARG(namespace_), STR_ARG(name));
    assert_in_range(len, 0, sizeof(key) - 1);
    uint32_t id = intern_find(&store->names, str_of(key));
    if (id == INTERN_NONE) {
        if (!add)
            return NULL;
        struct entry entry = {NULL, kind, str_dup(&store->texts, namespace_), str_dup(&store->texts, name)};
        assert_true(entry.namespace_.ptr && entry.name.ptr);
        assert_int_equal(intern_add(&store->names, str_of(key), &id, NULL), 0);
        assert_true(VEC_PUSH(&store->entries, entry));
    }
    return &store->entries.items[id];
}

static struct entry *existing(struct fake_store *store, enum cluster_kind kind, struct str namespace_, struct str name)
{
    struct entry *entry = find_entry(store, kind, namespace_, name, false);
    return entry && entry->version ? entry : NULL;
}

static const char *timestamp(const struct fake_store *store, int64_t in_s, char into[CLOCK_TEXT_BYTES])
{
    struct clock_wall now = store->fake.loop->clock->wall(store->fake.loop->clock->context);
    clock_text_seconds((struct clock_wall){now.ns + in_s * 1000000000 + store->fake.clock_ms * 1000000}, into);
    return into;
}

static void tell(struct fake_store *store, const struct entry *entry, bool gone)
{
    if (store->started && entry->kind < CLUSTER_WATCHED && store->listed[entry->kind])
        put_due(
            store,
            (struct due){.kind = DUE_WATCH, .of = entry->kind, .version = version_keep(entry->version), .gone = gone},
            store->fake.watch_ms);
}

static void drop_entry(struct fake_store *store, struct entry *entry)
{
    tell(store, entry, true);
    version_drop(entry->version);
    entry->version = NULL;
}

static bool has_finalizers(const struct doc *object)
{
    const struct doc *finalizers = doc_at(object, "metadata.finalizers");
    return finalizers && finalizers->count;
}

/* Pods of a node that is gone are gone with it. */
static void drop_pods_of(struct fake_store *store, struct str node)
{
    for (size_t i = 0; i < store->entries.len; i++) {
        struct entry *entry = &store->entries.items[i];
        if (entry->version && entry->kind == CLUSTER_POD &&
            str_eq(doc_text_at(entry->version->doc, "spec.nodeName"), node))
            drop_entry(store, entry);
    }
}

/* Makes `doc` the object's content, with the next resourceVersion, unless it is the same. */
static void commit(struct fake_store *store, struct entry *entry, const struct doc *doc)
{
    if (entry->version && doc_equal(entry->version->doc, doc))
        return;
    struct arena arena = ARENA_INIT;
    const struct doc *stamp = doc_parsef(&arena, "{\"metadata\": {\"resourceVersion\": \"%llu\"}}",
                                         (unsigned long long)++store->last_version);
    struct version *version = version_new(doc, stamp);
    arena_release(&arena);
    version_drop(entry->version);
    entry->version = version;
    if (doc_at(version->doc, "metadata.deletionTimestamp") && !has_finalizers(version->doc) &&
        entry->kind != CLUSTER_POD) {
        if (entry->kind == CLUSTER_NODE)
            drop_pods_of(store, entry->name);
        drop_entry(store, entry);
        return;
    }
    tell(store, entry, false);
}

static void change(struct fake_store *store, struct entry *entry, const struct doc *patch)
{
    struct arena arena = ARENA_INIT;
    commit(store, entry, doc_merge(&arena, entry->version->doc, patch));
    arena_release(&arena);
}

/* What the server says of a new object itself. */
static void create(struct fake_store *store, struct entry *entry, const struct doc *body)
{
    struct arena arena = ARENA_INIT;
    char now[CLOCK_TEXT_BYTES];
    const struct doc *own =
        doc_parsef(&arena,
                   "{\"metadata\": {\"name\": \"%.*s\", \"uid\": \"uid-%llu\", \"creationTimestamp\": \"%s\", "
                   "\"generation\": 1}}",
                   STR_ARG(entry->name), (unsigned long long)++store->last_uid, timestamp(store, 0, now));
    const struct doc *made = doc_merge(&arena, body, own);
    if (entry->namespace_.len)
        made = doc_merge(&arena, made,
                         doc_parsef(&arena, "{\"metadata\": {\"namespace\": \"%.*s\"}}", STR_ARG(entry->namespace_)));
    if (entry->kind == CLUSTER_POD && !doc_at(made, "status.phase"))
        made = doc_merge(&arena, made, doc_parsef(&arena, "{\"status\": {\"phase\": \"Pending\"}}"));
    commit(store, entry, made);
    arena_release(&arena);
}

/* Requests. Each returns 0 or an err_code. */

static int precondition(const struct entry *entry, const struct doc *metadata, struct err *err)
{
    static const char *const fields[] = {"resourceVersion", "uid"};
    for (size_t i = 0; i < CC_COUNT(fields); i++) {
        const struct doc *wanted = doc_get(metadata, fields[i]);
        const struct doc *is = doc_get(doc_get(entry->version->doc, "metadata"), fields[i]);
        if (wanted && !str_eq(wanted->text, is->text)) {
            err_note(err, ERR_CONFLICT, "%.*s: %s is %.*s, not %.*s", STR_ARG(entry->name), fields[i],
                     STR_ARG(is->text), STR_ARG(wanted->text));
            err->http_status = 409;
            return ERR_CONFLICT;
        }
    }
    return 0;
}

static int do_create(struct fake_store *store, const struct cluster_request *request, const struct doc *body,
                     struct entry **ret, struct err *err)
{
    struct arena arena = ARENA_INIT;
    struct str name = doc_text_at(body, "metadata.name");
    char made[300];
    if (!name.len) {
        snprintf(made, sizeof(made), "%.*s%05llu", STR_ARG(doc_text_at(body, "metadata.generateName")),
                 (unsigned long long)++store->last_name);
        name = str_of(made);
    }
    struct entry *entry = find_entry(store, request->kind, request->namespace_, name, true);
    *ret = entry;
    if (entry->version) {
        err_note(err, ERR_CONFLICT, "%.*s already exists", STR_ARG(name));
        err->http_status = 409;
        return ERR_CONFLICT;
    }
    create(store, entry, doc_merge(&arena, body, doc_parsef(&arena, "{\"status\": null}")));
    arena_release(&arena);
    return 0;
}

static int do_patch(struct fake_store *store, struct entry *entry, bool status, const struct doc *body, struct err *err)
{
    static const char *const of_status[] = {"status"}, *const own[] = {"resourceVersion", "uid", "creationTimestamp"};
    struct arena arena = ARENA_INIT;
    int code = precondition(entry, doc_get(body, "metadata"), err);
    if (code == 0) {
        const struct doc *is = entry->version->doc;
        const struct doc *patch = status ? doc_pick(&arena, body, of_status, 1)
                                         : doc_merge(&arena, body, doc_parsef(&arena, "{\"status\": null}"));
        /* What only the server says is what it was. */
        struct doc *kept = doc_pick(&arena, doc_get(is, "metadata"), own, CC_COUNT(own));
        kept->key = STR("metadata");
        const struct doc holder = {.kind = DOC_MAP, .first = kept, .count = 1};
        commit(store, entry, doc_merge(&arena, doc_merge(&arena, is, patch), &holder));
    }
    arena_release(&arena);
    return code;
}

/* A pod that runs somewhere ends when its kubelet says so. */
static void end_pod(struct fake_store *store, struct entry *entry, int64_t grace_s)
{
    const struct doc *pod = entry->version->doc;
    struct str phase = doc_text_at(pod, "status.phase"),
               before = doc_text_at(pod, "metadata.deletionGracePeriodSeconds");
    bool bound = doc_text_at(pod, "spec.nodeName").len && !str_is(phase, "Succeeded") && !str_is(phase, "Failed");
    int64_t other;
    if (str_to_int64(before, &other) && other <= grace_s)
        return;
    if (!bound || grace_s == 0) {
        drop_entry(store, entry);
        return;
    }
    struct arena arena = ARENA_INIT;
    char at[CLOCK_TEXT_BYTES];
    change(store, entry,
           doc_parsef(&arena, "{\"metadata\": {\"deletionTimestamp\": \"%s\", \"deletionGracePeriodSeconds\": %lld}}",
                      timestamp(store, grace_s, at), (long long)grace_s));
    arena_release(&arena);
    int64_t stop_ms = store->fake.stop_ms;
    if (stop_ms < 0 || stop_ms > grace_s * 1000)
        stop_ms = grace_s * 1000;
    put_due(store, (struct due){.kind = DUE_STOP, .of = CLUSTER_POD, .version = version_keep(entry->version)}, stop_ms);
}

static int do_delete(struct fake_store *store, struct entry *entry, const struct doc *options, struct err *err)
{
    int code = precondition(entry, doc_get(options, "preconditions"), err);
    if (code)
        return code;
    const struct doc *object = entry->version->doc;
    if (entry->kind == CLUSTER_POD && !has_finalizers(object)) {
        int64_t grace_s = 30;
        if (!str_to_int64(doc_text_at(options, "gracePeriodSeconds"), &grace_s))
            str_to_int64(doc_text_at(object, "spec.terminationGracePeriodSeconds"), &grace_s);
        end_pod(store, entry, grace_s);
        return 0;
    }
    if (doc_at(object, "metadata.deletionTimestamp"))
        return 0;
    struct arena arena = ARENA_INIT;
    char now[CLOCK_TEXT_BYTES];
    change(store, entry,
           doc_parsef(&arena, "{\"metadata\": {\"deletionTimestamp\": \"%s\"}}", timestamp(store, 0, now)));
    arena_release(&arena);
    return 0;
}

static bool selects(const struct doc *selector, const struct doc *labels)
{
    if (!selector)
        return false;
    const struct doc *wanted = doc_get(selector, "matchLabels");
    DOC_EACH (label, wanted) {
        bool has = false;
        DOC_EACH (own, labels)
            has = has || (str_eq(own->key, label->key) && str_eq(own->text, label->text));
        if (!has)
            return false;
    }
    return true;
}

/* The budget that an eviction needs: takes one disruption off, or says that there is none. */
static bool take_from_budgets(struct fake_store *store, const struct entry *pod)
{
    const struct doc *object = pod->version->doc;
    if (!str_is(doc_text_at(object, "status.phase"), "Running"))
        return true;
    for (int take = 0; take < 2; take++) {
        for (size_t i = 0; i < store->entries.len; i++) {
            struct entry *entry = &store->entries.items[i];
            if (!entry->version || entry->kind != CLUSTER_DISRUPTION_BUDGET ||
                !str_eq(entry->namespace_, pod->namespace_) ||
                !selects(doc_at(entry->version->doc, "spec.selector"), doc_at(object, "metadata.labels")))
                continue;
            int64_t allowed = 0;
            str_to_int64(doc_text_at(entry->version->doc, "status.disruptionsAllowed"), &allowed);
            if (allowed <= 0)
                return false;
            if (take)
                fake_cluster_patch(&store->fake, CLUSTER_DISRUPTION_BUDGET, entry->namespace_.ptr, entry->name.ptr,
                                   "{\"status\": {\"disruptionsAllowed\": %lld}}", (long long)(allowed - 1));
        }
    }
    return true;
}

static int do_evict(struct fake_store *store, struct entry *entry, const struct doc *body, bool *ret_budget,
                    struct err *err)
{
    const struct doc *options = doc_get(body, "deleteOptions");
    int code = precondition(entry, doc_get(options, "preconditions"), err);
    if (code)
        return code;
    if (!doc_at(entry->version->doc, "metadata.deletionTimestamp") && !take_from_budgets(store, entry)) {
        err_note(err, ERR_THROTTLED, "Cannot evict pod as it would violate the pod's disruption budget.");
        err->http_status = 429;
        *ret_budget = true;
        return ERR_THROTTLED;
    }
    return do_delete(store, entry, options, err);
}

static int do_bind(struct fake_store *store, struct entry *entry, const struct doc *body, struct err *err)
{
    const struct doc *pod = entry->version->doc, *uid = doc_at(body, "metadata.uid");
    struct str node = doc_text_at(body, "target.name");
    if (doc_text_at(pod, "spec.nodeName").len || doc_at(pod, "metadata.deletionTimestamp") ||
        (uid && uid->text.len && !str_eq(uid->text, doc_text_at(pod, "metadata.uid")))) {
        err_note(err, ERR_CONFLICT, "pod %.*s is already assigned to a node, deleted, or another",
                 STR_ARG(entry->name));
        err->http_status = 409;
        return ERR_CONFLICT;
    }
    struct arena arena = ARENA_INIT;
    change(store, entry,
           doc_parsef(&arena,
                      "{\"spec\": {\"nodeName\": \"%.*s\"}, \"status\": {\"conditions\": [{\"type\": "
                      "\"PodScheduled\", \"status\": \"True\"}]}}",
                      STR_ARG(node)));
    arena_release(&arena);
    if (store->fake.start_ms >= 0)
        put_due(store, (struct due){.kind = DUE_START, .of = CLUSTER_POD, .version = version_keep(entry->version)},
                store->fake.start_ms);
    return 0;
}

static int perform(struct fake_store *store, const struct cluster_request *request, struct due *answer)
{
    struct arena arena = ARENA_INIT;
    const struct doc *body = doc_parse(&arena, request->body.len ? request->body : STR("{}"));
    struct entry *entry = NULL;
    int code = 0;
    if (request->verb == CLUSTER_CREATE) {
        code = do_create(store, request, body, &entry, &answer->err);
    } else if (!(entry = existing(store, request->kind, request->namespace_, request->name))) {
        code = ERR_NOT_FOUND;
        err_note(&answer->err, code, "%.*s not found", STR_ARG(request->name));
        answer->err.http_status = 404;
    } else {
        answer->version = version_keep(entry->version);
        switch (request->verb) {
        case CLUSTER_PATCH: code = do_patch(store, entry, false, body, &answer->err); break;
        case CLUSTER_PATCH_STATUS: code = do_patch(store, entry, true, body, &answer->err); break;
        case CLUSTER_DELETE: code = do_delete(store, entry, body, &answer->err); break;
        case CLUSTER_EVICT: code = do_evict(store, entry, body, &answer->budget, &answer->err); break;
        case CLUSTER_BIND: code = do_bind(store, entry, body, &answer->err); break;
        case CLUSTER_GET:
        case CLUSTER_CREATE: break;
        }
    }
    /* An object as it is now; where it is gone, as it was last; a Status for subresources that have none. */
    if (code || request->verb == CLUSTER_EVICT || request->verb == CLUSTER_BIND) {
        version_drop(answer->version);
        answer->version = NULL;
        if (!code)
            answer->version = version_new(NULL, doc_parsef(&arena, "{\"kind\": \"Status\", \"status\": \"Success\"}"));
    } else if (entry->version) {
        version_drop(answer->version);
        answer->version = version_keep(entry->version);
    }
    arena_release(&arena);
    return code;
}

static void refuse(struct due *answer, int code, int http_status, const char *what)
{
    answer->failed = true;
    answer->err = (struct err){0};
    err_note(&answer->err, code, "%s", what);
    answer->err.http_status = http_status;
    answer->retry_after_ms = code == ERR_THROTTLED ? 1000 : 0;
    version_drop(answer->version);
    answer->version = NULL;
}

static int on_request(void *context, const struct cluster_request *request, cluster_done_fn done, void *done_context,
                      struct err *err)
{
    struct fake_store *store = context;
    struct fake_cluster *fake = &store->fake;
    struct due answer = {.kind = DUE_ANSWER, .done = done, .done_context = done_context};
    (void)err;
    fake->n_calls++;
    fake->calls[request->verb][request->kind]++;
    enum fake_fate fate = fake->on_call ? fake->on_call(fake->on_call_context, request, fake->n_calls) : FAKE_SERVED;
    if (fate == FAKE_SERVED || fate == FAKE_LOST || fate == FAKE_UNANSWERED)
        answer.failed = perform(store, request, &answer) != 0;
    if (fate == FAKE_LOST)
        refuse(&answer, ERR_RETRY, 0, "the connection was reset");
    else if (fate == FAKE_REFUSED)
        refuse(&answer, ERR_RETRY, 503, "the server is not ready");
    else if (fate == FAKE_THROTTLED)
        refuse(&answer, ERR_THROTTLED, 429, "too many requests");
    else if (fate == FAKE_FORBIDDEN)
        refuse(&answer, ERR_AUTH, 403, "forbidden");
    if (fate == FAKE_UNSENT || fate == FAKE_UNANSWERED)
        version_drop(answer.version);
    else
        put_due(store, answer, fake->answer_ms);
    return 0;
}

/* What is told. */

static void tell_list(struct fake_store *store, enum cluster_kind kind)
{
    store->listed[kind] = true;
    store->sink.relist(store->sink.context, kind);
    for (size_t i = 0; i < store->entries.len; i++)
        if (store->entries.items[i].kind == kind && store->entries.items[i].version)
            store->sink.put(store->sink.context, kind, store->entries.items[i].version->doc);
    store->sink.listed(store->sink.context, kind);
}

static void start_pod(struct fake_store *store, const struct doc *was)
{
    char now[CLOCK_TEXT_BYTES];
    struct str namespace_ = doc_text_at(was, "metadata.namespace"), name = doc_text_at(was, "metadata.name");
    struct entry *entry = existing(store, CLUSTER_POD, namespace_, name);
    if (entry && str_eq(doc_text_at(entry->version->doc, "metadata.uid"), doc_text_at(was, "metadata.uid")) &&
        str_is(doc_text_at(entry->version->doc, "status.phase"), "Pending"))
        fake_cluster_patch(&store->fake, CLUSTER_POD, namespace_.ptr, name.ptr,
                           "{\"status\": {\"phase\": \"Running\", \"startTime\": \"%s\"}}", timestamp(store, 0, now));
}

static void stop_pod(struct fake_store *store, const struct doc *was)
{
    struct entry *entry =
        existing(store, CLUSTER_POD, doc_text_at(was, "metadata.namespace"), doc_text_at(was, "metadata.name"));
    if (entry && str_eq(doc_text_at(entry->version->doc, "metadata.uid"), doc_text_at(was, "metadata.uid")))
        drop_entry(store, entry);
}

static void tell_watch(struct fake_store *store, const struct due *due)
{
    const struct doc *object = due->version->doc;
    if (due->gone)
        store->sink.gone(store->sink.context, due->of, doc_text_at(object, "metadata.namespace"),
                         doc_text_at(object, "metadata.name"), doc_text_at(object, "metadata.uid"));
    else
        store->sink.put(store->sink.context, due->of, object);
}

static void tell_answer(const struct due *due)
{
    const struct cluster_answer answer = {due->failed ? &due->err : NULL, due->version ? due->version->doc : NULL,
                                          due->retry_after_ms, due->budget};
    due->done(due->done_context, &answer);
}

static void on_due(void *context)
{
    struct fake_store *store = context;
    int64_t now_ns = loop_now(store->fake.loop).ns;
    while (store->queue.len && store->queue.items[0]->at_ns <= now_ns) {
        struct due *due = take_due(store);
        switch (due->kind) {
        case DUE_ANSWER: tell_answer(due); break;
        case DUE_WATCH: tell_watch(store, due); break;
        case DUE_LIST: tell_list(store, due->of); break;
        case DUE_START: start_pod(store, due->version->doc); break;
        case DUE_STOP: stop_pod(store, due->version->doc); break;
        }
        due_free(due);
    }
    arm(store);
}

static void on_start(void *context, const struct cluster_sink *sink)
{
    struct fake_store *store = context;
    store->sink = *sink;
    store->started = true;
    for (int kind = 0; kind < CLUSTER_WATCHED; kind++)
        put_due(store, (struct due){.kind = DUE_LIST, .of = (enum cluster_kind)kind}, store->fake.watch_ms);
}

static void on_relist(void *context, enum cluster_kind kind)
{
    struct fake_store *store = context;
    put_due(store, (struct due){.kind = DUE_LIST, .of = kind}, store->fake.watch_ms);
}

/* For tests. */

struct fake_cluster *fake_cluster_open(struct loop *loop)
{
    struct fake_store *store = calloc(1, sizeof(*store));
    assert_non_null(store);
    store->timer = LOOP_TIMER(on_due, store);
    store->fake = (struct fake_cluster){
        .loop = loop, .answer_ms = 1, .watch_ms = 2, .start_ms = -1, .stop_ms = 1000, .store = store};
    return &store->fake;
}

void fake_cluster_close(struct fake_cluster *fake)
{
    struct fake_store *store = fake->store;
    loop_timer_cancel(store->fake.loop, &store->timer);
    for (size_t i = 0; i < store->queue.len; i++)
        due_free(store->queue.items[i]);
    for (size_t i = 0; i < store->entries.len; i++)
        version_drop(store->entries.items[i].version);
    VEC_FREE(&store->queue);
    VEC_FREE(&store->entries);
    intern_release(&store->names);
    arena_release(&store->texts);
    free(store);
}

struct cluster fake_cluster_cluster(struct fake_cluster *fake)
{
    return (struct cluster){on_start, on_request, on_relist, fake->store};
}

void fake_cluster_cut(struct fake_cluster *fake)
{
    fake->store->started = false;
    memset(fake->store->listed, 0, sizeof(fake->store->listed));
    forget_due(fake->store, CLUSTER_KINDS);
}

void fake_cluster_gap(struct fake_cluster *fake, enum cluster_kind kind)
{
    forget_due(fake->store, kind);
    fake->store->listed[kind] = false;
    put_due(fake->store, (struct due){.kind = DUE_LIST, .of = kind}, fake->watch_ms);
}

static int apply_object(void *context, const struct doc *object, struct err *err)
{
    struct fake_store *store = context;
    size_t k = 0;
    (void)err;
    while (k < CC_COUNT(kind_names) && !(str_is(doc_text_at(object, "kind"), kind_names[k].name) &&
                                         str_is(doc_text_at(object, "apiVersion"), kind_names[k].api)))
        k++;
    if (k == CC_COUNT(kind_names))
        fail_msg("unknown kind %.*s", STR_ARG(doc_text_at(object, "kind")));
    struct str namespace_ = doc_text_at(object, "metadata.namespace");
    if (has_namespace(kind_names[k].kind) && !namespace_.len)
        namespace_ = STR("default");
    struct entry *entry = find_entry(store, kind_names[k].kind, namespace_, doc_text_at(object, "metadata.name"), true);
    if (!entry->version) {
        create(store, entry, object);
        return 0;
    }
    static const char *const own[] = {"resourceVersion", "uid", "creationTimestamp", "generation", "namespace"};
    struct arena arena = ARENA_INIT;
    struct doc *kept = doc_pick(&arena, doc_get(entry->version->doc, "metadata"), own, CC_COUNT(own));
    kept->key = STR("metadata");
    commit(store, entry, doc_merge(&arena, object, &(struct doc){.kind = DOC_MAP, .first = kept, .count = 1}));
    arena_release(&arena);
    return 0;
}

void fake_cluster_apply(struct fake_cluster *fake, const char *yaml)
{
    struct err err = {0};
    if (doc_read(str_of(yaml), "applied", apply_object, fake->store, &err))
        fail_msg("%s\n%s", err.message, yaml);
}

void fake_cluster_applyf(struct fake_cluster *fake, const char *fmt, ...)
{
    char text[16384];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    assert_in_range(len, 0, sizeof(text) - 1);
    fake_cluster_apply(fake, text);
}

static struct entry *must_exist(struct fake_cluster *fake, enum cluster_kind kind, const char *namespace_,
                                const char *name)
{
    struct entry *entry = existing(fake->store, kind, str_of(namespace_), str_of(name));
    if (!entry)
        fail_msg("there is no %s/%s", namespace_, name);
    return entry;
}

void fake_cluster_patch(struct fake_cluster *fake, enum cluster_kind kind, const char *namespace_, const char *name,
                        const char *fmt, ...)
{
    char text[8192];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    assert_in_range(len, 0, sizeof(text) - 1);
    struct arena arena = ARENA_INIT;
    change(fake->store, must_exist(fake, kind, namespace_, name), doc_parse(&arena, str_of(text)));
    arena_release(&arena);
}

void fake_cluster_delete(struct fake_cluster *fake, enum cluster_kind kind, const char *namespace_, const char *name)
{
    struct err err = {0};
    assert_int_equal(do_delete(fake->store, must_exist(fake, kind, namespace_, name), NULL, &err), 0);
}

void fake_cluster_remove(struct fake_cluster *fake, enum cluster_kind kind, const char *namespace_, const char *name)
{
    if (kind == CLUSTER_NODE)
        drop_pods_of(fake->store, str_of(name));
    drop_entry(fake->store, must_exist(fake, kind, namespace_, name));
}

const struct doc *fake_cluster_get(struct fake_cluster *fake, enum cluster_kind kind, const char *namespace_,
                                   const char *name)
{
    struct entry *entry = existing(fake->store, kind, str_of(namespace_), str_of(name));
    return entry ? entry->version->doc : NULL;
}

void fake_cluster_each(struct fake_cluster *fake, enum cluster_kind kind,
                       void (*each)(void *context, const struct doc *object), void *context)
{
    for (size_t i = 0; i < fake->store->entries.len; i++)
        if (fake->store->entries.items[i].kind == kind && fake->store->entries.items[i].version)
            each(context, fake->store->entries.items[i].version->doc);
}
