#include "tests/support/planned.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/doc.h"
#include "cloud/aws/catalogue.h"
#include "provisioner/api/decode.h"

static const char types_tsv[] = "instance_type\tarch\tvcpu\tmemory_mib\tenis\tipv4_per_eni\n"
                                "c4.large\tamd64\t2\t4096\t3\t10\n"
                                "c4.xlarge\tamd64\t4\t8192\t4\t15\n"
                                "c4.2xlarge\tamd64\t8\t16384\t4\t15\n"
                                "m4.xlarge\tamd64\t4\t16384\t4\t15\n"
                                "m4.2xlarge\tamd64\t8\t32768\t4\t15\n";

static const char prices_tsv[] = "instance_type\tzone\ton_demand_usd_hour\tspot_usd_hour\n"
                                 "c4.large\tus-west-2a\t0.1\t0.04\nc4.large\tus-west-2b\t0.1\t0.044\n"
                                 "c4.xlarge\tus-west-2a\t0.2\t0.08\nc4.xlarge\tus-west-2b\t0.2\t0.088\n"
                                 "c4.2xlarge\tus-west-2a\t0.4\t0.16\nc4.2xlarge\tus-west-2b\t0.4\t0.176\n"
                                 "m4.xlarge\tus-west-2a\t0.24\t0.096\nm4.xlarge\tus-west-2b\t0.24\t0.1056\n"
                                 "m4.2xlarge\tus-west-2a\t0.48\t0.192\nm4.2xlarge\tus-west-2b\t0.48\t0.2112\n";

static struct clock_mono still(void *context)
{
    (void)context;
    return (struct clock_mono){0};
}

static struct clock_wall still_wall(void *context)
{
    (void)context;
    return (struct clock_wall){0};
}

static const struct clock still_clock = {still, still_wall, NULL};

static int complain(struct planned *planned, const char *what)
{
    fprintf(stderr, "%s: %s\n", what, planned->err.message);
    for (size_t i = 0; i < planned->diag.len; i++)
        fprintf(stderr, "line %d: %s\n", planned->diag.findings[i].line, planned->diag.findings[i].text);
    return -1;
}

int planned_open(struct planned *planned, const char *prices)
{
    *planned = (struct planned){.options = {.clock = &still_clock, .budget_ms = 1000}};
    const struct aws_catalogue_source source = {.types_tsv = str_of(types_tsv),
                                                .prices_tsv = str_of(prices ? prices : prices_tsv)};
    if (aws_catalogue_load(&source, &planned->arena, &planned->diag, &planned->catalogue, &planned->err))
        return complain(planned, "catalogue");
    return 0;
}

void planned_close(struct planned *planned)
{
    objects_release(&planned->objects);
    diag_release(&planned->diag);
    arena_release(&planned->arena);
}

static int decode(void *context, const struct doc *object, struct err *err)
{
    struct planned *planned = context;
    return objects_decode(&planned->objects, object, "test.yaml", &planned->diag, err);
}

int planned_read(struct planned *planned, const char *yaml)
{
    char *kept = arena_copy(&planned->arena, yaml, strlen(yaml));
    if (!kept || doc_read(str_of(kept), "test.yaml", decode, planned, &planned->err) || diag_count(&planned->diag))
        return complain(planned, "input");
    return 0;
}

int planned_pods(struct planned *planned, const char *app, const char *role, int n, const char *cpu, const char *memory,
                 const char *more)
{
    for (int i = 1; i <= n; i++) {
        bool executor = strcmp(role, "executor") == 0;
        char *yaml = arena_printf(&planned->arena,
                                  "{apiVersion: v1, kind: Pod, metadata: {name: %s-%s-%d, namespace: spark, labels: "
                                  "{spark-role: %s, spark-app-selector: %s}}, spec: {%s%s containers: [{name: c, "
                                  "image: i, resources: {requests: {cpu: %s, memory: %s}}}]}}",
                                  app, executor ? "exec" : role, i, role, app, more, *more ? "," : "", cpu, memory);
        if (!yaml || planned_read(planned, yaml))
            return -1;
    }
    return 0;
}

int planned_run(struct planned *planned)
{
    if (planner_plan(&planned->objects, &planned->catalogue, &planned->options, &planned->arena, &planned->result,
                     &planned->err))
        return complain(planned, "plan");
    return 0;
}

static bool pool_is(const struct answer_pool *pool, struct str type, struct str zone)
{
    return str_eq(pool->instance_type, type) && str_eq(pool->zone, zone);
}

