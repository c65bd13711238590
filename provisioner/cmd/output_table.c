#include "provisioner/cmd/output.h"

#include "base/quantity.h"
#include "provisioner/cmd/table.h"

enum { NARROW_COLUMNS = 9, WIDE_COLUMNS = 15 };

static const struct table_column all_columns[WIDE_COLUMNS] = {
    {"NODES", '>'}, {"TYPE", '<'},   {"ZONE", '<'},        {"CAPACITY", '<'},    {"PODS", '>'},
    {"CPU", '<'},   {"MEMORY", '<'}, {"$/H", '>'},         {"TOTAL $/H", '>'},   {"PROVISIONER", '<'},
    {"ROOM", '>'},  {"ASKED", '>'},  {"OTHER POOLS", '>'}, {"DEAREST $/H", '>'}, {"INTERRUPTED", '>'},
};

/* Equal nodes that stand next to each other: [first, first + count). */
struct run {
    const struct answer_node *node;
    int64_t count;
};

static struct run run_at(const struct answer *answer, size_t first)
{
    size_t end = first + 1;
    while (end < answer->n_nodes && answer->nodes[end].group == answer->nodes[first].group)
        end++;
    return (struct run){&answer->nodes[first], (int64_t)(end - first)};
}

static double usd(int64_t microusd)
{
    return (double)microusd / 1e6;
}

static int narrow_cells(struct table *table, struct run run, struct terminal terminal, struct err *err)
{
    const struct answer_node *node = run.node;
    int rc = table_cell(table, err, "%lld", (long long)run.count);
    if (!rc)
        rc = table_cell(table, err, "%.*s", STR_ARG(node->instance_type));
    if (!rc)
        rc = table_cell(table, err, "%.*s", STR_ARG(node->zone));
    if (!rc)
        rc = table_cell(table, err, "%s", cloud_capacity_type_name(node->capacity_type));
    if (!rc)
        rc = table_cell(table, err, "%u", node->n_pods);
    if (!rc)
        rc = table_bar(table, terminal, node->cpu_used_milli, node->cpu_milli, err);
    if (!rc)
        rc = table_bar(table, terminal, node->memory_used_bytes, node->memory_bytes, err);
    if (!rc)
        rc = table_cell(table, err, "%.4f", usd(node->price_microusd));
    return rc ? rc : table_cell(table, err, "%.4f", usd(node->price_microusd * run.count));
}

static int size_cell(struct table *table, int64_t cpu_milli, int64_t memory_bytes, struct err *err)
{
    char cpu[QUANTITY_TEXT_MAX], memory[QUANTITY_TEXT_MAX];
    return table_cell(table, err, "%s cpu %s", quantity_milli_text(cpu_milli, cpu),
                      quantity_bytes_text(memory_bytes, memory));
}

/* How often AWS took such instances back within a month, by the bucket of its Spot Instance Advisor. */
static const char *interruption(const struct cloud_catalogue *catalogue, const struct answer_node *node)
{
    static const char *const buckets[] = {"<5%", "5-10%", "10-15%", "15-20%", ">20%"};
    if (node->capacity_type != CLOUD_SPOT)
        return "-";
    for (size_t i = 0; i < catalogue->n_offerings; i++) {
        const struct cloud_offering *offering = &catalogue->offerings[i];
        if (offering->capacity_type != CLOUD_SPOT || !str_eq(catalogue->zones[offering->zone], node->zone) ||
            !str_eq(catalogue->types[offering->type].name, node->instance_type))
            continue;
        bool known = offering->interruption_bucket >= 0 && offering->interruption_bucket < (int)CC_COUNT(buckets);
        return known ? buckets[offering->interruption_bucket] : "-";
    }
    return "-";
}

static int64_t dearest(const struct answer_node *node)
{
    int64_t price = node->price_microusd;
    for (size_t i = 0; i < node->n_alternatives; i++)
        if (node->alternatives[i].price_microusd > price)
            price = node->alternatives[i].price_microusd;
    return price;
}

static int wide_cells(struct table *table, struct run run, const struct cloud_catalogue *catalogue, struct err *err)
{
    const struct answer_node *node = run.node;
    int rc = table_cell(table, err, "%.*s", STR_ARG(node->provisioner));
    if (!rc)
        rc = size_cell(table, node->cpu_milli, node->memory_bytes, err);
    if (!rc)
        rc = size_cell(table, node->cpu_used_milli, node->memory_used_bytes, err);
    if (!rc)
        rc = table_cell(table, err, "%zu", node->n_alternatives);
    if (!rc)
        rc = table_cell(table, err, "%.4f", usd(dearest(node)));
    return rc ? rc : table_cell(table, err, "%s", interruption(catalogue, node));
}

static int fill_nodes(struct table *table, const struct answer *answer, const struct cloud_catalogue *catalogue,
                      struct terminal terminal, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; i < answer->n_nodes && !rc;) {
        struct run run = run_at(answer, i);
        rc = narrow_cells(table, run, terminal, err);
        if (!rc && table->n_columns == WIDE_COLUMNS)
            rc = wide_cells(table, run, catalogue, err);
        i += (size_t)run.count;
    }
    return rc;
}

static int print_nodes(const struct answer *answer, const struct cloud_catalogue *catalogue, bool wide,
                       struct terminal terminal, FILE *file, struct err *err)
{
    if (!answer->n_nodes)
        return 0;
    struct table table = {.columns = all_columns, .n_columns = wide ? WIDE_COLUMNS : NARROW_COLUMNS};
    int rc = fill_nodes(&table, answer, catalogue, terminal, err);
    if (!rc) {
        table_print(&table, terminal, file);
        fputc('\n', file);
    }
    table_release(&table);
    return rc;
}

static int print_existing(const struct answer *answer, struct terminal terminal, FILE *file, struct err *err)
{
    static const struct table_column columns[] = {{"EXISTING NODE", '<'}, {"PODS PUT THERE", '>'}};
    struct table table = {.columns = columns, .n_columns = CC_COUNT(columns)};
    int rc = 0;
    for (size_t i = 0; i < answer->n_existing && !rc; i++) {
        rc = table_cell(&table, err, "%.*s", STR_ARG(answer->existing[i].node));
        if (!rc)
            rc = table_cell(&table, err, "%u", answer->existing[i].n_pods);
    }
    if (!rc && answer->n_existing) {
        table_print(&table, terminal, file);
        fputc('\n', file);
    }
    table_release(&table);
    return rc;
}

int output_table(const struct answer *answer, const struct objects *objects, const struct cloud_catalogue *catalogue,
                 bool wide, struct terminal terminal, FILE *file, struct err *err)
{
    int rc = print_nodes(answer, catalogue, wide, terminal, file, err);
    if (!rc && wide)
        rc = print_existing(answer, terminal, file, err);
    if (!rc)
        rc = output_totals(answer, objects, terminal, file, err);
    if (!rc && (fflush(file) || ferror(file)))
        rc = err_set(err, ERR_FATAL, "the plan could not be written");
    return rc;
}
