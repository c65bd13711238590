/* Any bytes as a shared config file: every setting lies within the text; an error names a line and no text. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "cloud/aws/ini.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = ARENA_INIT;
    struct aws_ini ini = {NULL};
    struct err err = {0};
    int rc = aws_ini_read((struct str){(const char *)data, size}, &arena, &ini, &err);
    assert(rc == err.code && (rc == 0 || strncmp(err.message, "line ", 5) == 0));
    for (const struct aws_ini_entry *entry = ini.first; entry; entry = entry->next) {
        assert(entry->section.len > 0 && entry->key.len + entry->value.len <= size);
        if (entry->kind.len == 0)
            assert(aws_ini_has(&ini, "", entry->section));
    }
    arena_release(&arena);
    return 0;
}
