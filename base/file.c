#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"

enum { FIRST_BUFFER = 1 << 16 };

struct buffer {
    char *bytes;
    size_t len, cap;
};

/* Room for one more byte and the NUL. */
static bool grow(struct buffer *buffer)
{
    if (buffer->cap - buffer->len > 1)
        return true;
    size_t cap = buffer->cap * 2;
    char *bytes = cap > buffer->cap ? realloc(buffer->bytes, cap) : NULL;
    if (!bytes)
        return false;
    buffer->bytes = bytes;
    buffer->cap = cap;
    return true;
}

static int errno_code(int number)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR: return ERR_NOT_FOUND;
    case EACCES:
    case EPERM: return ERR_AUTH;
    case EISDIR: return ERR_INVALID;
    case ENOMEM: return ERR_NOMEM;
    default: return ERR_FATAL;
    }
}

/* A regular file says how much is to come: one allocation instead of a doubling copy. */
static size_t first_size(int fd, size_t max_bytes)
{
    struct stat stat;
    if (fstat(fd, &stat) || !S_ISREG(stat.st_mode) || stat.st_size <= 0 || (uintmax_t)stat.st_size > max_bytes)
        return FIRST_BUFFER;
    return (size_t)stat.st_size + 2;
}

static int read_all(int fd, size_t max_bytes, struct buffer *buffer, struct err *err)
{
    for (;;) {
        if (!grow(buffer))
            return err_nomem(err);
        ssize_t got = read(fd, buffer->bytes + buffer->len, buffer->cap - buffer->len - 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_set(err, errno_code(errno), "cannot be read: %s", strerror(errno));
        if (got == 0)
            return 0;
        buffer->len += (size_t)got;
        if (buffer->len > max_bytes)
            return err_set(err, ERR_INVALID, "is larger than the %zu MiB that are allowed", max_bytes >> 20);
    }
}

int file_read_fd(int fd, size_t max_bytes, struct str *ret_text, struct err *err)
{
    struct buffer buffer = {.cap = first_size(fd, max_bytes)};
    buffer.bytes = malloc(buffer.cap);
    if (!buffer.bytes)
        return err_nomem(err);
    int rc = read_all(fd, max_bytes, &buffer, err);
    if (rc) {
        free(buffer.bytes);
        return rc;
    }
    buffer.bytes[buffer.len] = '\0';
    *ret_text = (struct str){buffer.bytes, buffer.len};
    return 0;
}

int file_read(const char *path, size_t max_bytes, struct str *ret_text, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(err, errno_code(errno), "%s: %s", path, strerror(errno));
    int rc = file_read_fd(fd, max_bytes, ret_text, err);
    close(fd);
    if (rc && rc != ERR_NOMEM)
        (void)err_wrap(err, "%s", path);
    return rc;
}

void file_free(struct str *text)
{
    free((void *)(uintptr_t)text->ptr);
    *text = (struct str){NULL, 0};
}

int file_read_into(const char *path, size_t max_bytes, struct arena *arena, struct str *ret_text, struct err *err)
{
    struct str text;
    int rc = file_read(path, max_bytes, &text, err);
    if (rc)
        return rc;
    struct str copy = str_dup(arena, text);
    explicit_bzero((void *)(uintptr_t)text.ptr, text.len); /* it may be a token */
    file_free(&text);
    if (!copy.ptr)
        return err_nomem(err);
    *ret_text = copy;
    return 0;
}
