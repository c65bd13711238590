#include "provisioner/kube/list_page.h"

#include "base/buf.h"
#include "base/json_scan.h"

struct reading {
    const struct list_page_reader *reader;
    struct arena *arena; /* of the page's own texts */
    struct list_page *page;
    bool has_items;
    int stopped; /* what item() returned */
};

/* One value as it is written. `ret_own_kind` is true if it is a map that says its kind itself. */
struct value {
    struct str text;
    bool own_kind, empty;
};

static bool opens(char c)
{
    return c == '{' || c == '[';
}

static bool closes(char c)
{
    return c == '}' || c == ']';
}

/* Passes one value and judges nothing of it but that it ends: what it holds is read by doc_read. */
static int take_value(struct json_scan *scan, struct value *ret, struct err *err)
{
    json_peek(scan);
    const char *start = scan->at;
    int depth = 0;
    size_t tokens = 0;
    *ret = (struct value){.own_kind = false};
    do {
        struct str token = json_token(scan);
        if (token.len == 0)
            return json_unexpected(scan, "the end of a list", err);
        tokens++;
        if (depth == 1 && str_is(token, "\"kind\"") && json_peek(scan) == ':')
            ret->own_kind = true;
        if (token.len == 1)
            depth += opens(token.ptr[0]) - closes(token.ptr[0]);
    } while (depth > 0);
    ret->text = (struct str){start, (size_t)(scan->at - start)};
    ret->empty = tokens <= 2;
    return depth < 0 ? json_unexpected(scan, "a value", err) : 0;
}

static int hand_out(void *context, const struct doc *object, struct err *err)
{
    struct reading *reading = context;
    reading->stopped = reading->reader->item(reading->reader->context, object, err);
    return reading->stopped;
}

/* Items of typed lists lack kind and apiVersion: they are put in front. */
static int item_text(const struct reading *reading, const struct value *value, struct arena *arena, struct str *ret,
                     struct err *err)
{
    if (value->own_kind || value->empty || !str_starts(value->text, "{")) {
        *ret = value->text;
        return 0;
    }
    struct buf buf = BUF_INIT(arena);
    buf_add(&buf, STR("{\"kind\":\""));
    buf_add(&buf, str_of(reading->reader->kind));
    buf_add(&buf, STR("\",\"apiVersion\":\""));
    buf_add(&buf, str_of(reading->reader->api_version));
    buf_add(&buf, STR("\","));
    buf_add(&buf, (struct str){value->text.ptr + 1, value->text.len - 1});
    return buf_str(&buf, ret, err);
}

static int read_item(struct reading *reading, const struct value *value, struct arena *scratch, struct err *err)
{
    struct str text;
    struct arena_mark mark = arena_mark(scratch);
    int rc = item_text(reading, value, scratch, &text, err);
    if (rc < 0)
        return rc;
    struct err why = {0};
    rc = doc_read(text, "item.json", hand_out, reading, &why);
    arena_rewind(scratch, mark);
    if (rc == ERR_INVALID && !reading->stopped) {
        reading->reader->unreadable(reading->reader->context, &why);
        return 0;
    }
    if (rc < 0 && err)
        *err = why;
    return rc;
}

static int read_items(struct reading *reading, struct json_scan *scan, struct err *err)
{
    struct arena scratch = ARENA_INIT;
    bool more = json_open(scan, ']');
    int rc = 0;
    while (more && rc == 0) {
        struct value value;
        rc = take_value(scan, &value, err);
        if (rc == 0)
            rc = json_take_separator(scan, ']', &more, err);
        if (rc == 0)
            rc = read_item(reading, &value, &scratch, err);
    }
    arena_release(&scratch);
    reading->has_items = true;
    return rc;
}

static int read_metadata(void *context, const struct doc *metadata, struct err *err)
{
    struct reading *reading = context;
    const struct doc *version = doc_get(metadata, "resourceVersion"), *next = doc_get(metadata, "continue");
    struct list_page page = {STR(""), STR("")};
    if (version && version->kind == DOC_STRING)
        page.resource_version = str_dup(reading->arena, version->text);
    if (next && next->kind == DOC_STRING)
        page.next = str_dup(reading->arena, next->text);
    if (!page.resource_version.ptr || !page.next.ptr)
        return err_nomem(err);
    *reading->page = page;
    return 0;
}

/* The cursor is on a key of the list itself. */
static int read_member(struct reading *reading, struct json_scan *scan, struct err *err)
{
    struct value value;
    struct str key = json_token(scan);
    int rc = json_take_colon(scan, err);
    if (rc < 0)
        return rc;
    if (str_is(key, "\"items\"") && json_peek(scan) == '[')
        return read_items(reading, scan, err);
    rc = take_value(scan, &value, err);
    if (rc == 0 && str_is(key, "\"items\"") && str_is(value.text, "null"))
        reading->has_items = true;
    if (rc == 0 && str_is(key, "\"metadata\""))
        rc = doc_read(value.text, "metadata.json", read_metadata, reading, err);
    return rc;
}

int list_page_read(struct str body, const struct list_page_reader *reader, struct arena *arena, struct list_page *ret,
                   struct err *err)
{
    struct list_page page = {STR(""), STR("")};
    struct reading reading = {reader, arena, &page, false, 0};
    struct json_scan scan = {.at = body.ptr, .end = body.ptr + body.len, .line = 1};
    if (body.len == 0 || json_peek(&scan) != '{')
        return json_unexpected(&scan, "a list of objects", err);
    bool more = json_open(&scan, '}');
    while (more) {
        int rc = json_check_quote(&scan, err);
        if (rc == 0)
            rc = read_member(&reading, &scan, err);
        if (rc == 0)
            rc = json_take_separator(&scan, '}', &more, err);
        if (rc < 0)
            return rc;
    }
    if (!reading.has_items || page.resource_version.len == 0)
        return err_set(err, ERR_INVALID, "a list without items or resourceVersion");
    *ret = page;
    return 0;
}
