#include "cloud/aws/discovery.h"

#include "base/json_out.h"
#include "cloud/aws/lookup.h"

/* One look-up and its last answer. `data` serves until the next one is whole. */
struct lookup {
    struct aws_discovery *discovery;
    enum lookup_kind kind;
    char *body;
    struct arena names; /* of body */
    bool busy, answered;
    struct clock_mono answered_at, failed_at, used_at;
    struct err failure; /* code 0: the last call went well */
    struct lookup_data data, next;
};

/* Addresses that were promised, or a subnet without any. */
struct promise {
    char subnet[32];
    uint32_t count;
    bool dry;
    struct clock_mono until;
};

struct aws_discovery {
    struct loop *loop;
    struct aws_client *client;
    void (*arrived)(void *context);
    void *context;
    VEC(struct lookup *) lookups;
    VEC(struct promise) promises;
};

int aws_discovery_open(struct loop *loop, struct aws_client *client, void (*arrived)(void *context), void *context,
                       struct aws_discovery **ret, struct err *err)
{
    struct aws_discovery *discovery = calloc(1, sizeof(*discovery));
    if (!discovery)
        return err_nomem(err);
    discovery->loop = loop;
    discovery->client = client;
    discovery->arrived = arrived;
    discovery->context = context;
    *ret = discovery;
    return 0;
}

static void lookup_free(struct lookup *lookup)
{
    lookup_data_release(&lookup->data);
    lookup_data_release(&lookup->next);
    arena_release(&lookup->names);
    free(lookup);
}

void aws_discovery_close(struct aws_discovery *discovery)
{
    if (!discovery)
        return;
    for (size_t i = 0; i < discovery->lookups.len; i++)
        lookup_free(discovery->lookups.items[i]);
    VEC_FREE(&discovery->lookups);
    VEC_FREE(&discovery->promises);
    free(discovery);
}

static bool younger(struct clock_mono at, struct clock_mono now, int64_t ms)
{
    return now.ns - at.ns <= ms * 1000000;
}

/* Makes room: the look-up that was not used for longest goes, unless all are under way. */
static void forget_one(struct aws_discovery *discovery)
{
    size_t oldest = discovery->lookups.len;
    for (size_t i = 0; i < discovery->lookups.len; i++) {
        const struct lookup *lookup = discovery->lookups.items[i];
        if (!lookup->busy &&
            (oldest == discovery->lookups.len || lookup->used_at.ns < discovery->lookups.items[oldest]->used_at.ns))
            oldest = i;
    }
    if (oldest == discovery->lookups.len)
        return;
    lookup_free(discovery->lookups.items[oldest]);
    discovery->lookups.items[oldest] = discovery->lookups.items[--discovery->lookups.len];
}

static struct lookup *find_lookup(struct aws_discovery *discovery, enum lookup_kind kind, struct str body)
{
    for (size_t i = 0; i < discovery->lookups.len; i++) {
        struct lookup *lookup = discovery->lookups.items[i];
        if (lookup->kind == kind && str_is(body, lookup->body))
            return lookup;
    }
    return NULL;
}

/* The look-up with that body; NULL if memory ran out. */
static struct lookup *need_lookup(struct aws_discovery *discovery, enum lookup_kind kind, struct str body)
{
    struct lookup *lookup = find_lookup(discovery, kind, body);
    if (lookup)
        return lookup;
    if (discovery->lookups.len >= AWS_DISCOVERY_MAX)
        forget_one(discovery);
    lookup = calloc(1, sizeof(*lookup));
    if (!lookup)
        return NULL;
    lookup->discovery = discovery;
    lookup->kind = kind;
    lookup->body = arena_copy(&lookup->names, body.ptr, body.len);
    if (!lookup->body || !VEC_PUSH(&discovery->lookups, lookup)) {
        lookup_free(lookup);
        return NULL;
    }
    return lookup;
}

static int on_page(void *context, const struct aws_answer *answer, struct err *err)
{
    struct lookup *lookup = context;
    return lookup_ways[lookup->kind].read(&lookup->next, answer, err);
}

