#include "cloud/aws/interruptions.h"

#include "base/vec.h"
#include "cloud/aws/events.h"
#include "cloud/aws/sqs.h"

/* What becomes of a message: HELD until all is acknowledged, then out of the queue. */
enum message_state { MESSAGE_HELD, MESSAGE_COMPLETING, MESSAGE_DELETE, MESSAGE_DELETING };

struct message {
    struct interruptions *interruptions;
    struct arena arena;
    struct str id;
    struct arena receipt_arena; /* another one each time it comes */
    struct str receipt;
    enum message_state state;
    struct aws_event event;
    bool *acknowledged; /* [event.n_instances] */
    bool foreign;       /* an instance of it is not ours */
    cloud_done_fn done; /* of the last acknowledgement; NULL: nobody waits */
    void *context;
};

struct acknowledgement {
    struct str handle; /* in its arena */
    struct arena arena;
    bool ours;
    cloud_done_fn done;
    void *context;
};

/* One DeleteMessageBatch under way. */
struct deletion {
    struct interruptions *interruptions;
    struct message *messages[AWS_SQS_BATCH];
    size_t n;
};

struct interruptions {
    struct loop *loop;
    struct aws_client *client;
    const struct chance *chance;
    struct arena arena; /* of queue */
    struct str queue;
    struct arena url_arena;
    struct str url; /* "" until it is found */
    struct cloud_sink sink;
    bool started;
    unsigned failures; /* in a row */
    struct clock_mono polled_at;
    struct loop_timer poll, acknowledge, delete_;
    VEC(struct message *) messages; /* oldest first */
    VEC(struct acknowledgement *) acknowledgements;
    VEC(struct deletion *) deletions;
};

static void poll_now(void *context);
static void acknowledge_now(void *context);
static void delete_now(void *context);

int interruptions_open(struct loop *loop, struct aws_client *client, const struct chance *chance, struct str queue,
                       struct interruptions **ret, struct err *err)
{
    struct interruptions *interruptions = calloc(1, sizeof(*interruptions));
    if (!interruptions)
        return err_nomem(err);
    interruptions->loop = loop;
    interruptions->client = client;
    interruptions->chance = chance;
    interruptions->queue = str_dup(&interruptions->arena, queue);
    interruptions->poll = LOOP_TIMER(poll_now, interruptions);
    interruptions->acknowledge = LOOP_TIMER(acknowledge_now, interruptions);
    interruptions->delete_ = LOOP_TIMER(delete_now, interruptions);
    if (!interruptions->queue.ptr) {
        free(interruptions);
        return err_nomem(err);
    }
    *ret = interruptions;
    return 0;
}

static void message_free(struct message *message)
{
    arena_release(&message->arena);
    arena_release(&message->receipt_arena);
    free(message);
}

static void acknowledgement_free(struct acknowledgement *acknowledgement)
{
    arena_release(&acknowledgement->arena);
    free(acknowledgement);
}

void interruptions_close(struct interruptions *interruptions)
{
    if (!interruptions)
        return;
    loop_timer_cancel(interruptions->loop, &interruptions->poll);
    loop_timer_cancel(interruptions->loop, &interruptions->acknowledge);
    loop_timer_cancel(interruptions->loop, &interruptions->delete_);
    for (size_t i = 0; i < interruptions->messages.len; i++)
        message_free(interruptions->messages.items[i]);
    for (size_t i = 0; i < interruptions->acknowledgements.len; i++)
        acknowledgement_free(interruptions->acknowledgements.items[i]);
    for (size_t i = 0; i < interruptions->deletions.len; i++)
        free(interruptions->deletions.items[i]);
    VEC_FREE(&interruptions->messages);
    VEC_FREE(&interruptions->acknowledgements);
    VEC_FREE(&interruptions->deletions);
    arena_release(&interruptions->url_arena);
    arena_release(&interruptions->arena);
    free(interruptions);
}

/* The timer was in the loop before, so that there is room for it, unless memory is out for all: what is in the queue
 * then stays for the process that comes after. */
static void poll_after(struct interruptions *interruptions, int64_t ms)
{
    (void)!loop_timer_after(interruptions->loop, &interruptions->poll, ms, NULL);
}

