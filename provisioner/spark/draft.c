#include "provisioner/spark/demand.h"
#include "provisioner/spark/spark.h"

#include <string.h>

enum { NAME_MAX_BYTES = 63 };

/* Lower case; a dash for each run of anything that is neither letter nor digit, and none at the ends. */
static size_t name_part(struct str name, char text[NAME_MAX_BYTES])
{
    size_t len = 0;
    for (size_t i = 0; i < name.len && len < NAME_MAX_BYTES; i++) {
        char c = name.ptr[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
            text[len++] = c;
        else if (len && text[len - 1] != '-')
            text[len++] = '-';
    }
    while (len && text[len - 1] == '-')
        len--;
    return len;
}

int spark_name_keep(const struct decode *decode, struct str name, struct str *ret, struct err *err)
{
    char text[NAME_MAX_BYTES];
    size_t len = name_part(name, text);
    return decode_keep(decode, len ? (struct str){text, len} : STR("spark"), ret, err);
}

int spark_draft_finish(struct spark_draft *draft, size_t findings, struct err *err)
{
    struct objects *objects = draft->decode->objects;
    struct spark_demand *demand = arena_new(&objects->arena, struct spark_demand);
    if (!demand)
        return err_nomem(err);
    draft->demand.executors = rules_executors(draft->conf);
    draft->demand.dynamic = rules_dynamic(draft->conf);
    int code = spark_pod_make(draft, &rules_driver, &draft->demand.driver, err);
    if (code == 0)
        code = spark_pod_make(draft, &rules_executor, &draft->demand.executor, err);
    if (code || diag_count(draft->decode->diag) > findings)
        return code;
    *demand = draft->demand;
    return VEC_PUSH(&objects->spark, demand) ? 0 : err_nomem(err);
}

/* "jobs/etl.properties" is application etl. */
static struct str name_of_file(const char *file)
{
    struct str name = str_of(file);
    for (size_t i = name.len; i > 0; i--) {
        if (name.ptr[i - 1] == '/') {
            name = (struct str){name.ptr + i, name.len - i};
            break;
        }
    }
    const char *point = name.len ? memchr(name.ptr, '.', name.len) : NULL;
    if (point && point > name.ptr)
        name.len = (size_t)(point - name.ptr);
    return name;
}

static int describe(struct spark_draft *draft, struct err *err)
{
    const struct conf *conf = draft->conf;
    struct spark_demand *demand = &draft->demand;
    const struct conf_entry *named = conf_find(conf, "spark.app.name");
    struct str name = named && named->value.len ? named->value : name_of_file(conf->file);
    demand->origin.line = named ? named->line : 1;
    demand->has_driver = !str_is(conf_text(conf, "spark.submit.deployMode", STR("cluster")), "client");
    demand->namespace_ = demand->object_name = demand->app_id = demand->driver_name = STR("");
    int code = spark_name_keep(draft->decode, name, &demand->name, err);
    if (code == 0)
        code = decode_keep(draft->decode, conf_text(conf, "spark.kubernetes.namespace", STR("default")),
                           &demand->namespace_, err);
    if (code == 0)
        code = decode_keep(draft->decode, conf_text(conf, "spark.app.id", STR("")), &demand->app_id, err);
    if (code == 0)
        code = decode_keep(draft->decode, conf_text(conf, "spark.kubernetes.driver.pod.name", STR("")),
                           &demand->driver_name, err);
    return code;
}

/* The file's name is kept: findings and pods name it for as long as there are objects. */
static int read_kept(struct objects *objects, struct str bytes, const char *file, struct diag *diag,
                     struct arena *scratch, struct err *err)
{
    struct decode decode = {objects, file, diag};
    struct conf conf = {.arena = scratch, .file = file, .diag = diag};
    struct spark_draft draft = {.decode = &decode, .conf = &conf, .scratch = scratch};
    size_t findings = diag_count(diag);
    draft.demand.origin.file = file;
    int code = conf_read_properties(&conf, bytes, err);
    if (code == 0 && diag_count(diag) == findings)
        code = describe(&draft, err);
    if (code == 0 && diag_count(diag) == findings)
        code = spark_draft_finish(&draft, findings, err);
    conf_release(&conf);
    return code;
}

int spark_properties_read(struct objects *objects, struct str bytes, const char *file, struct diag *diag,
                          struct err *err)
{
    struct arena scratch = ARENA_INIT;
    char *kept = arena_copy(&objects->arena, file, strlen(file));
    int code = kept ? read_kept(objects, bytes, kept, diag, &scratch, err) : err_nomem(err);
    arena_release(&scratch);
    return code;
}
