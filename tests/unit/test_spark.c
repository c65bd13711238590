/* What Spark asks for: rules held against pods that Spark made, applications in all their forms, and bad input. */
#include "tests/unit/api_helper.h"

#include "base/cc.h"
#include "base/file.h"
#include "provisioner/spark/spark.h"

#define FIXTURES "tests/fixtures/spark/"

static void read_conf(struct world *world, const char *text)
{
    assert_int_equal(
        spark_properties_read(&world->objects, str_of(text), FIXTURES "app.properties", &world->diag, &world->err), 0);
}

static void expand(struct world *world)
{
    assert_int_equal(spark_expand(&world->objects, &world->diag, &world->err), 0);
}

/* A configuration in which nothing is wrong, expanded. */
static void good_conf(struct world *world, const char *text)
{
    read_conf(world, text);
    world_print(world);
    assert_int_equal(diag_count(&world->diag), 0);
    expand(world);
    assert_int_equal(diag_count(&world->diag), 0);
}

static const struct pod *pod_named(const struct world *world, const char *name)
{
    for (size_t i = 0; i < world->objects.pods.len; i++)
        if (str_is(world->objects.pods.items[i].name, name))
            return &world->objects.pods.items[i];
    fail_msg("no pod %s", name);
    return NULL;
}

static const struct pod_spec *spec_of(const struct world *world, const char *name)
{
    return world->objects.specs.items[pod_named(world, name)->spec];
}

static int64_t amount(const struct pod_spec *spec, const char *resource)
{
    for (size_t i = 0; i < spec->requests.n; i++)
        if (str_is(spec->requests.items[i].name, resource))
            return spec->requests.items[i].amount;
    return 0;
}

static int64_t mib(const struct world *world, const char *name)
{
    return amount(spec_of(world, name), "memory") >> 20;
}

static const char *label(const struct pod *pod, const char *key)
{
    const struct str *value = labels_get(&pod->labels, str_of(key));
    return value ? value->ptr : "(none)";
}

static size_t count_role(const struct world *world, enum spark_role role, bool planned)
{
    size_t n = 0;
    for (size_t i = 0; i < world->objects.pods.len; i++)
        n += world->objects.pods.items[i].role == role && world->objects.pods.items[i].planned == planned;
    return n;
}

/* --- against captured pods --- */

struct captured {
    struct world *world;
    bool found;
};

static int on_config_map(void *context, const struct doc *object, struct err *err)
{
    struct captured *captured = context;
    const struct doc *name = doc_at(object, "metadata.name");
    const struct doc *data = doc_get(doc_get(object, "data"), "spark.properties");
    if (!data || !str_starts(name->text, "spark-drv-"))
        return 0;
    captured->found = true;
    return spark_properties_read(&captured->world->objects, data->text, FIXTURES "app.properties",
                                 &captured->world->diag, err);
}

static void read_fixture(struct world *world, const char *name, const char *kind)
{
    char path[128];
    struct str text;
    snprintf(path, sizeof(path), FIXTURES "%s-%s.json", name, kind);
    assert_int_equal(file_read(path, 1 << 20, &text, &world->err), 0);
    struct captured captured = {world, false};
    int code = strcmp(kind, "cm") == 0 ? doc_read(text, path, on_config_map, &captured, &world->err)
                                       : doc_read(text, path, world_on_object, world, &world->err);
    file_free(&text);
    world_print(world);
    assert_int_equal(code, 0);
    assert_int_equal(diag_count(&world->diag), 0);
    assert_true(captured.found || strcmp(kind, "cm") != 0);
}

static const char *const FIXTURE_NAMES[] = {"3.5-default", "3.5-dynamic-allocation", "3.5-dynamic-allocation-running",
                                            "3.5-templates-pvc", "4.0-dynamic-allocation"};

static const struct pod *first_of(const struct world *world, enum spark_role role)
{
    for (size_t i = 0; i < world->objects.pods.len; i++)
        if (world->objects.pods.items[i].role == role)
            return &world->objects.pods.items[i];
    fail_msg("no pod of role %d", (int)role);
    return NULL;
}

static void assert_same_requests(const struct pod_spec *made, const struct pod_spec *real)
{
    assert_int_equal(made->requests.n, real->requests.n);
    for (size_t i = 0; i < made->requests.n; i++) {
        assert_true(str_eq(made->requests.items[i].name, real->requests.items[i].name));
        assert_int_equal(made->requests.items[i].amount, real->requests.items[i].amount);
    }
}

