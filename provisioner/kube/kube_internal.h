/* kube_internal.h - what the parts of the Kubernetes client share: calls, watches, writes; private to kube*.c. */
#ifndef STOKER_PROVISIONER_KUBE_KUBE_INTERNAL_H
#define STOKER_PROVISIONER_KUBE_KUBE_INTERNAL_H

#include "provisioner/kube/kinds.h"
#include "provisioner/kube/kube.h"
#include "provisioner/kube/lines.h"
#include "provisioner/kube/status.h"
#include "provisioner/kube/token.h"

struct kube_ask {
    const char *verb;
    enum cluster_kind kind;
    struct str method, path; /* the path with its query, NUL behind it */
    struct str body;
    const char *content_type; /* NULL where there is no body */
    int64_t timeout_ms, idle_timeout_ms;
};

/* One outgoing call, in whoever asked for it, who does not move it meanwhile. All zero: none is under way. */
struct kube_call {
    struct kube *kube;
    struct clock_mono started;
    struct http_call *http; /* NULL: not under way */
    struct http_handler handler;
    struct kube_token_waiter waiter; /* before it is sent */
    struct kube_ask ask;             /* its texts are in `arena`, and only while it waits */
    struct arena arena;
};

/*
 * Sends with our credentials, as soon as there are some; waiting for them counts for the time limit. The handler's done
 * comes once `call` is over, so that it can be used again in it.
 */
CC_MUST_CHECK int kube_call_send(struct kube *kube, struct kube_call *call, const struct kube_ask *ask,
                                 const struct http_handler *handler, struct err *err);
void kube_call_cancel(struct kube_call *call); /* also one that is not under way */

/*
 * One kind's list and watch. Its timer is always set, to the end of a wait or, during a call, to when that is overdue:
 * so that no allocation stands between a failure and the next try.
 */
enum watcher_state {
    WATCHER_OFF,       /* not started */
    WATCHER_WAITING,   /* for the next try */
    WATCHER_LISTING,   /* page by page */
    WATCHER_STREAMING, /* a watch that first tells what is there */
    WATCHER_WATCHING
};

enum { WATCHER_VERSION_BYTES = 64 };

struct watcher {
    struct kube *kube;
    enum cluster_kind kind;
    enum watcher_state state;
    struct kube_call call;
    struct loop_timer timer;
    struct lines lines;
    char version[WATCHER_VERSION_BYTES]; /* where the watch stands; "": everything must be listed */
    char *next_page;                     /* the list's token; NULL: from the first page */
    bool relisting;                      /* the sink was told of a relist that is not yet listed */
    bool no_streaming;                   /* the server has no streaming lists */
    bool page_once;                      /* a streaming list broke: the next list is by pages */
    bool listed_once;                    /* the sink has had a whole list */
    unsigned failures;                   /* in a row */
    bool excused;                        /* one of them was to be expected and did not wait */
    struct kube_refusal refusal;         /* of the ERROR event that ended the stream, code 0: none */
    struct clock_mono begun;             /* of the stream */
    bool relist_asked;                   /* an object was lost to the sink: once it watches, all is listed anew */
    unsigned losses;                     /* asked for in a row */
    struct clock_mono relist_at;
    /* What was reported last, so that the same is not said at each try. */
    int reported_code, reported_status;
    struct clock_mono reported_at;
};

CC_MUST_CHECK int watcher_init(struct watcher *watcher, struct kube *kube, enum cluster_kind kind, struct err *err);
void watcher_release(struct watcher *watcher);
void watcher_start(struct watcher *watcher);
void watcher_relist(struct watcher *watcher); /* see struct cluster; of a watched kind */
/* Lists anew, or tells that there is nothing, after the options have changed what is wanted. */
void watcher_rethink(struct watcher *watcher);

/*
 * Writes, and reads by name: as many at once as KUBE_WRITES_MAX, the others in order. Watches, lists and leases need
 * connections too: all together stay below what http_curl allows to one host.
 */
enum { KUBE_WRITES_MAX = 32, KUBE_WRITES_QUEUED_MAX = 8192 };

struct kube_write;

struct kube_writes {
    struct kube_write *running;      /* a list of those under way */
    struct kube_write *first, *last; /* those that wait */
    size_t n_running, n_waiting;
};

CC_MUST_CHECK int kube_writes_add(struct kube *kube, const struct cluster_request *request, cluster_done_fn done,
                                  void *context, struct err *err);
void kube_writes_release(struct kube *kube); /* cancels; nobody is told */

struct kube {
    struct kube_options options;
    struct cluster_sink sink; /* set by start */
    struct watcher watchers[CLUSTER_WATCHED];
    struct kube_writes writes;
    struct kube_token *token;
};

#endif
