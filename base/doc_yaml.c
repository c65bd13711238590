/*
 * YAML through libyaml's events into the tree, one object at a time. Scalars follow the core rules that Kubernetes
 * uses; anchors share their nodes, so that an alias costs one node of memory however much it stands for.
 */
#include <string.h>
#include <yaml.h>

#include "base/cc.h"
#include "base/doc_reader.h"

enum {
    ANCHORS_MAX = 1000,    /* of one document */
    MERGED_KEYS_MAX = 1000 /* of one map with << */
};

struct anchor {
    struct str name;
    const struct doc *node;
    size_t weight; /* nodes it stands for, aliases in it counted as often as they are used */
};

struct reader {
    struct doc_reader *base;
    struct str bytes;
    yaml_parser_t parser;
    struct anchor anchors[ANCHORS_MAX];
    size_t n_anchors;
    size_t expanded; /* nodes that the document's aliases stand for */
};

static void event_release(yaml_event_t *event)
{
    yaml_event_delete(event);
}

#define EVENT CC_CLEANUP(event_release) yaml_event_t

static int line_of(const yaml_event_t *event)
{
    return (int)event->start_mark.line + 1;
}

static int line_at(struct str text, size_t offset)
{
    int line = 1;
    for (size_t i = 0; i < offset && i < text.len; i++)
        line += text.ptr[i] == '\n';
    return line;
}

static int next_event(struct reader *reader, yaml_event_t *event, struct err *err)
{
    const yaml_parser_t *parser = &reader->parser;
    if (yaml_parser_parse(&reader->parser, event))
        return 0;
    if (parser->error == YAML_MEMORY_ERROR)
        return err_nomem(err);
    const yaml_mark_t *mark = &parser->problem_mark;
    if (parser->error == YAML_READER_ERROR) /* the reader is ahead of the marks */
        return err_set(err, ERR_INVALID, "line %d: %s", line_at(reader->bytes, parser->problem_offset),
                       parser->problem);
    return err_set(err, ERR_INVALID, "line %d: %s%s%s", (int)mark->line + 1, parser->problem,
                   parser->context ? " " : "", parser->context ? parser->context : "");
}

/* --- scalars --- */

static bool is_one_of(struct str text, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_is(text, words[i]))
            return true;
    return false;
}

static size_t count_digits(struct str text, size_t from)
{
    size_t n = 0;
    while (from + n < text.len && text.ptr[from + n] >= '0' && text.ptr[from + n] <= '9')
        n++;
    return n;
}

/* [-+]? (digits [. digits] | . digits) ([eE] [-+]? digits)?  or 0x, 0o, 0b and digits: those are refused by whoever
 * wants an amount, rather than taken for names. */
static bool is_number(struct str text)
{
    size_t at = text.len && (text.ptr[0] == '-' || text.ptr[0] == '+') ? 1 : 0;
    if (text.len > at + 2 && text.ptr[at] == '0' && strchr("xob", text.ptr[at + 1]))
        return strspn(text.ptr + at + 2, "0123456789abcdefABCDEF") == text.len - at - 2;
    size_t whole = count_digits(text, at), fraction = 0;
    at += whole;
    if (at < text.len && text.ptr[at] == '.') {
        fraction = count_digits(text, at + 1);
        at += 1 + fraction;
    }
    if (whole + fraction == 0)
        return false;
    if (at < text.len && (text.ptr[at] == 'e' || text.ptr[at] == 'E')) {
        at++;
        if (at < text.len && (text.ptr[at] == '-' || text.ptr[at] == '+'))
            at++;
        size_t digits = count_digits(text, at);
        if (!digits)
            return false;
        at += digits;
    }
    return at == text.len;
}

/* What an unquoted scalar without a tag is. */
static enum doc_kind plain_kind(struct str text)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
    static const char *const bools[] = {"true", "True", "TRUE", "false", "False", "FALSE"};
    if (is_one_of(text, nulls, CC_COUNT(nulls)))
        return DOC_NULL;
    if (is_one_of(text, bools, CC_COUNT(bools)))
        return DOC_BOOL;
    return is_number(text) ? DOC_NUMBER : DOC_STRING;
}

