/* doc_trace.h - test helper: every object that doc_read hands out, as compact text with line numbers. */
#ifndef STOKER_TESTS_UNIT_DOC_TRACE_H
#define STOKER_TESTS_UNIT_DOC_TRACE_H

#include <stdarg.h>
#include <stdio.h>

#include "base/doc.h"

struct trace {
    char text[8192];
    size_t len;
    int objects;
    int stop_at; /* the object whose callback fails; 0: none */
};

static void trace_add(struct trace *trace, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void trace_add(struct trace *trace, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(trace->text + trace->len, sizeof(trace->text) - trace->len, fmt, args);
    va_end(args);
    if (len > 0 && (size_t)len < sizeof(trace->text) - trace->len)
        trace->len += (size_t)len;
}

/* Strings 'so', numbers and words bare, lists [a b], maps {key:value}, with @line where a value begins a new line. */
static void trace_node(struct trace *trace, const struct doc *node, int line)
{
    if (node->line != line)
        trace_add(trace, "@%d", node->line);
    switch (node->kind) {
    case DOC_NULL: trace_add(trace, "null"); return;
    case DOC_BOOL:
    case DOC_NUMBER: trace_add(trace, "%.*s", STR_ARG(node->text)); return;
    case DOC_STRING: trace_add(trace, "'%.*s'", STR_ARG(node->text)); return;
    case DOC_LIST:
    case DOC_MAP: break;
    }
    size_t n = 0;
    trace_add(trace, node->kind == DOC_MAP ? "{" : "[");
    DOC_EACH (child, node) {
        trace_add(trace, n++ ? " " : "");
        if (node->kind == DOC_MAP)
            trace_add(trace, "%.*s:", STR_ARG(child->key));
        trace_node(trace, child, node->line);
    }
    trace_add(trace, node->kind == DOC_MAP ? "}" : "]");
    if (n != node->count)
        trace_add(trace, "!count %zu", node->count);
}

static int trace_object(void *context, const struct doc *object, struct err *err)
{
    struct trace *trace = context;
    if (++trace->objects == trace->stop_at)
        return err_set(err, ERR_INVALID, "stopped");
    trace_node(trace, object, 1);
    trace_add(trace, "\n");
    return 0;
}

#endif
