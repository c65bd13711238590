#include "cloud/aws/imds.h"

#include <strings.h>

#include "cloud/aws/errors.h"
#include "cloud/aws/url.h"

enum { CONNECT_TIMEOUT_MS = 1000, TIMEOUT_MS = 5000, MAX_ANSWER_BYTES = 64 * 1024 };

int aws_imds_init(struct aws_imds *imds, struct http http, const struct aws_environment *environment,
                  struct arena *arena, struct err *err)
{
    if (aws_environment_is_true(environment, "AWS_EC2_METADATA_DISABLED"))
        return err_set(err, ERR_NOT_FOUND, "AWS_EC2_METADATA_DISABLED is true");
    const char *endpoint = aws_environment_get(environment, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
    const char *mode = aws_environment_get(environment, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
    if (!endpoint)
        endpoint = mode && strcasecmp(mode, "IPv6") == 0 ? "http://[fd00:ec2::254]" : "http://169.254.169.254";
    struct aws_url url;
    int rc = aws_url_read(str_of(endpoint), &url, err);
    if (rc)
        return err_wrap(err, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
    size_t len = strlen(endpoint);
    while (len && endpoint[len - 1] == '/')
        len--;
    endpoint = arena_copy(arena, endpoint, len);
    if (!endpoint)
        return err_nomem(err);
    *imds = (struct aws_imds){.http = http, .arena = arena, .endpoint = endpoint};
    return 0;
}

static void on_token(void *context, const struct http_response *response, const struct err *failed);
static void on_answer(void *context, const struct http_response *response, const struct err *failed);

static int send(struct aws_imds *imds, struct err *err)
{
    const struct http_header token = {STR("X-aws-ec2-metadata-token"), str_of(imds->token)};
    const struct http_header ttl = {STR("X-aws-ec2-metadata-token-ttl-seconds"), STR("300")};
    const char *url = arena_printf(imds->arena, "%s%s", imds->endpoint, imds->token ? imds->path : "/latest/api/token");
    if (!url)
        return err_nomem(err);
    const struct http_request request = {.method = imds->token ? STR("GET") : STR("PUT"),
                                         .url = url,
                                         .headers = imds->token ? &token : &ttl,
                                         .n_headers = 1,
                                         .connect_timeout_ms = CONNECT_TIMEOUT_MS,
                                         .timeout_ms = TIMEOUT_MS,
                                         .max_response_bytes = MAX_ANSWER_BYTES};
    const struct http_handler handler = {.done = imds->token ? on_answer : on_token, .context = imds};
    return imds->http.send(imds->http.context, &request, &handler, &imds->call, err);
}

static void finish(struct aws_imds *imds, const struct str *body, const struct err *err)
{
    imds->done(imds->context, body, err);
}

/* Copies the body of a success into the arena; else says why there is none. */
static int take(struct aws_imds *imds, const char *path, const struct http_response *response, const struct err *failed,
                struct str *ret, struct err *err)
{
    if (!response)
        return err_set(err, failed->code == ERR_NOMEM ? ERR_NOMEM : ERR_RETRY, "%s%s: %s", imds->endpoint, path,
                       failed->message);
    if (response->status != 200) {
        struct aws_verdict verdict = aws_error_judge(STR(""), response->status);
        err_note(err, verdict.code, "%s%s: HTTP status %d", imds->endpoint, path, response->status);
        err->http_status = response->status;
        return verdict.code;
    }
    struct str copy = str_dup(imds->arena, str_trim(response->body));
    if (!copy.ptr)
        return err_nomem(err);
    *ret = copy;
    return 0;
}

static void on_answer(void *context, const struct http_response *response, const struct err *failed)
{
    struct aws_imds *imds = context;
    imds->call = NULL;
    struct err err = {0};
    struct str body = STR("");
    int rc = take(imds, imds->path, response, failed, &body, &err);
    finish(imds, rc ? NULL : &body, rc ? &err : NULL);
}

/* A header's value: visible ASCII. */
static bool is_token(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] <= ' ' || text.ptr[i] >= 0x7f)
            return false;
    }
    return text.len > 0;
}

static void on_token(void *context, const struct http_response *response, const struct err *failed)
{
    struct aws_imds *imds = context;
    imds->call = NULL;
    struct err err = {0};
    struct str token = STR("");
    int rc = take(imds, "/latest/api/token", response, failed, &token, &err);
    if (!rc && !is_token(token))
        rc = err_set(&err, ERR_INVALID, "%s/latest/api/token: the answer is no token", imds->endpoint);
    if (!response)
        err_wrap(&err, "from a pod, IMDSv2 answers only where the hop limit is 2 or more");
    if (!rc) {
        imds->token = token.ptr;
        rc = send(imds, &err);
    }
    if (rc)
        finish(imds, NULL, &err);
}

int aws_imds_get(struct aws_imds *imds, const char *path, aws_imds_fn done, void *context, struct err *err)
{
    imds->path = path;
    imds->done = done;
    imds->context = context;
    return send(imds, err);
}

void aws_imds_cancel(struct aws_imds *imds)
{
    if (imds->call)
        imds->http.cancel(imds->http.context, imds->call);
    imds->call = NULL;
}