/* The placement of the pod that Spark made, apart from the two tolerations that the API server adds. */
static void assert_same_placement(const struct pod_spec *made, const struct pod_spec *real)
{
    assert_int_equal(made->node_selector.n, real->node_selector.n);
    for (size_t i = 0; i < made->node_selector.n; i++) {
        assert_true(str_eq(made->node_selector.items[i].key, real->node_selector.items[i].key));
        assert_true(str_eq(made->node_selector.items[i].values[0], real->node_selector.items[i].values[0]));
    }
    assert_int_equal(made->n_node_terms, real->n_node_terms);
    assert_int_equal(made->n_preferred_nodes, real->n_preferred_nodes);
    assert_int_equal(made->n_affinity, real->n_affinity);
    assert_int_equal(made->n_spreads, real->n_spreads);
    assert_int_equal(made->n_tolerations + 2, real->n_tolerations);
}

static void pods_are_as_spark_makes_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < CC_COUNT(FIXTURE_NAMES); i++) {
        struct world made = {0}, real = {0};
        read_fixture(&made, FIXTURE_NAMES[i], "cm");
        expand(&made);
        read_fixture(&real, FIXTURE_NAMES[i], "driver");
        read_fixture(&real, FIXTURE_NAMES[i], "executor-1");
        assert_int_equal(count_role(&made, SPARK_EXECUTOR, true), 2);
        for (enum spark_role role = SPARK_DRIVER; role <= SPARK_EXECUTOR; role++) {
            const struct pod *ours = first_of(&made, role), *theirs = first_of(&real, role);
            const struct pod_spec *made_spec = made.objects.specs.items[ours->spec];
            const struct pod_spec *real_spec = real.objects.specs.items[theirs->spec];
            assert_same_requests(made_spec, real_spec);
            assert_same_placement(made_spec, real_spec);
            assert_true(str_eq(ours->app, theirs->app));
            assert_true(str_eq(ours->namespace_, theirs->namespace_));
            assert_int_equal(ours->n_ephemeral_classes, theirs->n_claims + theirs->n_ephemeral_classes);
        }
        assert_true(str_eq(first_of(&made, SPARK_DRIVER)->name, first_of(&real, SPARK_DRIVER)->name));
        world_release(&made);
        world_release(&real);
    }
}

static void real_pods_are_not_planned_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < CC_COUNT(FIXTURE_NAMES); i++) {
        struct world world = {0};
        read_fixture(&world, FIXTURE_NAMES[i], "executor-1");
        read_fixture(&world, FIXTURE_NAMES[i], "cm");
        read_fixture(&world, FIXTURE_NAMES[i], "driver");
        expand(&world);
        assert_int_equal(count_role(&world, SPARK_DRIVER, true), 0);
        assert_int_equal(count_role(&world, SPARK_EXECUTOR, true), 1);
        assert_string_equal(label(&world.objects.pods.items[2], "spark-exec-id"), "2");
        expand(&world);
        assert_int_equal(world.objects.pods.len, 3);
        world_release(&world);
    }
}

/* --- rules --- */

