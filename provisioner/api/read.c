/* read.c - files, folders and standard input to objects. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "provisioner/api/decode.h"

/* A folder with more files than this is taken for the wrong one. */
enum { FOLDER_MAX_FILES = 10000 };

struct reading {
    struct objects *objects;
    struct diag *diag;
    const char *file;
};

static int on_object(void *context, const struct doc *object, struct err *err)
{
    const struct reading *reading = context;
    return objects_decode(reading->objects, object, reading->file, reading->diag, err);
}

/* What could not be read as a document is a finding; only other errors are errors. */
static int read_bytes(struct reading *reading, struct str bytes, struct err *err)
{
    struct err own = {0};
    int rc = doc_read(bytes, reading->file, on_object, reading, &own);
    if (rc == ERR_INVALID) {
        struct err finding = {0};
        (void)err_set(&finding, rc, "%s; what follows is not read", own.message);
        diag_add_message(reading->diag, reading->file, finding.message);
        return 0;
    }
    return rc == 0 ? 0 : err_set(err, rc, "%s", own.message);
}

/* A message names the path, and so does a finding: once is enough. */
static const char *without_path(const char *message, const char *path)
{
    size_t len = strlen(path);
    return strncmp(message, path, len) == 0 && strncmp(message + len, ": ", 2) == 0 ? message + len + 2 : message;
}

static int read_file(struct reading *reading, struct err *err)
{
    struct err own = {0};
    struct str bytes;
    int rc = file_read(reading->file, DOC_MAX_INPUT_BYTES, &bytes, &own);
    if (rc == ERR_NOMEM || rc == ERR_NOT_FOUND)
        return err_set(err, rc, "%s", own.message);
    if (rc < 0) {
        diag_add(reading->diag, reading->file, 0, "", "%s", without_path(own.message, reading->file));
        return 0;
    }
    rc = read_bytes(reading, bytes, err);
    file_free(&bytes);
    return rc;
}

static bool is_manifest(const char *name)
{
    struct str text = str_of(name);
    return str_ends(text, ".yaml") || str_ends(text, ".yml") || str_ends(text, ".json");
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Paths of the folder's manifests in `arena`, in name order. Folders in it are not looked into. */
static int list_folder(const char *path, struct arena *arena, char ***ret_paths, size_t *ret_n, struct err *err)
{
    char **paths = arena_array(arena, char *, FOLDER_MAX_FILES);
    size_t n = 0;
    if (!paths)
        return err_nomem(err);
    DIR *folder = opendir(path);
    if (!folder)
        return errno == ENOMEM ? err_nomem(err) : err_set(err, ERR_INVALID, "%s", strerror(errno));
    int rc = 0;
    for (struct dirent *entry; rc == 0 && (entry = readdir(folder));) {
        if (!is_manifest(entry->d_name))
            continue;
        const char *slash = str_ends(str_of(path), "/") ? "" : "/";
        char *name = n < FOLDER_MAX_FILES ? arena_printf(arena, "%s%s%s", path, slash, entry->d_name) : NULL;
        struct stat status;
        if (n == FOLDER_MAX_FILES)
            rc = err_set(err, ERR_INVALID, "has too many files, allowed are %d", FOLDER_MAX_FILES);
        else if (!name)
            rc = err_nomem(err);
        else if (stat(name, &status) != 0 || !S_ISDIR(status.st_mode))
            paths[n++] = name; /* one that cannot be read is reported when it is read */
    }
    closedir(folder);
    qsort(paths, n, sizeof(*paths), by_name);
    *ret_paths = paths;
    *ret_n = n;
    return rc;
}

static int read_folder(struct reading *reading, const char *path, struct err *err)
{
    struct arena arena = ARENA_INIT;
    struct err own = {0};
    char **paths = NULL;
    size_t n = 0;
    int rc = list_folder(path, &arena, &paths, &n, &own);
    if (rc == ERR_INVALID) {
        diag_add(reading->diag, path, 0, "", "%s", own.message);
        rc = 0;
    } else if (rc < 0) {
        rc = err_set(err, rc, "%s", own.message);
    } else if (n == 0) {
        diag_add(reading->diag, path, 0, "", "the folder has no *.yaml, *.yml or *.json; folders in it are not read");
    }
    for (size_t i = 0; i < n && rc == 0; i++) {
        reading->file = paths[i];
        rc = read_file(reading, err);
    }
    arena_release(&arena);
    return rc;
}

static int read_any(struct reading *reading, const char *path, struct str standard_input, struct err *err)
{
    struct stat status;
    if (strcmp(path, "-") == 0)
        return read_bytes(reading, standard_input, err);
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        return read_folder(reading, path, err);
    return read_file(reading, err);
}

int objects_read_path(struct objects *objects, const char *path, struct str standard_input, struct diag *diag,
                      struct err *err)
{
    struct reading reading = {objects, diag, path};
    size_t before = diag_count(diag);
    int rc = read_any(&reading, path, standard_input, err);
    if (rc < 0)
        return rc;
    size_t found = diag_count(diag) - before;
    if (found > 0)
        return err_set(err, ERR_INVALID, "%s: %zu finding%s", path, found, found == 1 ? "" : "s");
    return 0;
}