/* The list price of a pool; -1 if it is not for sale. */
static int64_t list_price(const struct planned *planned, struct str type, struct str zone,
                          enum cloud_capacity_type capacity_type)
{
    const struct cloud_catalogue *c = &planned->catalogue;
    for (size_t i = 0; i < c->n_offerings; i++)
        if (str_eq(c->types[c->offerings[i].type].name, type) && str_eq(c->zones[c->offerings[i].zone], zone) &&
            c->offerings[i].capacity_type == capacity_type)
            return c->offerings[i].price_microusd;
    return -1;
}

/* Allocatable of a type by the cloud's own account, without a Provisioner's settings. */
static bool type_carries(const struct planned *planned, struct str type, int64_t cpu_milli, int64_t memory_bytes,
                         int64_t pods)
{
    struct arena arena = ARENA_INIT;
    bool carries = false;
    for (size_t t = 0; t < planned->catalogue.n_types; t++) {
        struct cloud_resource *capacity, *allocatable;
        size_t n;
        if (!str_eq(planned->catalogue.types[t].name, type) ||
            planned->catalogue.node_resources(&planned->catalogue.types[t], &CLOUD_KUBELET_INIT, &CLOUD_DISK_INIT,
                                              &arena, &capacity, &allocatable, &n, NULL))
            continue;
        carries = true;
        for (size_t r = 0; r < n; r++) {
            int64_t need = str_is(allocatable[r].name, "cpu")      ? cpu_milli
                           : str_is(allocatable[r].name, "memory") ? memory_bytes
                           : str_is(allocatable[r].name, "pods")   ? pods
                                                                   : 0;
            carries = carries && need <= allocatable[r].amount;
        }
    }
    arena_release(&arena);
    return carries;
}

static int fail(const char *what, struct str name)
{
    fprintf(stderr, "%s: %.*s\n", what, STR_ARG(name));
    return -1;
}

static double ratio_of(const struct planned *planned, struct str provisioner)
{
    for (size_t i = 0; i < planned->objects.provisioners.len; i++)
        if (str_eq(planned->objects.provisioners.items[i].name, provisioner))
            return planned->objects.provisioners.items[i].max_price_ratio;
    return 0;
}

static int verify_alternatives(const struct planned *planned, const struct answer_node *node)
{
    int64_t last = 0, cheapest = node->price_microusd;
    size_t n_types = 1;
    for (size_t i = 0; i < node->n_alternatives; i++) {
        const struct answer_pool *pool = &node->alternatives[i];
        bool seen = str_eq(pool->instance_type, node->instance_type);
        for (size_t k = 0; k < i && !seen; k++)
            seen = str_eq(pool->instance_type, node->alternatives[k].instance_type);
        n_types += !seen;
        if (pool->price_microusd < last || pool_is(pool, node->instance_type, node->zone))
            return fail("alternatives are not sorted, or name the choice", pool->instance_type);
        if (pool->price_microusd != list_price(planned, pool->instance_type, pool->zone, node->capacity_type))
            return fail("an alternative's price is not the list's", pool->instance_type);
        if (!type_carries(planned, pool->instance_type, node->cpu_used_milli, node->memory_used_bytes, node->n_pods))
            return fail("an alternative is too small", pool->instance_type);
        last = pool->price_microusd;
        cheapest = last < cheapest ? last : cheapest;
    }
    double ratio = ratio_of(planned, node->provisioner);
    if (last && (double)last > (double)cheapest * ratio * 1.000001)
        return fail("an alternative is too dear", node->instance_type);
    return n_types <= 60 ? 0 : fail("too many types", node->instance_type);
}

static int64_t request(const struct planned *planned, uint32_t pod, const char *resource)
{
    const struct pod_spec *spec = planned->objects.specs.items[planned->objects.pods.items[pod].spec];
    for (size_t i = 0; i < spec->requests.n; i++)
        if (str_is(spec->requests.items[i].name, resource))
            return spec->requests.items[i].amount;
    return 0;
}

static int verify_node(const struct planned *planned, const struct answer_node *node)
{
    int64_t cpu_milli = 0, memory_bytes = 0;
    for (uint32_t k = 0; k < node->n_pods; k++) {
        cpu_milli += request(planned, node->pods[k], "cpu");
        memory_bytes += request(planned, node->pods[k], "memory");
    }
    if (!node->n_pods || cpu_milli != node->cpu_used_milli || memory_bytes != node->memory_used_bytes)
        return fail("a node's use is not what its pods ask", node->instance_type);
    if (!type_carries(planned, node->instance_type, cpu_milli, memory_bytes, node->n_pods))
        return fail("a node is too small", node->instance_type);
    if (node->price_microusd != list_price(planned, node->instance_type, node->zone, node->capacity_type))
        return fail("a node's price is not the list's", node->instance_type);
    return verify_alternatives(planned, node);
}

