#include "provisioner/cmd/flags.h"

#include <assert.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum { HELP_LETTER = 'h', FIRST_LONG_ONLY = 256, FLAG_DURATION_MAX_MS = 24 * 3600 * 1000 };

struct getopt_tables {
    struct option longs[FLAGS_MAX + 2];
    char shorts[2 * FLAGS_MAX + 3];
};

static void make_tables(const struct flag_set *set, struct getopt_tables *tables)
{
    assert(set->n_flags <= FLAGS_MAX);
    size_t used = 0;
    tables->shorts[used++] = ':'; /* tell a missing argument from an unknown option */
    tables->shorts[used++] = HELP_LETTER;
    for (size_t i = 0; i < set->n_flags; i++) {
        const struct flag *flag = &set->flags[i];
        tables->longs[i] =
            (struct option){flag->name, flag->value ? required_argument : no_argument, NULL, FIRST_LONG_ONLY + (int)i};
        if (!flag->letter)
            continue;
        tables->shorts[used++] = flag->letter;
        if (flag->value)
            tables->shorts[used++] = ':';
    }
    tables->shorts[used] = '\0';
    tables->longs[set->n_flags] = (struct option){"help", no_argument, NULL, HELP_LETTER};
    tables->longs[set->n_flags + 1] = (struct option){NULL, 0, NULL, 0};
}

static const struct flag *flag_found(const struct flag_set *set, int found)
{
    for (size_t i = 0; i < set->n_flags; i++)
        if (found == FIRST_LONG_ONLY + (int)i || (set->flags[i].letter && found == set->flags[i].letter))
            return &set->flags[i];
    return NULL;
}

static int unknown_option(const struct flag_set *set, const char *word, struct err *err)
{
    char allowed[ERR_MESSAGE_MAX];
    size_t used = 0;
    allowed[0] = '\0';
    for (size_t i = 0; i < set->n_flags && used < sizeof(allowed); i++) {
        int len = snprintf(allowed + used, sizeof(allowed) - used, "%s--%s", i ? ", " : "", set->flags[i].name);
        used += len > 0 ? (size_t)len : 0;
    }
    return err_set(err, ERR_INVALID, "%s: no such option of stoker %s; allowed are %s", word, set->verb, allowed);
}

/* What getopt stumbled over, as it was written. */
static const char *stumble(int argc, char **argv, char letter_text[3])
{
    if (optopt > 0 && optopt < FIRST_LONG_ONLY) {
        letter_text[0] = '-';
        letter_text[1] = (char)optopt;
        letter_text[2] = '\0';
        return letter_text;
    }
    return optind > 0 && optind <= argc ? argv[optind - 1] : "";
}

static int apply(const struct flag_set *set, int found, int argc, char **argv, struct err *err)
{
    char letter_text[3];
    if (found == HELP_LETTER)
        return FLAGS_HELP_ASKED;
    if (found == ':')
        return err_set(err, ERR_INVALID, "%s: needs a value", stumble(argc, argv, letter_text));
    const struct flag *flag = flag_found(set, found);
    if (!flag && found == '?' && optopt >= FIRST_LONG_ONLY)
        return err_set(err, ERR_INVALID, "%s: takes no value", argv[optind - 1]);
    if (!flag)
        return unknown_option(set, stumble(argc, argv, letter_text), err);
    int rc = flag->set(flag->target, optarg, err);
    return rc ? err_wrap(err, "--%s", flag->name) : 0;
}

int flags_parse(const struct flag_set *set, int argc, char **argv, int *ret_first, struct err *err)
{
    struct getopt_tables tables;
    make_tables(set, &tables);
    opterr = 0;
    optind = 0; /* 0, not 1: glibc starts afresh */
    int found;
    while ((found = getopt_long(argc, argv, tables.shorts, tables.longs, NULL)) != -1) {
        int rc = apply(set, found, argc, argv, err);
        if (rc)
            return rc;
    }
    if (optind < argc && !set->operands[0])
        return err_set(err, ERR_INVALID, "%s: stoker %s takes options only, see stoker %s --help", argv[optind],
                       set->verb, set->verb);
    *ret_first = optind;
    return 0;
}

void flags_help(const struct flag_set *set, FILE *file)
{
    fprintf(file, "usage: stoker %s [options]%s%s\n\n%s\n\n", set->verb, set->operands[0] ? " " : "", set->operands,
            set->summary);
    for (size_t i = 0; i < set->n_flags; i++) {
        const struct flag *flag = &set->flags[i];
        char letter[] = {'-', flag->letter, ',', '\0'};
        char left[64];
        snprintf(left, sizeof(left), "%s --%s%s%s", flag->letter ? letter : "   ", flag->name, flag->value ? " " : "",
                 flag->value ? flag->value : "");
        fprintf(file, "  %-30s %s\n", left, flag->help);
    }
    fprintf(file, "  %-30s %s\n", "-h, --help", "this text");
    if (set->notes)
        fprintf(file, "\n%s\n", set->notes);
}

void flag_list_release(struct flag_list *list)
{
    VEC_FREE(&list->values);
    arena_release(&list->arena);
}

int flag_true(void *target, const char *value, struct err *err)
{
    (void)value;
    (void)err;
    *(bool *)target = true;
    return 0;
}

int flag_text(void *target, const char *value, struct err *err)
{
    if (!value[0])
        return err_set(err, ERR_INVALID, "may not be empty");
    *(const char **)target = value;
    return 0;
}

int flag_append(void *target, const char *value, struct err *err)
{
    struct flag_list *list = target;
    if (!value[0])
        return err_set(err, ERR_INVALID, "may not be empty");
    return VEC_PUSH(&list->values, value) ? 0 : err_nomem(err);
}

int flag_append_cut(void *target, const char *value, struct err *err)
{
    struct flag_list *list = target;
    struct str rest = str_of(value);
    do {
        struct str piece = str_trim(str_cut(&rest, ','));
        if (!piece.len)
            return err_set(err, ERR_INVALID, "\"%s\" has an empty part; allowed is a list such as a,b", value);
        piece = str_dup(&list->arena, piece);
        if (!piece.ptr || !VEC_PUSH(&list->values, piece.ptr))
            return err_nomem(err);
    } while (rest.len);
    return 0;
}

int flag_duration_ms(void *target, const char *value, struct err *err)
{
    static const struct {
        const char *suffix;
        int64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}}; /* "ms" first: it ends in "s" too */
    struct str text = str_of(value);
    for (size_t i = 0; i < CC_COUNT(units); i++) {
        if (!str_ends(text, units[i].suffix))
            continue;
        int64_t amount = 0;
        struct str digits = {text.ptr, text.len - strlen(units[i].suffix)};
        if (!str_to_int64(digits, &amount) || amount <= 0 || amount > FLAG_DURATION_MAX_MS / units[i].ms)
            break;
        *(int64_t *)target = amount * units[i].ms;
        return 0;
    }
    return err_set(err, ERR_INVALID,
                   "\"%s\" is no duration; allowed are whole numbers with a unit: 500ms, 2s, 1m, up to 24h", value);
}
