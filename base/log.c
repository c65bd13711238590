#include "base/log.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/json_out.h"

/* The longest text of one field; what is behind is cut, "..." in its place. */
enum { FIELD_BYTES = 4096 };

static const char *const level_names[] = {"debug", "info", "warn", "error"};

static void write_str(FILE *file, struct str text)
{
    if (text.len)
        fwrite(text.ptr, 1, text.len, file);
}

/* Not within a character: its bytes behind the first begin with the bits 10. */
static struct str cut(struct str text)
{
    if (text.len <= FIELD_BYTES)
        return text;
    size_t len = FIELD_BYTES;
    while (len > FIELD_BYTES - 4 && ((unsigned char)text.ptr[len] & 0xc0) == 0x80)
        len--;
    return (struct str){text.ptr, len};
}

static void write_quoted(FILE *file, struct str text)
{
    char room[JSON_ESCAPE_BYTES];
    struct str rest = cut(text);
    bool whole = rest.len == text.len;
    fputc('"', file);
    while (rest.len)
        write_str(file, json_escaped(&rest, room));
    fputs(whole ? "\"" : "...\"", file);
}

/* Needs no quotes to be told from what is beside it on a terminal. */
static bool is_word(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= ' ' || text.ptr[i] > '~' || strchr("\"'\\=", text.ptr[i]))
            return false;
    return text.len > 0 && text.len <= FIELD_BYTES;
}

static void write_value(const struct log *log, const struct log_field *field)
{
    switch (field->kind) {
    case LOG_STR:
        if (log->text && is_word(field->text))
            write_str(log->file, field->text);
        else
            write_quoted(log->file, field->text);
        break;
    case LOG_INT: fprintf(log->file, "%" PRId64, field->number); break;
    case LOG_FLOAT:
        if (isfinite(field->real))
            fprintf(log->file, "%.12g", field->real);
        else
            fputs("null", log->file);
        break;
    case LOG_BOOL: fputs(field->number ? "true" : "false", log->file); break;
    case LOG_END: break;
    }
}

static void write_text_line(const struct log *log, const char *when, enum log_level level, const char *event,
                            const struct log_field *fields)
{
    fprintf(log->file, "%s %-5s %s", when, level_names[level], event);
    for (; fields->kind != LOG_END; fields++) {
        fprintf(log->file, " %s=", fields->name);
        write_value(log, fields);
    }
    fputc('\n', log->file);
}

static void write_json_line(const struct log *log, const char *when, enum log_level level, const char *event,
                            const struct log_field *fields)
{
    fprintf(log->file, "{\"time\":\"%s\",\"level\":\"%s\",\"event\":", when, level_names[level]);
    write_quoted(log->file, str_of(event));
    for (; fields->kind != LOG_END; fields++) {
        fputc(',', log->file);
        write_quoted(log->file, str_of(fields->name));
        fputc(':', log->file);
        write_value(log, fields);
    }
    fputs("}\n", log->file);
}

void log_fields(const struct log *log, enum log_level level, const char *event, const struct log_field *fields)
{
    if (!log->file || level < log->level)
        return;
    char when[CLOCK_TEXT_BYTES];
    clock_text_micro(log->clock->wall(log->clock->context), when);
    flockfile(log->file);
    if (log->text)
        write_text_line(log, when, level, event, fields);
    else
        write_json_line(log, when, level, event, fields);
    fflush(log->file);
    funlockfile(log->file);
}

bool log_level_parse(struct str text, enum log_level *ret)
{
    for (int level = LOG_DEBUG; level <= LOG_ERROR; level++) {
        if (str_is(text, level_names[level])) {
            *ret = (enum log_level)level;
            return true;
        }
    }
    return false;
}
