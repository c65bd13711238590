/* kube_writes.c - requests about one object: written down, sent when there is room, their answers handed back. */
#include <assert.h>

#include "provisioner/kube/kube_internal.h"

/* The API server gives up after a minute itself. A lease's holder has 10 s for a renewal, and tries again in them. */
enum { WRITE_TIMEOUT_MS = 60000, LEASE_TIMEOUT_MS = 4000 };

struct kube_write {
    struct kube *kube;
    struct arena arena; /* of the texts */
    struct cluster_request request;
    struct str path;
    cluster_done_fn done;
    void *context;
    struct kube_call call;
    bool asked_again; /* with another token */
    bool answered;
    struct kube_write *next, *before;
};

struct verb {
    const char *name, *method, *content_type;
};

static const struct verb VERBS[] = {
    [CLUSTER_GET] = {"get", "GET", NULL},
    [CLUSTER_CREATE] = {"create", "POST", "application/json"},
    [CLUSTER_PATCH] = {"patch", "PATCH", "application/merge-patch+json"},
    [CLUSTER_PATCH_STATUS] = {"patch", "PATCH", "application/merge-patch+json"},
    [CLUSTER_DELETE] = {"delete", "DELETE", "application/json"},
    [CLUSTER_EVICT] = {"evict", "POST", "application/json"},
    [CLUSTER_BIND] = {"bind", "POST", "application/json"},
};

static void free_write(struct kube_write *write)
{
    kube_call_cancel(&write->call);
    arena_release(&write->arena);
    free(write);
}

static void take_out(struct kube_writes *writes, struct kube_write *write)
{
    if (write->before)
        write->before->next = write->next;
    else
        writes->running = write->next;
    if (write->next)
        write->next->before = write->before;
    writes->n_running--;
}

static void put_in(struct kube_writes *writes, struct kube_write *write)
{
    write->before = NULL;
    write->next = writes->running;
    if (writes->running)
        writes->running->before = write;
    writes->running = write;
    writes->n_running++;
}

static void on_done(void *context, const struct http_response *response, const struct err *err);

static int send_write(struct kube_write *write, struct err *err)
{
    const struct verb *verb = &VERBS[write->request.verb];
    struct kube_ask ask = {.verb = verb->name,
                           .kind = write->request.kind,
                           .method = str_of(verb->method),
                           .path = write->path,
                           .body = write->request.body,
                           .content_type = write->request.body.len ? verb->content_type : NULL,
                           .timeout_ms = write->request.kind == CLUSTER_LEASE ? LEASE_TIMEOUT_MS : WRITE_TIMEOUT_MS};
    struct http_handler handler = {NULL, on_done, write};
    return kube_call_send(write->kube, &write->call, &ask, &handler, err);
}

static void refuse(struct kube_write *write, const struct kube_refusal *refusal)
{
    struct cluster_answer answer = {
        .err = &refusal->err, .retry_after_ms = refusal->retry_after_ms, .budget = refusal->budget};
    write->answered = true;
    write->done(write->context, &answer);
}

static int give_object(void *context, const struct doc *object, struct err *err)
{
    struct kube_write *write = context;
    (void)err;
    if (!write->answered) {
        struct cluster_answer answer = {.object = object};
        write->answered = true;
        write->done(write->context, &answer);
    }
    return 0;
}

/* The request was carried out. What cannot be read leaves open what became of it, as a lost answer does. */
static void give_answer(struct kube_write *write, struct str body)
{
    struct kube_refusal refusal = {.retry_after_ms = 0};
    struct cluster_answer done = {.err = NULL};
    if (doc_read(body, "answer.json", give_object, write, &refusal.err) == 0) {
        if (!write->answered)
            write->done(write->context, &done);
    } else if (!write->answered) {
        if (refusal.err.code == ERR_INVALID)
            refusal.err.code = ERR_RETRY;
        err_wrap(&refusal.err, "the answer cannot be read");
        refuse(write, &refusal);
    }
}

