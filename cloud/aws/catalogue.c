#include "cloud/aws/catalogue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/money.h"
#include "cloud/aws/builtin.h"
#include "cloud/aws/tsv.h"
#include "cloud/aws/types.h"

static const char default_region[] = "us-west-2";

enum { MAX_ZONES = 1024 };

/* One row of a price table. */
struct price_row {
    uint32_t type; /* index into loading.types */
    uint32_t zone; /* in the order of appearance */
    int line;
    int bucket;              /* -1 unknown */
    int64_t on_demand, spot; /* micro-dollars per hour; 0 = not on sale */
};

/* A catalogue in the making. `rows` and `zones` are malloced, all else lives in the arena. */
struct loading {
    struct arena *arena;
    struct diag *diag;
    struct aws_type *types;
    size_t n_types;
    struct price_row *rows;
    size_t n_rows;
    struct str *zones;
    size_t n_zones;
    bool strict_types; /* a price of an unknown type is a mistake */
    struct str region; /* "" until a row tells it */
    bool region_given;
};

enum price_column { PRICE_TYPE, PRICE_ZONE, PRICE_ON_DEMAND, PRICE_SPOT, PRICE_BUCKET, N_PRICE_COLUMNS };

static const struct tsv_column price_columns[N_PRICE_COLUMNS] = {
    [PRICE_TYPE] = {"instance_type", true},           [PRICE_ZONE] = {"zone", true},
    [PRICE_ON_DEMAND] = {"on_demand_usd_hour", true}, [PRICE_SPOT] = {"spot_usd_hour", true},
    [PRICE_BUCKET] = {"interruption_bucket", false},
};

/* Index of a type by name, `hint` tried first; n_types if it is not there. Rows of one type stand together as a rule.
 */
static size_t find_type(const struct loading *load, struct str name, size_t hint)
{
    if (hint < load->n_types && str_eq(load->types[hint].name, name))
        return hint;
    size_t low = 0, high = load->n_types;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = str_cmp(load->types[mid].name, name);
        if (order == 0)
            return mid;
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return load->n_types;
}

/* "us-west-2a" and "us-west-2-lax-1a" to "us-west-2": all up to the first number. "" if there is none or nothing behind
 * it. */
static struct str region_of_zone(struct str zone)
{
    size_t i = 0;
    while (i < zone.len && !(zone.ptr[i] >= '0' && zone.ptr[i] <= '9'))
        i++;
    while (i < zone.len && zone.ptr[i] >= '0' && zone.ptr[i] <= '9')
        i++;
    bool named = i > 0 && i < zone.len && memchr(zone.ptr, '-', i);
    return named ? (struct str){zone.ptr, i} : STR("");
}

/*
 * Does the row belong to the region that is loaded? With a region given, rows of others are passed by; without, the
 * first row decides and another region is a mistake, as its prices would be mixed in unseen.
 */
static bool in_region(struct loading *load, const struct tsv *tsv, struct str zone)
{
    struct str region = region_of_zone(zone);
    if (region.len == 0 || str_eq(region, load->region))
        return true;
    if (load->region.len == 0) {
        load->region = region;
        return true;
    }
    if (!load->region_given)
        tsv_finding(tsv, "zone", "%.*s is not in %.*s as the rows before; name one region", STR_ARG(zone),
                    STR_ARG(load->region));
    return false;
}

static bool find_zone(struct loading *load, const struct tsv *tsv, struct str zone, uint32_t *ret)
{
    size_t i = 0;
    while (i < load->n_zones && !str_eq(load->zones[i], zone))
        i++;
    if (i == MAX_ZONES) {
        tsv_finding(tsv, "zone", "more than %d zones", MAX_ZONES);
        return false;
    }
    if (i == load->n_zones)
        load->zones[load->n_zones++] = zone;
    *ret = (uint32_t)i;
    return true;
}

