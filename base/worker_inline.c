#include <stdlib.h>

#include "base/loop.h"
#include "base/worker.h"

struct worker_inline {
    struct loop *loop;
    struct loop_timer finished;
    void (*done)(void *job);
    void *job;
};

static void tell(void *context)
{
    struct worker_inline *inline_worker = context;
    void (*done)(void *) = inline_worker->done;
    inline_worker->done = NULL; /* done may submit the next job */
    done(inline_worker->job);
}

static int submit(void *context, void (*work)(void *job), void (*done)(void *job), void *job, struct err *err)
{
    struct worker_inline *inline_worker = context;
    if (inline_worker->done)
        return err_set(err, ERR_CONFLICT, "the worker is busy");
    int code = loop_timer_after(inline_worker->loop, &inline_worker->finished, 0, err);
    if (code)
        return code;
    inline_worker->done = done;
    inline_worker->job = job;
    work(job);
    return 0;
}

int worker_inline_open(struct loop *loop, struct worker_inline **ret, struct err *err)
{
    struct worker_inline *inline_worker = calloc(1, sizeof(*inline_worker));
    if (!inline_worker)
        return err_nomem(err);
    inline_worker->loop = loop;
    inline_worker->finished = LOOP_TIMER(tell, inline_worker);
    *ret = inline_worker;
    return 0;
}

struct worker worker_inline_worker(struct worker_inline *inline_worker)
{
    return (struct worker){submit, inline_worker};
}

void worker_inline_close(struct worker_inline *inline_worker)
{
    if (!inline_worker)
        return;
    loop_timer_cancel(inline_worker->loop, &inline_worker->finished);
    free(inline_worker);
}
