#include "tests/fault/nth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

/* Allocations until one fails; negative: none does. Globals, since allocation has no context. */
static int64_t left = -1;
static bool is_paused, has_failed;

void nth_begin(int64_t n)
{
    left = n;
    is_paused = false;
    has_failed = false;
}

bool nth_end(void)
{
    left = -1;
    return has_failed;
}

void nth_pause(bool paused)
{
    is_paused = paused;
}

static bool fails(void)
{
    if (is_paused || left < 0 || left-- > 0)
        return false;
    has_failed = true;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return fails() ? NULL : __real_realloc(memory, size);
}

enum { MOST_ALLOCATIONS = 200000 };

int64_t nth_survive(nth_work_fn work, const void *context, bool copes)
{
    for (int64_t n = 0; n < MOST_ALLOCATIONS; n++) {
        struct err err = {0};
        nth_begin(n);
        int rc = work(context, &err);
        bool failed = nth_end();
        if (!failed) {
            if (rc)
                fail_msg("without a failure: %s", err.message);
            return n;
        }
        if (rc == 0 && copes)
            continue;
        if (rc != ERR_NOMEM)
            fail_msg("allocation %lld failed: returned %d: %s", (long long)n + 1, rc, err.message);
        if (!strstr(err.message, "out of memory"))
            fail_msg("allocation %lld failed: says \"%s\"", (long long)n + 1, err.message);
    }
    fail_msg("more than %d allocations", MOST_ALLOCATIONS);
    return -1;
}
