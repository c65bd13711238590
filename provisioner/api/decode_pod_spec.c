/* decode_pod_spec.c - a pod's spec: placement, host ports, and the pod template around it. */
#include "provisioner/api/decode_pod.h"

/* Kubernetes' own two classes have these values without anybody writing them. Source: scheduling/v1 types.go. */
static int32_t priority_of_class(struct str name)
{
    if (str_is(name, "system-node-critical"))
        return 2000001000;
    return str_is(name, "system-cluster-critical") ? 2000000000 : 0;
}

static int decode_scheduling(const struct field *spec, struct pod_spec *pod, struct err *err)
{
    struct field class = field_any(spec, "priorityClassName"), priority = field_any(spec, "priority"),
                 scheduler = field_any(spec, "schedulerName"), gates = field_list(spec, "schedulingGates"),
                 claims = field_list(spec, "resourceClaims");
    int rc = decode_keep(spec->decode, STR("default-scheduler"), &pod->scheduler_name, err);
    if (rc == 0)
        rc = field_keep(&class, &pod->priority_class, err);
    if (rc == 0)
        rc = field_keep(&scheduler, &pod->scheduler_name, err);
    if (rc < 0)
        return rc;
    int64_t value = priority_of_class(pod->priority_class);
    pod->priority_set = field_int(&priority, INT32_MIN, INT32_MAX, &value);
    pod->priority = (int32_t)value;
    pod->gated = gates.doc && gates.doc->count > 0;
    pod->resource_claims = claims.doc && claims.doc->count > 0;
    return 0;
}

int decode_pod_placement(const struct field *spec, const struct labels *labels, struct pod_spec *ret, struct err *err)
{
    struct field selector = field_map(spec, "nodeSelector"), affinity = field_map(spec, "affinity"),
                 tolerations = field_list(spec, "tolerations"), spreads = field_list(spec, "topologySpreadConstraints");
    struct pod_spec pod = {.priority_class = {"", 0}};
    int rc = decode_node_selector(&selector, &pod.node_selector, err);
    if (rc == 0)
        rc = decode_affinity(&affinity, labels, &pod, err);
    if (rc == 0)
        rc = decode_tolerations(&tolerations, &pod.tolerations, &pod.n_tolerations, err);
    if (rc == 0)
        rc = decode_spreads(&spreads, labels, &pod, err);
    if (rc == 0)
        rc = decode_scheduling(spec, &pod, err);
    if (rc < 0)
        return rc;
    *ret = pod;
    return 0;
}

static size_t count_ports(const struct field *containers)
{
    size_t n = 0;
    DOC_EACH (container, containers->doc) {
        const struct doc *ports = doc_get(container, "ports");
        n += ports ? ports->count : 0;
    }
    return n;
}

/* One entry of a container's ports. On the host's network each port is a host port. */
static int decode_port(const struct field *map, bool host_network, struct host_port *ports, size_t *n, struct err *err)
{
    struct field host = field_any(map, "hostPort"), container = field_any(map, "containerPort"),
                 ip = field_any(map, "hostIP"), protocol = field_any(map, "protocol");
    int64_t port = 0, inside = 0;
    field_int(&host, 0, 65535, &port);
    field_int(&container, 1, 65535, &inside);
    if (port == 0 && host_network)
        port = inside;
    if (port == 0)
        return 0;
    struct host_port *one = &ports[*n];
    *one = (struct host_port){{"", 0}, {"TCP", 3}, (int32_t)port};
    int rc = field_keep(&ip, &one->ip, err);
    if (rc == 0)
        rc = field_keep(&protocol, &one->protocol, err);
    *n += rc == 0 ? 1 : 0;
    return rc;
}

static int add_ports(const struct field *containers, bool host_network, bool sidecars_only, struct host_port *ports,
                     size_t *n, struct err *err)
{
    size_t index = 0;
    DOC_EACH (item, containers->doc) {
        struct field container = field_child(containers, item, index++);
        if (sidecars_only && !doc_get(item, "restartPolicy"))
            continue; /* an init container is gone before the others start */
        struct field list = field_list(&container, "ports");
        size_t at = 0;
        DOC_EACH (port, list.doc) {
            struct field field = field_child(&list, port, at++);
            int rc = field_is_map(&field) ? decode_port(&field, host_network, ports, n, err) : 0;
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

/* The list, or nothing: that it is of another type was said when the requests were read. */
static struct field list_if_any(const struct field *map, const char *name)
{
    struct field field = field_any(map, name);
    if (field.doc && field.doc->kind != DOC_LIST)
        field.doc = NULL;
    return field;
}

static int decode_host_ports(const struct field *spec, struct pod_spec *pod, struct err *err)
{
    struct field containers = list_if_any(spec, "containers"), init = list_if_any(spec, "initContainers"),
                 network = field_any(spec, "hostNetwork");
    bool host_network = false;
    field_bool(&network, &host_network);
    struct host_port *ports =
        arena_array(&spec->decode->objects->arena, struct host_port, count_ports(&containers) + count_ports(&init));
    if (!ports)
        return err_nomem(err);
    size_t n = 0;
    int rc = add_ports(&containers, host_network, false, ports, &n, err);
    if (rc == 0)
        rc = add_ports(&init, host_network, true, ports, &n, err);
    if (rc < 0)
        return rc;
    pod->host_ports = ports;
    pod->n_host_ports = n;
    return 0;
}

int decode_pod_spec(const struct field *spec, const struct labels *labels, struct pod_spec *ret, struct err *err)
{
    struct field containers = field_any(spec, "containers");
    struct pod_spec pod;
    if (!field_here(&containers) || (containers.doc->kind == DOC_LIST && containers.doc->count == 0))
        field_bad(&containers, "is missing or empty, allowed is a list of at least one container");
    int rc = decode_pod_placement(spec, labels, &pod, err);
    if (rc == 0)
        rc = decode_pod_requests(spec, &pod.requests, err);
    if (rc == 0)
        rc = decode_host_ports(spec, &pod, err);
    if (rc < 0)
        return rc;
    *ret = pod;
    return 0;
}

int decode_pod_template(const struct field *template, struct labels *ret_labels, struct pod_spec *ret, struct err *err)
{
    struct field metadata = field_map(template, "metadata"), spec = field_map(template, "spec");
    struct field map = field_map(&metadata, "labels");
    struct labels labels;
    struct pod_spec pod;
    if (!field_here(&spec))
        field_bad(&spec, "is missing, allowed is a pod's spec");
    int rc = decode_labels(&map, &labels, err);
    if (rc == 0)
        rc = decode_pod_spec(&spec, &labels, &pod, err);
    if (rc < 0)
        return rc;
    *ret_labels = labels;
    *ret = pod;
    return 0;
}

void pod_spark_identity(const struct labels *labels, enum spark_role *ret_role, struct str *ret_app)
{
    static const char *const app_keys[] = {"spark-app-selector", "sparkoperator.k8s.io/app-name",
                                           "emr-containers.amazonaws.com/job.id"};
    const struct str *role = labels_get(labels, STR("spark-role"));
    *ret_role = SPARK_NONE;
    *ret_app = STR("");
    if (role && str_is(*role, "driver"))
        *ret_role = SPARK_DRIVER;
    if (role && str_is(*role, "executor"))
        *ret_role = SPARK_EXECUTOR;
    for (size_t i = 0; i < CC_COUNT(app_keys) && *ret_role != SPARK_NONE; i++) {
        const struct str *app = labels_get(labels, str_of(app_keys[i]));
        if (app && app->len > 0) {
            *ret_app = *app;
            return;
        }
    }
}
