/* Lists that come in pages: the call is repeated with NextToken until there is none. */
#include <stdlib.h>

#include "base/json_out.h"
#include "cloud/aws/client_call.h"
#include "cloud/aws/json.h"
#include "cloud/aws/query.h"

struct pages {
    struct aws_client *client;
    struct aws_call call; /* its body in `arena` */
    struct aws_pages_handler handler;
    struct arena arena;
    struct arena_mark mark; /* behind the body */
    struct str token;       /* of the page asked for; "" for the first. Behind the mark */
    int asked;
};

static void free_pages(void *context)
{
    struct pages *pages = context;
    arena_release(&pages->arena);
    free(pages);
}

static void finish(struct pages *pages, enum aws_error_scope scope, const struct err *err)
{
    const struct aws_answer answer = {.err = err, .scope = scope, .arena = &pages->arena};
    pages->handler.done(pages->handler.context, &answer);
    free_pages(pages);
}

/* The body, and the token as one more parameter or member. */
static int next_body(struct pages *pages, struct str *ret, struct err *err)
{
    struct buf buf = BUF_INIT(&pages->arena);
    struct str body = pages->call.body;
    if (aws_service_info(pages->call.service)->protocol == AWS_QUERY_XML) {
        buf_add(&buf, body);
        struct aws_query query = AWS_QUERY(&buf);
        aws_query_str(&query, "NextToken", pages->token);
        return buf_str(&buf, ret, err);
    }
    struct str inside = str_trim(body);
    if (inside.len >= 2)
        inside = str_trim((struct str){inside.ptr + 1, inside.len - 2});
    struct buf token = BUF_INIT(&pages->arena);
    struct json_out json = JSON_OUT(&token);
    json_open_map(&json, NULL);
    json_str(&json, "NextToken", pages->token);
    json_close_map(&json);
    struct str member;
    int rc = buf_str(&token, &member, err);
    if (rc)
        return rc;
    buf_byte(&buf, '{');
    buf_add(&buf, inside);
    if (inside.len)
        buf_byte(&buf, ',');
    buf_add(&buf, (struct str){member.ptr + 1, member.len - 1});
    return buf_str(&buf, ret, err);
}

static void on_page(void *context, const struct aws_answer *answer);

static int ask(struct pages *pages, struct err *err)
{
    struct aws_call call = pages->call;
    int rc = pages->token.len ? next_body(pages, &call.body, err) : 0;
    pages->asked++;
    return rc ? rc : aws_client_call_owned(pages->client, &call, on_page, free_pages, pages, err);
}

/* EC2 writes nextToken, the others NextToken; below the root, or in its result. */
static struct str token_of(const struct aws_answer *answer)
{
    if (answer->json)
        return aws_json_text(answer->json, "NextToken");
    struct str token = xml_text(answer->xml, "nextToken");
    XML_EACH(child, answer->xml)
    token = token.len ? token : xml_text(child, "NextToken");
    return token;
}

/* 1: there is another page, and its token is kept. */
static int take(struct pages *pages, const struct aws_answer *answer, struct err *err)
{
    struct str token = token_of(answer);
    bool same = token.len && str_eq(token, pages->token);
    int rc = pages->handler.page(pages->handler.context, answer, err);
    if (rc < 0 || !token.len)
        return rc < 0 ? rc : 0;
    if (same || pages->asked >= AWS_PAGES_MAX)
        return err_set(err, ERR_INVALID, "%s: the pages do not end", pages->call.action);
    arena_rewind(&pages->arena, pages->mark);
    pages->token = str_dup(&pages->arena, token);
    return pages->token.ptr ? 1 : err_nomem(err);
}

static void on_page(void *context, const struct aws_answer *answer)
{
    struct pages *pages = context;
    struct err err = {0};
    if (answer->err || answer->dry_run) {
        finish(pages, answer->scope, answer->err);
        return;
    }
    int rc = take(pages, answer, &err);
    if (rc == 1)
        rc = ask(pages, &err) ? err.code : 1;
    if (rc <= 0)
        finish(pages, AWS_SCOPE_CALL, rc ? &err : NULL);
}

int aws_client_pages(struct aws_client *client, const struct aws_call *call, const struct aws_pages_handler *handler,
                     struct err *err)
{
    struct pages *pages = calloc(1, sizeof(*pages));
    if (!pages)
        return err_nomem(err);
    pages->client = client;
    pages->call = *call;
    pages->handler = *handler;
    pages->call.body = str_dup(&pages->arena, call->body);
    pages->mark = arena_mark(&pages->arena);
    pages->token = STR("");
    int rc = pages->call.body.ptr ? ask(pages, err) : err_nomem(err);
    if (rc)
        free_pages(pages);
    return rc;
}
