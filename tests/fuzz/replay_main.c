/* replay_main.c - runs a fuzz target over its kept inputs, for compilers without libFuzzer; speaks TAP. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PATH_TEXT_MAX = 4096, INPUT_MAX = 1 << 26 };

/* A copy of exactly the input's size, so that ASan sees a read beyond it. */
static int replay(const char *path)
{
    struct str text;
    struct err err = {0};
    if (file_read(path, INPUT_MAX, &text, &err)) {
        fprintf(stderr, "%s\n", err.message);
        return -1;
    }
    uint8_t *exact = malloc(text.len ? text.len : 1);
    if (!exact)
        abort();
    if (text.len)
        memcpy(exact, text.ptr, text.len);
    LLVMFuzzerTestOneInput(exact, text.len);
    free(exact);
    file_free(&text);
    return 0;
}

int main(int argc, char **argv)
{
    const char *name = strrchr(argv[0], '/');
    name = name ? name + 1 : argv[0];
    const char *target = strncmp(name, "replay_", 7) == 0 ? name + 7 : name;
    char folder[PATH_TEXT_MAX], path[2 * PATH_TEXT_MAX];
    snprintf(folder, sizeof(folder), "tests/fuzz/corpus/%s", argc > 1 ? argv[1] : target);
    DIR *dir = opendir(folder);
    int n = 0;
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    printf("ok %d - %s: nothing at all\n", ++n, target);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        printf("%s %d - %s: %s\n", replay(path) ? "not ok" : "ok", n + 1, target, entry->d_name);
        n++;
        fflush(stdout);
    }
    if (dir)
        closedir(dir);
    printf("1..%d\n", n);
    return 0;
}