/* "" is 0, not on sale. A price that is given must be above 0. */
static bool read_price(const struct tsv *tsv, const char *column, struct str cell, int64_t *ret)
{
    int64_t price = 0;
    struct err why = {0};
    if (cell.len && money_parse(cell, &price, &why)) {
        tsv_finding(tsv, column, "%s", why.message);
        return false;
    }
    if (cell.len && price <= 0) {
        tsv_finding(tsv, column, "\"%.*s\" is not allowed, a price is above 0; empty is \"not on sale\"",
                    STR_ARG(cell));
        return false;
    }
    *ret = price;
    return true;
}

/* Adds the row, unless it is wrong or of no interest. */
static void read_row(struct loading *load, const struct tsv *tsv, const struct str cells[N_PRICE_COLUMNS])
{
    const struct price_row *last = load->n_rows ? &load->rows[load->n_rows - 1] : NULL;
    struct price_row row = {.line = tsv->line, .bucket = -1};
    if (!tsv_name(tsv, "instance_type", cells[PRICE_TYPE]) || !tsv_name(tsv, "zone", cells[PRICE_ZONE]))
        return;
    size_t type = find_type(load, cells[PRICE_TYPE], last ? last->type : 0);
    if (type == load->n_types) {
        if (load->strict_types)
            tsv_finding(tsv, "instance_type", "%.*s is not in the table of instance types", STR_ARG(cells[PRICE_TYPE]));
        return;
    }
    int64_t bucket = -1;
    bool good = read_price(tsv, "on_demand_usd_hour", cells[PRICE_ON_DEMAND], &row.on_demand);
    good = read_price(tsv, "spot_usd_hour", cells[PRICE_SPOT], &row.spot) && good;
    if (cells[PRICE_BUCKET].len)
        good = tsv_number(tsv, "interruption_bucket", cells[PRICE_BUCKET], 0, 4, &bucket) && good;
    if (!good || !in_region(load, tsv, cells[PRICE_ZONE]) || !find_zone(load, tsv, cells[PRICE_ZONE], &row.zone))
        return;
    row.type = (uint32_t)type;
    row.bucket = (int)bucket;
    load->rows[load->n_rows++] = row;
}

static size_t count_lines(struct str bytes)
{
    size_t lines = 1;
    for (size_t i = 0; i < bytes.len; i++)
        lines += bytes.ptr[i] == '\n';
    return lines;
}

static int read_prices(struct loading *load, struct str bytes, const char *file, struct err *err)
{
    load->rows = calloc(count_lines(bytes), sizeof(*load->rows));
    load->zones = calloc(MAX_ZONES, sizeof(*load->zones));
    if (!load->rows || !load->zones)
        return err_nomem(err);
    struct tsv tsv;
    struct str cells[N_PRICE_COLUMNS] = {{NULL, 0}};
    if (tsv_open(&tsv, bytes, file, price_columns, N_PRICE_COLUMNS, load->diag))
        while (tsv_next(&tsv, cells))
            read_row(load, &tsv, cells);
    return 0;
}

static int by_text(const void *left, const void *right)
{
    return str_cmp(*(const struct str *)left, *(const struct str *)right);
}

/* Sorts the zones into the arena and renumbers the rows. */
static int sort_zones(struct loading *load, struct cloud_catalogue *catalogue, struct err *err)
{
    struct str *sorted = arena_array(load->arena, struct str, load->n_zones);
    uint32_t *now = arena_array(load->arena, uint32_t, load->n_zones);
    if (!sorted || !now)
        return err_nomem(err);
    memcpy(sorted, load->zones, load->n_zones * sizeof(*sorted));
    qsort(sorted, load->n_zones, sizeof(*sorted), by_text);
    for (uint32_t i = 0; i < load->n_zones; i++)
        for (uint32_t was = 0; was < load->n_zones; was++)
            if (str_eq(sorted[i], load->zones[was]))
                now[was] = i;
    for (size_t i = 0; i < load->n_rows; i++)
        load->rows[i].zone = now[load->rows[i].zone];
    catalogue->zones = sorted;
    catalogue->n_zones = load->n_zones;
    return 0;
}