static int verify_once(const struct planned *planned)
{
    const struct answer *a = &planned->result.answer;
    size_t n_pods = planned->objects.pods.len;
    int *seen = calloc(n_pods + 1, sizeof(*seen));
    size_t n_scheduled = 0, wrong = seen ? 0 : 1;
    for (size_t i = 0; seen && i < a->n_nodes; i++)
        for (uint32_t k = 0; k < a->nodes[i].n_pods; k++, n_scheduled++)
            wrong += seen[a->nodes[i].pods[k]]++ != 0;
    for (size_t i = 0; seen && i < a->n_existing; i++)
        for (uint32_t k = 0; k < a->existing[i].n_pods; k++, n_scheduled++)
            wrong += seen[a->existing[i].pods[k]]++ != 0;
    for (size_t i = 0; seen && i < a->n_unschedulable; i++)
        wrong += seen[a->unschedulable[i].pod]++ != 0 || !a->unschedulable[i].reason;
    for (size_t i = 0; seen && i < n_pods; i++)
        wrong += (planned->objects.pods.items[i].node_name.len == 0) != (seen[i] == 1);
    free(seen);
    if (wrong || n_scheduled != a->n_scheduled || a->n_pods != a->n_scheduled + a->n_unschedulable)
        return fail("not every pod appears exactly once", STR(""));
    return 0;
}

int planned_verify(const struct planned *planned)
{
    const struct answer *a = &planned->result.answer;
    int64_t cost = 0, worst = 0;
    for (size_t i = 0; i < a->n_nodes; i++) {
        int64_t dearest = a->nodes[i].price_microusd;
        if (verify_node(planned, &a->nodes[i]))
            return -1;
        for (size_t k = 0; k < a->nodes[i].n_alternatives; k++)
            if (a->nodes[i].alternatives[k].price_microusd > dearest)
                dearest = a->nodes[i].alternatives[k].price_microusd;
        cost += a->nodes[i].price_microusd;
        worst += dearest;
    }
    if (cost != a->cost_microusd || worst != a->worst_microusd)
        return fail("sums are wrong", STR(""));
    if (a->lower_bound_microusd > cost || a->lower_bound_microusd < 0)
        return fail("the bound is above the cost", STR(""));
    return verify_once(planned);
}

static bool may_come_from(const struct answer_node *node, const struct cloud_catalogue *c, size_t offering)
{
    struct str type = c->types[c->offerings[offering].type].name, zone = c->zones[c->offerings[offering].zone];
    if (node->capacity_type != c->offerings[offering].capacity_type)
        return false;
    bool may = str_eq(node->instance_type, type) && str_eq(node->zone, zone);
    for (size_t i = 0; i < node->n_alternatives && !may; i++)
        may = pool_is(&node->alternatives[i], type, zone);
    return may;
}

int planned_most_in_a_pool(const struct planned *planned, const char *app)
{
    const struct answer *a = &planned->result.answer;
    int most = 0;
    for (size_t j = 0; j < planned->catalogue.n_offerings; j++) {
        int n = 0;
        for (size_t i = 0; i < a->n_nodes; i++) {
            if (!may_come_from(&a->nodes[i], &planned->catalogue, j))
                continue;
            for (uint32_t k = 0; k < a->nodes[i].n_pods; k++) {
                const struct pod *pod = &planned->objects.pods.items[a->nodes[i].pods[k]];
                n += pod->role == SPARK_EXECUTOR && str_is(pod->app, app);
            }
        }
        most = n > most ? n : most;
    }
    return most;
}

const char *planned_reason(const struct planned *planned, const char *pod)
{
    const struct answer *a = &planned->result.answer;
    for (size_t i = 0; i < a->n_unschedulable; i++) {
        const struct pod *p = &planned->objects.pods.items[a->unschedulable[i].pod];
        struct str rest = str_of(pod), namespace_ = str_cut(&rest, '/');
        if (str_eq(p->namespace_, namespace_) && str_eq(p->name, rest))
            return a->unschedulable[i].reason;
    }
    return NULL;
}
