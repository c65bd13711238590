#include "provisioner/cmd/emit.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/cc.h"
#include "base/money.h"

struct emit emit_to(FILE *file, enum emit_syntax syntax)
{
    return (struct emit){.file = file, .syntax = syntax};
}

static struct emit_level *innermost(struct emit *emit)
{
    return emit->depth ? &emit->levels[emit->depth - 1] : NULL;
}

static void new_line(struct emit *emit, int depth)
{
    fprintf(emit->file, "\n%*s", 2 * depth, "");
}

/* JSON: the comma and the white space before a key, or before a list's item. */
static void json_separate(struct emit *emit, struct emit_level *level)
{
    if (level->started)
        fputc(',', emit->file);
    if (!level->compact)
        new_line(emit, emit->depth);
    else if (level->started)
        fputc(' ', emit->file);
}

/* YAML: the line and indentation before a key or item; lists stand two columns deeper than their key. */
static void yaml_separate(struct emit *emit, const struct emit_level *level)
{
    if (emit->on_dash)
        emit->on_dash = false;
    else if (level->started || emit->depth > 1)
        new_line(emit, emit->depth - 1);
}

static void separate(struct emit *emit, struct emit_level *level)
{
    if (emit->syntax == EMIT_JSON)
        json_separate(emit, level);
    else
        yaml_separate(emit, level);
    level->started = true;
}

/* What stands before any value: an item's separator, or the space behind its key. */
static void before_value(struct emit *emit, bool scalar)
{
    struct emit_level *level = innermost(emit);
    assert(!level || level->list || emit->has_key);
    if (level && level->list) {
        separate(emit, level);
        if (emit->syntax == EMIT_YAML) {
            fputs("- ", emit->file);
            emit->on_dash = !scalar;
        }
    } else if (emit->has_key && (emit->syntax == EMIT_JSON || scalar)) {
        fputc(' ', emit->file);
    }
    emit->has_key = false;
}

static void open_level(struct emit *emit, bool list, bool compact)
{
    assert(emit->depth < EMIT_MAX_DEPTH);
    struct emit_level *outer = innermost(emit);
    bool inherited = outer && outer->compact;
    before_value(emit, false);
    if (emit->syntax == EMIT_JSON)
        fputc(list ? '[' : '{', emit->file);
    emit->levels[emit->depth++] = (struct emit_level){list, compact || inherited, false};
}

void emit_map(struct emit *emit)
{
    open_level(emit, false, false);
}

void emit_map_compact(struct emit *emit)
{
    open_level(emit, false, true);
}

void emit_list(struct emit *emit)
{
    open_level(emit, true, false);
}

void emit_list_compact(struct emit *emit)
{
    open_level(emit, true, true);
}

/* An empty list or map is the one thing that block YAML writes in brackets. */
static void yaml_empty(struct emit *emit, bool list)
{
    const struct emit_level *outer = innermost(emit);
    if (outer && !outer->list)
        fputc(' ', emit->file);
    fputs(list ? "[]" : "{}", emit->file);
    emit->on_dash = false;
}

void emit_close(struct emit *emit)
{
    assert(emit->depth > 0 && !emit->has_key);
    struct emit_level level = emit->levels[--emit->depth];
    if (emit->syntax == EMIT_YAML) {
        if (!level.started)
            yaml_empty(emit, level.list);
        return;
    }
    if (level.started && !level.compact)
        new_line(emit, emit->depth);
    fputc(level.list ? ']' : '}', emit->file);
}

