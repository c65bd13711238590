/*
 * SparkApplication documents. The operator turns sparkoperator.k8s.io/v1beta2 into spark-submit options, later ones
 * counting, and mends the pods afterwards; spark.apache.org/v1 is a configuration and two pod templates. Sources:
 * kubeflow/spark-operator api/v1beta2 and internal/controller/sparkapplication/submission.go; apache/spark-kubernetes-
 * operator.
 */
#include "provisioner/spark/demand.h"
#include "provisioner/spark/spark.h"

#define V1BETA2 "sparkoperator.k8s.io/v1beta2"

/* A scalar of the spec that becomes an option. */
struct option {
    const char *path; /* below spec */
    const char *field, *key;
};

#define OPTION(path, key)       \
    {                           \
        path, "spec." path, key \
    }

static const struct option options[] = {
    OPTION("memoryOverheadFactor", "spark.kubernetes.memoryOverheadFactor"),
    OPTION("driver.cores", "spark.driver.cores"),
    OPTION("driver.coreRequest", "spark.kubernetes.driver.request.cores"),
    OPTION("driver.memory", "spark.driver.memory"),
    OPTION("driver.memoryOverhead", "spark.driver.memoryOverhead"),
    OPTION("driver.podName", "spark.kubernetes.driver.pod.name"),
    OPTION("executor.cores", "spark.executor.cores"),
    OPTION("executor.coreRequest", "spark.kubernetes.executor.request.cores"),
    OPTION("executor.memory", "spark.executor.memory"),
    OPTION("executor.memoryOverhead", "spark.executor.memoryOverhead"),
    OPTION("executor.instances", "spark.executor.instances"),
    OPTION("dynamicAllocation.enabled", "spark.dynamicAllocation.enabled"),
    OPTION("dynamicAllocation.initialExecutors", "spark.dynamicAllocation.initialExecutors"),
    OPTION("dynamicAllocation.minExecutors", "spark.dynamicAllocation.minExecutors"),
    OPTION("dynamicAllocation.maxExecutors", "spark.dynamicAllocation.maxExecutors"),
};

/* States after which an application asks for nothing. */
static const char *const ended_v1beta2[] = {"COMPLETED", "FAILED"};
static const char *const ended_v1[] = {"Succeeded", "Failed", "ResourceReleased", "SchedulingFailure",
                                       "TerminatedWithoutReleaseResources"};

/* Parts of a role that go into its pod as they are: of the right kind? */
static const struct {
    const char *name;
    enum doc_kind kind;
} role_parts[] = {
    {"nodeSelector", DOC_MAP}, {"labels", DOC_MAP},          {"affinity", DOC_MAP},
    {"gpu", DOC_MAP},          {"template", DOC_MAP},        {"tolerations", DOC_LIST},
    {"sidecars", DOC_LIST},    {"initContainers", DOC_LIST}, {"volumeMounts", DOC_LIST},
};

static int set_options(struct spark_draft *draft, struct err *err)
{
    for (size_t i = 0; i < CC_COUNT(options); i++) {
        const struct doc *value = doc_at(draft->spec, options[i].path);
        if (!value || value->kind == DOC_NULL)
            continue;
        if (value->kind == DOC_LIST || value->kind == DOC_MAP) {
            diag_add(draft->decode->diag, draft->decode->file, value->line, options[i].field,
                     "is a list or a map, allowed is one value");
            continue;
        }
        int code = conf_set(draft->conf, str_of(options[i].key), value->text, value->line, options[i].field, err);
        if (code)
            return code;
    }
    return 0;
}

/* spec.sparkConf: strings only, as in the CRD. */
static int set_spark_conf(struct spark_draft *draft, const struct field *spec, struct err *err)
{
    struct field map = field_map(spec, "sparkConf");
    size_t index = 0;
    DOC_EACH (member, map.doc) {
        struct field entry = field_child(&map, member, index++);
        struct str value;
        if (!field_text(&entry, &value))
            continue;
        char *name = arena_printf(draft->scratch, "spec.sparkConf[%.*s]", FIELD_SHOW(member->key));
        if (!name)
            return err_nomem(err);
        int code = conf_set(draft->conf, member->key, value, member->line, name, err);
        if (code)
            return code;
    }
    return 0;
}

