#include <string.h>

#include "base/quantity.h"
#include "provisioner/api/label_keys.h"
#include "provisioner/cmd/instances.h"
#include "provisioner/cmd/table.h"

const char *instances_interruption(int bucket)
{
    static const char *const buckets[] = {"<5%", "5-10%", "10-15%", "15-20%", ">20%"};
    return bucket >= 0 && bucket < (int)CC_COUNT(buckets) ? buckets[bucket] : "-";
}

static const struct table_column columns[] = {
    {"TYPE", '<'},     {"CAPACITY", '<'},    {"ZONES", '<'}, {"VCPU", '>'},   {"MEMORY", '>'}, {"CPU FREE", '>'},
    {"MEM FREE", '>'}, {"PODS", '>'},        {"NVME", '>'},  {"GPU", '<'},    {"FITS", '>'},   {"$/H", '>'},
    {"$/POD", '>'},    {"INTERRUPTED", '>'}, {"ARCH", '<'},  {"$/VCPU", '>'}, {"$/GIB", '>'},  {"PROVISIONER", '<'},
};

enum { NARROW_COLUMNS = 14, WIDE_COLUMNS = CC_COUNT(columns) };

static const struct str *instance_label(const struct cloud_type *type, const char *key)
{
    return cloud_type_label(type, str_of(key));
}

/* "900 GB" of local disks, "-" if there are none. */
static int nvme_cell(struct table *table, const struct cloud_type *type, struct err *err)
{
    const struct str *gb = instance_label(type, LABEL_AWS_INSTANCE "local-nvme");
    return gb ? table_cell(table, err, "%.*s GB", STR_ARG(*gb)) : table_cell(table, err, "-");
}

/* "4 x a10g"; AWS's own accelerators stand in the same column. */
static int gpu_cell(struct table *table, const struct cloud_type *type, struct err *err)
{
    const struct str *count = instance_label(type, LABEL_AWS_INSTANCE "gpu-count");
    const struct str *name = instance_label(type, LABEL_AWS_INSTANCE "gpu-name");
    if (!count) {
        count = instance_label(type, LABEL_AWS_INSTANCE "accelerator-count");
        name = instance_label(type, LABEL_AWS_INSTANCE "accelerator-name");
    }
    if (!count)
        return table_cell(table, err, "-");
    return table_cell(table, err, "%.*s x %.*s", STR_ARG(*count), STR_ARG(name ? *name : STR("gpu")));
}

/* "us-west-2a,c,b": behind the first, a zone of the region is told by what is behind the region's name. */
static int zones_cell(struct table *table, struct str region, const struct instances_zone *zones, size_t n,
                      struct err *err)
{
    const char *names = "";
    for (size_t i = 0; i < n && names; i++) {
        struct str name = zones[i].name;
        bool within = i > 0 && region.len && name.len > region.len && memcmp(name.ptr, region.ptr, region.len) == 0;
        struct str shown = within ? (struct str){name.ptr + region.len, name.len - region.len} : name;
        names = arena_printf(&table->arena, "%s%s%.*s", names, i ? "," : "", STR_ARG(shown));
    }
    return names ? table_cell(table, err, "%s", names) : err_nomem(err);
}

static int size_cells(struct table *table, const struct instances_row *row, struct err *err)
{
    char sold[QUANTITY_TEXT_MAX], cpu[QUANTITY_TEXT_MAX], memory[QUANTITY_TEXT_MAX];
    int rc = table_cell(table, err, "%u", row->type->vcpu);
    if (!rc)
        rc = table_cell(table, err, "%s", quantity_bytes_text(row->type->memory_bytes, sold));
    if (!rc)
        rc = table_cell(table, err, "%s", quantity_milli_text(row->cpu_milli, cpu));
    if (!rc)
        rc = table_cell(table, err, "%s", quantity_bytes_text(row->memory_bytes, memory));
    if (!rc)
        rc = table_cell(table, err, "%lld", (long long)row->pods);
    if (!rc)
        rc = nvme_cell(table, row->type, err);
    return rc ? rc : gpu_cell(table, row->type, err);
}

static double usd(int64_t microusd)
{
    return (double)microusd / 1e6;
}

/* Rounded, for reading: JSON has them exactly. */
static int price_cells(struct table *table, const struct instances_row *row, const struct instances_zone *zone,
                       struct err *err)
{
    int rc = row->fits ? table_cell(table, err, "%lld", (long long)row->fits) : table_cell(table, err, "-");
    if (!rc)
        rc = table_cell(table, err, "%.4f", usd(zone->price_microusd));
    if (!rc)
        rc = row->fits ? table_cell(table, err, "%.5f", usd(zone->per_pod_microusd)) : table_cell(table, err, "-");
    return rc ? rc : table_cell(table, err, "%s", instances_interruption(zone->interruption_bucket));
}

static int wide_cells(struct table *table, const struct instances_row *row, const struct instances_zone *zone,
                      struct err *err)
{
    const struct str *arch = cloud_type_label(row->type, STR(LABEL_ARCH));
    double price = usd(zone->price_microusd), gib = (double)row->type->memory_bytes / 1073741824.0;
    int rc = table_cell(table, err, "%.*s", STR_ARG(arch ? *arch : STR("-")));
    if (!rc)
        rc = table_cell(table, err, "%.5f", price / row->type->vcpu);
    if (!rc)
        rc = table_cell(table, err, "%.5f", price / gib);
    return rc ? rc
              : table_cell(table, err, "%.*s", STR_ARG(row->provisioner->name.len ? row->provisioner->name : STR("-")));
}

