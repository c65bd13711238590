#include "cloud/aws/market.h"

#include "base/json_out.h"
#include "base/vec.h"
#include "cloud/aws/builtin.h"
#include "cloud/aws/facts.h"
#include "cloud/aws/query.h"

/* A catalogue and what it is made of. */
struct generation {
    struct arena arena;
    struct cloud_catalogue catalogue;
    uint64_t hash;           /* of its prices; 0: the first */
    struct clock_mono until; /* for those that were replaced */
};

enum look { LOOK_TYPES, LOOK_PLACES, LOOK_ON_DEMAND, LOOK_SPOT, N_LOOKS };

/* One look-up that is repeated. */
struct looking {
    struct market *market;
    enum look look;
    struct loop_timer timer;
    bool busy;
};

struct market {
    struct loop *loop;
    struct aws_client *client;
    struct arena arena; /* of the region */
    struct str region;
    struct looking looks[N_LOOKS];
    struct facts_all facts, next; /* next: what the look-ups under way have gathered */
    struct intern asked;          /* types that are not built in and were asked about */
    bool dirty;
    VEC(struct generation *) generations; /* the first is what we began with and stays, the last is the current one */
    void (*changed)(void *context);
    void *context;
};

static void look_now(void *context);

static int by_type_name(const void *key, const void *item)
{
    return str_cmp(*(const struct str *)key, ((const struct aws_type *)item)->name);
}

static void generation_free(struct generation *generation)
{
    arena_release(&generation->arena);
    free(generation);
}

static int load(const struct aws_catalogue_source *source, struct generation *generation, struct err *err)
{
    struct diag diag = {0};
    int rc = aws_catalogue_load(source, &generation->arena, &diag, &generation->catalogue, err);
    if (rc == ERR_INVALID && diag.len)
        rc =
            err_set(err, ERR_INVALID, "%s:%d: %s", diag.findings[0].file, diag.findings[0].line, diag.findings[0].text);
    diag_release(&diag);
    return rc;
}

/* A region that has no built-in prices has nothing on sale yet. */
static int load_first(struct market *market, struct err *err)
{
    const struct aws_catalogue_source source = {.region = market->region.ptr};
    if (!VEC_PUSH(&market->generations, NULL))
        return err_nomem(err);
    struct generation *first = calloc(1, sizeof(*first));
    if (!first) {
        market->generations.len--;
        return err_nomem(err);
    }
    market->generations.items[market->generations.len - 1] = first;
    if (builtin_prices(source.region))
        return load(&source, first, err);
    first->catalogue = (struct cloud_catalogue){.region = market->region,
                                                .node_resources = aws_node_resources,
                                                .volume_driver = STR(AWS_VOLUME_DRIVER),
                                                .price_note = builtin_price_note};
    return 0;
}

int market_open(struct loop *loop, struct aws_client *client, struct str region, struct market **ret, struct err *err)
{
    struct market *market = calloc(1, sizeof(*market));
    if (!market)
        return err_nomem(err);
    market->loop = loop;
    market->client = client;
    market->region = str_dup(&market->arena, region);
    for (int i = 0; i < N_LOOKS; i++)
        market->looks[i] =
            (struct looking){.market = market, .look = (enum look)i, .timer = LOOP_TIMER(look_now, &market->looks[i])};
    int rc = market->region.ptr ? load_first(market, err) : err_nomem(err);
    if (rc)
        market_close(market);
    else
        *ret = market;
    return rc;
}

static void release_all(struct facts_all *facts)
{
    type_facts_release(&facts->types);
    facts_release(&facts->places);
    facts_release(&facts->on_demand);
    facts_release(&facts->spot);
}

void market_close(struct market *market)
{
    if (!market)
        return;
    for (int i = 0; i < N_LOOKS; i++)
        loop_timer_cancel(market->loop, &market->looks[i].timer);
    for (size_t i = 0; i < market->generations.len; i++)
        generation_free(market->generations.items[i]);
    VEC_FREE(&market->generations);
    release_all(&market->facts);
    release_all(&market->next);
    intern_release(&market->asked);
    arena_release(&market->arena);
    free(market);
}

const struct cloud_catalogue *market_catalogue(const struct market *market)
{
    return &market->generations.items[market->generations.len - 1]->catalogue;
}

/* Only those in the middle can go. */
static void forget_old(struct market *market)
{
    struct clock_mono now = loop_now(market->loop);
    size_t kept = 1, n = market->generations.len;
    for (size_t i = 1; i < n; i++) {
        struct generation *generation = market->generations.items[i];
        if (i + 1 < n && generation->until.ns < now.ns)
            generation_free(generation);
        else
            market->generations.items[kept++] = generation;
    }
    market->generations.len = kept;
}

