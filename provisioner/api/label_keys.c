#include "provisioner/api/label_keys.h"

#include <string.h>

#include "base/cc.h"

enum { LABEL_NAME_MAX = 63, LABEL_PREFIX_MAX = 253 };

struct str label_key_current(struct str key)
{
    static const char *const renamed[][2] = {
        {"failure-domain.beta.kubernetes.io/zone", LABEL_ZONE},
        {"topology.ebs.csi.aws.com/zone", LABEL_ZONE},
        {"failure-domain.beta.kubernetes.io/region", LABEL_REGION},
        {"beta.kubernetes.io/arch", LABEL_ARCH},
        {"beta.kubernetes.io/os", LABEL_OS},
        {"beta.kubernetes.io/instance-type", LABEL_INSTANCE_TYPE},
    };
    for (size_t i = 0; i < CC_COUNT(renamed); i++)
        if (str_is(key, renamed[i][0]))
            return str_of(renamed[i][1]);
    return key;
}

/* What follows karpenter.k8s.aws/instance-. */
static bool known_instance_label(struct str name)
{
    static const char *const names[] = {
        "family",
        "size",
        "category",
        "generation",
        "cpu",
        "cpu-manufacturer",
        "memory",
        "hypervisor",
        "local-nvme",
        "network-bandwidth",
        "ebs-bandwidth",
        "pods",
        "gpu-name",
        "gpu-manufacturer",
        "gpu-count",
        "gpu-memory",
        "accelerator-name",
        "accelerator-manufacturer",
        "accelerator-count",
        "encryption-in-transit-supported",
    };
    for (size_t i = 0; i < CC_COUNT(names); i++)
        if (str_is(name, names[i]))
            return true;
    return false;
}

bool label_key_well_known(struct str key)
{
    static const char *const keys[] = {LABEL_ZONE,          LABEL_REGION,        LABEL_ARCH,        LABEL_OS,
                                       LABEL_INSTANCE_TYPE, LABEL_CAPACITY_TYPE, LABEL_EKS_CAPACITY};
    for (size_t i = 0; i < CC_COUNT(keys); i++)
        if (str_is(key, keys[i]))
            return true;
    size_t prefix = strlen(LABEL_AWS_INSTANCE);
    return str_starts(key, LABEL_AWS_INSTANCE) &&
           known_instance_label((struct str){key.ptr + prefix, key.len - prefix});
}

/* Is `host` the domain or one below it? */
static bool within(struct str host, const char *domain)
{
    size_t len = strlen(domain);
    return str_ends(host, domain) && (host.len == len || host.ptr[host.len - len - 1] == '.');
}

static bool within_any(struct str host, const char *const *domains, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (within(host, domains[i]))
            return true;
    return false;
}

bool label_key_restricted(struct str key)
{
    static const char *const allowed[] = {"node-restriction.kubernetes.io", "node.kubernetes.io", "kops.k8s.io"};
    static const char *const reserved[] = {"kubernetes.io", "k8s.io", "karpenter.sh", "karpenter.k8s.aws", "stoker.sh"};
    if (label_key_well_known(key))
        return false;
    struct str rest = key;
    struct str host = str_cut(&rest, '/');
    if (host.len == key.len)
        return false; /* no domain at all: the user's own */
    return within_any(host, reserved, CC_COUNT(reserved)) && !within_any(host, allowed, CC_COUNT(allowed));
}

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Letters, digits and `others`, a letter or digit at both ends. */
static bool made_of(struct str text, const char *others, size_t max)
{
    if (text.len == 0 || text.len > max || !is_alnum(text.ptr[0]) || !is_alnum(text.ptr[text.len - 1]))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (!is_alnum(text.ptr[i]) && (text.ptr[i] == '\0' || !strchr(others, text.ptr[i])))
            return false;
    return true;
}

bool label_key_valid(struct str key)
{
    struct str name = key;
    struct str prefix = str_cut(&name, '/');
    if (prefix.len == key.len)
        return made_of(key, "-_.", LABEL_NAME_MAX);
    return made_of(prefix, "-.", LABEL_PREFIX_MAX) && made_of(name, "-_.", LABEL_NAME_MAX);
}

bool label_value_valid(struct str value)
{
    return value.len == 0 || made_of(value, "-_.", LABEL_NAME_MAX);
}