static void on_done(void *context, const struct aws_answer *answer)
{
    struct lookup *lookup = context;
    struct aws_discovery *discovery = lookup->discovery;
    lookup->busy = false;
    if (answer->err) {
        lookup->failure = *answer->err;
        lookup->failed_at = loop_now(discovery->loop);
        lookup_data_release(&lookup->next);
    } else {
        lookup->failure = (struct err){0};
        lookup->answered = true;
        lookup->answered_at = loop_now(discovery->loop);
        lookup_data_release(&lookup->data);
        lookup->data = lookup->next;
    }
    lookup->next = (struct lookup_data){0};
    discovery->arrived(discovery->context);
}

static void on_single(void *context, const struct aws_answer *answer)
{
    struct lookup *lookup = context;
    struct err err = {0};
    struct aws_answer seen = *answer;
    if (!answer->err && on_page(lookup, answer, &err))
        seen.err = &err;
    on_done(lookup, &seen);
}

static int begin(struct lookup *lookup, struct err *err)
{
    const struct lookup_way *way = &lookup_ways[lookup->kind];
    const struct aws_call call = {.service = way->service, .action = way->action, .body = str_of(lookup->body)};
    const struct aws_pages_handler handler = {on_page, on_done, lookup};
    int rc = way->pages ? aws_client_pages(lookup->discovery->client, &call, &handler, err)
                        : aws_client_call(lookup->discovery->client, &call, on_single, lookup, err);
    if (!rc)
        lookup->busy = true;
    return rc;
}

/* Is the failure one that goes by, so that an older answer may serve meanwhile? */
static bool passing(const struct err *failure)
{
    return failure->code == ERR_RETRY || failure->code == ERR_THROTTLED || failure->code == ERR_NOMEM;
}

/* 0: its data can be used; PENDING; or an error. */
static int judge(struct lookup *lookup, struct clock_mono since, struct err *err)
{
    struct clock_mono now = loop_now(lookup->discovery->loop);
    lookup->used_at = now;
    bool usable = lookup->answered && younger(lookup->answered_at, now, AWS_DISCOVERY_STALE_MS);
    if (lookup->answered &&
        (younger(lookup->answered_at, now, AWS_DISCOVERY_FRESH_MS) || lookup->answered_at.ns >= since.ns))
        return 0;
    if (lookup->busy)
        return AWS_DISCOVERY_PENDING;
    if (lookup->failure.code && lookup->failed_at.ns >= since.ns) {
        if (usable && passing(&lookup->failure))
            return 0;
        if (err)
            *err = lookup->failure;
        return lookup->failure.code;
    }
    int rc = begin(lookup, err);
    return rc ? rc : AWS_DISCOVERY_PENDING;
}

static int ask(struct aws_discovery *discovery, enum lookup_kind kind, struct str body, struct clock_mono since,
               const struct lookup_data **ret, struct err *err)
{
    struct lookup *lookup = need_lookup(discovery, kind, body);
    if (!lookup)
        return err_nomem(err);
    int rc = judge(lookup, since, err);
    if (!rc)
        *ret = &lookup->data;
    return rc;
}

static int ask_selector(struct aws_discovery *discovery, enum lookup_kind kind, struct aws_selector selector,
                        struct clock_mono since, const struct lookup_data **ret, struct err *err)
{
    struct arena arena = ARENA_INIT;
    struct str body;
    int rc = lookup_body(kind, selector, &arena, &body, err);
    if (!rc)
        rc = ask(discovery, kind, body, since, ret, err);
    arena_release(&arena);
    return rc;
}

int aws_discovery_subnets(struct aws_discovery *discovery, struct aws_selector selector, struct clock_mono since,
                          const struct aws_subnet **ret, size_t *ret_count, struct err *err)
{
    const struct lookup_data *data;
    int rc = ask_selector(discovery, LOOKUP_SUBNETS, selector, since, &data, err);
    if (!rc) {
        *ret = data->subnets.items;
        *ret_count = data->subnets.len;
    }
    return rc;
}

