/* Any bytes as a user's own user data: taken apart and put together again, as MIME and as TOML, nothing gets lost. */
#include <assert.h>
#include <stdint.h>

#include "cloud/aws/mime.h"
#include "cloud/aws/toml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was joined is split into the same parts again. */
static void check_mime(struct str text, struct arena *arena)
{
    struct mime_part parts[MIME_MAX_PARTS], again[MIME_MAX_PARTS];
    size_t n = 0, n_again = 0;
    struct buf buf = BUF_INIT(arena);
    struct str joined;
    if (mime_split(text, parts, &n, NULL) || mime_join(parts, n, &buf, NULL) || buf_str(&buf, &joined, NULL))
        return;
    assert(mime_is_archive(joined));
    assert(mime_split(joined, again, &n_again, NULL) == 0 && n_again == n);
    for (size_t i = 0; i < n; i++)
        assert(again[i].text.len <= parts[i].text.len + 1);
}

struct counting {
    struct buf out;
    size_t n;
};

static int count(void *context, const struct toml_statement *statement, struct err *err)
{
    (void)err;
    struct counting *counting = context;
    assert(statement->path.len > 0 && statement->value.len > 0);
    buf_add(&counting->out, statement->path);
    buf_add(&counting->out, STR(" = "));
    buf_add(&counting->out, statement->value);
    buf_byte(&counting->out, '\n');
    counting->n++;
    return 0;
}

/* Written as statements with full paths it reads the same. */
static void check_toml(struct str text, struct arena *arena)
{
    struct counting first = {.out = BUF_INIT(arena)}, second = {.out = BUF_INIT(arena)};
    struct str once, twice;
    if (toml_read(text, arena, count, &first, NULL) || buf_str(&first.out, &once, NULL))
        return;
    assert(toml_read(once, arena, count, &second, NULL) == 0 && second.n == first.n);
    assert(buf_str(&second.out, &twice, NULL) == 0 && str_eq(once, twice));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = ARENA_INIT;
    struct str text = {(const char *)data, size};
    check_mime(text, &arena);
    check_toml(text, &arena);
    arena_release(&arena);
    return 0;
}
