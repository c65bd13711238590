#include "provisioner/spark/conf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* More than this is taken for a mistake: 8 PiB. */
#define MAX_SIZE_BYTES (INT64_C(1) << 53)

enum { NUMBER_MAX_BYTES = 40, SHOWN_MAX = 80 };

#define SHOW(s) (int)((s).len < SHOWN_MAX ? (s).len : SHOWN_MAX), (s).ptr ? (s).ptr : ""

int conf_set(struct conf *conf, struct str key, struct str value, int line, const char *field, struct err *err)
{
    if (conf->entries.len == CONF_MAX_ENTRIES) {
        if (!conf->full)
            diag_add(conf->diag, conf->file, line, "", "too many entries, allowed are %d", CONF_MAX_ENTRIES);
        conf->full = true;
        return 0;
    }
    if (!field)
        field = arena_copy(conf->arena, key.ptr, key.len);
    struct conf_entry entry = {key, str_trim(value), line, field, false};
    return field && VEC_PUSH(&conf->entries, entry) ? 0 : err_nomem(err);
}

void conf_release(struct conf *conf)
{
    VEC_FREE(&conf->entries);
}

static const struct conf_entry *find(const struct conf *conf, struct str key)
{
    for (size_t i = conf->entries.len; i > 0; i--)
        if (str_eq(conf->entries.items[i - 1].key, key))
            return &conf->entries.items[i - 1];
    return NULL;
}

const struct conf_entry *conf_find(const struct conf *conf, const char *key)
{
    return find(conf, str_of(key));
}

bool conf_under(const struct conf *conf, size_t i, const char *prefix, struct str *ret_rest)
{
    const struct conf_entry *entry = &conf->entries.items[i];
    size_t len = strlen(prefix);
    if (entry->key.len <= len || !str_starts(entry->key, prefix) || find(conf, entry->key) != entry)
        return false;
    *ret_rest = (struct str){entry->key.ptr + len, entry->key.len - len};
    return true;
}

void conf_bad(const struct conf *conf, const struct conf_entry *entry, const char *fmt, ...)
{
    if (entry->reported)
        return;
    conf->entries.items[entry - conf->entries.items].reported = true;
    char what[ERR_MESSAGE_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    diag_add(conf->diag, conf->file, entry->line, entry->field, "%s", what);
}

struct str conf_text(const struct conf *conf, const char *key, struct str other)
{
    const struct conf_entry *entry = conf_find(conf, key);
    return entry ? entry->value : other;
}

int64_t conf_int(const struct conf *conf, const char *key, int64_t min, int64_t max, int64_t other)
{
    const struct conf_entry *entry = conf_find(conf, key);
    int64_t value;
    if (!entry)
        return other;
    if (str_to_int64(entry->value, &value) && value >= min && value <= max)
        return value;
    conf_bad(conf, entry, "is \"%.*s\", allowed is an integer from %lld to %lld", SHOW(entry->value), (long long)min,
             (long long)max);
    return other;
}

/* ASCII letters do not count as upper or lower case. */
static bool is_word(struct str text, const char *word)
{
    return text.len == strlen(word) && (text.len == 0 || strncasecmp(text.ptr, word, text.len) == 0);
}

bool conf_bool(const struct conf *conf, const char *key, bool other)
{
    const struct conf_entry *entry = conf_find(conf, key);
    if (!entry)
        return other;
    if (is_word(entry->value, "true") || is_word(entry->value, "false"))
        return is_word(entry->value, "true");
    conf_bad(conf, entry, "is \"%.*s\", allowed are true and false", SHOW(entry->value));
    return other;
}

static bool to_double(struct str text, double *ret)
{
    char buffer[NUMBER_MAX_BYTES];
    if (text.len == 0 || text.len >= sizeof(buffer))
        return false;
    memcpy(buffer, text.ptr, text.len);
    buffer[text.len] = '\0';
    if (strspn(buffer, "0123456789.eE+-") != text.len)
        return false;
    char *end;
    *ret = strtod(buffer, &end);
    return *end == '\0';
}

double conf_number(const struct conf *conf, const char *key, double min, double max, double other)
{
    const struct conf_entry *entry = conf_find(conf, key);
    double value;
    if (!entry)
        return other;
    if (to_double(entry->value, &value) && value >= min && value <= max)
        return value;
    conf_bad(conf, entry, "is \"%.*s\", allowed is a number from %g to %g", SHOW(entry->value), min, max);
    return other;
}

static const struct {
    const char *text;
    unsigned shift;
} size_suffixes[] = {
    {"b", 0},   {"k", 10}, {"kb", 10}, {"m", 20}, {"mb", 20}, {"g", 30},
    {"gb", 30}, {"t", 40}, {"tb", 40}, {"p", 50}, {"pb", 50},
};

/* digits[suffix]: no sign, no point, no space between. */
static bool to_bytes(struct str text, int64_t unit_bytes, int64_t *ret)
{
    struct str suffix = text;
    while (suffix.len && suffix.ptr[0] >= '0' && suffix.ptr[0] <= '9')
        suffix = (struct str){suffix.ptr + 1, suffix.len - 1};
    int64_t amount, unit = suffix.len ? 0 : unit_bytes;
    for (size_t i = 0; i < CC_COUNT(size_suffixes); i++)
        if (is_word(suffix, size_suffixes[i].text))
            unit = INT64_C(1) << size_suffixes[i].shift;
    return unit && str_to_int64((struct str){text.ptr, text.len - suffix.len}, &amount) &&
           !__builtin_mul_overflow(amount, unit, ret) && *ret <= MAX_SIZE_BYTES;
}

int64_t conf_size_mib(const struct conf *conf, const char *key, int64_t unit_bytes, int64_t other)
{
    const struct conf_entry *entry = conf_find(conf, key);
    int64_t bytes;
    if (!entry)
        return other;
    if (to_bytes(entry->value, unit_bytes, &bytes))
        return bytes / CONF_MIB;
    conf_bad(conf, entry,
             "is \"%.*s\", allowed is a whole number with one of k m g t p behind it (%s without), up to 8p",
             SHOW(entry->value), unit_bytes == 1 ? "bytes" : "MiB");
    return other;
}