static int64_t retry_ms(const struct interruptions *interruptions)
{
    int64_t most_ms = clock_back_off_ms(INTERRUPTIONS_RETRY_MS, interruptions->failures, INTERRUPTIONS_RETRY_MOST_MS);
    return chance_jitter_ms(interruptions->chance, most_ms);
}

static void poll_again_after_failure(struct interruptions *interruptions)
{
    interruptions->failures++;
    poll_after(interruptions, retry_ms(interruptions));
}

static struct message *find_message(const struct interruptions *interruptions, struct str id)
{
    for (size_t i = 0; i < interruptions->messages.len; i++)
        if (str_eq(interruptions->messages.items[i]->id, id))
            return interruptions->messages.items[i];
    return NULL;
}

static void forget_message(struct interruptions *interruptions, struct message *message)
{
    size_t at = 0;
    while (interruptions->messages.items[at] != message)
        at++;
    for (size_t i = at + 1; i < interruptions->messages.len; i++)
        interruptions->messages.items[i - 1] = interruptions->messages.items[i];
    interruptions->messages.len--;
    message_free(message);
}

/* The oldest that nobody has acknowledged yet makes room: it comes again. */
static void forget_oldest(struct interruptions *interruptions)
{
    for (size_t i = 0; i < interruptions->messages.len; i++) {
        if (interruptions->messages.items[i]->state == MESSAGE_HELD) {
            forget_message(interruptions, interruptions->messages.items[i]);
            return;
        }
    }
}

static void delete_soon(struct message *message)
{
    struct interruptions *interruptions = message->interruptions;
    message->state = MESSAGE_DELETE;
    if (!interruptions->delete_.place)
        (void)!loop_timer_after(interruptions->loop, &interruptions->delete_, INTERRUPTIONS_DELETE_MS, NULL);
}

/* NULL: memory ran out. The event's texts go to its arena. */
static struct message *take_message(struct interruptions *interruptions, const struct aws_sqs_message *from)
{
    struct message *message = calloc(1, sizeof(*message));
    if (!message)
        return NULL;
    message->interruptions = interruptions;
    message->id = str_dup(&message->arena, from->id);
    struct str body = str_dup(&message->arena, from->body);
    bool good = message->id.ptr && body.ptr && !aws_event_read(body, &message->arena, &message->event, NULL);
    if (good)
        message->acknowledged = arena_array(&message->arena, bool, message->event.n_instances);
    good = good && message->acknowledged;
    if (interruptions->messages.len >= INTERRUPTIONS_MAX)
        forget_oldest(interruptions);
    if (!good || !VEC_PUSH(&interruptions->messages, message)) {
        message_free(message);
        return NULL;
    }
    return message;
}

static void tell(const struct message *message)
{
    const struct cloud_sink *sink = &message->interruptions->sink;
    const struct aws_event *event = &message->event;
    for (size_t i = 0; i < event->n_instances; i++) {
        char handle[256];
        int len = snprintf(handle, sizeof(handle), "%.*s#%zu", STR_ARG(message->id), i);
        if (message->acknowledged[i] || len < 0 || (size_t)len >= sizeof(handle) || !sink->notice)
            continue;
        const struct cloud_notice notice = {event->kind, event->instance_ids[i], event->state,
                                            event->sent, event->deadline,        {handle, (size_t)len}};
        sink->notice(sink->context, &notice);
    }
}

static void take(struct interruptions *interruptions, const struct aws_sqs_message *from)
{
    struct message *message = find_message(interruptions, from->id);
    bool again = message;
    if (!message)
        message = take_message(interruptions, from);
    if (!message)
        return; /* it comes again */
    /* Only the latest receipt deletes it. */
    arena_release(&message->receipt_arena);
    message->receipt = str_dup(&message->receipt_arena, from->receipt);
    if (!message->receipt.ptr)
        message->receipt = STR("");
    if (message->state != MESSAGE_HELD)
        return;
    if (message->event.class_ == AWS_EVENT_NOTICE && message->event.n_instances > 0) {
        tell(message);
        return;
    }
    bool ours = message->event.class_ == AWS_EVENT_IGNORED || message->event.class_ == AWS_EVENT_NOTICE;
    if (!ours && !again && interruptions->sink.message_dropped)
        interruptions->sink.message_dropped(interruptions->sink.context, message->event.why);
    delete_soon(message);
}