/* Sets an option that the operator itself sets where the user has not. */
static int set_default(struct spark_draft *draft, const char *key, struct str value, const char *field, struct err *err)
{
    if (conf_find(draft->conf, key))
        return 0;
    return conf_set(draft->conf, str_of(key), value, draft->demand.origin.line, field, err);
}

static void check_role(const struct field *spec, const char *name)
{
    struct field role = field_map(spec, name);
    for (size_t i = 0; i < CC_COUNT(role_parts); i++) {
        if (role_parts[i].kind == DOC_MAP)
            field_map(&role, role_parts[i].name);
        else
            field_list(&role, role_parts[i].name);
    }
    struct field gpu = field_map(&role, "gpu");
    struct field device = field_any(&gpu, "name"), quantity = field_any(&gpu, "quantity");
    struct str text;
    int64_t count;
    if (field_here(&gpu) && (!field_here(&device) || !field_here(&quantity)))
        field_bad(&gpu, "lacks name or quantity, allowed is both");
    field_text(&device, &text);
    field_int(&quantity, 0, INT32_MAX, &count);
}

static int draft_v1beta2(struct spark_draft *draft, const struct field *spec, struct err *err)
{
    static const char *const types[] = {"Java", "Scala", "Python", "R", NULL};
    struct field type = field_any(spec, "type");
    struct field app_selector = field_map(spec, "nodeSelector"), volumes = field_list(spec, "volumes");
    (void)app_selector, (void)volumes; /* their kinds are checked */
    int choice = 0;
    field_choice(&type, types, &choice);
    check_role(spec, "driver");
    check_role(spec, "executor");
    draft->demand.by_operator = true;
    draft->driver = doc_get(spec->doc, "driver");
    draft->executor = doc_get(spec->doc, "executor");
    draft->driver_template = doc_get(draft->driver, "template");
    draft->executor_template = doc_get(draft->executor, "template");
    int code = set_spark_conf(draft, spec, err);
    if (code == 0)
        code = set_options(draft, err);
    if (code == 0 && choice >= 2)
        code = conf_set(draft->conf, STR("spark.kubernetes.resource.type"), choice == 2 ? STR("python") : STR("r"), 0,
                        NULL, err);
    if (code == 0 && !rules_dynamic(draft->conf))
        code = set_default(draft, "spark.executor.instances", STR("1"), "spec.executor.instances", err);
    return code;
}

static int draft_v1(struct spark_draft *draft, const struct field *spec, struct err *err)
{
    struct field driver = field_map(spec, "driverSpec"), executor = field_map(spec, "executorSpec");
    struct field driver_pod = field_map(&driver, "podTemplateSpec"),
                 executor_pod = field_map(&executor, "podTemplateSpec");
    struct field tolerations = field_map(spec, "applicationTolerations");
    struct field instances = field_map(&tolerations, "instanceConfig");
    struct field first = field_any(&instances, "initExecutors");
    struct field py_files = field_any(spec, "pyFiles"), r_files = field_any(spec, "sparkRFiles");
    struct str text = {"", 0};
    int64_t count = 0;
    draft->driver_template = driver_pod.doc;
    draft->executor_template = executor_pod.doc;
    int code = set_spark_conf(draft, spec, err);
    bool python = field_text(&py_files, &text) && text.len;
    bool r = !python && field_text(&r_files, &text) && text.len;
    if (code == 0 && (python || r))
        code = set_default(draft, "spark.kubernetes.resource.type", python ? STR("python") : STR("r"), NULL, err);
    if (code == 0 && field_int(&first, 0, RULES_MAX_EXECUTORS, &count) && count > 0 && !rules_dynamic(draft->conf))
        code = set_default(draft, "spark.executor.instances", first.doc->text,
                           "spec.applicationTolerations.instanceConfig.initExecutors", err);
    return code;
}