/*
 * What facts are laid over: what we began with. Where that is nothing and nobody told us what On-Demand costs (not all
 * partitions have a Price List, not all roles may read it), list prices of another region serve, as they do for the
 * regions that are built in. What is sold where they do not say.
 */
static int find_base(const struct market *market, struct generation *other, const struct cloud_catalogue **ret,
                     struct err *err)
{
    const struct facts_all *facts = &market->facts;
    const struct aws_catalogue_source source = {.region = "us-east-1"};
    const struct cloud_catalogue *first = &market->generations.items[0]->catalogue;
    bool list_needed = !first->n_offerings && facts->places.known && !facts->on_demand.known;
    int rc = list_needed ? load(&source, other, err) : 0;
    if (!rc)
        *ret = list_needed ? &other->catalogue : first;
    return rc;
}

/* 1: there is nothing new in it. */
static int make_generation(const struct market *market, struct generation *generation, struct err *err)
{
    const struct facts_all *facts = &market->facts;
    struct str prices;
    struct generation other = {0};
    const struct cloud_catalogue *base;
    int rc = find_base(market, &other, &base, err);
    if (!rc)
        rc = facts_merge(facts, base, &generation->arena, &prices, err);
    arena_release(&other.arena);
    if (rc)
        return rc;
    /* The types live in facts, which are replaced: their texts are copied with the catalogue's prices. */
    struct aws_type *types = arena_array(&generation->arena, struct aws_type, facts->types.items.len);
    if (!types)
        return err_nomem(err);
    rc = facts_copy_types(&facts->types, &generation->arena, types, err);
    generation->hash = str_hash(prices) ^ (facts->types.items.len * UINT64_C(0x9e3779b97f4a7c15)) ^ 1;
    if (rc || generation->hash == market->generations.items[market->generations.len - 1]->hash)
        return rc ? rc : 1;
    const struct aws_catalogue_source source = {.region = market->region.ptr,
                                                .prices_tsv = prices,
                                                .prices_name = "looked-up prices",
                                                .more_types = types,
                                                .n_more_types = facts->types.items.len,
                                                .skip_unknown = true};
    rc = load(&source, generation, err);
    if (!rc && !(facts->on_demand.known && facts->spot.known))
        generation->catalogue.price_note = market->generations.items[0]->catalogue.price_note;
    return rc;
}

/* What cannot be made, for lack of memory or sense, leaves the catalogue as it is; the next look-up tries again. */
static void rebuild(struct market *market)
{
    struct generation *generation = calloc(1, sizeof(*generation));
    market->dirty = false;
    forget_old(market);
    int rc = generation ? make_generation(market, generation, NULL) : ERR_NOMEM;
    if (rc == 0 && VEC_PUSH(&market->generations, generation)) {
        struct generation *before = market->generations.items[market->generations.len - 2];
        before->until = clock_after(loop_now(market->loop), MARKET_OLD_MS);
        market->changed(market->context);
        return;
    }
    if (generation)
        generation_free(generation);
}

static bool any_busy(const struct market *market)
{
    for (int i = 0; i < N_LOOKS; i++)
        if (market->looks[i].busy)
            return true;
    return false;
}

static int read_products(struct market *market, const struct aws_answer *answer, struct err *err)
{
    DOC_EACH (product, doc_get(answer->json, "PriceList")) {
        struct arena_mark mark = arena_mark(answer->arena);
        int rc = facts_read_product(product->text, answer->arena, &market->next.on_demand, err);
        arena_rewind(answer->arena, mark);
        if (rc)
            return rc;
    }
    return 0;
}

static int on_page(void *context, const struct aws_answer *answer, struct err *err)
{
    struct looking *looking = context;
    struct market *market = looking->market;
    const struct clock *clock = market->loop->clock;
    switch (looking->look) {
    case LOOK_TYPES: return facts_read_types(answer->xml, &market->facts.types, err);
    case LOOK_PLACES: return facts_read_places(answer->xml, market->region, &market->next.places, err);
    case LOOK_ON_DEMAND: return read_products(market, answer, err);
    case LOOK_SPOT:
        return facts_read_spot(answer->xml, market->region, clock->wall(clock->context), &market->next.spot, err);
    case N_LOOKS: break;
    }
    return 0;
}

