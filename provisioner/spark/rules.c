/*
 * Sources: org.apache.spark.deploy.k8s.features.BasicDriverFeatureStep and BasicExecutorFeatureStep,
 * org.apache.spark.resource.ResourceProfile, org.apache.spark.scheduler.cluster.SchedulerBackendUtils (3.5, 4.0).
 */
#include "provisioner/spark/rules.h"

#include "base/quantity.h"

enum { DEFAULT_MEMORY_MIB = 1024, DEFAULT_MIN_OVERHEAD_MIB = 384, DEFAULT_EXECUTORS = 2, MAX_CORES = 100000 };

#define FACTOR_OF_BOTH "spark.kubernetes.memoryOverheadFactor"
#define JVM_FACTOR     0.1
#define OTHER_FACTOR   0.4 /* Python and R need more beside the JVM */
#define MAX_FACTOR     1000

const struct role_keys rules_driver = {
    .name = "driver",
    .container = "spark-kubernetes-driver",
    .cores = "spark.driver.cores",
    .request_cores = "spark.kubernetes.driver.request.cores",
    .memory = "spark.driver.memory",
    .overhead = "spark.driver.memoryOverhead",
    .overhead_factor = "spark.driver.memoryOverheadFactor",
    .min_overhead = "spark.driver.minMemoryOverhead",
    .scheduler = "spark.kubernetes.driver.scheduler.name",
    .template_file = "spark.kubernetes.driver.podTemplateFile",
    .template_container = "spark.kubernetes.driver.podTemplateContainerName",
    .node_selectors = "spark.kubernetes.driver.node.selector.",
    .labels = "spark.kubernetes.driver.label.",
    .resources = "spark.driver.resource.",
    .volumes = "spark.kubernetes.driver.volumes.persistentVolumeClaim.",
};

const struct role_keys rules_executor = {
    .name = "executor",
    .container = "spark-kubernetes-executor",
    .cores = "spark.executor.cores",
    .request_cores = "spark.kubernetes.executor.request.cores",
    .memory = "spark.executor.memory",
    .overhead = "spark.executor.memoryOverhead",
    .overhead_factor = "spark.executor.memoryOverheadFactor",
    .min_overhead = "spark.executor.minMemoryOverhead",
    .scheduler = "spark.kubernetes.executor.scheduler.name",
    .template_file = "spark.kubernetes.executor.podTemplateFile",
    .template_container = "spark.kubernetes.executor.podTemplateContainerName",
    .node_selectors = "spark.kubernetes.executor.node.selector.",
    .labels = "spark.kubernetes.executor.label.",
    .resources = "spark.executor.resource.",
    .volumes = "spark.kubernetes.executor.volumes.persistentVolumeClaim.",
};

static bool is_python(const struct conf *conf)
{
    return str_is(conf_text(conf, "spark.kubernetes.resource.type", STR("")), "python") ||
           conf_text(conf, "spark.submit.pyFiles", STR("")).len > 0;
}

static bool is_r(const struct conf *conf)
{
    return str_is(conf_text(conf, "spark.kubernetes.resource.type", STR("")), "r");
}

static int64_t overhead_mib(const struct conf *conf, const struct role_keys *keys, int64_t memory_mib)
{
    double factor = is_python(conf) || is_r(conf) ? OTHER_FACTOR : JVM_FACTOR;
    factor = conf_number(conf, FACTOR_OF_BOTH, 0, MAX_FACTOR, factor);
    factor = conf_number(conf, keys->overhead_factor, 0, MAX_FACTOR, factor);
    int64_t share = (int64_t)(factor * (double)memory_mib);
    int64_t least = conf_size_mib(conf, keys->min_overhead, CONF_MIB, DEFAULT_MIN_OVERHEAD_MIB);
    return conf_size_mib(conf, keys->overhead, CONF_MIB, share > least ? share : least);
}

/* Off-heap memory is given in bytes. Switched on without a size, Spark does not start. */
static int64_t off_heap_mib(const struct conf *conf)
{
    if (!conf_bool(conf, "spark.memory.offHeap.enabled", false))
        return 0;
    int64_t size = conf_size_mib(conf, "spark.memory.offHeap.size", 1, 0);
    const struct conf_entry *entry = conf_find(conf, "spark.memory.offHeap.size");
    if (!entry)
        conf_bad(conf, conf_find(conf, "spark.memory.offHeap.enabled"),
                 "is true, and spark.memory.offHeap.size is not set, allowed is a size above 0");
    return size;
}

static struct str cpu_of(const struct conf *conf, const struct role_keys *keys)
{
    const struct conf_entry *entry = conf_find(conf, keys->request_cores);
    struct err why;
    int64_t milli;
    if (!entry) {
        conf_int(conf, keys->cores, 1, MAX_CORES, 1);
        return conf_text(conf, keys->cores, STR("1"));
    }
    if (quantity_milli(entry->value, &milli, &why) < 0)
        conf_bad(conf, entry, "is %s", why.message);
    return entry->value;
}

struct role_amounts rules_amounts(const struct conf *conf, const struct role_keys *keys)
{
    int64_t memory = conf_size_mib(conf, keys->memory, CONF_MIB, DEFAULT_MEMORY_MIB);
    int64_t total = memory + overhead_mib(conf, keys, memory);
    if (keys == &rules_executor) {
        total += off_heap_mib(conf);
        if (is_python(conf))
            total += conf_size_mib(conf, "spark.executor.pyspark.memory", CONF_MIB, 0);
    }
    return (struct role_amounts){cpu_of(conf, keys), total};
}

bool rules_dynamic(const struct conf *conf)
{
    return conf_bool(conf, "spark.dynamicAllocation.enabled", false);
}

static int64_t max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int64_t rules_executors(const struct conf *conf)
{
    static const char key[] = "spark.executor.instances";
    if (!rules_dynamic(conf))
        return conf_int(conf, key, 0, RULES_MAX_EXECUTORS, DEFAULT_EXECUTORS);
    static const char initial_key[] = "spark.dynamicAllocation.initialExecutors";
    static const char max_key[] = "spark.dynamicAllocation.maxExecutors";
    int64_t least = conf_int(conf, "spark.dynamicAllocation.minExecutors", 0, RULES_MAX_EXECUTORS, 0);
    int64_t first = max(conf_int(conf, initial_key, 0, RULES_MAX_EXECUTORS, least), least);
    first = max(first, conf_int(conf, key, 0, RULES_MAX_EXECUTORS, 0));
    int64_t most = conf_int(conf, max_key, 0, INT32_MAX, INT32_MAX);
    if (first > most)
        conf_bad(conf, conf_find(conf, max_key),
                 "is %lld, allowed is at least the %lld executors that are asked for at start", (long long)most,
                 (long long)first);
    return first;
}