static void on_messages(void *context, const struct aws_sqs_message *messages, size_t n, const struct err *err)
{
    struct interruptions *interruptions = context;
    if (err) {
        if (err->code == ERR_NOT_FOUND)
            interruptions->url = STR("");
        poll_again_after_failure(interruptions);
        return;
    }
    interruptions->failures = 0;
    for (size_t i = 0; i < n; i++)
        take(interruptions, &messages[i]);
    double ms = clock_ms_between(interruptions->polled_at, loop_now(interruptions->loop));
    poll_after(interruptions, n == 0 && ms < INTERRUPTIONS_EMPTY_MS ? INTERRUPTIONS_EMPTY_MS : 0);
}

static void on_url(void *context, struct str url, const struct err *err)
{
    struct interruptions *interruptions = context;
    arena_release(&interruptions->url_arena);
    interruptions->url = err ? STR("") : str_dup(&interruptions->url_arena, url);
    if (interruptions->url.len == 0) {
        interruptions->url = STR("");
        poll_again_after_failure(interruptions);
        return;
    }
    poll_after(interruptions, 0);
}

static void poll_now(void *context)
{
    struct interruptions *interruptions = context;
    interruptions->polled_at = loop_now(interruptions->loop);
    int rc = interruptions->url.len
                 ? aws_sqs_receive(interruptions->client, interruptions->url, on_messages, interruptions, NULL)
                 : aws_sqs_find(interruptions->client, interruptions->queue, on_url, interruptions, NULL);
    if (rc)
        poll_again_after_failure(interruptions);
}

void interruptions_start(struct interruptions *interruptions, const struct cloud_sink *sink)
{
    interruptions->sink = *sink;
    if (!interruptions->started)
        poll_after(interruptions, 0);
    interruptions->started = true;
}

/* Calls who waits for the message to be out of the queue, once. */
static void answer(struct message *message, const struct err *err)
{
    cloud_done_fn done = message->done;
    message->done = NULL;
    if (done)
        done(message->context, err);
}

/* The message is held again: the next acknowledgement, or the next time it comes, tries anew. */
static void failed(struct message *message, const struct err *err)
{
    message->state = MESSAGE_HELD;
    if (message->event.n_instances)
        message->acknowledged[message->event.n_instances - 1] = false;
    answer(message, err);
}

static void forget_deletion(struct interruptions *interruptions, const struct deletion *deletion)
{
    size_t i = 0;
    while (interruptions->deletions.items[i] != deletion)
        i++;
    interruptions->deletions.items[i] = interruptions->deletions.items[--interruptions->deletions.len];
}

static void on_deleted(void *context, const bool *gone, size_t n, const struct err *err)
{
    struct deletion *deletion = context;
    struct err not_deleted = {0};
    err_note(&not_deleted, ERR_RETRY, "sqs:DeleteMessageBatch: the message was not deleted");
    forget_deletion(deletion->interruptions, deletion);
    for (size_t i = 0; i < deletion->n; i++) {
        struct message *message = deletion->messages[i];
        if (err || i >= n || !gone[i]) {
            failed(message, err ? err : &not_deleted);
            continue;
        }
        answer(message, NULL);
        forget_message(deletion->interruptions, message);
    }
    free(deletion);
}

static int send_deletion(struct deletion *deletion, struct err *err)
{
    struct interruptions *interruptions = deletion->interruptions;
    struct str receipts[AWS_SQS_BATCH];
    for (size_t i = 0; i < deletion->n; i++)
        receipts[i] = deletion->messages[i]->receipt;
    if (!VEC_PUSH(&interruptions->deletions, deletion))
        return err_nomem(err);
    int rc =
        aws_sqs_delete(interruptions->client, interruptions->url, receipts, deletion->n, on_deleted, deletion, err);
    if (rc)
        forget_deletion(interruptions, deletion);
    return rc;
}