/* The row at its first `n_zones` zones from `zone` on, all at the price of the first. */
static int print_row(struct table *table, struct str region, const struct instances_row *row,
                     const struct instances_zone *zone, size_t n_zones, struct err *err)
{
    int rc = table_cell(table, err, "%.*s", STR_ARG(row->type->name));
    if (!rc)
        rc = table_cell(table, err, "%s", cloud_capacity_type_name(row->capacity_type));
    if (!rc)
        rc = zones_cell(table, region, zone, n_zones, err);
    if (!rc)
        rc = size_cells(table, row, err);
    if (!rc)
        rc = price_cells(table, row, zone, err);
    return rc || table->n_columns == NARROW_COLUMNS ? rc : wide_cells(table, row, zone, err);
}

static void print_foot(const struct instances *instances, FILE *file)
{
    size_t left = instances->n_found - instances->n_rows;
    if (left)
        fprintf(file, "\n%zu more, see --max\n", left);
    if (instances->catalogue->price_note)
        fprintf(file, "\n%s\n", instances->catalogue->price_note);
}

int instances_table(const struct instances *instances, bool wide, struct terminal terminal, FILE *file, struct err *err)
{
    struct table table = {.columns = columns, .n_columns = wide ? WIDE_COLUMNS : NARROW_COLUMNS};
    int rc = 0;
    for (size_t i = 0; i < instances->n_rows && !rc; i++) {
        const struct instances_row *row = &instances->rows[i];
        size_t lines = wide ? row->n_zones : 1;
        for (size_t z = 0; z < lines && !rc; z++)
            rc = print_row(&table, instances->catalogue->region, row, &row->zones[z], wide ? 1 : row->n_zones, err);
    }
    if (!rc) {
        table_print(&table, terminal, file);
        print_foot(instances, file);
    }
    table_release(&table);
    if (!rc && fflush(file))
        rc = err_set(err, ERR_FATAL, "the list could not be written");
    return rc;
}

static void emit_label_number(struct emit *emit, const char *name, const struct cloud_type *type, const char *key)
{
    const struct str *value = instance_label(type, key);
    int64_t number = 0;
    if (value && str_to_int64(*value, &number))
        emit_int_at(emit, name, number);
}

static void emit_label(struct emit *emit, const char *name, const struct cloud_type *type, const char *key)
{
    const struct str *value = instance_label(type, key);
    if (value)
        emit_text_at(emit, name, *value);
}

static void emit_zone(struct emit *emit, const struct instances_row *row, const struct instances_zone *zone)
{
    emit_map_compact(emit);
    emit_text_at(emit, "zone", zone->name);
    emit_money_at(emit, "usdPerHour", zone->price_microusd);
    if (row->fits)
        emit_money_at(emit, "usdPerPod", zone->per_pod_microusd);
    if (zone->interruption_bucket >= 0)
        emit_text_at(emit, "interruption", str_of(instances_interruption(zone->interruption_bucket)));
    emit_close(emit);
}

static void emit_row(struct emit *emit, const struct instances_row *row)
{
    emit_map(emit);
    if (row->provisioner->name.len)
        emit_text_at(emit, "provisioner", row->provisioner->name);
    emit_text_at(emit, "instanceType", row->type->name);
    emit_text_at(emit, "capacityType", str_of(cloud_capacity_type_name(row->capacity_type)));
    emit_label(emit, "arch", row->type, LABEL_ARCH);
    emit_int_at(emit, "vcpu", row->type->vcpu);
    emit_int_at(emit, "memoryBytes", row->type->memory_bytes);
    emit_int_at(emit, "roomCpuMilli", row->cpu_milli);
    emit_int_at(emit, "roomMemoryBytes", row->memory_bytes);
    emit_int_at(emit, "roomPods", row->pods);
    emit_label_number(emit, "nvmeGb", row->type, LABEL_AWS_INSTANCE "local-nvme");
    emit_label_number(emit, "gpus", row->type, LABEL_AWS_INSTANCE "gpu-count");
    emit_label(emit, "gpuName", row->type, LABEL_AWS_INSTANCE "gpu-name");
    if (row->fits)
        emit_int_at(emit, "fits", row->fits);
    emit_key(emit, "zones");
    emit_list(emit);
    for (size_t z = 0; z < row->n_zones; z++)
        emit_zone(emit, row, &row->zones[z]);
    emit_close(emit);
    emit_close(emit);
}

int instances_json(const struct instances *instances, enum emit_syntax syntax, FILE *file, struct err *err)
{
    struct emit emit = emit_to(file, syntax);
    emit_map(&emit);
    emit_text_at(&emit, "region", instances->catalogue->region);
    if (instances->catalogue->price_note)
        emit_text_at(&emit, "priceNote", str_of(instances->catalogue->price_note));
    emit_int_at(&emit, "found", (int64_t)instances->n_found);
    emit_key(&emit, "instances");
    emit_list(&emit);
    for (size_t i = 0; i < instances->n_rows; i++)
        emit_row(&emit, &instances->rows[i]);
    emit_close(&emit);
    emit_close(&emit);
    return emit_end(&emit) ? 0 : err_set(err, ERR_FATAL, "the list could not be written");
}