static void amounts_follow_the_rules(void **state)
{
    (void)state;
    static const struct {
        const char *conf;
        int64_t driver_milli, driver_mib, executor_milli, executor_mib;
    } samples[] = {
        {"", 1000, 1408, 1000, 1408},
        {"spark.executor.memory=20g\nspark.driver.memory=8g", 1000, 9011, 1000, 22528},
        {"spark.executor.memory 4096\nspark.executor.cores 4", 1000, 1408, 4000, 4505},
        {"spark.kubernetes.executor.request.cores=3500m\nspark.executor.cores=4", 1000, 1408, 3500, 1408},
        {"spark.kubernetes.driver.request.cores=0.5", 500, 1408, 1000, 1408},
        {"spark.executor.memoryOverhead=2g\nspark.executor.memoryOverheadFactor=0.9", 1000, 1408, 1000, 3072},
        {"spark.kubernetes.memoryOverheadFactor=0.5\nspark.executor.memoryOverheadFactor=0.75", 1000, 1536, 1000, 1792},
        {"spark.kubernetes.resource.type=python\nspark.executor.memory=2g", 1000, 1433, 1000, 2867},
        {"spark.submit.pyFiles=a.py\nspark.executor.pyspark.memory=512m", 1000, 1433, 1000, 1945},
        {"spark.executor.pyspark.memory=512m", 1000, 1408, 1000, 1408},
        {"spark.kubernetes.resource.type=r\nspark.executor.memory=2g", 1000, 1433, 1000, 2867},
        {"spark.memory.offHeap.enabled=true\nspark.memory.offHeap.size=2g", 1000, 1408, 1000, 3456},
        {"spark.memory.offHeap.enabled=TRUE\nspark.memory.offHeap.size=1073741824", 1000, 1408, 1000, 2432},
        {"spark.memory.offHeap.size=2g", 1000, 1408, 1000, 1408},
        {"spark.executor.minMemoryOverhead=1g\nspark.driver.minMemoryOverhead=512m", 1000, 1536, 1000, 2048},
        {"spark.executor.memory=1g\nspark.executor.memory=2g", 1000, 1408, 1000, 2432},
        {"spark.executor.memory=1048576k\nspark.driver.memory=1T", 1000, 1153433, 1000, 1408},
    };
    for (size_t i = 0; i < CC_COUNT(samples); i++) {
        struct world world = {0};
        good_conf(&world, samples[i].conf);
        const struct pod_spec *driver = spec_of(&world, "app-driver"), *executor = spec_of(&world, "app-exec-1");
        if (amount(driver, "cpu") != samples[i].driver_milli || mib(&world, "app-driver") != samples[i].driver_mib ||
            amount(executor, "cpu") != samples[i].executor_milli ||
            mib(&world, "app-exec-1") != samples[i].executor_mib)
            fail_msg("%s: driver %lldm %lldMi, executor %lldm %lldMi", samples[i].conf,
                     (long long)amount(driver, "cpu"), (long long)mib(&world, "app-driver"),
                     (long long)amount(executor, "cpu"), (long long)mib(&world, "app-exec-1"));
        world_release(&world);
    }
}

static void executors_at_start(void **state)
{
    (void)state;
    static const struct {
        const char *conf;
        size_t executors;
    } samples[] = {
        {"", 2},
        {"spark.executor.instances=7", 7},
        {"spark.executor.instances=0", 0},
        {"spark.dynamicAllocation.enabled=true", 0},
        {"spark.dynamicAllocation.enabled=true\nspark.dynamicAllocation.minExecutors=3", 3},
        {"spark.dynamicAllocation.enabled=true\nspark.dynamicAllocation.initialExecutors=5\n"
         "spark.dynamicAllocation.minExecutors=3\nspark.executor.instances=4",
         5},
        {"spark.dynamicAllocation.enabled=true\nspark.executor.instances=4\nspark.dynamicAllocation.maxExecutors=4", 4},
        {"spark.dynamicAllocation.initialExecutors=5", 2},
    };
    for (size_t i = 0; i < CC_COUNT(samples); i++) {
        struct world world = {0};
        good_conf(&world, samples[i].conf);
        assert_int_equal(count_role(&world, SPARK_EXECUTOR, true), samples[i].executors);
        assert_int_equal(count_role(&world, SPARK_DRIVER, true), 1);
        world_release(&world);
    }
}

