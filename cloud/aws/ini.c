#include "cloud/aws/ini.h"

#include <string.h>

struct reader {
    struct arena *arena;
    struct aws_ini_entry **tail;
    struct str kind, section, parent; /* where we are */
    bool in_section;
    int line;
    size_t entries;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Without a comment behind white space. */
static struct str uncomment(struct str text)
{
    for (size_t i = 1; i < text.len; i++) {
        if ((text.ptr[i] == '#' || text.ptr[i] == ';') && is_blank(text.ptr[i - 1]))
            return str_trim((struct str){text.ptr, i});
    }
    return str_trim(text);
}

static int add(struct reader *reader, struct str parent, struct str key, struct str value, struct err *err)
{
    if (reader->entries++ == AWS_INI_MAX_ENTRIES)
        return err_set(err, ERR_INVALID, "line %d: more than %d settings", reader->line, AWS_INI_MAX_ENTRIES);
    struct aws_ini_entry *entry = arena_new(reader->arena, struct aws_ini_entry);
    if (!entry)
        return err_nomem(err);
    *entry = (struct aws_ini_entry){reader->kind, reader->section, parent, key, value, NULL};
    *reader->tail = entry;
    reader->tail = &entry->next;
    return 0;
}

/* "[profile dev]" */
static int read_section(struct reader *reader, struct str line, struct err *err)
{
    struct str rest = {line.ptr + 1, line.len - 1};
    struct str inside = str_trim(str_cut(&rest, ']'));
    if (inside.len == 0 || !memchr(line.ptr, ']', line.len))
        return err_set(err, ERR_INVALID, "line %d: a section without ']' or without a name", reader->line);
    size_t blank = 0;
    while (blank < inside.len && !is_blank(inside.ptr[blank]))
        blank++;
    struct str kind = {inside.ptr, blank}, name = {inside.ptr + blank, inside.len - blank};
    bool two = blank < inside.len;
    reader->kind = two ? kind : STR("");
    reader->section = two ? str_trim(name) : kind;
    reader->parent = STR("");
    reader->in_section = true;
    return add(reader, STR(""), STR(""), STR(""), err);
}

static int read_setting(struct reader *reader, struct str line, bool nested, struct err *err)
{
    if (nested && !reader->parent.len)
        return 0; /* goes on with a value of more than one line: none of the settings in use has such */
    struct str value = line;
    bool has_value = memchr(line.ptr, '=', line.len) != NULL;
    struct str key = str_trim(str_cut(&value, '='));
    if (!has_value || key.len == 0)
        return err_set(err, ERR_INVALID, "line %d: neither [section] nor key = value", reader->line);
    value = uncomment(value);
    if (nested)
        return add(reader, reader->parent, key, value, err);
    reader->parent = value.len ? STR("") : key;
    return add(reader, STR(""), key, value, err);
}

static int read_line(struct reader *reader, struct str line, struct err *err)
{
    struct str text = str_trim(line);
    if (text.len == 0 || text.ptr[0] == '#' || text.ptr[0] == ';')
        return 0;
    if (line.ptr[0] == '[')
        return read_section(reader, text, err);
    if (!reader->in_section)
        return err_set(err, ERR_INVALID, "line %d: a setting before the first [section]", reader->line);
    return read_setting(reader, text, is_blank(line.ptr[0]), err);
}

int aws_ini_read(struct str text, struct arena *arena, struct aws_ini *ret, struct err *err)
{
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    if (str_starts(text, byte_order_mark))
        text = (struct str){text.ptr + 3, text.len - 3};
    struct aws_ini_entry *first = NULL;
    struct reader reader = {.arena = arena, .tail = &first};
    while (text.len) {
        struct str line = str_cut(&text, '\n');
        reader.line++;
        int rc = line.len ? read_line(&reader, line, err) : 0;
        if (rc)
            return rc;
    }
    ret->first = first;
    return 0;
}

static bool is_in(const struct aws_ini_entry *entry, const char *kind, struct str section)
{
    return str_is(entry->kind, kind) && str_eq(entry->section, section);
}

bool aws_ini_has(const struct aws_ini *ini, const char *kind, struct str section)
{
    for (const struct aws_ini_entry *entry = ini->first; entry; entry = entry->next) {
        if (is_in(entry, kind, section))
            return true;
    }
    return false;
}

struct str aws_ini_get(const struct aws_ini *ini, const char *kind, struct str section, const char *parent,
                       const char *key)
{
    struct str found = STR("");
    for (const struct aws_ini_entry *entry = ini->first; entry; entry = entry->next) {
        if (is_in(entry, kind, section) && str_is(entry->parent, parent) && str_is(entry->key, key))
            found = entry->value;
    }
    return found;
}