static int by_type_and_zone(const void *left, const void *right)
{
    const struct price_row *a = left, *b = right;
    if (a->type != b->type)
        return a->type < b->type ? -1 : 1;
    if (a->zone != b->zone)
        return a->zone < b->zone ? -1 : 1;
    return (a->line > b->line) - (a->line < b->line);
}

static void find_duplicates(const struct loading *load, const struct str *zones, const char *file)
{
    for (size_t i = 1; i < load->n_rows; i++) {
        const struct price_row *first = &load->rows[i - 1], *row = &load->rows[i];
        if (first->type == row->type && first->zone == row->zone)
            diag_add(load->diag, file, row->line, "", "%.*s in %.*s has a price in line %d already",
                     STR_ARG(load->types[row->type].name), STR_ARG(zones[row->zone]), first->line);
    }
}

static int make_type(struct arena *arena, const struct aws_type *from, struct cloud_type *ret, struct err *err)
{
    struct cloud_type type = {.name = from->name, .vcpu = (uint32_t)from->vcpu, .details = from};
    type.memory_bytes = from->memory_mib * 1048576;
    type.quota = aws_type_quota(from);
    int rc = aws_type_labels(from, arena, &type.labels, &type.n_labels, err);
    if (!rc)
        *ret = type;
    return rc;
}

/* Types with an offering, and the offerings, from rows that are sorted. */
static int make_offerings(struct loading *load, struct cloud_catalogue *catalogue, struct err *err)
{
    struct cloud_type *types = arena_array(load->arena, struct cloud_type, load->n_types);
    struct cloud_offering *offerings = arena_array(load->arena, struct cloud_offering, 2 * load->n_rows);
    if (!types || !offerings)
        return err_nomem(err);
    size_t n_types = 0, n = 0;
    const struct aws_type *made = NULL;
    for (size_t i = 0; i < load->n_rows; i++) {
        const struct price_row *row = &load->rows[i];
        if (!row->on_demand && !row->spot)
            continue;
        if (made != &load->types[row->type]) {
            made = &load->types[row->type];
            int rc = make_type(load->arena, made, &types[n_types++], err);
            if (rc)
                return rc;
        }
        struct cloud_offering offering = {.type = (uint32_t)n_types - 1, .zone = row->zone, .interruption_bucket = -1};
        offering.price_microusd = row->on_demand;
        if (row->on_demand)
            offerings[n++] = offering;
        offering.capacity_type = CLOUD_SPOT;
        offering.price_microusd = row->spot;
        offering.interruption_bucket = row->bucket;
        if (row->spot)
            offerings[n++] = offering;
    }
    catalogue->types = types;
    catalogue->n_types = n_types;
    catalogue->offerings = offerings;
    catalogue->n_offerings = n;
    return 0;
}

static int unknown_region(const char *region, struct err *err)
{
    char known[256] = "";
    size_t used = 0;
    for (size_t i = 0; builtin_regions[i] && used < sizeof(known); i++) {
        int wrote = snprintf(known + used, sizeof(known) - used, "%s%s", i ? ", " : "", builtin_regions[i]);
        used += wrote > 0 ? (size_t)wrote : 0;
    }
    return err_set(err, ERR_NOT_FOUND, "region %s has no built-in prices, there are %s; others need a file of prices",
                   region, known);
}

/* The user's file, or the built-in table. */
static struct str bytes_of(struct str users, const struct builtin_table *builtin)
{
    return users.ptr ? users : (struct str){builtin->start, (size_t)(builtin->end - builtin->start)};
}

static const char *name_of(struct str users, const char *users_name, const struct builtin_table *builtin)
{
    return users.ptr ? (users_name ? users_name : "-") : builtin->name;
}

