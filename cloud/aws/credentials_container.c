/* The agent beside the container: EKS Pod Identity, and ECS. Source: "Container credential provider", AWS SDKs and
 * Tools Reference Guide. */
#include "cloud/aws/credentials_load.h"
#include "cloud/aws/errors.h"
#include "cloud/aws/json.h"

enum { CONNECT_TIMEOUT_MS = 2000, TIMEOUT_MS = 5000, MAX_ANSWER_BYTES = 64 * 1024 };

/* Keys must not travel in clear text but within the machine: the hosts that ECS and EKS answer at, and loopback. */
static bool may_be_asked(const struct aws_url *url)
{
    return url->https || aws_url_is_loopback(url) || str_is(url->host, "169.254.170.2") ||
           str_is(url->host, "169.254.170.23") || str_is(url->host, "fd00:ec2::23");
}

static int find_url(struct aws_load *load, const char *relative, const char *full, const char **ret, struct err *err)
{
    struct aws_url parts;
    if (relative && relative[0] != '/')
        return err_set(err, ERR_INVALID, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not begin with '/'");
    const char *url = relative ? arena_printf(&load->arena, "http://169.254.170.2%s", relative) : full;
    if (!url)
        return err_nomem(err);
    int rc = aws_url_read(str_of(url), &parts, err);
    if (!rc && !may_be_asked(&parts))
        rc = err_set(err, ERR_INVALID, "http only to loopback, ECS (169.254.170.2) and EKS (169.254.170.23)");
    if (rc)
        return err_wrap(err, "AWS_CONTAINER_CREDENTIALS_%s_URI", relative ? "RELATIVE" : "FULL");
    *ret = url;
    return 0;
}

/* "" if none is asked for. The file is read each time: it is rotated. */
static int find_token(struct aws_load *load, struct str *ret, struct err *err)
{
    const struct aws_environment *environment = load->environment;
    const char *file = aws_environment_get(environment, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    const char *given = aws_environment_get(environment, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
    struct str token = str_of(given);
    if (file) {
        int rc = environment->read(environment->context, file, &load->arena, &token, err);
        if (rc)
            return rc;
    }
    token = str_trim(token);
    for (size_t i = 0; i < token.len; i++) {
        if ((unsigned char)token.ptr[i] < ' ' || token.ptr[i] == 0x7f)
            return err_set(err, ERR_INVALID, "the authorization token has a line break or a control character");
    }
    *ret = token;
    return 0;
}

static void on_answer(struct aws_load *load, const struct http_response *response, const struct err *failed)
{
    struct err err = {0};
    struct aws_found found;
    int rc = 0;
    if (!response) {
        rc = failed->code;
        err = *failed;
    } else if (response->status != 200) {
        const struct doc *root = NULL;
        struct aws_failure failure = {response->status, STR(""), STR("")};
        if (aws_json_read(response->body, &load->arena, &root, NULL) == 0) {
            failure.code = aws_json_text(root, "code");
            failure.message = aws_json_text(root, "message");
        }
        rc = aws_error_set(&failure, "container credentials", NULL, &err);
        if (rc == 0)
            rc = err_set(&err, ERR_INVALID, "container credentials: HTTP status %d", response->status);
    } else {
        rc = aws_found_read(response->body, "Token", &load->arena, &found, &err);
    }
    if (rc)
        aws_load_fail(load, &err);
    else
        aws_load_found(load, &found);
}

static void start(struct aws_load *load)
{
    const char *relative = aws_environment_get(load->environment, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = aws_environment_get(load->environment, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    if (!relative && !full) {
        aws_load_next(load, "AWS_CONTAINER_CREDENTIALS_FULL_URI is not set");
        return;
    }
    struct err err = {0};
    struct http_header authorization = {STR("Authorization"), STR("")};
    struct http_request request = {.method = STR("GET"),
                                   .headers = &authorization,
                                   .connect_timeout_ms = CONNECT_TIMEOUT_MS,
                                   .timeout_ms = TIMEOUT_MS,
                                   .max_response_bytes = MAX_ANSWER_BYTES};
    int rc = find_url(load, relative, full, &request.url, &err);
    rc = rc ? rc : find_token(load, &authorization.value, &err);
    request.n_headers = authorization.value.len > 0;
    if (rc)
        aws_load_fail(load, &err);
    else
        aws_load_ask(load, &request, on_answer);
}

const struct aws_provider aws_provider_container = {"container", start};