static bool is_among(const struct doc *state, const char *const *words, size_t n)
{
    for (size_t i = 0; state && i < n; i++)
        if (str_is(state->text, words[i]))
            return true;
    return false;
}

static bool asks_for_nothing(const struct doc *object, bool v1beta2)
{
    const struct doc *suspend = doc_at(object, "spec.suspend");
    if (suspend && str_is(suspend->text, "true"))
        return true;
    if (v1beta2)
        return is_among(doc_at(object, "status.applicationState.state"), ended_v1beta2, CC_COUNT(ended_v1beta2));
    return is_among(doc_at(object, "status.currentState.currentStateSummary"), ended_v1, CC_COUNT(ended_v1));
}

static int describe(struct spark_draft *draft, const struct field *object, struct err *err)
{
    struct spark_demand *demand = &draft->demand;
    struct field metadata = field_map(object, "metadata"), status = field_map(object, "status");
    struct field name = field_any(&metadata, "name"), namespace_ = field_any(&metadata, "namespace");
    struct field app_id = field_any(&status, "sparkApplicationId");
    struct str text = {"", 0};
    demand->namespace_ = STR("default");
    demand->app_id = demand->driver_name = demand->object_name = STR("");
    if (!field_text(&name, &text) || !text.len)
        field_bad(&name, "is missing, allowed is a name");
    int code = spark_name_keep(draft->decode, text, &demand->name, err);
    if (code == 0)
        code = decode_keep(draft->decode, text, &demand->object_name, err);
    if (code == 0)
        code = field_keep(&namespace_, &demand->namespace_, err);
    if (code == 0)
        code = field_keep(&app_id, &demand->app_id, err);
    return code;
}

static int decode_application(struct spark_draft *draft, const struct field *object, struct err *err)
{
    size_t findings = diag_count(draft->decode->diag);
    struct field version = field_any(object, "apiVersion"), spec = field_map(object, "spec");
    struct field template = field_map(&spec, "template"), kind = field_any(object, "kind");
    struct str api = {"", 0}, kind_text = {"", 0};
    field_text(&version, &api);
    field_text(&kind, &kind_text);
    bool v1beta2 = str_is(api, V1BETA2), scheduled = str_is(kind_text, "ScheduledSparkApplication");
    const struct field *body = scheduled ? &template : &spec;
    if (asks_for_nothing(object->doc, v1beta2))
        return 0;
    if (!field_here(body))
        field_bad(body, "is missing, allowed is a Spark application");
    draft->spec = body->doc;
    int code = describe(draft, object, err);
    if (code == 0)
        code = v1beta2 ? draft_v1beta2(draft, body, err) : draft_v1(draft, body, err);
    if (code || diag_count(draft->decode->diag) > findings)
        return code;
    const struct doc *mode = doc_get(draft->spec, "mode");
    draft->demand.has_driver = !(mode && str_is(mode->text, "client")) &&
                               !str_is(conf_text(draft->conf, "spark.submit.deployMode", STR("cluster")), "client");
    code = decode_keep(draft->decode, conf_text(draft->conf, "spark.kubernetes.driver.pod.name", STR("")),
                       &draft->demand.driver_name, err);
    return code ? code : spark_draft_finish(draft, findings, err);
}

int spark_application_decode(struct objects *objects, const struct doc *object, const char *file, struct diag *diag,
                             struct err *err)
{
    struct arena scratch = ARENA_INIT;
    struct decode decode = {objects, file, diag};
    struct conf conf = {.arena = &scratch, .file = file, .diag = diag};
    struct spark_draft draft = {.decode = &decode, .conf = &conf, .scratch = &scratch};
    draft.demand.origin = (struct origin){file, object->line};
    struct field root = field_root(&decode, object);
    int code = decode_application(&draft, &root, err);
    conf_release(&conf);
    arena_release(&scratch);
    return code;
}
