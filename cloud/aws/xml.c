#include "cloud/aws/xml.h"

#include <assert.h>
#include <expat.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

struct level {
    struct xml *node;
    struct xml **tail; /* where its next child goes */
    struct buf text;
};

struct reader {
    XML_Parser parser;
    struct arena *arena;
    struct level levels[XML_MAX_DEPTH];
    size_t depth, nodes;
    struct xml *root;
    int code; /* why the parser was stopped; 0: it was not */
    struct err err;
};

static void stop(struct reader *reader, int code, const char *why)
{
    if (reader->code)
        return;
    reader->code = code;
    if (code == ERR_NOMEM)
        err_note_nomem(&reader->err);
    else
        err_note(&reader->err, code, "line %lu: %s", (unsigned long)XML_GetCurrentLineNumber(reader->parser), why);
    XML_StopParser(reader->parser, XML_FALSE);
}

static struct str local_name(const char *name)
{
    const char *colon = strrchr(name, ':');
    return str_of(colon && colon[1] ? colon + 1 : name);
}

static void on_start(void *context, const XML_Char *name, const XML_Char **attributes)
{
    (void)attributes;
    struct reader *reader = context;
    if (reader->code)
        return;
    if (reader->depth == XML_MAX_DEPTH || reader->nodes == XML_MAX_NODES) {
        stop(reader, ERR_INVALID, reader->depth == XML_MAX_DEPTH ? "nested too deep" : "too many elements");
        return;
    }
    struct xml *node = arena_new(reader->arena, struct xml);
    struct str copy = node ? str_dup(reader->arena, local_name(name)) : (struct str){NULL, 0};
    if (!copy.ptr) {
        stop(reader, ERR_NOMEM, "");
        return;
    }
    node->name = copy;
    node->text = STR("");
    reader->nodes++;
    if (reader->depth) {
        struct level *parent = &reader->levels[reader->depth - 1];
        *parent->tail = node;
        parent->tail = &node->next;
        parent->node->count++;
    } else {
        reader->root = node;
    }
    reader->levels[reader->depth++] = (struct level){node, &node->first, BUF_INIT(reader->arena)};
}

static void on_end(void *context, const XML_Char *name)
{
    (void)name;
    struct reader *reader = context;
    if (reader->code)
        return;
    assert(reader->depth > 0);
    struct level *level = &reader->levels[--reader->depth];
    if (level->node->count == 0 && level->text.len) {
        struct str text;
        if (buf_str(&level->text, &text, NULL))
            stop(reader, ERR_NOMEM, "");
        else
            level->node->text = str_trim(text);
    }
}

static void on_text(void *context, const XML_Char *text, int len)
{
    struct reader *reader = context;
    if (reader->code || reader->depth == 0)
        return;
    struct level *level = &reader->levels[reader->depth - 1];
    if (level->node->count == 0)
        buf_add(&level->text, (struct str){text, (size_t)len});
    if (level->text.failed)
        stop(reader, ERR_NOMEM, "");
}

static void on_doctype(void *context, const XML_Char *name, const XML_Char *system_id, const XML_Char *public_id,
                       int has_internal_subset)
{
    (void)name;
    (void)system_id;
    (void)public_id;
    (void)has_internal_subset;
    stop(context, ERR_INVALID, "a DOCTYPE is not accepted");
}

static int parse(struct reader *reader, struct str bytes, struct err *err)
{
    XML_SetUserData(reader->parser, reader);
    XML_SetElementHandler(reader->parser, on_start, on_end);
    XML_SetCharacterDataHandler(reader->parser, on_text);
    XML_SetStartDoctypeDeclHandler(reader->parser, on_doctype);
    if (XML_Parse(reader->parser, bytes.ptr, (int)bytes.len, 1) == XML_STATUS_OK)
        return 0;
    if (reader->code) {
        if (err)
            *err = reader->err;
        return reader->code;
    }
    enum XML_Error why = XML_GetErrorCode(reader->parser);
    if (why == XML_ERROR_NO_MEMORY)
        return err_nomem(err);
    return err_set(err, ERR_INVALID, "line %lu: %s", (unsigned long)XML_GetCurrentLineNumber(reader->parser),
                   XML_ErrorString(why));
}

/* As functions of ours, so that what they give can be made to fail in tests. */
static void *take(size_t size)
{
    return malloc(size);
}

static void *take_again(void *memory, size_t size)
{
    return realloc(memory, size);
}

static void give_back(void *memory)
{
    free(memory);
}

int xml_read(struct str bytes, struct arena *arena, const struct xml **ret, struct err *err)
{
    static const XML_Memory_Handling_Suite memory = {take, take_again, give_back};
    _Static_assert(XML_MAX_INPUT_BYTES <= INT_MAX, "expat counts in int");
    if (bytes.len > XML_MAX_INPUT_BYTES)
        return err_set(err, ERR_INVALID, "an answer of %zu bytes is too large, allowed are %zu", bytes.len,
                       XML_MAX_INPUT_BYTES);
    struct reader *reader = arena_new(arena, struct reader);
    if (!reader)
        return err_nomem(err);
    reader->arena = arena;
    reader->parser = XML_ParserCreate_MM(NULL, &memory, NULL);
    if (!reader->parser)
        return err_nomem(err);
    int rc = parse(reader, bytes.len ? bytes : STR(""), err);
    XML_ParserFree(reader->parser);
    if (!rc)
        *ret = reader->root;
    return rc;
}

static const struct xml *child_named(const struct xml *xml, struct str name)
{
    XML_EACH(child, xml)
    if (str_eq(child->name, name))
        return child;
    return NULL;
}

const struct xml *xml_get(const struct xml *xml, const char *name)
{
    return child_named(xml, str_of(name));
}

const struct xml *xml_at(const struct xml *xml, const char *path)
{
    struct str rest = str_of(path);
    while (xml && rest.len)
        xml = child_named(xml, str_cut(&rest, '.'));
    return xml;
}

struct str xml_text(const struct xml *xml, const char *path)
{
    const struct xml *found = xml_at(xml, path);
    return found ? found->text : STR("");
}
