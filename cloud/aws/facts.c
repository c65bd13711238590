#include "cloud/aws/facts.h"

#include "base/buf.h"
#include "base/money.h"

void facts_release(struct facts *facts)
{
    intern_release(&facts->names);
    VEC_FREE(&facts->items);
    facts->known = false;
}

void type_facts_release(struct type_facts *facts)
{
    arena_release(&facts->arena);
    VEC_FREE(&facts->items);
    facts->known = false;
}

int facts_set(struct facts *facts, struct str name, int64_t price_microusd, struct clock_wall at, struct err *err)
{
    uint32_t id;
    int rc = intern_add(&facts->names, name, &id, err);
    if (rc)
        return rc;
    while (facts->items.len < facts->names.len)
        if (!VEC_PUSH(&facts->items, ((struct fact){0, {INT64_MIN}})))
            return err_nomem(err);
    if (at.ns >= facts->items.items[id].at.ns)
        facts->items.items[id] = (struct fact){price_microusd, at};
    return 0;
}

const struct fact *facts_get(const struct facts *facts, struct str name)
{
    uint32_t id = intern_find(&facts->names, name);
    return id == INTERN_NONE || id >= facts->items.len ? NULL : &facts->items.items[id];
}

/* What is known of a type in a zone. */
struct row {
    int64_t on_demand, spot;
    int bucket;
    bool offered;
};

struct merging {
    const struct facts_all *facts;
    struct intern names; /* "type\tzone" */
    VEC(struct row) rows;
    struct facts list;  /* the base's On-Demand price of each type, whatever the zone */
    struct arena arena; /* of a name in the making */
};

static int need_row(struct merging *merging, struct str name, struct row **ret, struct err *err)
{
    uint32_t id;
    int rc = intern_add(&merging->names, name, &id, err);
    if (rc)
        return rc;
    while (merging->rows.len < merging->names.len)
        if (!VEC_PUSH(&merging->rows, ((struct row){.bucket = -1})))
            return err_nomem(err);
    *ret = &merging->rows.items[id];
    return 0;
}

static int take_offering(struct merging *merging, const struct cloud_catalogue *base,
                         const struct cloud_offering *offering, struct err *err)
{
    struct str type = base->types[offering->type].name, zone = base->zones[offering->zone];
    struct row *row;
    struct arena_mark mark = arena_mark(&merging->arena);
    const char *name = arena_printf(&merging->arena, "%.*s\t%.*s", STR_ARG(type), STR_ARG(zone));
    int rc = name ? need_row(merging, str_of(name), &row, err) : err_nomem(err);
    arena_rewind(&merging->arena, mark);
    if (rc)
        return rc;
    row->offered = !merging->facts->places.known;
    if (offering->capacity_type == CLOUD_SPOT) {
        row->spot = offering->price_microusd;
        row->bucket = offering->interruption_bucket;
        return 0;
    }
    row->on_demand = offering->price_microusd;
    return facts_set(&merging->list, type, offering->price_microusd, (struct clock_wall){0}, err);
}

static int take_places(struct merging *merging, struct err *err)
{
    int rc = 0;
    const struct facts *places = &merging->facts->places;
    for (uint32_t i = 0; i < places->names.len && rc == 0 && places->known; i++) {
        struct row *row;
        rc = need_row(merging, intern_text(&places->names, i), &row, err);
        if (!rc)
            row->offered = true;
    }
    return rc;
}

static int take_spot(struct merging *merging, struct err *err)
{
    int rc = 0;
    const struct facts *spot = &merging->facts->spot;
    for (uint32_t i = 0; i < spot->names.len && rc == 0 && spot->known; i++) {
        struct row *row;
        rc = need_row(merging, intern_text(&spot->names, i), &row, err);
        if (rc)
            break;
        row->spot = spot->items.items[i].price_microusd;
        row->offered = row->offered || !merging->facts->places.known;
    }
    return rc;
}

/* What was looked up, else the zone's own, else what the type costs in another zone: On-Demand is one price a region.
 */
static int64_t on_demand_price(const struct merging *merging, const struct row *row, struct str type)
{
    const struct fact *looked_up = facts_get(&merging->facts->on_demand, type);
    const struct fact *listed = facts_get(&merging->list, type);
    if (looked_up)
        return looked_up->price_microusd;
    return row->on_demand ? row->on_demand : listed ? listed->price_microusd : 0;
}

static void put_price(struct buf *buf, int64_t microusd)
{
    char text[MONEY_TEXT_MAX];
    buf_byte(buf, '\t');
    if (microusd > 0)
        buf_add(buf, str_of(money_text(microusd, text)));
}

static void put_row(const struct merging *merging, uint32_t id, struct buf *buf)
{
    const struct row *row = &merging->rows.items[id];
    struct str name = intern_text(&merging->names, id), zone = name, type = str_cut(&zone, '\t');
    int64_t on_demand = on_demand_price(merging, row, type);
    if (!row->offered || (on_demand <= 0 && row->spot <= 0))
        return;
    buf_add(buf, name);
    put_price(buf, on_demand);
    put_price(buf, row->spot);
    buf_byte(buf, '\t');
    if (row->bucket >= 0)
        buf_byte(buf, (char)('0' + row->bucket));
    buf_byte(buf, '\n');
}

int facts_merge(const struct facts_all *facts, const struct cloud_catalogue *base, struct arena *arena,
                struct str *ret_prices_tsv, struct err *err)
{
    struct merging merging = {.facts = facts};
    struct buf buf = BUF_INIT(arena);
    int rc = 0;
    for (size_t i = 0; i < base->n_offerings && rc == 0; i++)
        rc = take_offering(&merging, base, &base->offerings[i], err);
    if (!rc)
        rc = take_places(&merging, err);
    if (!rc)
        rc = take_spot(&merging, err);
    buf_add(&buf, STR("instance_type\tzone\ton_demand_usd_hour\tspot_usd_hour\tinterruption_bucket\n"));
    for (uint32_t i = 0; i < merging.rows.len && rc == 0; i++)
        put_row(&merging, i, &buf);
    if (!rc)
        rc = buf_str(&buf, ret_prices_tsv, err);
    intern_release(&merging.names);
    VEC_FREE(&merging.rows);
    facts_release(&merging.list);
    arena_release(&merging.arena);
    return rc;
}
