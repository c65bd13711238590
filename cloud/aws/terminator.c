/* terminator.c - TerminateInstances in batches: each asker hears of its own instances. */
#include "cloud/aws/instances.h"
#include "cloud/aws/query.h"

/* Somebody's call: done once all its ids are settled. */
struct asking {
    struct terminator *terminator;
    struct arena arena;
    struct str *ids; /* [n] as asked */
    bool *gone;      /* [n] */
    size_t n, left;  /* left: not settled yet */
    struct err err;  /* the first that was met; code 0: none */
    cloud_terminated_fn done;
    void *context;
};

struct item {
    struct asking *asking;
    size_t index; /* into its ids */
};

struct batch {
    struct terminator *terminator;
    struct item *items; /* [n] those still asked for */
    size_t n;
};

struct terminator {
    struct loop *loop;
    struct aws_client *client;
    struct loop_timer window;
    VEC(struct item) waiting;
    VEC(struct asking *) askings;
    VEC(struct batch *) batches; /* under way */
};

static void flush(void *context);

int terminator_open(struct loop *loop, struct aws_client *client, struct terminator **ret, struct err *err)
{
    struct terminator *terminator = calloc(1, sizeof(*terminator));
    if (!terminator)
        return err_nomem(err);
    terminator->loop = loop;
    terminator->client = client;
    terminator->window = LOOP_TIMER(flush, terminator);
    *ret = terminator;
    return 0;
}

static void asking_free(struct asking *asking)
{
    arena_release(&asking->arena);
    free(asking);
}

static void batch_free(struct batch *batch)
{
    free(batch->items);
    free(batch);
}

void terminator_close(struct terminator *terminator)
{
    if (!terminator)
        return;
    loop_timer_cancel(terminator->loop, &terminator->window);
    for (size_t i = 0; i < terminator->askings.len; i++)
        asking_free(terminator->askings.items[i]);
    for (size_t i = 0; i < terminator->batches.len; i++)
        batch_free(terminator->batches.items[i]);
    VEC_FREE(&terminator->askings);
    VEC_FREE(&terminator->batches);
    VEC_FREE(&terminator->waiting);
    free(terminator);
}

static void forget_asking(struct terminator *terminator, struct asking *asking)
{
    size_t i = 0;
    while (terminator->askings.items[i] != asking)
        i++;
    terminator->askings.items[i] = terminator->askings.items[--terminator->askings.len];
}

static void forget_batch(struct terminator *terminator, const struct batch *batch)
{
    size_t i = 0;
    while (terminator->batches.items[i] != batch)
        i++;
    terminator->batches.items[i] = terminator->batches.items[--terminator->batches.len];
}

/* Tells the asker, who may ask again meanwhile. */
static void finish(struct asking *asking)
{
    size_t n = 0;
    for (size_t i = 0; i < asking->n; i++)
        if (asking->gone[i])
            asking->ids[n++] = asking->ids[i];
    const struct cloud_terminated answer = {.err = asking->err.code ? &asking->err : NULL, .ids = asking->ids, .n = n};
    forget_asking(asking->terminator, asking);
    asking->done(asking->context, &answer);
    asking_free(asking);
}

static void settle(const struct item *item, const struct err *failure)
{
    struct asking *asking = item->asking;
    asking->gone[item->index] = !failure;
    if (failure && !asking->err.code)
        asking->err = *failure;
    if (--asking->left == 0)
        finish(asking);
}

bool terminate_next_id(struct str *rest, struct str *ret)
{
    for (size_t i = 0; i + 2 < rest->len; i++) {
        size_t len = 2;
        if (rest->ptr[i] != 'i' || rest->ptr[i + 1] != '-')
            continue;
        while (i + len < rest->len && ((rest->ptr[i + len] >= '0' && rest->ptr[i + len] <= '9') ||
                                       (rest->ptr[i + len] >= 'a' && rest->ptr[i + len] <= 'f')))
            len++;
        if (len == 2)
            continue;
        *ret = (struct str){rest->ptr + i, len};
        *rest = (struct str){rest->ptr + i + len, rest->len - i - len};
        return true;
    }
    return false;
}

static struct str id_of(const struct item *item)
{
    return item->asking->ids[item->index];
}

static bool is_named(struct str message, struct str id)
{
    struct str named;
    while (terminate_next_id(&message, &named))
        if (str_eq(named, id))
            return true;
    return false;
}

static int call(struct batch *batch, struct err *err);

/* The call is over for all that is left in it. */
static void end_batch(struct batch *batch, const struct err *failure)
{
    forget_batch(batch->terminator, batch);
    for (size_t i = 0; i < batch->n; i++)
        settle(&batch->items[i], failure);
    batch_free(batch);
}

/* Splits the batch in two calls: what spoils it must be in one of them. */
static int halve(struct batch *batch, struct err *err)
{
    struct terminator *terminator = batch->terminator;
    size_t half = batch->n / 2;
    struct batch *second = calloc(1, sizeof(*second));
    struct item *items = calloc(batch->n - half, sizeof(*items));
    if (!second || !items || !VEC_PUSH(&terminator->batches, second)) {
        free(second);
        free(items);
        return err_nomem(err);
    }
    *second = (struct batch){terminator, items, batch->n - half};
    memcpy(items, batch->items + half, (batch->n - half) * sizeof(*items));
    batch->n = half;
    int rc = call(second, err);
    if (rc)
        end_batch(second, err);
    return call(batch, err);
}

/*
 * EC2 terminates none of a call that names one it does not know. Those are gone; the others are asked for again. Where
 * the message does not name them (it may be cut), the batch is halved until they are found.
 */
