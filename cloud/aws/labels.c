#include "cloud/aws/types.h"

/* What put_all writes at most. */
enum { MAX_LABELS = 24 };

struct writer {
    struct arena *arena;
    struct cloud_label *labels;
    size_t n;
    bool failed; /* memory ran out */
};

/* "" stands for "EC2 says nothing": no label. */
static void put(struct writer *writer, struct str key, struct str value)
{
    if (value.len)
        writer->labels[writer->n++] = (struct cloud_label){key, value};
}

/* The number in decimal; 0 stands for "has none": no label. */
static void put_number(struct writer *writer, struct str key, int64_t number)
{
    char digits[20];
    size_t first = sizeof(digits);
    for (int64_t rest = number; rest > 0; rest /= 10)
        digits[--first] = (char)('0' + rest % 10);
    size_t len = sizeof(digits) - first;
    if (len == 0)
        return;
    const char *text = arena_copy(writer->arena, digits + first, len);
    writer->failed |= !text;
    put(writer, key, (struct str){text, text ? len : 0});
}

/* "Radeon Pro V520" to "radeon-pro-v520", as Karpenter writes names into labels. */
static void put_lower(struct writer *writer, struct str key, struct str text)
{
    char *lower = arena_copy(writer->arena, text.ptr, text.len);
    if (!lower) {
        writer->failed = true;
        return;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (lower[i] >= 'A' && lower[i] <= 'Z')
            lower[i] = (char)(lower[i] - 'A' + 'a');
        if (lower[i] == ' ')
            lower[i] = '-';
    }
    put(writer, key, (struct str){lower, text.len});
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static struct str take_letters(struct str *rest)
{
    size_t len = 0;
    while (len < rest->len && rest->ptr[len] >= 'a' && rest->ptr[len] <= 'z')
        len++;
    struct str letters = {rest->ptr, len};
    *rest = (struct str){rest->ptr + len, rest->len - len};
    return letters;
}

static struct str take_digits(struct str *rest)
{
    size_t len = 0;
    while (len < rest->len && digit(rest->ptr[len]))
        len++;
    struct str digits = {rest->ptr, len};
    *rest = (struct str){rest->ptr + len, rest->len - len};
    return digits;
}

/*
 * "c5d" to "c" and "5", "im4gn" to "im" and "4"; the amount of memory in the names of high-memory families is skipped:
 * "u-6tb1" to "u" and "1". Both "" if the family is named in some other way.
 */
static void split_family(struct str family, struct str *ret_category, struct str *ret_generation)
{
    struct str rest = family;
    *ret_category = take_letters(&rest);
    struct str behind = rest;
    if (rest.len && rest.ptr[0] == '-') {
        behind = (struct str){rest.ptr + 1, rest.len - 1};
        if (take_digits(&behind).len && str_starts(behind, "tb"))
            behind = (struct str){behind.ptr + 2, behind.len - 2};
    }
    *ret_generation = take_digits(&behind);
    if (!ret_category->len || !ret_generation->len)
        *ret_category = *ret_generation = STR("");
}

struct str aws_type_quota(const struct aws_type *type)
{
    static const struct {
        const char *letters; /* that the name begins with, up to what is no letter */
        struct str quota;
    } classes[] = {
        {"dl", STR_INIT("DL")},         {"f", STR_INIT("F")},         {"g", STR_INIT("G and VT")},
        {"gr", STR_INIT("G and VT")},   {"vt", STR_INIT("G and VT")}, {"hpc", STR_INIT("HPC")},
        {"inf", STR_INIT("Inf")},       {"p", STR_INIT("P")},         {"trn", STR_INIT("Trn")},
        {"u", STR_INIT("High Memory")}, {"x", STR_INIT("X")},
    };
    struct str rest = type->name, letters = take_letters(&rest);
    for (size_t i = 0; i < CC_COUNT(classes); i++)
        if (str_is(letters, classes[i].letters))
            return classes[i].quota;
    return STR("Standard"); /* A, C, D, H, I, M, R, T, Z */
}

/* EC2 sells AWS's own accelerators in two lines of families. */
static struct str accelerator_name(const struct aws_type *type)
{
    return str_starts(type->name, "trn") ? STR("trainium") : STR("inferentia");
}

static void put_accelerators(struct writer *writer, const struct aws_type *type)
{
    if (type->neurons == 0)
        return;
    put_number(writer, STR("karpenter.k8s.aws/instance-accelerator-count"), type->neurons);
    put(writer, STR("karpenter.k8s.aws/instance-accelerator-manufacturer"), STR("aws"));
    put(writer, STR("karpenter.k8s.aws/instance-accelerator-name"), accelerator_name(type));
}

/* instance-gpu-memory is of one GPU. A share of a GPU (g6f) counts as none. */
static void put_gpus(struct writer *writer, const struct aws_type *type)
{
    if (type->gpus == 0)
        return;
    put_number(writer, STR("karpenter.k8s.aws/instance-gpu-count"), type->gpus);
    put_lower(writer, STR("karpenter.k8s.aws/instance-gpu-manufacturer"), type->gpu_manufacturer);
    put_number(writer, STR("karpenter.k8s.aws/instance-gpu-memory"), type->gpu_memory_mib / type->gpus);
    put_lower(writer, STR("karpenter.k8s.aws/instance-gpu-name"), type->gpu_name);
}

/* In the order of the keys: whoever reads them searches by halving. */
static void put_all(struct writer *writer, const struct aws_type *type)
{
    struct str size = type->name;
    struct str family = str_cut(&size, '.');
    struct str category, generation;
    split_family(family, &category, &generation);
    put_accelerators(writer, type);
    put(writer, STR("karpenter.k8s.aws/instance-category"), category);
    put_number(writer, STR("karpenter.k8s.aws/instance-cpu"), type->vcpu);
    put_lower(writer, STR("karpenter.k8s.aws/instance-cpu-manufacturer"), type->cpu_manufacturer);
    put_number(writer, STR("karpenter.k8s.aws/instance-ebs-bandwidth"), type->ebs_mbps);
    put(writer, STR("karpenter.k8s.aws/instance-encryption-in-transit-supported"),
        type->encrypts ? STR("true") : STR("false"));
    put(writer, STR("karpenter.k8s.aws/instance-family"), family);
    put(writer, STR("karpenter.k8s.aws/instance-generation"), generation);
    put_gpus(writer, type);
    put(writer, STR("karpenter.k8s.aws/instance-hypervisor"), type->hypervisor);
    put_number(writer, STR("karpenter.k8s.aws/instance-local-nvme"), type->nvme_gb);
    put_number(writer, STR("karpenter.k8s.aws/instance-memory"), type->memory_mib);
    put_number(writer, STR("karpenter.k8s.aws/instance-network-bandwidth"), type->network_mbps);
    put_number(writer, STR("karpenter.k8s.aws/instance-pods"), aws_type_eni_pods(type));
    put(writer, STR("karpenter.k8s.aws/instance-size"), size);
    put(writer, STR("kubernetes.io/arch"), type->arch);
    put(writer, STR("kubernetes.io/os"), STR("linux"));
    put(writer, STR("node.kubernetes.io/instance-type"), type->name);
}

int aws_type_labels(const struct aws_type *type, struct arena *arena, const struct cloud_label **ret, size_t *ret_count,
                    struct err *err)
{
    struct cloud_label *labels = arena_array(arena, struct cloud_label, MAX_LABELS);
    if (!labels)
        return err_nomem(err);
    struct writer writer = {.arena = arena, .labels = labels};
    put_all(&writer, type);
    if (writer.failed)
        return err_nomem(err);
    *ret = labels;
    *ret_count = writer.n;
    return 0;
}
