#include "cloud/aws/credentials_load.h"

#include <stdarg.h>

#include "cloud/aws/json.h"
#include "cloud/aws/query.h"
#include "cloud/aws/wire.h"

enum { STS_TIMEOUT_MS = 15 * 1000 };

static const struct aws_provider *const PROVIDERS[] = {
    &aws_provider_environment, &aws_provider_web_identity, &aws_provider_container,
    &aws_provider_profile,     &aws_provider_imds,
};

static void over(struct aws_load *load)
{
    load->is_over = true;
    load->over(load->context);
}

static void note_tried(struct aws_load *load, const char *why)
{
    size_t len = strlen(load->tried);
    snprintf(load->tried + len, sizeof(load->tried) - len, "%s%s: %s", len ? "; " : "", PROVIDERS[load->place]->name,
             why);
}

void aws_load_start(struct aws_load *load)
{
    PROVIDERS[load->place]->start(load);
}

void aws_load_release(struct aws_load *load)
{
    if (load->call)
        load->http.cancel(load->http.context, load->call);
    if (load->command)
        load->environment->commands.cancel(load->environment->commands.context, load->command);
    aws_imds_cancel(&load->imds);
    arena_wipe(&load->arena);
    explicit_bzero(load, sizeof(*load));
}

void aws_load_next(struct aws_load *load, const char *fmt, ...)
{
    char why[ERR_MESSAGE_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(why, sizeof(why), fmt, args);
    va_end(args);
    if (load->n_roles) {
        struct err err = {0};
        err_note(&err, ERR_AUTH, "credential_source: %s", why);
        aws_load_fail(load, &err);
        return;
    }
    note_tried(load, why);
    if (++load->place < CC_COUNT(PROVIDERS)) {
        PROVIDERS[load->place]->start(load);
        return;
    }
    err_note(&load->err, ERR_AUTH, "no AWS credentials: %s", load->tried);
    over(load);
}

void aws_load_fail(struct aws_load *load, const struct err *err)
{
    note_tried(load, err->message);
    load->err = *err;
    snprintf(load->err.message, sizeof(load->err.message), "no AWS credentials: %s", load->tried);
    over(load);
}

static int assume(struct aws_load *load, const struct aws_credentials *credentials, struct err *err)
{
    const struct aws_role *role = &load->roles[--load->n_roles];
    struct buf buf = BUF_INIT(&load->arena);
    struct aws_query query = AWS_QUERY(&buf);
    aws_query_str(&query, "RoleArn", role->arn);
    aws_query_str(&query, "RoleSessionName", role->session_name);
    if (role->external_id.len)
        aws_query_str(&query, "ExternalId", role->external_id);
    if (role->duration_s.len)
        aws_query_str(&query, "DurationSeconds", role->duration_s);
    struct str form;
    int rc = buf_str(&buf, &form, err);
    if (!rc)
        aws_load_sts(load, "AssumeRole", form, credentials);
    return rc;
}

void aws_load_found(struct aws_load *load, const struct aws_found *found)
{
    struct err err = {0};
    if (load->n_roles) {
        struct aws_found source = *found;
        if (assume(load, &source.credentials, &err))
            aws_load_fail(load, &err);
        return;
    }
    load->found = *found;
    load->good = true;
    over(load);
}

static void on_done(void *context, const struct http_response *response, const struct err *err)
{
    struct aws_load *load = context;
    load->call = NULL;
    if (response)
        (void)aws_wire_date(response, &load->date);
    load->answered(load, response, err);
}

void aws_load_ask(struct aws_load *load, const struct http_request *request,
                  void (*answered)(struct aws_load *load, const struct http_response *response, const struct err *err))
{
    struct err err = {0};
    const struct http_handler handler = {.done = on_done, .context = load};
    load->answered = answered;
    if (load->http.send(load->http.context, request, &handler, &load->call, &err))
        aws_load_fail(load, &err);
}

/* AssumeRoleResponse > AssumeRoleResult > Credentials, and so for the other action. */
static int read_sts(struct aws_load *load, const struct xml *root, struct aws_found *ret, struct err *err)
{
    const struct xml *credentials = xml_get(root && root->first ? root->first : NULL, "Credentials");
    XML_EACH(child, root)
    if (!credentials)
        credentials = xml_get(child, "Credentials");
    struct aws_found found = {.credentials = {xml_text(credentials, "AccessKeyId"),
                                              xml_text(credentials, "SecretAccessKey"),
                                              xml_text(credentials, "SessionToken")}};
    const struct aws_credentials *got = &found.credentials;
    if (!got->access_key_id.len || !got->secret_access_key.len || !got->session_token.len ||
        !clock_parse(xml_text(credentials, "Expiration"), &found.expires))
        return err_set(err, ERR_RETRY, "sts:%s: the answer lacks a part of the credentials", load->sts_action);
    *ret = found;
    return 0;
}

static void on_sts(struct aws_load *load, const struct http_response *response, const struct err *failed)
{
    struct aws_wire_answer answer;
    enum aws_error_scope scope;
    struct aws_found found;
    struct err err = {0};
    int rc = aws_wire_answer(AWS_STS, load->sts_action, response, failed, &load->arena, &answer, &scope, &err);
    if (!rc)
        rc = read_sts(load, answer.xml, &found, &err);
    if (rc)
        aws_load_fail(load, &err);
    else
        aws_load_found(load, &found);
}

void aws_load_sts(struct aws_load *load, const char *action, struct str form, const struct aws_credentials *credentials)
{
    const struct aws_wire_call call = {.service = AWS_STS,
                                       .action = action,
                                       .body = form,
                                       .endpoint = &load->endpoints->of[AWS_STS],
                                       .credentials = credentials,
                                       .now = load->now,
                                       .timeout_ms = STS_TIMEOUT_MS,
                                       .tls = load->endpoints->has_tls ? &load->endpoints->tls : NULL};
    struct http_request request;
    struct err err = {0};
    load->sts_action = action;
    if (aws_wire_request(&call, &load->arena, &request, &err))
        aws_load_fail(load, &err);
    else
        aws_load_ask(load, &request, on_sts);
}

void aws_load_web_identity(struct aws_load *load, const struct aws_role *role, const char *token_file)
{
    struct err err = {0};
    struct str token, form;
    struct buf buf = BUF_INIT(&load->arena);
    struct aws_query query = AWS_QUERY(&buf);
    int rc = load->environment->read(load->environment->context, token_file, &load->arena, &token, &err);
    if (!rc && !str_trim(token).len)
        rc = err_set(&err, ERR_RETRY, "%s is empty", token_file);
    if (!rc) {
        aws_query_str(&query, "RoleArn", role->arn);
        aws_query_str(&query, "RoleSessionName", role->session_name);
        aws_query_str(&query, "WebIdentityToken", str_trim(token));
        if (role->duration_s.len)
            aws_query_str(&query, "DurationSeconds", role->duration_s);
        rc = buf_str(&buf, &form, &err);
    }
    if (rc)
        aws_load_fail(load, &err);
    else
        aws_load_sts(load, "AssumeRoleWithWebIdentity", form, NULL);
}

struct str aws_load_session_name(struct aws_load *load)
{
    const char *name = arena_printf(&load->arena, "stoker-%lld", (long long)(load->now.ns / 1000000000));
    return str_of(name);
}

int aws_found_read(struct str json, const char *token_key, struct arena *arena, struct aws_found *ret, struct err *err)
{
    const struct doc *root = NULL;
    struct aws_found found = {0};
    int rc = aws_json_read(json, arena, &root, err);
    if (rc)
        return rc;
    found.credentials = (struct aws_credentials){
        aws_json_text(root, "AccessKeyId"), aws_json_text(root, "SecretAccessKey"), aws_json_text(root, token_key)};
    struct str expires = aws_json_text(root, "Expiration");
    if (!found.credentials.access_key_id.len || !found.credentials.secret_access_key.len)
        return err_set(err, ERR_INVALID, "no AccessKeyId or no SecretAccessKey in the answer");
    if (expires.len && !clock_parse(expires, &found.expires))
        return err_set(err, ERR_INVALID, "Expiration is no time");
    *ret = found;
    return 0;
}