static int bad_tag(const yaml_event_t *event, const yaml_char_t *tag, struct err *err)
{
    return err_set(
        err, ERR_INVALID,
        "line %d: tag %.100s does not fit, allowed are !!str, !!int, !!float, !!bool, !!null, !!map and !!seq",
        line_of(event), (const char *)tag);
}

/* The kind that the tag asks for, if the text can be that. */
static int tagged_kind(const yaml_event_t *event, struct str text, enum doc_kind *ret, struct err *err)
{
    static const struct {
        const char *tag;
        enum doc_kind kind;
    } known[] = {
        {"!", DOC_STRING},         {YAML_STR_TAG, DOC_STRING}, {YAML_INT_TAG, DOC_NUMBER}, {YAML_FLOAT_TAG, DOC_NUMBER},
        {YAML_BOOL_TAG, DOC_BOOL}, {YAML_NULL_TAG, DOC_NULL},
    };
    for (size_t i = 0; i < CC_COUNT(known); i++) {
        if (strcmp(known[i].tag, (const char *)event->data.scalar.tag) != 0)
            continue;
        if (known[i].kind != DOC_STRING && plain_kind(text) != known[i].kind)
            break;
        *ret = known[i].kind;
        return 0;
    }
    return bad_tag(event, event->data.scalar.tag, err);
}

static int check_text(const yaml_event_t *event, struct str text, struct err *err)
{
    if (text.len > DOC_MAX_TEXT_BYTES)
        return err_set(err, ERR_INVALID, "line %d: text of %zu bytes, allowed are %d", line_of(event), text.len,
                       DOC_MAX_TEXT_BYTES);
    if (text.len && memchr(text.ptr, '\0', text.len))
        return err_set(err, ERR_INVALID, "line %d: text holds a NUL character", line_of(event));
    return 0;
}

static int read_scalar(struct reader *reader, const yaml_event_t *event, struct doc **ret, struct err *err)
{
    struct str text = {(const char *)event->data.scalar.value, event->data.scalar.length};
    enum doc_kind kind = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE ? plain_kind(text) : DOC_STRING;
    int code = check_text(event, text, err);
    if (code == 0 && event->data.scalar.tag)
        code = tagged_kind(event, text, &kind, err);
    struct doc *node;
    if (code == 0)
        code = doc_reader_node(reader->base, kind, line_of(event), &node, err);
    if (code)
        return code;
    bool truth = kind == DOC_BOOL && (text.ptr[0] == 't' || text.ptr[0] == 'T');
    node->text = kind != DOC_BOOL ? str_dup(&reader->base->arena, text) : truth ? STR("true") : STR("false");
    if (!node->text.ptr)
        return err_nomem(err);
    *ret = node;
    return 0;
}

/* --- anchors and aliases --- */

/* `before`: the reader's count of nodes and of expanded ones before the node was read. */
static int add_anchor(struct reader *reader, const yaml_char_t *name, const struct doc *node, size_t before,
                      struct err *err)
{
    if (reader->n_anchors == ANCHORS_MAX)
        return err_set(err, ERR_INVALID, "line %d: too many anchors, allowed are %d in a document", node->line,
                       ANCHORS_MAX);
    struct str copy = str_dup(&reader->base->arena, str_of((const char *)name));
    if (!copy.ptr)
        return err_nomem(err);
    size_t weight = reader->base->nodes + reader->expanded - before;
    reader->anchors[reader->n_anchors++] = (struct anchor){copy, node, weight};
    return 0;
}

static const struct anchor *find_anchor(const struct reader *reader, const yaml_char_t *name)
{
    for (size_t i = reader->n_anchors; i > 0; i--)
        if (str_is(reader->anchors[i - 1].name, (const char *)name))
            return &reader->anchors[i - 1];
    return NULL;
}

static int expand(struct reader *reader, size_t nodes, int line, struct err *err)
{
    if (nodes > DOC_MAX_OBJECT_NODES - reader->expanded)
        return err_set(err, ERR_INVALID, "line %d: aliases expand to more than %d nodes", line, DOC_MAX_OBJECT_NODES);
    reader->expanded += nodes;
    return 0;
}