/* An answer without anything in it is none: what was known holds. */
static void replace(struct market *market, struct facts *facts, struct facts *next)
{
    if (next->names.len == 0) {
        facts_release(next);
        return;
    }
    facts_release(facts);
    *facts = *next;
    *next = (struct facts){0};
    facts->known = market->dirty = true;
}

static void again_after(struct looking *looking, int64_t ms)
{
    /* The timer was in the loop before: there is room for it. */
    (void)!loop_timer_after(looking->market->loop, &looking->timer, ms, NULL);
}

static void again_after_failure(struct looking *looking)
{
    bool empty = market_catalogue(looking->market)->n_offerings == 0;
    again_after(looking, empty ? MARKET_EMPTY_RETRY_MS : MARKET_RETRY_MS);
}

static void take(struct market *market, enum look look)
{
    switch (look) {
    case LOOK_TYPES: market->dirty = true; break; /* read into facts at once: a type never changes */
    case LOOK_PLACES:
        replace(market, &market->facts.places, &market->next.places);
        again_after(&market->looks[LOOK_TYPES], 0);
        break;
    case LOOK_ON_DEMAND: replace(market, &market->facts.on_demand, &market->next.on_demand); break;
    case LOOK_SPOT: replace(market, &market->facts.spot, &market->next.spot); break;
    case N_LOOKS: break;
    }
}

static void drop(struct market *market, enum look look)
{
    switch (look) {
    case LOOK_TYPES: break;
    case LOOK_PLACES: facts_release(&market->next.places); break;
    case LOOK_ON_DEMAND: facts_release(&market->next.on_demand); break;
    case LOOK_SPOT: facts_release(&market->next.spot); break;
    case N_LOOKS: break;
    }
}

static void on_done(void *context, const struct aws_answer *answer)
{
    struct looking *looking = context;
    struct market *market = looking->market;
    looking->busy = false;
    if (answer->err) {
        drop(market, looking->look);
        if (looking->look == LOOK_TYPES)
            intern_release(&market->asked);
        again_after_failure(looking);
    } else {
        take(market, looking->look);
        again_after(looking, looking->look == LOOK_SPOT    ? MARKET_SPOT_MS
                             : looking->look == LOOK_TYPES ? 0 /* the next hundred, if there are more */
                                                           : MARKET_TYPES_MS);
    }
    if (market->dirty && !any_busy(market))
        rebuild(market);
}

/* Linux, shared tenancy, as one buys it without any licence. Source: Karpenter's pricing provider. */
static void products_body(const struct market *market, struct buf *buf)
{
    const char *filters[][2] = {{"regionCode", market->region.ptr}, {"operatingSystem", "Linux"},
                                {"preInstalledSw", "NA"},           {"capacitystatus", "Used"},
                                {"marketoption", "OnDemand"},       {"tenancy", "Shared"}};
    struct json_out json = JSON_OUT(buf);
    json_open_map(&json, NULL);
    json_str(&json, "ServiceCode", STR("AmazonEC2"));
    json_str(&json, "FormatVersion", STR("aws_v1"));
    json_int(&json, "MaxResults", 100);
    json_open_list(&json, "Filters");
    for (size_t i = 0; i < CC_COUNT(filters); i++) {
        json_open_map(&json, NULL);
        json_str(&json, "Type", STR("TERM_MATCH"));
        json_str(&json, "Field", str_of(filters[i][0]));
        json_str(&json, "Value", str_of(filters[i][1]));
        json_close_map(&json);
    }
    json_close_list(&json);
    json_close_map(&json);
}

static void spot_body(const struct market *market, struct aws_query *query)
{
    static const struct str products[] = {STR_INIT("Linux/UNIX"), STR_INIT("Linux/UNIX (Amazon VPC)")};
    const struct clock *clock = market->loop->clock;
    char now[CLOCK_TEXT_BYTES];
    clock_text_seconds(clock->wall(clock->context), now);
    aws_query_int(query, "MaxResults", 1000);
    aws_query_list(query, "ProductDescription", products, CC_COUNT(products));
    aws_query_str(query, "StartTime", str_of(now));
}

enum { TYPES_MAX = 100 }; /* EC2's limit for names in one call */

/*
 * Only types that are neither built in nor asked about already: there are few, and all together would be some MB.
 * Counts them; 0: there is nothing to ask. Whatever answers is not asked about again before the next start.
 */
