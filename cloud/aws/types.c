#include "cloud/aws/types.h"

#include <stdlib.h>
#include <string.h>

#include "cloud/aws/tsv.h"

/* A column of the table: where it goes, and for numbers what is taken for possible. */
struct field {
    struct tsv_column column;
    size_t offset; /* in struct aws_type: of an int64_t if max > 0, else of a struct str */
    int64_t min, max;
};

#define TEXT(column, required, member)                              \
    {                                                               \
        {column, required}, offsetof(struct aws_type, member), 0, 0 \
    }
#define NUMBER(column, required, member, min, max)                      \
    {                                                                   \
        {column, required}, offsetof(struct aws_type, member), min, max \
    }

/* Ten times and more of what EC2 sells: beyond it is a mistake. */
static const struct field fields[] = {
    TEXT("instance_type", true, name),
    TEXT("arch", true, arch),
    TEXT("cpu_manufacturer", false, cpu_manufacturer),
    TEXT("hypervisor", false, hypervisor),
    TEXT("gpu_manufacturer", false, gpu_manufacturer),
    TEXT("gpu_name", false, gpu_name),
    NUMBER("vcpu", true, vcpu, 1, 10000),
    NUMBER("memory_mib", true, memory_mib, 1, INT64_C(1) << 30),
    NUMBER("enis", true, enis, 1, 1000),
    NUMBER("ipv4_per_eni", true, ipv4_per_eni, 1, 1000),
    NUMBER("default_network_card_enis", false, default_card_enis, 0, 1000),
    NUMBER("network_baseline_mbps", false, network_mbps, 0, 1000000000),
    NUMBER("ebs_baseline_mbps", false, ebs_mbps, 0, 1000000000),
    NUMBER("ebs_max_attachments", false, ebs_attachments, 0, 10000),
    NUMBER("efa_max", false, efas, 0, 1000),
    NUMBER("nvme_total_gb", false, nvme_gb, 0, 10000000),
    NUMBER("gpu_count", false, gpus, 0, 1000),
    NUMBER("gpu_memory_mib", false, gpu_memory_mib, 0, INT64_C(1) << 30),
    NUMBER("neuron_devices", false, neurons, 0, 1000),
    NUMBER("encryption_in_transit", false, encrypts, 0, 1),
};

enum { N_FIELDS = CC_COUNT(fields) };

static bool arch_known(const struct tsv *tsv, struct str arch)
{
    bool known = str_is(arch, "amd64") || str_is(arch, "arm64");
    if (!known)
        tsv_finding(tsv, "arch", "\"%.*s\" is not allowed, allowed are amd64 and arm64", STR_ARG(arch));
    return known;
}

static bool read_row(const struct tsv *tsv, const struct str cells[N_FIELDS], struct aws_type *ret)
{
    struct aws_type type = {0};
    bool good = true;
    for (size_t i = 0; i < N_FIELDS; i++) {
        unsigned char *into = (unsigned char *)&type + fields[i].offset;
        int64_t number = 0;
        if (fields[i].max == 0)
            memcpy(into, &cells[i], sizeof(cells[i]));
        else if (tsv_number(tsv, fields[i].column.name, cells[i], fields[i].min, fields[i].max, &number))
            memcpy(into, &number, sizeof(number));
        else
            good = false;
    }
    good = tsv_name(tsv, "instance_type", type.name) && good;
    good = arch_known(tsv, type.arch) && good;
    if (type.default_card_enis == 0)
        type.default_card_enis = type.enis;
    if (good)
        *ret = type;
    return good;
}

/* A type with the line it stands in, to find the second of the same name. */
struct row {
    struct aws_type type;
    int line;
};

static int by_name(const void *left, const void *right)
{
    const struct row *a = left, *b = right;
    int order = str_cmp(a->type.name, b->type.name);
    return order ? order : (a->line > b->line) - (a->line < b->line);
}

static size_t count_lines(struct str bytes)
{
    size_t lines = 1;
    for (size_t i = 0; i < bytes.len; i++)
        lines += bytes.ptr[i] == '\n';
    return lines;
}

int aws_types_read(struct str bytes, const char *file, struct arena *arena, struct diag *diag, struct aws_type **ret,
                   size_t *ret_count, struct err *err)
{
    struct tsv_column columns[N_FIELDS];
    for (size_t i = 0; i < N_FIELDS; i++)
        columns[i] = fields[i].column;
    size_t most = count_lines(bytes);
    struct row *rows = calloc(most, sizeof(*rows));
    struct aws_type *types = arena_array(arena, struct aws_type, most);
    if (!rows || !types) {
        free(rows);
        return err_nomem(err);
    }
    struct tsv tsv;
    struct str cells[N_FIELDS] = {{NULL, 0}};
    size_t n = 0, kept = 0;
    if (tsv_open(&tsv, bytes, file, columns, N_FIELDS, diag))
        while (tsv_next(&tsv, cells))
            if (read_row(&tsv, cells, &rows[n].type))
                rows[n++].line = tsv.line;
    qsort(rows, n, sizeof(*rows), by_name);
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && str_eq(rows[i].type.name, rows[i - 1].type.name))
            diag_add(diag, file, rows[i].line, "instance_type", "%.*s stands in line %d already",
                     STR_ARG(rows[i].type.name), rows[i - 1].line);
        else
            types[kept++] = rows[i].type;
    }
    free(rows);
    *ret = types;
    *ret_count = kept;
    return 0;
}