/* A node with a place and key of its own whose children are the other's. */
static int share_node(struct reader *reader, const struct doc *node, struct doc **ret, struct err *err)
{
    struct doc *copy;
    int code = doc_reader_node(reader->base, node->kind, node->line, &copy, err);
    if (code)
        return code;
    copy->text = node->text;
    copy->count = node->count;
    copy->first = node->first;
    *ret = copy;
    return 0;
}

static int read_alias(struct reader *reader, const yaml_event_t *event, struct doc **ret, struct err *err)
{
    const struct anchor *anchor = find_anchor(reader, event->data.alias.anchor);
    if (!anchor)
        return err_set(err, ERR_INVALID, "line %d: alias *%.100s has no anchor before it", line_of(event),
                       (const char *)event->data.alias.anchor);
    int code = expand(reader, anchor->weight - 1, line_of(event), err); /* the alias is a node itself */
    return code ? code : share_node(reader, anchor->node, ret, err);
}

/* --- merge keys: https://yaml.org/type/merge.html --- */

/* Adds the members of `from` that the map does not have. */
static int merge_map(struct reader *reader, struct doc *map, const struct doc *from, struct err *err)
{
    if (from->kind != DOC_MAP)
        return err_set(err, ERR_INVALID, "line %d: << takes a map or a list of maps", from->line);
    if (map->count + from->count > MERGED_KEYS_MAX)
        return err_set(err, ERR_INVALID, "line %d: << makes a map of more than %d keys", from->line, MERGED_KEYS_MAX);
    struct doc **tail = &map->first;
    while (*tail)
        tail = &(*tail)->next;
    DOC_EACH (member, from) {
        const struct doc *there = map->first;
        while (there && !str_eq(there->key, member->key))
            there = there->next;
        if (there)
            continue;
        struct doc *copy;
        int code = share_node(reader, member, &copy, err);
        if (code)
            return code;
        copy->key = member->key;
        *tail = copy;
        tail = &copy->next;
        map->count++;
    }
    return 0;
}

static int merge(struct reader *reader, struct doc *map, const struct doc *from, struct err *err)
{
    if (from->kind != DOC_LIST)
        return merge_map(reader, map, from, err);
    DOC_EACH (one, from) {
        int code = merge_map(reader, map, one, err);
        if (code)
            return code;
    }
    return 0;
}

/* --- maps and lists --- */

/* How far a document's items are handed out while they are read. */
struct items_state {
    bool streamed;
    int line;
};

static int read_node(struct reader *reader, const yaml_event_t *event, int depth, struct doc **ret, struct err *err);
static int read_root_value(struct reader *reader, const struct doc *root, struct str key, const yaml_event_t *event,
                           struct items_state *state, struct doc **ret, struct err *err);

/* A key's text. `ret_merge`: it is the plain key <<. */
static int read_key(struct reader *reader, const yaml_event_t *event, struct str *ret, bool *ret_merge, struct err *err)
{
    struct doc *key;
    int code;
    if (event->type == YAML_SCALAR_EVENT && !event->data.scalar.anchor)
        code = read_scalar(reader, event, &key, err);
    else if (event->type == YAML_ALIAS_EVENT)
        code = read_alias(reader, event, &key, err);
    else
        return err_set(err, ERR_INVALID, "line %d: a key is plain text, without an anchor", line_of(event));
    if (code)
        return code;
    if (key->kind == DOC_LIST || key->kind == DOC_MAP || key->kind == DOC_NULL)
        return err_set(err, ERR_INVALID, "line %d: a key is text, neither empty nor a list or map", line_of(event));
    *ret = key->text;
    *ret_merge = event->type == YAML_SCALAR_EVENT && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
                 str_is(key->text, "<<");
    return 0;
}

/* A map under construction: its own members first, what it merges afterwards. */
struct map_builder {
    struct doc *map;
    struct doc **tail, **merges_tail;
    struct doc *merges;
};

static void add_member(struct map_builder *builder, struct str key, bool is_merge, struct doc *value)
{
    value->key = key;
    if (is_merge) {
        *builder->merges_tail = value;
        builder->merges_tail = &value->next;
    } else {
        *builder->tail = value;
        builder->tail = &value->next;
        builder->map->count++;
    }
}

