/* control_internal.h - what control.c, writes.c, events.c, marks.c and notices.c share; nobody else includes it. */
#ifndef STOKER_PROVISIONER_LIFECYCLE_CONTROL_INTERNAL_H
#define STOKER_PROVISIONER_LIFECYCLE_CONTROL_INTERNAL_H

#include "base/vec.h"
#include "provisioner/lifecycle/controllers.h"

enum {
    WRITE_BUCKETS = 4096,
    EVENT_MEMORY = 8192,      /* events that are remembered so as not to be sent again; a power of 2 */
    NOTICES_MAX = 10000,      /* what comes beyond is not lost: the cloud says it again */
    EVENT_BURST = 500,        /* events that may be sent at once */
    EVENT_RESERVE = 250,      /* of them for warnings: good news by the hundred does not crowd them out */
    EVENTS_PER_SECOND = 20,   /* and in the long run */
    PASS_GAP_MS = 50,         /* between two passes */
    PASS_AT_LEAST_MS = 60000, /* a pass that nobody asked for: against a wake that was missed */
    STANDBY_MS = 1000         /* how often one who may not act asks again */
};

struct write;

/* A write under way, or one that failed and backs off, by its object. */
struct writes {
    struct write *buckets[WRITE_BUCKETS];
    size_t n_under_way, n_failed;
};

struct mark {
    char *text;                     /* of the names */
    struct str instance_type, zone; /* "": any */
    struct str quota;               /* "", or any type that counts against it */
    enum cloud_capacity_type capacity_type;
    struct clock_mono until;
};

enum { HOLD_MESSAGE_MAX = 1000 };

struct hold {
    char *provisioner;
    int64_t generation; /* of its document: another one is tried at once */
    uint32_t failures;
    struct clock_mono until;
    const char *reason;
    char message[HOLD_MESSAGE_MAX];
};

struct sent_event {
    uint64_t key;
    struct clock_mono at;
};

struct control {
    struct control_effects effects;
    struct control_settings settings;
    struct state *state;
    struct loop_timer timer; /* always set, so that moving it needs no memory */
    struct clock_mono due;   /* where the timer stands */
    struct arena arena;      /* of the pass */
    struct control_status status;
    struct {
        void *data;
        void (*release)(void *part);
    } parts[PART_COUNT];
    struct control_call calls; /* head of a ring of those under way */
    struct writes writes;
    VEC(struct mark) marks;
    uint64_t marks_changed; /* counts them, for who plans only when something changed */
    VEC(struct hold) holds;
    uint64_t holds_changed;
    struct sent_event *sent; /* [EVENT_MEMORY] by key */
    double event_tokens;
    struct clock_mono event_filled;
    VEC(struct control_notice) notices;
};

void writes_release(struct control *control);
void writes_sweep(struct control *control);
void marks_release(struct control *control);
void holds_release(struct control *control);
void holds_retry(struct control *control); /* a template has changed: it may be mended */
void notices_release(struct control *control);
void notices_put(struct control *control, const struct cloud_notice *notice);

#endif
