#include "base/buf.h"

#include <stdint.h>
#include <string.h>

enum { FIRST_BYTES = 256 };

/* Room for `more` bytes and a NUL. What is left behind when it moves goes with the arena. */
static bool reserve(struct buf *buf, size_t more)
{
    if (buf->failed)
        return false;
    if (more < buf->cap - buf->len)
        return true;
    size_t cap = buf->cap ? buf->cap : FIRST_BYTES;
    while (cap - buf->len <= more && cap <= SIZE_MAX / 4)
        cap *= 2;
    char *grown = cap - buf->len > more ? arena_alloc(buf->arena, cap) : NULL;
    if (!grown) {
        buf->failed = true;
        return false;
    }
    if (buf->len)
        memcpy(grown, buf->ptr, buf->len);
    buf->ptr = grown;
    buf->cap = cap;
    return true;
}

void buf_add(struct buf *buf, struct str text)
{
    if (!reserve(buf, text.len) || text.len == 0)
        return;
    memcpy(buf->ptr + buf->len, text.ptr, text.len);
    buf->len += text.len;
}

void buf_byte(struct buf *buf, char byte)
{
    buf_add(buf, (struct str){&byte, 1});
}

int buf_str(struct buf *buf, struct str *ret, struct err *err)
{
    if (!reserve(buf, 0))
        return err_nomem(err);
    buf->ptr[buf->len] = '\0';
    *ret = (struct str){buf->ptr, buf->len};
    return 0;
}