static int close_map(struct reader *reader, struct map_builder *builder, struct err *err)
{
    int code = doc_reader_check_keys(builder->map, err);
    for (const struct doc *from = builder->merges; from && code == 0; from = from->next)
        code = merge(reader, builder->map, from, err);
    return code;
}

/* `state` is NULL but for the map that is a document. */
static int read_map(struct reader *reader, int depth, struct doc *map, struct items_state *state, struct err *err)
{
    struct map_builder builder = {.map = map, .tail = &map->first};
    builder.merges_tail = &builder.merges;
    for (;;) {
        EVENT key_event = {0}, event = {0};
        int code = next_event(reader, &key_event, err);
        if (code)
            return code;
        if (key_event.type == YAML_MAPPING_END_EVENT)
            return close_map(reader, &builder, err);
        struct str key;
        bool is_merge = false;
        struct doc *value = NULL;
        code = read_key(reader, &key_event, &key, &is_merge, err);
        if (code == 0)
            code = next_event(reader, &event, err);
        if (code == 0)
            code = state ? read_root_value(reader, map, key, &event, state, &value, err)
                         : read_node(reader, &event, depth, &value, err);
        if (code)
            return code;
        add_member(&builder, key, is_merge, value);
    }
}

static int read_list(struct reader *reader, int depth, struct doc *list, struct err *err)
{
    struct doc **tail = &list->first;
    for (;;) {
        EVENT event = {0};
        int code = next_event(reader, &event, err);
        if (code || event.type == YAML_SEQUENCE_END_EVENT)
            return code;
        code = read_node(reader, &event, depth, tail, err);
        if (code)
            return code;
        tail = &(*tail)->next;
        list->count++;
    }
}

static int check_collection_tag(const yaml_event_t *event, struct err *err)
{
    bool map = event->type == YAML_MAPPING_START_EVENT;
    const yaml_char_t *tag = map ? event->data.mapping_start.tag : event->data.sequence_start.tag;
    if (!tag || strcmp((const char *)tag, map ? YAML_MAP_TAG : YAML_SEQ_TAG) == 0)
        return 0;
    return bad_tag(event, tag, err);
}

static int read_collection(struct reader *reader, const yaml_event_t *event, int depth, struct doc **ret,
                           struct err *err)
{
    bool map = event->type == YAML_MAPPING_START_EVENT;
    if (depth > DOC_MAX_DEPTH)
        return err_set(err, ERR_INVALID, "line %d: nested too deeply, allowed are %d levels", line_of(event),
                       DOC_MAX_DEPTH);
    int code = check_collection_tag(event, err);
    struct doc *node;
    if (code == 0)
        code = doc_reader_node(reader->base, map ? DOC_MAP : DOC_LIST, line_of(event), &node, err);
    if (code == 0)
        code = map ? read_map(reader, depth + 1, node, NULL, err) : read_list(reader, depth + 1, node, err);
    if (code == 0)
        *ret = node;
    return code;
}

/* The node that begins with `event`; `depth` is 1 for a whole object. */
static int read_node(struct reader *reader, const yaml_event_t *event, int depth, struct doc **ret, struct err *err)
{
    size_t before = reader->base->nodes + reader->expanded;
    const yaml_char_t *anchor = NULL;
    struct doc *node;
    int code;
    if (event->type == YAML_ALIAS_EVENT) {
        return read_alias(reader, event, ret, err);
    } else if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        code = read_scalar(reader, event, &node, err);
    } else {
        anchor = event->type == YAML_MAPPING_START_EVENT ? event->data.mapping_start.anchor
                                                         : event->data.sequence_start.anchor;
        code = read_collection(reader, event, depth, &node, err);
    }
    if (code == 0 && anchor)
        code = add_anchor(reader, anchor, node, before, err);
    if (code == 0)
        *ret = node;
    return code;
}

/* --- documents --- */

/* Forgets an item that was handed out, unless an anchor in it may still be named. */
static void forget_item(struct reader *reader, struct arena_mark mark, size_t nodes, size_t anchors)
{
    if (reader->n_anchors == anchors)
        doc_reader_rewind(reader->base, mark, nodes);
}