/* The length of the UTF-8 sequence at the start of `s`, 0 if it is broken (overlong, a surrogate, cut short). */
static size_t utf8_len(struct str s)
{
    const unsigned char *b = (const unsigned char *)s.ptr;
    if (b[0] < 0x80)
        return 1;
    size_t len = b[0] >= 0xf0 ? 4 : b[0] >= 0xe0 ? 3 : 2;
    if (b[0] < 0xc2 || b[0] > 0xf4 || len > s.len)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((b[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (b[0] == 0xe0 && b[1] < 0xa0) || (b[0] == 0xf0 && b[1] < 0x90);
    bool beyond = (b[0] == 0xed && b[1] > 0x9f) || (b[0] == 0xf4 && b[1] > 0x8f);
    return overlong || beyond ? 0 : len;
}

/* Control characters, C1 among them: YAML allows none of those unescaped. */
static bool is_control(const char *at, size_t len)
{
    unsigned char first = (unsigned char)at[0];
    return (len == 1 && (first < 0x20 || first == 0x7f)) || (len == 2 && first == 0xc2 && (unsigned char)at[1] < 0xa0);
}

static void quote_one(FILE *file, const char *at, size_t len)
{
    if (len == 1 && (*at == '"' || *at == '\\'))
        fprintf(file, "\\%c", *at);
    else if (*at == '\n')
        fputs("\\n", file);
    else if (*at == '\t')
        fputs("\\t", file);
    else if (is_control(at, len))
        fprintf(file, "\\u%04x", (unsigned)(unsigned char)at[len - 1]);
    else
        fwrite(at, 1, len, file);
}

/* Double quotes mean the same in JSON and YAML. */
static void quote(FILE *file, struct str text)
{
    fputc('"', file);
    while (text.len) {
        size_t len = utf8_len(text);
        if (len)
            quote_one(file, text.ptr, len);
        else
            fputs("\xef\xbf\xbd", file);
        size_t step = len ? len : 1;
        text = (struct str){text.ptr + step, text.len - step};
    }
    fputc('"', file);
}

/* Words that YAML 1.1 readers take for something other than text. */
static bool is_yaml_word(struct str text)
{
    static const char *const words[] = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"};
    for (size_t i = 0; i < CC_COUNT(words); i++)
        if (text.len == strlen(words[i]) && strncasecmp(text.ptr, words[i], text.len) == 0)
            return true;
    return false;
}

/* Needs no quotes in YAML: starts like a name and holds nothing that YAML could read as syntax or as a number. */
static bool is_plain(struct str text)
{
    static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_/";
    static const char other[] = "0123456789.-";
    if (!text.len || !memchr(first, text.ptr[0], sizeof(first) - 1) || is_yaml_word(text))
        return false;
    for (size_t i = 1; i < text.len; i++)
        if (!memchr(first, text.ptr[i], sizeof(first) - 1) && !memchr(other, text.ptr[i], sizeof(other) - 1))
            return false;
    return true;
}

static void put_text(struct emit *emit, struct str text)
{
    if (emit->syntax == EMIT_YAML && is_plain(text))
        fwrite(text.ptr, 1, text.len, emit->file);
    else
        quote(emit->file, text);
}

void emit_key(struct emit *emit, const char *key)
{
    struct emit_level *level = innermost(emit);
    assert(level && !level->list && !emit->has_key);
    separate(emit, level);
    put_text(emit, str_of(key));
    fputc(':', emit->file);
    emit->has_key = true;
}

void emit_text(struct emit *emit, struct str text)
{
    before_value(emit, true);
    put_text(emit, text);
}

void emit_int(struct emit *emit, int64_t value)
{
    before_value(emit, true);
    fprintf(emit->file, "%" PRId64, value);
}

void emit_money(struct emit *emit, int64_t microusd)
{
    char text[MONEY_TEXT_MAX];
    before_value(emit, true);
    fputs(money_text(microusd, text), emit->file);
}

void emit_decimal(struct emit *emit, double value, int decimals)
{
    before_value(emit, true);
    fprintf(emit->file, "%.*f", decimals, value);
}

void emit_bool(struct emit *emit, bool value)
{
    before_value(emit, true);
    fputs(value ? "true" : "false", emit->file);
}

void emit_null(struct emit *emit)
{
    before_value(emit, true);
    fputs("null", emit->file);
}

void emit_text_at(struct emit *emit, const char *key, struct str text)
{
    emit_key(emit, key);
    emit_text(emit, text);
}

void emit_int_at(struct emit *emit, const char *key, int64_t value)
{
    emit_key(emit, key);
    emit_int(emit, value);
}

void emit_money_at(struct emit *emit, const char *key, int64_t microusd)
{
    emit_key(emit, key);
    emit_money(emit, microusd);
}

bool emit_end(struct emit *emit)
{
    assert(emit->depth == 0);
    fputc('\n', emit->file);
    return fflush(emit->file) == 0 && !ferror(emit->file);
}
