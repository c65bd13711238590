#include "provisioner/kube/status.h"

#include <stdio.h>

enum { STATUS_SHOWN_BYTES = 600, RETRY_AFTER_MAX_S = 600 };

int kube_code_of(int http_status)
{
    switch (http_status) {
    case 401:
    case 403: return ERR_AUTH;
    case 404: return ERR_NOT_FOUND;
    case 409: return ERR_CONFLICT;
    case 408:
    case 410: return ERR_RETRY;
    case 429: return ERR_THROTTLED;
    default: return http_status >= 500 ? ERR_RETRY : ERR_INVALID;
    }
}

static struct str text_of(const struct doc *doc)
{
    return doc && doc->kind == DOC_STRING ? doc->text : STR("");
}

static bool int_of(const struct doc *doc, int64_t *ret)
{
    return doc && doc->kind == DOC_NUMBER && str_to_int64(doc->text, ret);
}

static int64_t milliseconds(int64_t seconds)
{
    if (seconds <= 0)
        return 0;
    return (seconds < RETRY_AFTER_MAX_S ? seconds : RETRY_AFTER_MAX_S) * 1000;
}

/* At most `most` bytes of it, whole characters of UTF-8. */
static int shown(struct str text, size_t most)
{
    size_t len = text.len < most ? text.len : most;
    while (len > 0 && len < text.len && ((unsigned char)text.ptr[len] & 0xC0) == 0x80)
        len--;
    return (int)len;
}

void kube_status_read(const struct doc *status, int http_status, struct kube_refusal *ret)
{
    struct str message = text_of(doc_get(status, "message")), reason = text_of(doc_get(status, "reason"));
    const struct doc *details = doc_get(status, "details");
    int64_t code = http_status, seconds = 0;
    if (http_status == 0 && (!int_of(doc_get(status, "code"), &code) || code < 100 || code > 599))
        code = 500;
    if (message.len == 0)
        message = reason.len ? reason : STR("no reason was given");
    err_note(&ret->err, kube_code_of((int)code), "HTTP %d: %.*s", (int)code, shown(message, STATUS_SHOWN_BYTES),
             message.ptr);
    ret->err.http_status = (int)code;
    snprintf(ret->err.provider_code, sizeof(ret->err.provider_code), "%.*s",
             shown(reason, sizeof(ret->err.provider_code) - 1), reason.ptr);
    if (int_of(doc_get(details, "retryAfterSeconds"), &seconds))
        ret->retry_after_ms = milliseconds(seconds);
    DOC_EACH (cause, doc_get(details, "causes"))
        ret->budget = ret->budget || str_is(text_of(doc_get(cause, "reason")), "DisruptionBudget");
}

struct reading {
    int http_status;
    struct kube_refusal *refusal;
    bool read;
};

static int read_status(void *context, const struct doc *object, struct err *err)
{
    struct reading *reading = context;
    (void)err;
    if (!reading->read && str_is(text_of(doc_get(object, "kind")), "Status")) {
        kube_status_read(object, reading->http_status, reading->refusal);
        reading->read = true;
    }
    return 0;
}

bool kube_accepted(const struct http_response *response, const struct err *failed, struct kube_refusal *ret)
{
    if (response && response->status >= 200 && response->status < 300)
        return true;
    *ret = (struct kube_refusal){.retry_after_ms = 0};
    if (!response) {
        ret->err = *failed;
        return false;
    }
    struct reading reading = {response->status, ret, false};
    struct err ignored = {0}; /* what is no Status (a proxy's page) is told by its number */
    if (doc_read(response->body, "status.json", read_status, &reading, &ignored) < 0 || !reading.read) {
        *ret = (struct kube_refusal){.retry_after_ms = 0};
        err_note(&ret->err, kube_code_of(response->status), "HTTP %d, without a Status", response->status);
        ret->err.http_status = response->status;
    }
    const struct str *header = http_header_get(response, "retry-after");
    int64_t seconds;
    if (header && str_to_int64(str_trim(*header), &seconds) && seconds > 0)
        ret->retry_after_ms = milliseconds(seconds);
    return false;
}