static void everything_else_of_a_configuration(void **state)
{
    (void)state;
    struct world world = {0};
    good_conf(&world,
              "spark.app.name=My ETL (daily)\n"
              "spark.kubernetes.namespace=jobs\n"
              "spark.executor.resource.gpu.amount=2\nspark.executor.resource.gpu.vendor=nvidia.com\n"
              "spark.kubernetes.node.selector.disk=ssd\nspark.kubernetes.node.selector.pool=any\n"
              "spark.kubernetes.executor.node.selector.pool=workers\n"
              "spark.kubernetes.executor.label.team=data\n"
              "spark.kubernetes.executor.scheduler.name=mine\n"
              "spark.kubernetes.executor.volumes.persistentVolumeClaim.a.options.claimName=OnDemand\n"
              "spark.kubernetes.executor.volumes.persistentVolumeClaim.a.options.storageClass=gp3\n"
              "spark.kubernetes.executor.volumes.persistentVolumeClaim.b.options.claimName=x-SPARK_EXECUTOR_ID-y\n"
              "spark.kubernetes.driver.volumes.persistentVolumeClaim.c.options.claimName=shared\n");
    const struct pod *driver = pod_named(&world, "my-etl-daily-driver");
    const struct pod *executor = pod_named(&world, "my-etl-daily-exec-2");
    const struct pod_spec *spec = world.objects.specs.items[executor->spec];
    assert_true(str_is(executor->namespace_, "jobs"));
    assert_true(str_is(executor->app, "jobs/my-etl-daily"));
    assert_int_equal(executor->spec, pod_named(&world, "my-etl-daily-exec-1")->spec);
    assert_int_equal(amount(spec, "nvidia.com/gpu"), 2);
    assert_int_equal(amount(world.objects.specs.items[driver->spec], "nvidia.com/gpu"), 0);
    assert_int_equal(spec->node_selector.n, 2);
    assert_true(str_is(spec->node_selector.items[0].key, "disk"));
    assert_true(str_is(spec->node_selector.items[1].values[0], "workers"));
    assert_true(str_is(spec->scheduler_name, "mine"));
    assert_string_equal(label(executor, "team"), "data");
    assert_string_equal(label(executor, "spark-role"), "executor");
    assert_string_equal(label(executor, "spark-exec-id"), "2");
    assert_string_equal(label(executor, "spark-exec-resourceprofile-id"), "0");
    assert_string_equal(label(driver, "spark-app-name"), "my-etl-daily");
    assert_int_equal(executor->n_ephemeral_classes, 1);
    assert_true(str_is(executor->ephemeral_classes[0], "gp3"));
    assert_int_equal(executor->n_claims, 1);
    assert_true(str_is(executor->claims[0], "x-2-y"));
    assert_true(str_is(driver->claims[0], "shared"));
    world_release(&world);
}

static void a_client_has_no_driver_pod(void **state)
{
    (void)state;
    struct world world = {0};
    good_conf(&world, "spark.submit.deployMode=client");
    assert_int_equal(count_role(&world, SPARK_DRIVER, true), 0);
    assert_int_equal(count_role(&world, SPARK_EXECUTOR, true), 2);
    world_release(&world);
}

static void bad_configurations(void **state)
{
    (void)state;
    static const struct {
        const char *conf;
        int line;
        const char *field, *what;
    } samples[] = {
        {"\nspark.executor.memory=4Gi", 2, "spark.executor.memory", "\"4Gi\""},
        {"spark.executor.memory=1.5g", 1, "spark.executor.memory", "whole number"},
        {"spark.executor.memory=-1g", 1, "spark.executor.memory", "allowed is"},
        {"spark.executor.memory=99999999t", 1, "spark.executor.memory", "up to 8p"},
        {"spark.executor.cores=0", 1, "spark.executor.cores", "integer from 1"},
        {"spark.kubernetes.executor.request.cores=-1", 1, "spark.kubernetes.executor.request.cores", "negative"},
        {"spark.executor.instances=many", 1, "spark.executor.instances", "integer"},
        {"spark.executor.instances=100001", 1, "spark.executor.instances", "100000"},
        {"spark.executor.memoryOverheadFactor=-0.1", 1, "spark.executor.memoryOverheadFactor", "number from 0"},
        {"spark.dynamicAllocation.enabled=yes", 1, "spark.dynamicAllocation.enabled", "true and false"},
        {"spark.dynamicAllocation.enabled=true\nspark.executor.instances=5\nspark.dynamicAllocation.maxExecutors=4", 3,
         "spark.dynamicAllocation.maxExecutors", "5 executors"},
        {"spark.memory.offHeap.enabled=true", 1, "spark.memory.offHeap.enabled", "offHeap.size"},
        {"spark.executor.resource.gpu.amount=1", 1, "spark.executor.resource.gpu.amount", "vendor"},
        {"spark.executor.resource.gpu.amount=x\nspark.executor.resource.gpu.vendor=a.b", 1,
         "spark.executor.resource.gpu.amount", "whole number"},
        {"spark.kubernetes.executor.podTemplateFile=s3://bucket/none.yaml", 1,
         "spark.kubernetes.executor.podTemplateFile", "copy of it as tests/fixtures/spark/none.yaml"},
        {"spark.kubernetes.driver.podTemplateFile=/none/none.yaml", 1, "spark.kubernetes.driver.podTemplateFile",
         "cannot be read"},
        {"spark.kubernetes.node.selector.a b/c", 1, "driver.spec.nodeSelector.a", "b/c"},
        {"a=\\u12", 1, "a", "escape"},
        {"\xff", 1, "", "not UTF-8"},
    };
    for (size_t i = 0; i < CC_COUNT(samples); i++) {
        struct world world = {0};
        read_conf(&world, samples[i].conf);
        expand(&world);
        if (!world_found(&world, samples[i].line, samples[i].field, samples[i].what)) {
            world_print(&world);
            fail_msg("%s: no finding at %d: %s", samples[i].conf, samples[i].line, samples[i].field);
        }
        assert_int_equal(world.objects.pods.len, 0);
        world_release(&world);
    }
}