int aws_discovery_groups(struct aws_discovery *discovery, struct aws_selector selector, struct clock_mono since,
                         const struct str **ret_ids, size_t *ret_count, struct err *err)
{
    const struct lookup_data *data;
    int rc = ask_selector(discovery, LOOKUP_GROUPS, selector, since, &data, err);
    if (!rc) {
        *ret_ids = data->groups.items;
        *ret_count = data->groups.len;
    }
    return rc;
}

int aws_discovery_images(struct aws_discovery *discovery, struct aws_selector selector, struct clock_mono since,
                         const struct aws_image **ret, size_t *ret_count, struct err *err)
{
    const struct lookup_data *data;
    int rc = ask_selector(discovery, LOOKUP_IMAGES, selector, since, &data, err);
    if (!rc) {
        *ret = data->images.items;
        *ret_count = data->images.len;
    }
    return rc;
}

int aws_discovery_parameter(struct aws_discovery *discovery, struct str name, struct clock_mono since, struct str *ret,
                            struct err *err)
{
    struct arena arena = ARENA_INIT;
    struct buf buf = BUF_INIT(&arena);
    struct json_out json = JSON_OUT(&buf);
    struct str body;
    const struct lookup_data *data = NULL;
    json_open_map(&json, NULL);
    json_str(&json, "Name", name);
    json_close_map(&json);
    int rc = buf_str(&buf, &body, err);
    if (!rc)
        rc = ask(discovery, LOOKUP_PARAMETER, body, since, &data, err);
    if (!rc)
        *ret = data->parameter;
    arena_release(&arena);
    return rc;
}

/* How many addresses less there are than EC2 said; false if it has none at all. */
static bool promised(const struct aws_discovery *discovery, struct str subnet_id, int64_t *ret)
{
    struct clock_mono now = loop_now(discovery->loop);
    int64_t sum = 0;
    for (size_t i = 0; i < discovery->promises.len; i++) {
        const struct promise *promise = &discovery->promises.items[i];
        if (promise->until.ns <= now.ns || !str_is(subnet_id, promise->subnet))
            continue;
        if (promise->dry)
            return false;
        sum += promise->count;
    }
    *ret = sum;
    return true;
}

const struct aws_subnet *aws_discovery_pick(const struct aws_discovery *discovery, const struct aws_subnet *subnets,
                                            size_t n, struct str zone)
{
    const struct aws_subnet *best = NULL;
    int64_t most = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t taken;
        if (!str_eq(subnets[i].zone, zone) || subnets[i].free_addresses <= 0 ||
            !promised(discovery, subnets[i].id, &taken))
            continue;
        int64_t left = subnets[i].free_addresses - taken;
        if (!best || left > most || (left == most && str_cmp(subnets[i].id, best->id) < 0)) {
            best = &subnets[i];
            most = left;
        }
    }
    return best;
}

/* count 0: dry */
static void add_promise(struct aws_discovery *discovery, struct str subnet_id, uint32_t count, int64_t ms)
{
    struct clock_mono now = loop_now(discovery->loop);
    struct promise promise = {.count = count, .dry = count == 0, .until = clock_after(now, ms)};
    size_t kept = 0;
    for (size_t i = 0; i < discovery->promises.len; i++)
        if (discovery->promises.items[i].until.ns > now.ns)
            discovery->promises.items[kept++] = discovery->promises.items[i];
    discovery->promises.len = kept;
    snprintf(promise.subnet, sizeof(promise.subnet), "%.*s", STR_ARG(subnet_id));
    /* Memory that runs out: the next choice is a little worse, no more. */
    (void)VEC_PUSH(&discovery->promises, promise);
}

void aws_discovery_promise(struct aws_discovery *discovery, struct str subnet_id, uint32_t count)
{
    add_promise(discovery, subnet_id, count, AWS_DISCOVERY_PROMISED_MS);
}

void aws_discovery_dry(struct aws_discovery *discovery, struct str subnet_id)
{
    add_promise(discovery, subnet_id, 0, AWS_DISCOVERY_DRY_MS);
}
