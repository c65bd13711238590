/*
 * Pod templates of spark.kubernetes.{driver,executor}.podTemplateFile. The path may be one inside a container image or
 * in a bucket: a file of the same name beside the configuration stands in for it, and without one the application is
 * refused, since a template can hold any constraint and none may be dropped.
 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "provisioner/api/decode_pod.h"
#include "provisioner/spark/demand.h"
#include "provisioner/spark/tree.h"

#define MAX_TEMPLATE_BYTES ((size_t)4 << 20)

struct reading {
    struct tree tree;
    const struct doc *first;
};

/* Spark takes the first document. */
static int on_document(void *context, const struct doc *document, struct err *err)
{
    struct reading *reading = context;
    if (!reading->first)
        reading->first = tree_copy(&reading->tree, document);
    return reading->tree.failed ? err_nomem(err) : 0;
}

/* Every list and map that the pod is put together from is one. */
static void check_containers(const struct field *spec)
{
    struct field containers = field_list(spec, "containers");
    size_t index = 0;
    DOC_EACH (item, containers.doc) {
        struct field container = field_child(&containers, item, index++);
        if (!field_is_map(&container))
            continue;
        struct field resources = field_map(&container, "resources");
        field_map(&resources, "requests");
        field_map(&resources, "limits");
    }
    field_list(spec, "volumes");
}

/* Says what is wrong with a template by itself, where its own lines and names can still be told. */
static int check_template(const struct field *template, struct err *err)
{
    if (!field_is_map(template))
        return 0;
    struct field metadata = field_map(template, "metadata"), map = field_map(&metadata, "labels");
    struct field spec = field_map(template, "spec");
    struct labels labels;
    struct pod_spec placement;
    int code = decode_labels(&map, &labels, err);
    if (code == 0)
        code = decode_pod_placement(&spec, &labels, &placement, err);
    check_containers(&spec);
    return code;
}

/* A template in a file, read as a document and checked. */
static int read_template(const struct spark_draft *draft, const char *path, struct str text, const struct doc **ret,
                         struct err *err)
{
    struct reading reading = {.tree = {.arena = draft->scratch, .own_texts = true}};
    struct err why = {0};
    int code = doc_read(text, path, on_document, &reading, &why);
    if (code == ERR_NOMEM)
        return err_nomem(err);
    if (code) {
        int line = 0, used = 0;
        if (sscanf(why.message, "line %d: %n", &line, &used) != 1)
            used = 0;
        diag_add(draft->decode->diag, path, line, "", "%s", why.message + used);
        return 0;
    }
    if (!reading.first) {
        diag_add(draft->decode->diag, path, 1, "", "is empty, allowed is a pod");
        return 0;
    }
    struct decode decode = *draft->decode;
    decode.file = path;
    struct field root = field_root(&decode, reading.first);
    *ret = reading.first;
    return check_template(&root, err);
}

static struct str base_name(struct str path)
{
    for (size_t i = path.len; i > 0; i--)
        if (path.ptr[i - 1] == '/')
            return (struct str){path.ptr + i, path.len - i};
    return path;
}

/* The folder of the configuration's file, with the slash; "" for the working folder. */
static struct str folder_of(const char *file)
{
    struct str path = str_of(file);
    return (struct str){path.ptr, path.len - base_name(path).len};
}

/*
 * Reads a file if it is there: *ret_found. A path without a scheme, or file: or local:, is tried as it is (a relative
 * one from the configuration's folder); then its last part in that folder.
 */
static int find_file(const struct spark_draft *draft, struct str value, char **ret_path, struct str *ret_text,
                     struct err *err)
{
    struct str folder = folder_of(draft->decode->file), path = value;
    static const char *const schemes[] = {"file://", "local://", "file:", "local:"};
    for (size_t i = 0; i < CC_COUNT(schemes) && path.len == value.len; i++)
        if (str_starts(value, schemes[i]))
            path = (struct str){value.ptr + strlen(schemes[i]), value.len - strlen(schemes[i])};
    bool absolute = str_starts(path, "/");
    struct str tries[] = {path, base_name(path)};
    for (size_t i = 0; i < CC_COUNT(tries); i++) {
        bool in_folder = i > 0 || !absolute;
        struct arena *kept = &draft->decode->objects->arena; /* findings of the template's decoders name it */
        char *name = arena_printf(kept, "%.*s%.*s", in_folder ? (int)folder.len : 0, folder.ptr, STR_ARG(tries[i]));
        if (!name)
            return err_nomem(err);
        struct err why = {0};
        int code = tries[i].len ? file_read(name, MAX_TEMPLATE_BYTES, ret_text, &why) : ERR_NOT_FOUND;
        if (code == ERR_NOMEM)
            return err_nomem(err);
        if (code == 0) {
            *ret_path = name;
            return 0;
        }
    }
    *ret_path = NULL;
    return 0;
}

static int find_in_file(const struct spark_draft *draft, const struct conf_entry *entry, const struct doc **ret,
                        struct err *err)
{
    char *path;
    struct str text;
    int code = find_file(draft, entry->value, &path, &text, err);
    if (code)
        return code;
    if (!path) {
        struct str name = base_name(entry->value), folder = folder_of(draft->decode->file);
        conf_bad(draft->conf, entry, "pod template \"%.*s\" cannot be read here, allowed is a copy of it as %.*s%.*s",
                 FIELD_SHOW(entry->value), STR_ARG(folder), FIELD_SHOW(name));
        return 0;
    }
    code = read_template(draft, path, text, ret, err);
    file_free(&text);
    return code;
}

int spark_template_find(const struct spark_draft *draft, const struct role_keys *keys, const struct doc **ret,
                        struct err *err)
{
    *ret = keys == &rules_driver ? draft->driver_template : draft->executor_template;
    if (*ret) {
        struct field root = field_root(draft->decode, draft->spec);
        struct field template = {draft->decode, &root, *ret, STR("template"), 0};
        return check_template(&template, err);
    }
    const struct conf_entry *entry = conf_find(draft->conf, keys->template_file);
    return entry && entry->value.len ? find_in_file(draft, entry, ret, err) : 0;
}