/*
 * The items of a document. kubectl prints `kind: List` behind the items: where kind is not known yet, items that
 * have a kind of their own are taken for a list's, and read_document makes sure afterwards.
 */
static int read_items(struct reader *reader, const struct doc *root, struct doc *items, struct items_state *state,
                      struct err *err)
{
    struct str kind = doc_reader_text(root, "kind"), api_version = doc_reader_text(root, "apiVersion");
    struct doc **tail = &items->first;
    bool first = true;
    state->streamed = doc_reader_is_list(kind);
    for (;; first = false) {
        EVENT event = {0};
        struct arena_mark mark = arena_mark(&reader->base->arena);
        size_t nodes = reader->base->nodes, anchors = reader->n_anchors;
        int code = next_event(reader, &event, err);
        if (code || event.type == YAML_SEQUENCE_END_EVENT)
            return code;
        struct doc *item;
        code = read_node(reader, &event, 3, &item, err);
        if (code)
            return code;
        if (first && !doc_get(root, "kind"))
            state->streamed = doc_reader_text(item, "kind").len > 0;
        if (state->streamed) {
            code = doc_reader_hand_out_item(reader->base, kind, api_version, item, err);
            if (code)
                return code;
            forget_item(reader, mark, nodes, anchors);
        } else {
            *tail = item;
            tail = &item->next;
            items->count++;
        }
    }
}

/* A member of a document's map: items are watched for, everything else is read as anywhere. */
static int read_root_value(struct reader *reader, const struct doc *root, struct str key, const yaml_event_t *event,
                           struct items_state *state, struct doc **ret, struct err *err)
{
    if (!str_is(key, "items") || event->type != YAML_SEQUENCE_START_EVENT || event->data.sequence_start.anchor)
        return read_node(reader, event, 2, ret, err);
    struct doc *items;
    int code = check_collection_tag(event, err);
    if (code == 0)
        code = doc_reader_node(reader->base, DOC_LIST, line_of(event), &items, err);
    state->line = line_of(event);
    if (code == 0)
        code = read_items(reader, root, items, state, err);
    if (code == 0)
        *ret = items;
    return code;
}

static int read_document(struct reader *reader, const yaml_event_t *event, struct err *err)
{
    struct items_state state = {0};
    struct doc *root;
    int code;
    if (event->type == YAML_MAPPING_START_EVENT) {
        code = check_collection_tag(event, err);
        if (code == 0)
            code = doc_reader_node(reader->base, DOC_MAP, line_of(event), &root, err);
        if (code == 0)
            code = read_map(reader, 2, root, &state, err);
    } else {
        code = read_node(reader, event, 1, &root, err);
    }
    if (code)
        return code;
    if (!state.streamed)
        return root->kind == DOC_NULL ? 0 : doc_reader_hand_out(reader->base, root, err);
    if (!doc_reader_is_list(doc_reader_text(root, "kind")))
        return err_set(err, ERR_INVALID, "line %d: items: kind is not List, and only a List holds objects", state.line);
    return 0;
}

static int read_stream(struct reader *reader, struct err *err)
{
    for (;;) {
        EVENT event = {0}, root = {0};
        int code = next_event(reader, &event, err);
        if (code || event.type == YAML_STREAM_END_EVENT)
            return code;
        if (event.type != YAML_DOCUMENT_START_EVENT)
            continue;
        code = next_event(reader, &root, err);
        if (code == 0)
            code = read_document(reader, &root, err);
        if (code)
            return code;
        doc_reader_rewind(reader->base, (struct arena_mark){0}, 0);
        reader->n_anchors = reader->expanded = 0;
    }
}

int doc_yaml_read(struct doc_reader *base, struct str bytes, struct err *err)
{
    struct arena arena = ARENA_INIT;
    struct reader *reader = arena_new(&arena, struct reader);
    if (!reader || !yaml_parser_initialize(&reader->parser)) {
        arena_release(&arena);
        return err_nomem(err);
    }
    reader->base = base;
    reader->bytes = bytes;
    yaml_parser_set_encoding(&reader->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader->parser, (const unsigned char *)bytes.ptr, bytes.len);
    int code = read_stream(reader, err);
    yaml_parser_delete(&reader->parser);
    arena_release(&arena);
    return code;
}
