#include "base/signals.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct signals {
    struct http_curl *curl;
    void (*received)(void *context, int signal);
    void *context;
    int fd;
    sigset_t mask_before;
    struct sigaction pipe_before;
};

static void ready(void *context)
{
    struct signals *signals = context;
    struct signalfd_siginfo info;
    if (read(signals->fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        signals->received(signals->context, (int)info.ssi_signo);
}

static sigset_t wanted(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    return set;
}

int signals_open(struct http_curl *curl, void (*received)(void *context, int signal), void *context,
                 struct signals **ret, struct err *err)
{
    struct signals *signals = calloc(1, sizeof(*signals));
    if (!signals)
        return err_nomem(err);
    *signals = (struct signals){.curl = curl, .received = received, .context = context};
    sigset_t set = wanted();
    signals->fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (signals->fd < 0) {
        free(signals);
        return err_set(err, ERR_FATAL, "signalfd: %s", strerror(errno));
    }
    int code = http_curl_watch(curl, signals->fd, ready, signals, err);
    if (code) {
        close(signals->fd);
        free(signals);
        return code;
    }
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignore, &signals->pipe_before);
    pthread_sigmask(SIG_BLOCK, &set, &signals->mask_before);
    *ret = signals;
    return 0;
}

void signals_close(struct signals *signals)
{
    if (!signals)
        return;
    http_curl_unwatch(signals->curl, signals->fd);
    close(signals->fd);
    pthread_sigmask(SIG_SETMASK, &signals->mask_before, NULL);
    sigaction(SIGPIPE, &signals->pipe_before, NULL);
    free(signals);
}
