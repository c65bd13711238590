/* What json_out writes, doc_read reads back equal: the input's bytes say what is written. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/doc.h"
#include "base/json_out.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_VALUES = 256, DEEPEST = 20 };

/* One write, and what must come back. */
struct step {
    enum doc_kind kind;
    bool closes;
    struct str text; /* as it was given; a number's digits */
    char digits[24];
};

struct script {
    struct step steps[MOST_VALUES];
    size_t n;
    size_t next; /* while comparing */
};

struct input {
    const uint8_t *at, *end;
};

static unsigned take(struct input *input)
{
    return input->at < input->end ? *input->at++ : 0;
}

static struct str take_text(struct input *input)
{
    size_t left = (size_t)(input->end - input->at), len = take(input) % 64;
    if (left && len > left - 1)
        len = left - 1;
    struct str text = {(const char *)input->at, left ? len : 0};
    input->at += text.len;
    return text;
}

/* Everything is inside one list, in maps under keys k0, k1, …: keys are unique then. */
static void write_value(struct json_out *json, const char *key, struct step *step, struct input *input)
{
    switch (take(input) % 6) {
    case 0:
        step->kind = DOC_NULL;
        json_null(json, key);
        break;
    case 1:
        step->kind = DOC_BOOL;
        step->text = input->at < input->end && *input->at % 2 ? STR("true") : STR("false");
        json_bool(json, key, step->text.len == 4);
        break;
    case 2: {
        int64_t number = 0;
        for (int i = 0; i < 8; i++)
            number = (int64_t)((uint64_t)number << 8 | take(input));
        step->kind = DOC_NUMBER;
        int len = snprintf(step->digits, sizeof(step->digits), "%lld", (long long)number);
        step->text = (struct str){step->digits, (size_t)len};
        json_int(json, key, number);
        break;
    }
    default:
        step->kind = DOC_STRING;
        step->text = take_text(input);
        json_str(json, key, step->text);
        break;
    }
}

static void write_all(struct json_out *json, struct script *script, struct input *input)
{
    bool in_map[DEEPEST + 2] = {false};
    int depth = 0;
    json_open_list(json, NULL);
    while (input->at < input->end && script->n < MOST_VALUES - 2 * DEEPEST) {
        struct step *step = &script->steps[script->n];
        char key[16];
        snprintf(key, sizeof(key), "k%zu", script->n++);
        const char *with = in_map[depth] ? key : NULL;
        unsigned what = take(input) % 8;
        if (what < 2 && depth < DEEPEST) {
            step->kind = what ? DOC_MAP : DOC_LIST;
            (what ? json_open_map : json_open_list)(json, with);
            in_map[++depth] = what;
        } else if (what == 2 && depth > 0) {
            step->closes = true;
            (in_map[depth--] ? json_close_map : json_close_list)(json);
        } else if (what == 3 && in_map[depth]) {
            step->kind = DOC_STRING;
            step->text = take_text(input);
            json_str_by(json, str_of(key), step->text);
        } else {
            write_value(json, with, step, input);
        }
    }
    for (; depth > 0; depth--) {
        script->steps[script->n++].closes = true;
        (in_map[depth] ? json_close_map : json_close_list)(json);
    }
    json_close_list(json);
}

/* NUL and what is not UTF-8 came back as U+FFFD, everything else as it was. */
static void check_text(struct str given, struct str got)
{
    static const char replacement[] = "\xef\xbf\xbd";
    assert(utf8_check(got) == got.len);
    if (utf8_check(given) == given.len && !memchr(given.ptr ? given.ptr : "", '\0', given.len)) {
        assert(str_eq(given, got));
        return;
    }
    assert(memmem(got.ptr, got.len, replacement, sizeof(replacement) - 1));
    for (size_t i = 0; i < given.len; i++)
        if (given.ptr[i] > 0)
            assert(memchr(got.ptr, given.ptr[i], got.len));
}

static void check(struct script *script, const struct doc *parent)
{
    DOC_EACH (child, parent) {
        assert(script->next < script->n);
        const struct step *step = &script->steps[script->next++];
        assert(!step->closes && step->kind == child->kind);
        if (child->kind == DOC_LIST || child->kind == DOC_MAP) {
            check(script, child);
            assert(script->next < script->n && script->steps[script->next++].closes);
        } else if (child->kind == DOC_STRING) {
            check_text(step->text, child->text);
        } else if (child->kind != DOC_NULL) {
            assert(str_eq(step->text, child->text));
        }
    }
}

static int on_object(void *context, const struct doc *object, struct err *err)
{
    struct script *script = context;
    (void)err;
    assert(object->kind == DOC_LIST);
    check(script, object);
    assert(script->next == script->n);
    script->next = SIZE_MAX; /* seen */
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, data + size};
    struct script script = {.n = 0};
    struct arena arena = ARENA_INIT;
    struct buf buf = BUF_INIT(&arena);
    struct json_out json = JSON_OUT(&buf);
    struct str text;
    write_all(&json, &script, &input);
    assert(json.depth == 0);
    assert(buf_str(&buf, &text, NULL) == 0);
    assert(doc_read(text, "out.json", on_object, &script, NULL) == 0);
    assert(script.next == SIZE_MAX);
    arena_release(&arena);
    return 0;
}
