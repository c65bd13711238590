#include "cloud/aws/wire.h"

#include "base/buf.h"
#include "cloud/aws/date.h"
#include "cloud/aws/json.h"

enum { MOST_HEADERS = 4 + AWS_SIGV4_MAX_ADDED };

const char *aws_wire_name(enum aws_service service, const char *action, char ret[AWS_WIRE_NAME_BYTES])
{
    snprintf(ret, AWS_WIRE_NAME_BYTES, "%s:%s", aws_service_info(service)->name, action);
    return ret;
}

static bool is_query(enum aws_service service)
{
    return aws_service_info(service)->protocol == AWS_QUERY_XML;
}

/* Query: "Action=…&Version=…" before the form. */
static int make_body(const struct aws_wire_call *call, struct arena *arena, struct str *ret, struct err *err)
{
    struct buf buf = BUF_INIT(arena);
    if (is_query(call->service)) {
        buf_add(&buf, STR("Action="));
        buf_add(&buf, str_of(call->action));
        buf_add(&buf, STR("&Version="));
        buf_add(&buf, str_of(aws_service_info(call->service)->version));
        if (call->body.len)
            buf_byte(&buf, '&');
        buf_add(&buf, call->body);
    } else {
        buf_add(&buf, call->body.len ? call->body : STR("{}"));
    }
    return buf_str(&buf, ret, err);
}

/* Headers of the protocol; Host is the first. Returns how many; 0: memory ran out. */
static size_t make_headers(const struct aws_wire_call *call, struct arena *arena, struct http_header *headers)
{
    const struct aws_service_info *info = aws_service_info(call->service);
    size_t n = 0;
    headers[n++] = (struct http_header){STR("Host"), call->endpoint->parts.authority};
    if (is_query(call->service)) {
        headers[n++] =
            (struct http_header){STR("Content-Type"), STR("application/x-www-form-urlencoded; charset=utf-8")};
        return n;
    }
    const char *type = info->protocol == AWS_JSON_1_0 ? "application/x-amz-json-1.0" : "application/x-amz-json-1.1";
    const char *target = arena_printf(arena, "%s.%s", info->target, call->action);
    if (!target)
        return 0;
    headers[n++] = (struct http_header){STR("Content-Type"), str_of(type)};
    headers[n++] = (struct http_header){STR("X-Amz-Target"), str_of(target)};
    return n;
}

static int sign(const struct aws_wire_call *call, struct str body, struct arena *arena, struct http_header *headers,
                size_t *n, struct err *err)
{
    struct aws_header signing[MOST_HEADERS];
    for (size_t i = 0; i < *n; i++)
        signing[i] = (struct aws_header){headers[i].name, headers[i].value};
    const struct aws_sigv4_request request = {
        .method = STR("POST"), .path = call->endpoint->parts.path, .headers = signing, .n_headers = *n, .body = body};
    const struct aws_sigv4_options options = {.region = call->endpoint->signing_region,
                                              .service = str_of(aws_service_info(call->service)->name),
                                              .now = call->now};
    struct aws_sigv4_signed done;
    int rc = aws_sigv4_sign(&request, call->credentials, &options, call->key, arena, &done, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < done.n_added; i++)
        headers[(*n)++] = (struct http_header){done.added[i].name, done.added[i].value};
    return 0;
}

int aws_wire_request(const struct aws_wire_call *call, struct arena *arena, struct http_request *ret, struct err *err)
{
    char name[AWS_WIRE_NAME_BYTES];
    aws_wire_name(call->service, call->action, name);
    if (!call->endpoint->url)
        return err_set(err, ERR_NOT_FOUND, "%s: there is no such service in this partition", name);
    struct http_header *headers = arena_array(arena, struct http_header, MOST_HEADERS);
    size_t n = headers ? make_headers(call, arena, headers) : 0;
    if (n == 0)
        return err_nomem(err);
    struct str body;
    int rc = make_body(call, arena, &body, err);
    if (!rc && call->credentials)
        rc = sign(call, body, arena, headers, &n, err);
    if (rc)
        return rc == ERR_NOMEM ? rc : err_wrap(err, "%s", name);
    *ret = (struct http_request){.method = STR("POST"),
                                 .url = call->endpoint->url,
                                 .headers = headers,
                                 .n_headers = n,
                                 .body = body,
                                 .tls = call->tls,
                                 .timeout_ms = call->timeout_ms};
    return 0;
}

/* EC2: Response > Errors > Error; STS, Auto Scaling: ErrorResponse > Error. */
static void read_xml_failure(struct str body, struct arena *arena, struct aws_failure *failure)
{
    const struct xml *root = NULL;
    if (xml_read(body, arena, &root, NULL))
        return;
    const struct xml *error = xml_at(root, "Errors.Error");
    error = error ? error : xml_get(root, "Error");
    error = error ? error : root;
    failure->code = xml_text(error, "Code");
    if (failure->code.len)
        failure->message = xml_text(error, "Message");
}

static void read_json_failure(const struct http_response *response, struct arena *arena, struct aws_failure *failure)
{
    const struct doc *root = NULL;
    const struct str *type = http_header_get(response, "x-amzn-errortype");
    /* SQS once spoke Query, and still gives the codes of that time: "AWS.SimpleQueueService.NonExistentQueue". */
    if (aws_json_read(response->body, arena, &root, NULL))
        root = NULL;
    failure->code = aws_json_text(root, "__type");
    if (!failure->code.len)
        failure->code = type ? *type : aws_json_text(root, "code");
    failure->message = aws_json_text(root, "message");
    if (!failure->message.len)
        failure->message = aws_json_text(root, "Message");
}

static int refused(enum aws_service service, const char *name, const struct http_response *response,
                   struct arena *arena, struct aws_wire_answer *ret, enum aws_error_scope *ret_scope, struct err *err)
{
    struct aws_failure failure = {response->status, STR(""), STR("")};
    if (is_query(service))
        read_xml_failure(response->body, arena, &failure);
    else
        read_json_failure(response, arena, &failure);
    if (!failure.code.len && !is_query(service)) /* some gateways before JSON services refuse in XML */
        read_xml_failure(response->body, arena, &failure);
    int rc = aws_error_set(&failure, name, ret_scope, err);
    if (rc == 0)
        *ret = (struct aws_wire_answer){.dry_run = true};
    return rc;
}

int aws_wire_answer(enum aws_service service, const char *action, const struct http_response *response,
                    const struct err *failed, struct arena *arena, struct aws_wire_answer *ret,
                    enum aws_error_scope *ret_scope, struct err *err)
{
    char name[AWS_WIRE_NAME_BYTES];
    aws_wire_name(service, action, name);
    *ret_scope = AWS_SCOPE_CALL;
    if (!response) {
        int code = failed && failed->code ? failed->code : ERR_RETRY;
        return err_set(err, code, "%s: %s", name, failed ? failed->message : "no answer");
    }
    if (response->status < 200 || response->status > 299)
        return refused(service, name, response, arena, ret, ret_scope, err);
    struct aws_wire_answer answer = {0};
    struct err why = {0};
    int rc = is_query(service) ? xml_read(response->body, arena, &answer.xml, &why)
                               : aws_json_read(response->body, arena, &answer.json, &why);
    if (rc == ERR_NOMEM)
        return err_nomem(err);
    if (rc)
        return err_set(err, ERR_RETRY, "%s: the answer cannot be read: %s", name, why.message);
    *ret = answer;
    return 0;
}

bool aws_wire_date(const struct http_response *response, struct clock_wall *ret)
{
    const struct str *date = http_header_get(response, "date");
    return date && aws_date_read(*date, ret);
}
