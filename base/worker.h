/* worker.h - one thread beside the loop's for work that is long, on data that nobody changes meanwhile. */
#ifndef STOKER_BASE_WORKER_H
#define STOKER_BASE_WORKER_H

#include "base/err.h"

struct worker {
    /* `work` runs on the worker's thread, `done` afterwards on the loop's. One job at a time: ERR_CONFLICT if busy. */
    int (*submit)(void *context, void (*work)(void *job), void (*done)(void *job), void *job, struct err *err);
    void *context;
};

/* Runs the work within submit, and `done` from the loop's next turn: for tests and simulation. */
struct loop;
struct worker_inline;
CC_MUST_CHECK int worker_inline_open(struct loop *loop, struct worker_inline **ret, struct err *err);
struct worker worker_inline_worker(struct worker_inline *inline_worker);
void worker_inline_close(struct worker_inline *inline_worker);

/* A real thread; it wakes the loop through `curl`. close waits for the job under way, whose `done` is not called. */
struct http_curl;
struct worker_thread;
CC_MUST_CHECK int worker_thread_open(struct http_curl *curl, struct worker_thread **ret, struct err *err);
struct worker worker_thread_worker(struct worker_thread *thread);
void worker_thread_close(struct worker_thread *thread);

#endif
