#include "provisioner/kube/lines.h"

/* A buffer that grew beyond this for a long line is given back after it. */
enum { KEPT_BYTES = 64 << 10, FIRST_BYTES = 4 << 10 };

static int keep(struct lines *lines, struct str bytes, struct err *err)
{
    size_t want = lines->len + bytes.len;
    if (want > LINES_MAX_BYTES)
        return err_set(err, ERR_INVALID, "a line of more than %d bytes", LINES_MAX_BYTES);
    if (want > lines->cap) {
        size_t cap = lines->cap ? lines->cap : FIRST_BYTES;
        while (cap < want)
            cap *= 2;
        char *grown = realloc(lines->ptr, cap);
        if (!grown)
            return err_nomem(err);
        lines->ptr = grown;
        lines->cap = cap;
    }
    if (bytes.len)
        memcpy(lines->ptr + lines->len, bytes.ptr, bytes.len);
    lines->len = want;
    return 0;
}

/* The line ends with `end`; where nothing was kept it is given on without a copy. */
static int give(struct lines *lines, struct str end, lines_fn *on_line, void *context, struct err *err)
{
    struct str line = end;
    if (lines->len) {
        int rc = keep(lines, end, err);
        if (rc < 0)
            return rc;
        line = (struct str){lines->ptr, lines->len};
    }
    line = str_trim(line);
    int rc = line.len ? on_line(context, line, err) : 0;
    lines->len = 0;
    if (lines->cap > KEPT_BYTES)
        lines_clear(lines);
    return rc;
}

int lines_feed(struct lines *lines, struct str bytes, lines_fn *on_line, void *context, struct err *err)
{
    while (bytes.len && memchr(bytes.ptr, '\n', bytes.len)) {
        int rc = give(lines, str_cut(&bytes, '\n'), on_line, context, err);
        if (rc < 0)
            return rc;
    }
    return keep(lines, bytes, err);
}

void lines_clear(struct lines *lines)
{
    free(lines->ptr);
    *lines = (struct lines){0};
}