static void without_unknown(struct batch *batch, const struct err *failure)
{
    struct str message = str_of(failure->message);
    struct item *gone = calloc(batch->n, sizeof(*gone));
    struct err err = {0};
    size_t kept = 0, n_gone = 0;
    if (!gone) {
        err_note_nomem(&err);
        end_batch(batch, &err);
        return;
    }
    for (size_t i = 0; i < batch->n; i++) {
        if (batch->n == 1 || is_named(message, id_of(&batch->items[i])))
            gone[n_gone++] = batch->items[i];
        else
            batch->items[kept++] = batch->items[i];
    }
    batch->n = kept;
    if (kept == 0)
        end_batch(batch, NULL);
    else if ((n_gone ? call(batch, &err) : halve(batch, &err)) != 0)
        end_batch(batch, &err);
    for (size_t i = 0; i < n_gone; i++)
        settle(&gone[i], NULL);
    free(gone);
}

/* One id is malformed, or its instance is protected: no word says which, and EC2 has terminated none of them. */
static void without_refused(struct batch *batch)
{
    struct err err = {0};
    if (halve(batch, &err))
        end_batch(batch, &err);
}

static void on_answer(void *context, const struct aws_answer *answer)
{
    struct batch *batch = context;
    int code = answer->err ? answer->err->code : 0;
    if (code == ERR_NOT_FOUND)
        without_unknown(batch, answer->err);
    else if (code == ERR_INVALID && batch->n > 1)
        without_refused(batch);
    else
        end_batch(batch, answer->err);
}

static int call(struct batch *batch, struct err *err)
{
    struct arena arena = ARENA_INIT;
    struct buf buf = BUF_INIT(&arena);
    struct aws_query query = AWS_QUERY(&buf);
    struct aws_call request = {.service = AWS_EC2, .action = "TerminateInstances"};
    struct str *ids = arena_array(&arena, struct str, batch->n);
    int rc = ids ? 0 : err_nomem(err);
    for (size_t i = 0; i < batch->n && rc == 0; i++)
        ids[i] = id_of(&batch->items[i]);
    if (!rc)
        aws_query_list(&query, "InstanceId", ids, batch->n);
    if (!rc)
        rc = buf_str(&buf, &request.body, err);
    if (!rc)
        rc = aws_client_call(batch->terminator->client, &request, on_answer, batch, err);
    arena_release(&arena);
    return rc;
}

/* Up to TERMINATE_BATCH_MAX of those that wait go out. */
static int send_batch(struct terminator *terminator, size_t first, size_t n, struct err *err)
{
    struct batch *batch = calloc(1, sizeof(*batch));
    struct item *items = calloc(n, sizeof(*items));
    if (!batch || !items || !VEC_PUSH(&terminator->batches, batch)) {
        free(batch);
        free(items);
        return err_nomem(err);
    }
    *batch = (struct batch){terminator, items, n};
    memcpy(items, terminator->waiting.items + first, n * sizeof(*items));
    int rc = call(batch, err);
    if (rc) {
        forget_batch(terminator, batch);
        batch_free(batch);
    }
    return rc;
}

static void flush(void *context)
{
    struct terminator *terminator = context;
    size_t n = terminator->waiting.len, sent = 0;
    struct err err = {0};
    int rc = 0;
    while (sent < n && rc == 0) {
        size_t some = n - sent < TERMINATE_BATCH_MAX ? n - sent : TERMINATE_BATCH_MAX;
        rc = send_batch(terminator, sent, some, &err);
        sent += rc ? 0 : some;
    }
    /* What could not be sent is settled from a copy: whoever hears of it may ask again at once. */
    struct item *unsent = terminator->waiting.items;
    terminator->waiting.items = NULL;
    terminator->waiting.len = terminator->waiting.cap = 0;
    for (size_t i = sent; i < n; i++)
        settle(&unsent[i], &err);
    free(unsent);
}

static int wait_for(struct asking *asking, struct err *err)
{
    struct terminator *terminator = asking->terminator;
    size_t before = terminator->waiting.len;
    for (size_t i = 0; i < asking->n; i++) {
        if (!VEC_PUSH(&terminator->waiting, ((struct item){asking, i}))) {
            terminator->waiting.len = before;
            return err_nomem(err);
        }
    }
    int rc = before ? 0 : loop_timer_after(terminator->loop, &terminator->window, TERMINATE_WINDOW_MS, err);
    if (!rc && !VEC_PUSH(&terminator->askings, asking)) {
        if (before == 0)
            loop_timer_cancel(terminator->loop, &terminator->window);
        rc = err_nomem(err);
    }
    if (rc)
        terminator->waiting.len = before;
    return rc;
}

int terminator_ask(struct terminator *terminator, const struct str *ids, size_t n, cloud_terminated_fn done,
                   void *context, struct err *err)
{
    struct asking *asking = calloc(1, sizeof(*asking));
    if (!asking)
        return err_nomem(err);
    *asking = (struct asking){.terminator = terminator, .n = n, .left = n, .done = done, .context = context};
    asking->ids = arena_array(&asking->arena, struct str, n);
    asking->gone = arena_array(&asking->arena, bool, n);
    int rc = n == 0 ? err_set(err, ERR_INVALID, "no instance to terminate") : 0;
    if (!rc && (!asking->ids || !asking->gone))
        rc = err_nomem(err);
    for (size_t i = 0; i < n && rc == 0; i++) {
        asking->ids[i] = str_dup(&asking->arena, ids[i]);
        rc = asking->ids[i].ptr ? 0 : err_nomem(err);
    }
    if (!rc)
        rc = wait_for(asking, err);
    if (rc)
        asking_free(asking);
    return rc;
}