static void names_are_there_once(void **state)
{
    (void)state;
    struct world world = {0};
    read_conf(&world, "spark.app.name=a");
    read_conf(&world, "spark.app.name=A");
    read_conf(&world, "spark.app.name=a\nspark.kubernetes.namespace=other");
    expand(&world);
    assert_int_equal(diag_count(&world.diag), 1);
    assert_int_equal(count_role(&world, SPARK_DRIVER, true), 2);
    world_release(&world);
}

/* --- applications --- */

static const char APPLICATION[] =
    "apiVersion: sparkoperator.k8s.io/v1beta2\n"
    "kind: SparkApplication\n"
    "metadata: {name: etl.daily, namespace: jobs}\n"
    "spec:\n"
    "  type: Python\n"
    "  nodeSelector: {disk: ssd}\n"
    "  batchSchedulerOptions: {priorityClassName: batch}\n"
    "  memoryOverheadFactor: '0.25'\n"
    "  sparkConf:\n"
    "    spark.executor.memory: 1g\n"
    "    spark.executor.pyspark.memory: 256m\n"
    "  volumes:\n"
    "  - {name: data, persistentVolumeClaim: {claimName: data-claim}}\n"
    "  - {name: other, persistentVolumeClaim: {claimName: other-claim}}\n"
    "  driver:\n"
    "    cores: 2\n"
    "    memory: 4g\n"
    "    labels: {team: data}\n"
    "  executor:\n"
    "    instances: 3\n"
    "    coreRequest: 3800m\n"
    "    cores: 4\n"
    "    memory: 8g\n"
    "    nodeSelector: {pool: workers}\n"
    "    tolerations: [{key: spark, operator: Exists}]\n"
    "    gpu: {name: nvidia.com/gpu, quantity: 1}\n"
    "    priorityClassName: low\n"
    "    volumeMounts: [{name: data, mountPath: /data}]\n"
    "    sidecars: [{name: log, resources: {requests: {cpu: 100m}}}]\n"
    "    affinity:\n"
    "      nodeAffinity:\n"
    "        requiredDuringSchedulingIgnoredDuringExecution:\n"
    "          nodeSelectorTerms:\n"
    "          - matchExpressions: [{key: kubernetes.io/arch, operator: In, values: [arm64]}]\n";

static void an_application_of_the_operator(void **state)
{
    (void)state;
    struct world world = {0};
    world_good(&world, APPLICATION);
    expand(&world);
    assert_int_equal(world.objects.pods.len, 4);
    const struct pod *driver = pod_named(&world, "etl.daily-driver"), *executor = pod_named(&world, "etl-daily-exec-3");
    const struct pod_spec *spec = world.objects.specs.items[executor->spec];
    assert_int_equal(amount(world.objects.specs.items[driver->spec], "cpu"), 2000);
    assert_int_equal(mib(&world, "etl.daily-driver"), 4096 + 1024);
    assert_int_equal(amount(spec, "cpu"), 3900);
    assert_int_equal(mib(&world, "etl-daily-exec-3"), 8192 + 2048 + 256);
    assert_int_equal(amount(spec, "nvidia.com/gpu"), 1);
    assert_int_equal(spec->node_selector.n, 2);
    assert_int_equal(spec->n_tolerations, 1);
    assert_int_equal(spec->n_node_terms, 1);
    assert_true(str_is(spec->priority_class, "low"));
    assert_true(str_is(world.objects.specs.items[driver->spec]->priority_class, "batch"));
    assert_int_equal(executor->n_claims, 1);
    assert_true(str_is(executor->claims[0], "data-claim"));
    assert_int_equal(driver->n_claims, 0);
    assert_string_equal(label(driver, "team"), "data");
    assert_string_equal(label(executor, "sparkoperator.k8s.io/app-name"), "etl.daily");
    assert_int_equal(executor->origin.line, 1);
    world_release(&world);
}

