/* crds.c - `stoker crds`: for `make crds`, what the cluster and people are told of our documents' fields. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "provisioner/api/schema.h"
#include "provisioner/cmd/cmd.h"
#include "provisioner/serve/metrics.h"

static int print(struct buf *buf)
{
    struct str text;
    struct err err = {0};
    if (buf_str(buf, &text, &err) < 0) {
        fprintf(stderr, "stoker: %s\n", err.message);
        return CMD_INTERNAL;
    }
    fwrite(text.ptr, 1, text.len, stdout);
    return fflush(stdout) ? CMD_INTERNAL : CMD_OK;
}

/* "nodeclaims.stoker.sh" */
static const struct schema_kind *kind_named(const char *name)
{
    for (size_t i = 0; i < schema_n_kinds; i++) {
        const struct schema_kind *kind = &schema_kinds[i];
        size_t len = strlen(kind->plural);
        if (strncmp(name, kind->plural, len) == 0 && name[len] == '.' && strcmp(name + len + 1, kind->group) == 0)
            return kind;
    }
    return NULL;
}

static int list(void)
{
    for (size_t i = 0; i < schema_n_kinds; i++)
        printf("%s.%s\n", schema_kinds[i].plural, schema_kinds[i].group);
    return fflush(stdout) ? CMD_INTERNAL : CMD_OK;
}

static int usage(bool asked, const char *word)
{
    if (!asked)
        fprintf(stderr, "stoker: %s: no such definition, or too much; stoker crds lists them\n", word);
    fputs("usage: stoker crds [NAME | --reference | --metrics]\n\n"
          "Prints the names of the CustomResourceDefinitions, one of them, the reference of their fields, or the table "
          "of\n"
          "metrics.\n",
          asked ? stdout : stderr);
    return !asked ? CMD_INPUT : fflush(stdout) ? CMD_INTERNAL : CMD_OK;
}

int cmd_crds(int argc, char **argv)
{
    struct arena arena = ARENA_INIT;
    struct buf buf = BUF_INIT(&arena);
    const struct schema_kind *kind = argc == 2 ? kind_named(argv[1]) : NULL;
    if (argc == 1)
        return list();
    if (kind)
        schema_write_crd(kind, &buf);
    else if (argc == 2 && strcmp(argv[1], "--reference") == 0)
        schema_write_reference(&buf);
    else if (argc == 2 && strcmp(argv[1], "--metrics") == 0)
        metrics_describe(&buf);
    else
        return usage(argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0), argv[1]);
    int exit_status = print(&buf);
    arena_release(&arena);
    return exit_status;
}
