#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/http_curl.h"
#include "base/worker.h"

/* NONE → GIVEN (submit) → OVER (the thread) → NONE (the loop, before done). */
enum job_state { JOB_NONE, JOB_GIVEN, JOB_OVER };

struct worker_thread {
    struct http_curl *curl;
    pthread_t thread;
    int over_fd; /* eventfd: the job is over */

    pthread_mutex_t lock; /* over what follows */
    pthread_cond_t changed;
    enum job_state state;
    bool closing;
    void (*work)(void *job);
    void (*done)(void *job);
    void *job;
};

static void *run(void *context)
{
    struct worker_thread *self = context;
    pthread_mutex_lock(&self->lock);
    for (;;) {
        while (self->state != JOB_GIVEN && !self->closing)
            pthread_cond_wait(&self->changed, &self->lock);
        if (self->state != JOB_GIVEN)
            break;
        void (*work)(void *) = self->work;
        void *job = self->job;
        pthread_mutex_unlock(&self->lock);
        work(job);
        pthread_mutex_lock(&self->lock);
        self->state = JOB_OVER;
        /* An eventfd fails only when its count overflows: it then wakes the loop as well. */
        (void)!eventfd_write(self->over_fd, 1);
    }
    pthread_mutex_unlock(&self->lock);
    return NULL;
}

static void over(void *context)
{
    struct worker_thread *self = context;
    eventfd_t count;
    if (eventfd_read(self->over_fd, &count))
        return;
    pthread_mutex_lock(&self->lock);
    void (*done)(void *) = self->state == JOB_OVER ? self->done : NULL;
    void *job = self->job;
    if (done)
        self->state = JOB_NONE;
    pthread_mutex_unlock(&self->lock);
    if (done)
        done(job); /* which may submit the next, or close */
}

static int submit(void *context, void (*work)(void *job), void (*done)(void *job), void *job, struct err *err)
{
    struct worker_thread *self = context;
    int code = 0;
    pthread_mutex_lock(&self->lock);
    if (self->state != JOB_NONE) {
        code = err_set(err, ERR_CONFLICT, "the worker is busy");
    } else {
        self->work = work;
        self->done = done;
        self->job = job;
        self->state = JOB_GIVEN;
        pthread_cond_signal(&self->changed);
    }
    pthread_mutex_unlock(&self->lock);
    return code;
}

/* Signals are the loop's: the thread takes none. */
static int start(struct worker_thread *self, struct err *err)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failure = pthread_create(&self->thread, NULL, run, self);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failure ? err_set(err, ERR_FATAL, "a thread cannot be made: %s", strerror(failure)) : 0;
}

int worker_thread_open(struct http_curl *curl, struct worker_thread **ret, struct err *err)
{
    struct worker_thread *self = calloc(1, sizeof(*self));
    if (!self)
        return err_nomem(err);
    self->curl = curl;
    pthread_mutex_init(&self->lock, NULL);
    pthread_cond_init(&self->changed, NULL);
    int code;
    self->over_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (self->over_fd < 0) {
        code = err_set(err, ERR_FATAL, "eventfd: %s", strerror(errno));
        goto fail;
    }
    code = http_curl_watch(curl, self->over_fd, over, self, err);
    if (code)
        goto fail_fd;
    code = start(self, err);
    if (code)
        goto fail_watch;
    *ret = self;
    return 0;
fail_watch:
    http_curl_unwatch(curl, self->over_fd);
fail_fd:
    close(self->over_fd);
fail:
    pthread_cond_destroy(&self->changed);
    pthread_mutex_destroy(&self->lock);
    free(self);
    return code;
}

struct worker worker_thread_worker(struct worker_thread *thread)
{
    return (struct worker){submit, thread};
}

void worker_thread_close(struct worker_thread *thread)
{
    if (!thread)
        return;
    pthread_mutex_lock(&thread->lock);
    thread->closing = true;
    pthread_cond_signal(&thread->changed);
    pthread_mutex_unlock(&thread->lock);
    pthread_join(thread->thread, NULL);
    http_curl_unwatch(thread->curl, thread->over_fd);
    close(thread->over_fd);
    pthread_cond_destroy(&thread->changed);
    pthread_mutex_destroy(&thread->lock);
    free(thread);
}