static void applications_in_other_forms(void **state)
{
    (void)state;
    static const struct {
        const char *yaml;
        size_t drivers, executors;
    } samples[] = {
        {"apiVersion: sparkoperator.k8s.io/v1beta2\nkind: SparkApplication\nmetadata: {name: a}\nspec: {type: Scala}\n",
         1, 1},
        {"apiVersion: sparkoperator.k8s.io/v1beta2\nkind: SparkApplication\nmetadata: {name: a}\n"
         "spec: {dynamicAllocation: {enabled: true, minExecutors: 2, initialExecutors: 4}}\n",
         1, 4},
        {"apiVersion: sparkoperator.k8s.io/v1beta2\nkind: SparkApplication\nmetadata: {name: a}\nspec: {mode: "
         "client}\n",
         0, 1},
        {"apiVersion: sparkoperator.k8s.io/v1beta2\nkind: SparkApplication\nmetadata: {name: a}\nspec: {}\n"
         "status: {applicationState: {state: COMPLETED}}\n",
         0, 0},
        {"apiVersion: sparkoperator.k8s.io/v1beta2\nkind: SparkApplication\nmetadata: {name: a}\nspec: {}\n"
         "status: {applicationState: {state: RUNNING}}\n",
         1, 1},
        {"apiVersion: sparkoperator.k8s.io/v1beta2\nkind: SparkApplication\nmetadata: {name: a}\nspec: {suspend: "
         "true}\n",
         0, 0},
        {"apiVersion: sparkoperator.k8s.io/v1beta2\nkind: ScheduledSparkApplication\nmetadata: {name: a}\n"
         "spec: {schedule: '@daily', template: {executor: {instances: 6}}}\n",
         1, 6},
        {"apiVersion: spark.apache.org/v1\nkind: SparkApplication\nmetadata: {name: a}\n"
         "spec: {sparkConf: {spark.executor.instances: '5'}}\n",
         1, 5},
        {"apiVersion: spark.apache.org/v1\nkind: SparkApplication\nmetadata: {name: a}\n"
         "spec: {applicationTolerations: {instanceConfig: {initExecutors: 3}}}\n",
         1, 3},
        {"apiVersion: spark.apache.org/v1\nkind: SparkApplication\nmetadata: {name: a}\nspec: {}\n"
         "status: {currentState: {currentStateSummary: Succeeded}}\n",
         0, 0},
    };
    for (size_t i = 0; i < CC_COUNT(samples); i++) {
        struct world world = {0};
        world_good(&world, samples[i].yaml);
        expand(&world);
        if (count_role(&world, SPARK_DRIVER, true) != samples[i].drivers ||
            count_role(&world, SPARK_EXECUTOR, true) != samples[i].executors)
            fail_msg("%s: %zu drivers, %zu executors", samples[i].yaml, count_role(&world, SPARK_DRIVER, true),
                     count_role(&world, SPARK_EXECUTOR, true));
        world_release(&world);
    }
}

static void templates_in_the_document(void **state)
{
    (void)state;
    struct world world = {0};
    world_good(&world, "apiVersion: spark.apache.org/v1\nkind: SparkApplication\nmetadata: {name: a}\n"
                       "spec:\n"
                       "  sparkConf: {spark.kubernetes.executor.podTemplateContainerName: main}\n"
                       "  executorSpec:\n"
                       "    podTemplateSpec:\n"
                       "      metadata: {labels: {x: y}}\n"
                       "      spec:\n"
                       "        containers:\n"
                       "        - {name: log, resources: {requests: {cpu: 250m, memory: 16Mi}}}\n"
                       "        - {name: main, resources: {requests: {cpu: 64, ephemeral-storage: 1Gi}}}\n"
                       "        priorityClassName: high\n");
    expand(&world);
    const struct pod_spec *spec = spec_of(&world, "a-exec-1");
    assert_int_equal(amount(spec, "cpu"), 1250);
    assert_int_equal(mib(&world, "a-exec-1"), 1408 + 16);
    assert_int_equal(amount(spec, "ephemeral-storage"), INT64_C(1) << 30);
    assert_true(str_is(spec->priority_class, "high"));
    assert_string_equal(label(pod_named(&world, "a-exec-1"), "x"), "y");
    world_release(&world);
}

