/* run_stop.c - which calls change something, and counting them. */
#include "provisioner/cmd/run_stop.h"

#include "base/cc.h"

static bool starts_with_any(struct str s, const char *const *prefixes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_starts(s, prefixes[i]))
            return true;
    return false;
}

/* AWS names what a POST does in its form, or, where the body is JSON, in a header. */
static bool is_aws_read(const struct http_request *request)
{
    static const char *const reads[] = {"Describe", "Get", "List", "Receive"};
    struct str rest = request->body;
    if (str_starts(rest, "Action=")) {
        str_cut(&rest, '=');
        return starts_with_any(rest, reads, CC_COUNT(reads));
    }
    for (size_t i = 0; i < request->n_headers; i++) {
        if (!str_is(request->headers[i].name, "X-Amz-Target"))
            continue;
        rest = request->headers[i].value;
        str_cut(&rest, '.');
        return starts_with_any(rest, reads, CC_COUNT(reads));
    }
    return false;
}

bool run_stop_is_effect(const struct http_request *request)
{
    if (str_is(request->method, "GET") || str_is(request->method, "HEAD"))
        return false;
    return !is_aws_read(request);
}

bool run_stop_now(struct run_stop *stop, uint64_t call, bool after, const struct http_request *request)
{
    uint64_t nth = (uint64_t)(stop->at < 0 ? -stop->at : stop->at);
    if (!nth)
        return false;
    if (after)
        return stop->number == call;
    if (stop->effects_only && !run_stop_is_effect(request))
        return false;
    if (++stop->met != nth)
        return false;
    stop->number = call;
    return stop->at > 0;
}