/* Takes up to a batch of those to be deleted; NULL if there is none, or no memory. */
static struct deletion *next_deletion(struct interruptions *interruptions)
{
    struct deletion batch = {.interruptions = interruptions};
    for (size_t i = 0; i < interruptions->messages.len && batch.n < AWS_SQS_BATCH; i++)
        if (interruptions->messages.items[i]->state == MESSAGE_DELETE)
            batch.messages[batch.n++] = interruptions->messages.items[i];
    struct deletion *deletion = batch.n ? malloc(sizeof(*deletion)) : NULL;
    if (!deletion)
        return NULL;
    *deletion = batch;
    for (size_t i = 0; i < batch.n; i++)
        batch.messages[i]->state = MESSAGE_DELETING;
    return deletion;
}

static void delete_now(void *context)
{
    struct interruptions *interruptions = context;
    struct deletion *deletion;
    while ((deletion = next_deletion(interruptions))) {
        struct err err = {0};
        if (send_deletion(deletion, &err) == 0)
            continue;
        for (size_t i = 0; i < deletion->n; i++)
            failed(deletion->messages[i], &err);
        free(deletion);
    }
}

static void on_completed(void *context, const struct err *err)
{
    struct message *message = context;
    if (err)
        failed(message, err);
    else
        delete_soon(message);
}

/* All was acknowledged: a scaling group that waits for a machine of ours is let go first. */
static void let_go(struct message *message)
{
    struct err err = {0};
    if (message->event.kind != CLOUD_NOTICE_LIFECYCLE_TERMINATE || message->foreign) {
        delete_soon(message);
        return;
    }
    message->state = MESSAGE_COMPLETING;
    if (aws_lifecycle_complete(message->interruptions->client, &message->event.lifecycle, on_completed, message, &err))
        failed(message, &err);
}

static bool all_acknowledged(const struct message *message)
{
    for (size_t i = 0; i < message->event.n_instances; i++)
        if (!message->acknowledged[i])
            return false;
    return true;
}

static void take_acknowledgement(struct interruptions *interruptions, const struct acknowledgement *acknowledgement)
{
    struct str number = acknowledgement->handle, id = str_cut(&number, '#');
    struct message *message = find_message(interruptions, id);
    int64_t index;
    bool known = message && str_to_int64(number, &index) && index >= 0 && (size_t)index < message->event.n_instances;
    if (!known || message->state != MESSAGE_HELD) {
        acknowledgement->done(acknowledgement->context, NULL);
        return;
    }
    message->acknowledged[index] = true;
    message->foreign |= !acknowledgement->ours;
    if (!all_acknowledged(message)) {
        acknowledgement->done(acknowledgement->context, NULL);
        return;
    }
    message->done = acknowledgement->done;
    message->context = acknowledgement->context;
    let_go(message);
}

static void acknowledge_now(void *context)
{
    struct interruptions *interruptions = context;
    /* Who is told may acknowledge more: those come behind. */
    for (size_t i = 0; i < interruptions->acknowledgements.len; i++) {
        struct acknowledgement *acknowledgement = interruptions->acknowledgements.items[i];
        take_acknowledgement(interruptions, acknowledgement);
        acknowledgement_free(acknowledgement);
    }
    interruptions->acknowledgements.len = 0;
}

int interruptions_acknowledge(struct interruptions *interruptions, struct str handle, bool ours, cloud_done_fn done,
                              void *context, struct err *err)
{
    struct acknowledgement *acknowledgement = calloc(1, sizeof(*acknowledgement));
    if (!acknowledgement)
        return err_nomem(err);
    acknowledgement->ours = ours;
    acknowledgement->done = done;
    acknowledgement->context = context;
    acknowledgement->handle = str_dup(&acknowledgement->arena, handle);
    int rc = acknowledgement->handle.ptr ? loop_timer_after(interruptions->loop, &interruptions->acknowledge, 0, err)
                                         : err_nomem(err);
    if (!rc && !VEC_PUSH(&interruptions->acknowledgements, acknowledgement))
        rc = err_nomem(err);
    if (rc)
        acknowledgement_free(acknowledgement);
    return rc;
}