static void bad_applications(void **state)
{
    (void)state;
#define HEAD "apiVersion: sparkoperator.k8s.io/v1beta2\nkind: SparkApplication\nmetadata: {name: a}\nspec:\n"
    static const struct {
        const char *yaml;
        int line;
        const char *field, *what;
    } samples[] = {
        {HEAD "  type: Cobol\n", 5, "spec.type", "Scala"},
        {HEAD "  executor:\n    memory: 4Gi\n", 6, "spec.executor.memory", "4Gi"},
        {HEAD "  executor: {cores: [1]}\n", 5, "spec.executor.cores", "one value"},
        {HEAD "  executor: {tolerations: all}\n", 5, "spec.executor.tolerations", "list"},
        {HEAD "  executor:\n    tolerations:\n    - {key: a, operator: Maybe}\n", 7,
         "executor.spec.tolerations[0].operator", "Maybe"},
        {HEAD "  executor: {gpu: {name: nvidia.com/gpu}}\n", 5, "spec.executor.gpu", "quantity"},
        {HEAD "  sparkConf: {spark.executor.instances: 3}\n", 5, "spec.sparkConf[spark.executor.instances]", "quotes"},
        {HEAD "  sparkConf: {spark.executor.instances: x}\n", 5, "spec.sparkConf[spark.executor.instances]", "integer"},
        {HEAD "  sparkConf: []\n", 5, "spec.sparkConf", "map"},
        {HEAD "  driver: {template: {spec: {tolerations: {}}}}\n", 5, "template.spec.tolerations", "list"},
    };
    for (size_t i = 0; i < CC_COUNT(samples); i++) {
        struct world world = {0};
        world_read(&world, samples[i].yaml);
        expand(&world);
        if (!world_found(&world, samples[i].line, samples[i].field, samples[i].what)) {
            world_print(&world);
            fail_msg("%s: no finding at %d: %s", samples[i].yaml, samples[i].line, samples[i].field);
        }
        assert_int_equal(world.objects.pods.len, 0);
        world_release(&world);
    }
}

static void pods_of_the_operator_are_recognised(void **state)
{
    (void)state;
#define POD(name, role, id, phase)                                                                           \
    "---\napiVersion: v1\nkind: Pod\nmetadata: {name: " name ", namespace: jobs, labels: {spark-role: " role \
    ", spark-app-selector: spark-1, spark-exec-id: '" id "', sparkoperator.k8s.io/app-name: etl.daily}}\n"   \
    "spec: {containers: [{name: c, resources: {requests: {cpu: 1}}}]}\nstatus: {phase: " phase "}\n"
    struct world world = {0};
    world_good(&world, POD("d", "driver", "", "Running") POD("e1", "executor", "1", "Running"));
    world_good(&world, APPLICATION);
    world_good(&world, POD("e2", "executor", "2", "Failed"));
    expand(&world);
    /* Three are wanted, one lives, numbers go on behind the last. */
    assert_int_equal(count_role(&world, SPARK_DRIVER, true), 0);
    assert_int_equal(count_role(&world, SPARK_EXECUTOR, true), 2);
    assert_true(pod_named(&world, "etl-daily-exec-4")->planned);
    assert_true(str_is(pod_named(&world, "etl-daily-exec-3")->app, "spark-1"));
    world_release(&world);

    world_good(&world, POD("d", "driver", "", "Succeeded"));
    world_good(&world, APPLICATION);
    expand(&world);
    assert_int_equal(world.objects.pods.len, 1);
    world_release(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pods_are_as_spark_makes_them),
        cmocka_unit_test(real_pods_are_not_planned_again),
        cmocka_unit_test(amounts_follow_the_rules),
        cmocka_unit_test(executors_at_start),
        cmocka_unit_test(everything_else_of_a_configuration),
        cmocka_unit_test(a_client_has_no_driver_pod),
        cmocka_unit_test(bad_configurations),
        cmocka_unit_test(names_are_there_once),
        cmocka_unit_test(an_application_of_the_operator),
        cmocka_unit_test(applications_in_other_forms),
        cmocka_unit_test(templates_in_the_document),
        cmocka_unit_test(bad_applications),
        cmocka_unit_test(pods_of_the_operator_are_recognised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