/* ERR_INVALID if something was found wrong since there were `before` findings. */
static int stop_if_wrong(const struct loading *load, size_t before, struct err *err)
{
    size_t wrong = diag_count(load->diag) - before;
    return wrong ? err_set(err, ERR_INVALID, "%zu mistake%s in the catalogue", wrong, wrong == 1 ? "" : "s") : 0;
}

static int load_prices(struct loading *load, struct str bytes, const char *file, struct cloud_catalogue *catalogue,
                       struct err *err)
{
    size_t before = diag_count(load->diag);
    int rc = read_prices(load, bytes, file, err);
    if (!rc)
        rc = sort_zones(load, catalogue, err);
    if (rc)
        return rc;
    qsort(load->rows, load->n_rows, sizeof(*load->rows), by_type_and_zone);
    find_duplicates(load, catalogue->zones, file);
    rc = stop_if_wrong(load, before, err);
    if (!rc)
        rc = make_offerings(load, catalogue, err);
    if (!rc && catalogue->n_offerings == 0)
        rc = err_set(err, ERR_NOT_FOUND, "%s: no price of a known type%s%.*s", file, load->region.len ? " in " : "",
                     STR_ARG(load->region));
    return rc;
}

static int by_type_name(const void *left, const void *right)
{
    return str_cmp(((const struct aws_type *)left)->name, ((const struct aws_type *)right)->name);
}

static int add_types(struct loading *load, const struct aws_type *more, size_t n_more, struct err *err)
{
    struct aws_type *all = n_more ? arena_array(load->arena, struct aws_type, load->n_types + n_more) : load->types;
    size_t n = load->n_types;
    if (!all)
        return err_nomem(err);
    if (n_more == 0)
        return 0;
    memcpy(all, load->types, n * sizeof(*all));
    for (size_t i = 0; i < n_more; i++)
        if (find_type(load, more[i].name, 0) == load->n_types)
            all[n++] = more[i];
    qsort(all, n, sizeof(*all), by_type_name);
    load->types = all;
    load->n_types = n;
    return 0;
}

static int load_types(struct loading *load, const struct aws_catalogue_source *source, struct err *err)
{
    size_t before = diag_count(load->diag);
    int rc = aws_types_read(bytes_of(source->types_tsv, &builtin_types),
                            name_of(source->types_tsv, source->types_name, &builtin_types), load->arena, load->diag,
                            &load->types, &load->n_types, err);
    if (!rc)
        rc = stop_if_wrong(load, before, err);
    return rc ? rc : add_types(load, source->more_types, source->n_more_types, err);
}

int aws_catalogue_load(const struct aws_catalogue_source *source, struct arena *arena, struct diag *diag,
                       struct cloud_catalogue *ret, struct err *err)
{
    bool users_prices = source->prices_tsv.ptr;
    const char *region = source->region ? source->region : users_prices ? "" : default_region;
    const struct builtin_table *prices = users_prices ? NULL : builtin_prices(region);
    if (!users_prices && !prices)
        return unknown_region(region, err);
    struct loading load = {.arena = arena, .diag = diag, .region = str_of(region)};
    load.region_given = source->region;
    load.strict_types = users_prices && !source->skip_unknown;
    struct cloud_catalogue catalogue = {.node_resources = aws_node_resources, .volume_driver = STR(AWS_VOLUME_DRIVER)};
    catalogue.price_note = users_prices ? NULL : builtin_price_note;
    int rc = load_types(&load, source, err);
    if (!rc)
        rc = load_prices(&load, bytes_of(source->prices_tsv, prices),
                         name_of(source->prices_tsv, source->prices_name, prices), &catalogue, err);
    if (!rc) {
        catalogue.region = str_dup(arena, load.region);
        rc = catalogue.region.ptr ? 0 : err_nomem(err);
    }
    free(load.rows);
    free(load.zones);
    if (!rc)
        *ret = catalogue;
    return rc;
}