static int types_body(struct market *market, struct aws_query *query, struct arena *arena, size_t *ret_count,
                      struct err *err)
{
    struct str names[TYPES_MAX], rest;
    struct aws_type *built_in;
    size_t n = 0, n_built_in;
    struct diag diag = {0};
    struct str table = {builtin_types.start, (size_t)(builtin_types.end - builtin_types.start)};
    int rc = aws_types_read(table, builtin_types.name, arena, &diag, &built_in, &n_built_in, err);
    diag_release(&diag);
    for (uint32_t i = 0; rc == 0 && n < TYPES_MAX && i < market->facts.places.names.len; i++) {
        uint32_t id;
        rest = intern_text(&market->facts.places.names, i);
        struct str name = str_cut(&rest, '\t');
        bool known = bsearch(&name, built_in, n_built_in, sizeof(*built_in), by_type_name) ||
                     intern_find(&market->asked, name) != INTERN_NONE;
        if (known)
            continue;
        names[n++] = name;
        rc = intern_add(&market->asked, name, &id, err);
    }
    aws_query_list(query, "InstanceType", names, n);
    *ret_count = n;
    return rc;
}

static struct aws_call call_of(enum look look)
{
    switch (look) {
    case LOOK_TYPES: return (struct aws_call){.service = AWS_EC2, .action = "DescribeInstanceTypes"};
    case LOOK_PLACES: return (struct aws_call){.service = AWS_EC2, .action = "DescribeInstanceTypeOfferings"};
    case LOOK_ON_DEMAND: return (struct aws_call){.service = AWS_PRICING, .action = "GetProducts"};
    case LOOK_SPOT:
    case N_LOOKS: break;
    }
    return (struct aws_call){.service = AWS_EC2, .action = "DescribeSpotPriceHistory"};
}

enum { NOTHING_TO_ASK = 1 };

static int ask(struct looking *looking, struct err *err)
{
    struct arena arena = ARENA_INIT;
    struct buf buf = BUF_INIT(&arena);
    struct aws_query query = AWS_QUERY(&buf);
    struct aws_call call = call_of(looking->look);
    const struct aws_pages_handler handler = {on_page, on_done, looking};
    size_t n = 1;
    int rc = looking->look == LOOK_TYPES ? types_body(looking->market, &query, &arena, &n, err) : 0;
    if (looking->look == LOOK_PLACES) {
        aws_query_str(&query, "LocationType", STR("availability-zone"));
        aws_query_int(&query, "MaxResults", 1000);
    }
    if (looking->look == LOOK_SPOT)
        spot_body(looking->market, &query);
    if (looking->look == LOOK_ON_DEMAND)
        products_body(looking->market, &buf);
    if (!rc)
        rc = buf_str(&buf, &call.body, err);
    if (!rc && n > 0)
        rc = aws_client_pages(looking->market->client, &call, &handler, err);
    arena_release(&arena);
    return !rc && n == 0 ? NOTHING_TO_ASK : rc;
}

static void look_now(void *context)
{
    struct looking *looking = context;
    int rc = ask(looking, NULL);
    looking->busy = rc == 0;
    if (rc < 0)
        again_after_failure(looking);
}

void market_start(struct market *market, void (*changed)(void *context), void *context)
{
    bool started = market->changed;
    market->changed = changed;
    market->context = context;
    for (int i = 0; i < N_LOOKS && !started; i++)
        if (i != LOOK_TYPES) /* comes after the places, which name them */
            again_after(&market->looks[i], 0);
}

static int by_name(const void *key, const void *item)
{
    return str_cmp(*(const struct str *)key, ((const struct cloud_type *)item)->name);
}

const struct cloud_type *market_type(const struct market *market, struct str name)
{
    const struct cloud_catalogue *catalogue = market_catalogue(market);
    if (catalogue->n_types == 0)
        return NULL;
    return bsearch(&name, catalogue->types, catalogue->n_types, sizeof(*catalogue->types), by_name);
}

/* Offerings are sorted by type: the first of this one. */
static size_t first_offering(const struct cloud_catalogue *catalogue, size_t type)
{
    size_t low = 0, high = catalogue->n_offerings;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (catalogue->offerings[mid].type < type)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

int64_t market_price(const struct market *market, struct str type, struct str zone,
                     enum cloud_capacity_type capacity_type)
{
    const struct cloud_catalogue *catalogue = market_catalogue(market);
    const struct cloud_type *found = market_type(market, type);
    if (!found)
        return -1;
    size_t index = (size_t)(found - catalogue->types);
    for (size_t i = first_offering(catalogue, index); i < catalogue->n_offerings; i++) {
        const struct cloud_offering *offering = &catalogue->offerings[i];
        if (offering->type != index)
            break;
        if (offering->capacity_type == capacity_type && str_eq(catalogue->zones[offering->zone], zone))
            return offering->price_microusd;
    }
    return -1;
}
