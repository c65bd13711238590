/* intern.h - byte strings to dense ids 0, 1, 2 …: equal bytes, equal id. */
#ifndef STOKER_BASE_INTERN_H
#define STOKER_BASE_INTERN_H

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct intern {
    struct arena arena; /* owns the bytes */
    struct str *texts;  /* [len], by id */
    uint32_t *slots;    /* [slot_count] id + 1, 0 = free */
    size_t len, cap, slot_count;
};

#define INTERN_NONE UINT32_MAX

/* A zeroed struct is an empty table. Gives the id of `text`, adding it if new. ERR_NOMEM leaves the table as it was. */
CC_MUST_CHECK int intern_add(struct intern *table, struct str text, uint32_t *ret_id, struct err *err);

/* INTERN_NONE if it was never added. */
uint32_t intern_find(const struct intern *table, struct str text);

struct str intern_text(const struct intern *table, uint32_t id);

void intern_release(struct intern *table);

#endif
