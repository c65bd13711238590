#include "cloud/aws/market.h"

struct market {
    struct loop *loop;
    struct aws_client *client;
    struct arena arena;
    struct cloud_catalogue catalogue;
};

static int load(struct market *market, const struct aws_catalogue_source *source, struct err *err)
{
    struct diag diag = {0};
    int rc = aws_catalogue_load(source, &market->arena, &diag, &market->catalogue, err);
    if (rc == ERR_INVALID && diag.len)
        rc =
            err_set(err, ERR_INVALID, "%s:%d: %s", diag.findings[0].file, diag.findings[0].line, diag.findings[0].text);
    diag_release(&diag);
    return rc;
}

int market_open(struct loop *loop, struct aws_client *client, const struct aws_catalogue_source *source,
                struct market **ret, struct err *err)
{
    struct market *market = calloc(1, sizeof(*market));
    if (!market)
        return err_nomem(err);
    market->loop = loop;
    market->client = client;
    int rc = load(market, source, err);
    if (rc)
        market_close(market);
    else
        *ret = market;
    return rc;
}

void market_close(struct market *market)
{
    if (!market)
        return;
    arena_release(&market->arena);
    free(market);
}

const struct cloud_catalogue *market_catalogue(const struct market *market)
{
    return &market->catalogue;
}

static int by_name(const void *key, const void *item)
{
    return str_cmp(*(const struct str *)key, ((const struct cloud_type *)item)->name);
}

const struct cloud_type *market_type(const struct market *market, struct str name)
{
    const struct cloud_catalogue *catalogue = &market->catalogue;
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
    const struct cloud_catalogue *catalogue = &market->catalogue;
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