/* Sends what waits while there is room. Called from the loop: what fails to be sent is answered here. */
static void send_waiting(struct kube *kube)
{
    struct kube_writes *writes = &kube->writes;
    while (writes->first && writes->n_running < KUBE_WRITES_MAX) {
        struct kube_write *write = writes->first;
        struct kube_refusal refusal = {.retry_after_ms = 0};
        writes->first = write->next;
        writes->last = writes->first ? writes->last : NULL;
        writes->n_waiting--;
        put_in(writes, write);
        if (send_write(write, &refusal.err) == 0)
            continue;
        take_out(writes, write);
        refuse(write, &refusal);
        free_write(write);
    }
}

static void on_done(void *context, const struct http_response *response, const struct err *err)
{
    struct kube_write *write = context;
    struct kube *kube = write->kube;
    struct kube_refusal refusal;
    if (kube_accepted(response, err, &refusal)) {
        take_out(&kube->writes, write);
        give_answer(write, response->body);
    } else {
        /* 401: it was not carried out; once more with another token. */
        bool again = refusal.err.http_status == 401 && !write->asked_again;
        write->asked_again = true;
        if (again && send_write(write, &refusal.err) == 0)
            return;
        take_out(&kube->writes, write);
        refuse(write, &refusal);
    }
    free_write(write);
    send_waiting(kube);
}

/*
 * Unknown fields in what we write of our own kinds are refused, not dropped: a claim is the only memory there is, and
 * an older CRD must not make it forget.
 */
static bool strict(const struct cluster_request *request)
{
    bool changes =
        request->verb == CLUSTER_CREATE || request->verb == CLUSTER_PATCH || request->verb == CLUSTER_PATCH_STATUS;
    return changes && kube_kind(request->kind)->custom;
}

static int copy_request(struct kube_write *write, const struct cluster_request *request, struct err *err)
{
    struct buf path = BUF_INIT(&write->arena);
    int rc = kube_request_path(&path, request, err);
    if (rc < 0)
        return rc;
    if (strict(request))
        buf_add(&path, STR("?fieldValidation=Strict"));
    write->request = *request;
    write->request.body = str_dup(&write->arena, request->body);
    /* Names are in the path and not needed any more. */
    write->request.namespace_ = write->request.name = STR("");
    if (!write->request.body.ptr)
        return err_nomem(err);
    return buf_str(&path, &write->path, err);
}

int kube_writes_add(struct kube *kube, const struct cluster_request *request, cluster_done_fn done, void *context,
                    struct err *err)
{
    struct kube_writes *writes = &kube->writes;
    /* Leases do not wait behind a burst of others. */
    bool now = request->kind == CLUSTER_LEASE || (writes->n_running < KUBE_WRITES_MAX && !writes->first);
    assert(request->kind < CLUSTER_KINDS && done);
    if (!now && writes->n_waiting >= KUBE_WRITES_QUEUED_MAX)
        return err_set(err, ERR_THROTTLED, "%d requests to the API server wait already", KUBE_WRITES_QUEUED_MAX);
    struct kube_write *write = calloc(1, sizeof(*write));
    if (!write)
        return err_nomem(err);
    write->kube = kube;
    write->done = done;
    write->context = context;
    int rc = copy_request(write, request, err);
    if (rc == 0 && now)
        rc = send_write(write, err);
    if (rc < 0) {
        free_write(write);
        return rc;
    }
    if (now) {
        put_in(writes, write);
        return 0;
    }
    if (writes->last)
        writes->last->next = write;
    else
        writes->first = write;
    writes->last = write;
    writes->n_waiting++;
    return 0;
}

void kube_writes_release(struct kube *kube)
{
    struct kube_writes *writes = &kube->writes;
    struct kube_write *lists[] = {writes->running, writes->first};
    *writes = (struct kube_writes){0};
    for (size_t i = 0; i < CC_COUNT(lists); i++)
        while (lists[i]) {
            struct kube_write *write = lists[i];
            lists[i] = write->next;
            free_write(write);
        }
}
