#include "tests/support/fake_cloud.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/doc.h"
#include "base/json_out.h"
#include "base/vec.h"

/* A call that will be answered. */
struct reply {
    int64_t at_ns;
    enum fake_cloud_api api;
    void (*done)(void); /* of the api's type */
    void *context;
    struct err err;
    bool failed;
    struct str text; /* prepare: the request */
    struct str zone; /* prepare: that has no address left */
    size_t launch;   /* index into launches */
    struct str *ids; /* [n_ids] terminate */
    size_t n_ids;
    struct str filter; /* list: a launch id, "" for all */
};

/* What a token gave. */
struct token {
    struct str id, request;
    size_t *machines; /* [n_machines] */
    size_t n_machines;
    struct cloud_failure *failures; /* [n_failures] */
    size_t n_failures;
};

struct limit {
    struct str instance_type, zone; /* "": any */
    enum cloud_capacity_type capacity_type;
    int64_t left;
};

struct fake_cloud_store {
    struct fake_cloud fake;
    struct loop *loop;
    struct loop_timer timer;
    const struct cloud_catalogue *catalogue;
    struct cloud_sink sink;
    bool started;
    struct arena arena; /* of everything */
    VEC(struct reply) replies;
    VEC(struct token) tokens;
    VEC(struct limit) limits;
    VEC(struct fake_machine) machines;
    VEC(struct str) acknowledged;
    uint64_t last_id;
};

static void *must(void *pointer)
{
    assert_non_null(pointer);
    return pointer;
}

static struct str keep(struct fake_cloud_store *store, struct str text)
{
    struct str kept = str_dup(&store->arena, text);
    assert_non_null(kept.ptr);
    return kept;
}

static void on_timer(void *context);

static void arm(struct fake_cloud_store *store)
{
    int64_t first_ns = INT64_MAX;
    struct err err = {0};
    for (size_t i = 0; i < store->replies.len; i++)
        if (store->replies.items[i].at_ns < first_ns)
            first_ns = store->replies.items[i].at_ns;
    loop_timer_cancel(store->loop, &store->timer);
    if (store->replies.len)
        assert_int_equal(loop_timer_set(store->loop, &store->timer, (struct clock_mono){first_ns}, &err), 0);
}

static void reply_launch(struct fake_cloud_store *store, const struct reply *reply)
{
    const struct token *token = &store->tokens.items[reply->launch];
    struct cloud_instance *instances = must(arena_array(&store->arena, struct cloud_instance, token->n_machines));
    for (size_t i = 0; i < token->n_machines; i++) {
        instances[i] = store->machines.items[token->machines[i]].instance;
        instances[i].launched = (struct clock_wall){0}; /* real answers do not say */
    }
    ((cloud_launched_fn)reply->done)(reply->context, &(struct cloud_launched){.instances = instances,
                                                                              .n_instances = token->n_machines,
                                                                              .failures = token->failures,
                                                                              .n_failures = token->n_failures});
}

static void reply_list(struct fake_cloud_store *store, const struct reply *reply)
{
    struct cloud_instance *instances = must(arena_array(&store->arena, struct cloud_instance, store->machines.len));
    size_t n = 0;
    int64_t visible_ns = loop_now(store->loop).ns - store->fake.visible_ms * 1000000;
    for (size_t i = 0; i < store->machines.len; i++) {
        const struct fake_machine *machine = &store->machines.items[i];
        if (machine->instance.state == CLOUD_TERMINATED || machine->made.ns > visible_ns ||
            (reply->filter.len && !str_eq(reply->filter, machine->instance.launch_id)))
            continue;
        instances[n++] = machine->instance;
    }
    ((cloud_listed_fn)reply->done)(reply->context, &(struct cloud_listed){.instances = instances, .n = n});
}

static void answer(struct fake_cloud_store *store, const struct reply *reply)
{
    const struct err *err = reply->failed ? &reply->err : NULL;
    switch (reply->api) {
    case FAKE_PREPARE:
        ((cloud_prepared_fn)reply->done)(reply->context, &(struct cloud_prepared){.err = err,
                                                                                  .request = reply->text,
                                                                                  .note = store->fake.prepare_note,
                                                                                  .failure.zone = reply->zone});
        return;
    case FAKE_LAUNCH:
        if (!err)
            reply_launch(store, reply);
        else
            ((cloud_launched_fn)reply->done)(reply->context, &(struct cloud_launched){.err = err});
        return;
    case FAKE_LIST:
        if (!err)
            reply_list(store, reply);
        else
            ((cloud_listed_fn)reply->done)(reply->context, &(struct cloud_listed){.err = err});
        return;
    case FAKE_TERMINATE:
        ((cloud_terminated_fn)reply->done)(
            reply->context,
            &(struct cloud_terminated){.err = err, .ids = err ? NULL : reply->ids, .n = err ? 0 : reply->n_ids});
        return;
    case FAKE_ACKNOWLEDGE: ((cloud_done_fn)reply->done)(reply->context, err); return;
    case FAKE_CLOUD_APIS: break;
    }
    fail();
}

static void on_timer(void *context)
{
    struct fake_cloud_store *store = context;
    int64_t now_ns = loop_now(store->loop).ns;
    for (size_t i = 0; i < store->replies.len;) {
        if (store->replies.items[i].at_ns > now_ns) {
            i++;
            continue;
        }
        struct reply reply = store->replies.items[i];
        store->replies.len--;
        memmove(&store->replies.items[i], &store->replies.items[i + 1],
                (store->replies.len - i) * sizeof(struct reply));
        answer(store, &reply); /* may ask for more */
        i = 0;
    }
    arm(store);
}

/* Counts the call. False: it is not done; *reply says whether and how it is answered. */
static bool serve(struct fake_cloud_store *store, enum fake_cloud_api api, struct reply *reply, bool *ret_answered)
{
    struct fake_cloud *fake = &store->fake;
    fake->n_calls++;
    fake->calls[api]++;
    enum fake_fate fate = fake->on_call ? fake->on_call(fake->on_call_context, api, fake->n_calls) : FAKE_SERVED;
    reply->api = api;
    *ret_answered = fate != FAKE_UNSENT && fate != FAKE_UNANSWERED;
    reply->failed = fate != FAKE_SERVED;
    if (fate == FAKE_FORBIDDEN)
        err_note(&reply->err, ERR_AUTH, "not authorised");
    else if (fate == FAKE_THROTTLED)
        err_note(&reply->err, ERR_THROTTLED, "slow down");
    else if (reply->failed)
        err_note(&reply->err, ERR_RETRY, "the answer was lost");
    return fate == FAKE_SERVED || fate == FAKE_LOST || fate == FAKE_UNANSWERED;
}

static int put(struct fake_cloud_store *store, struct reply reply, bool answered)
{
    if (!answered)
        return 0;
    reply.at_ns = loop_now(store->loop).ns + store->fake.answer_ms * 1000000;
    assert_true(VEC_PUSH(&store->replies, reply));
    arm(store);
    return 0;
}

static const struct cloud_catalogue *catalogue(void *context)
{
    return ((struct fake_cloud_store *)context)->catalogue;
}

static void start(void *context, const struct cloud_sink *sink)
{
    struct fake_cloud_store *store = context;
    store->sink = *sink;
    store->started = true;
}

static bool zones(void *context, const struct cloud_template *template_, struct arena *arena, struct str **ret,
                  size_t *ret_n)
{
    const struct fake_cloud_store *store = context;
    struct str rest = str_of(store->fake.zones);
    (void)template_;
    if (str_is(rest, "?"))
        return false;
    *ret = must(arena_array(arena, struct str, rest.len + 1));
    for (*ret_n = 0; rest.len; ++*ret_n)
        (*ret)[*ret_n] = str_cut(&rest, ',');
    return true;
}

static int prepare(void *context, const struct cloud_launch_plan *plan, cloud_prepared_fn done, void *done_context,
                   struct err *err)
{
    struct fake_cloud_store *store = context;
    struct reply reply = {.done = (void (*)(void))done, .context = done_context};
    bool answered;
    (void)err;
    assert_true(plan->count > 0 && plan->n_pools > 0);
    assert_non_null(plan->template_);
    bool done_it = serve(store, FAKE_PREPARE, &reply, &answered);
    struct buf buf = BUF_INIT(&store->arena);
    struct json_out json = JSON_OUT(&buf);
    json_open_map(&json, NULL);
    json_str(&json, "provisioner", plan->provisioner);
    json_int(&json, "count", plan->count);
    json_str(&json, "capacityType", str_of(cloud_capacity_type_name(plan->capacity_type)));
    json_open_list(&json, "pools");
    for (size_t i = 0; i < plan->n_pools; i++) {
        json_open_map(&json, NULL);
        json_str(&json, "type", plan->pools[i].instance_type);
        json_str(&json, "zone", plan->pools[i].zone);
        json_close_map(&json);
    }
    json_close_list(&json);
    json_close_map(&json);
    assert_int_equal(buf_str(&buf, &reply.text, NULL), 0);
    if (store->fake.on_prepare)
        store->fake.on_prepare(store->fake.on_prepare_context, plan);
    if (done_it && store->fake.full_zone && str_is(plan->pools[0].zone, store->fake.full_zone)) {
        reply.failed = true;
        reply.zone = str_of(store->fake.full_zone);
        err_note(&reply.err, ERR_NO_CAPACITY, "no address is left");
    }
    if (done_it && store->fake.prepare_fails && !reply.failed) {
        reply.failed = true;
        err_note(&reply.err, ERR_INVALID, "no subnet matches");
    }
    return put(store, reply, answered);
}

static int64_t price_of(const struct fake_cloud_store *store, struct str type, struct str zone,
                        enum cloud_capacity_type capacity_type)
{
    const struct cloud_catalogue *all = store->catalogue;
    for (size_t i = 0; i < all->n_offerings; i++)
        if (all->offerings[i].capacity_type == capacity_type && str_eq(all->types[all->offerings[i].type].name, type) &&
            str_eq(all->zones[all->offerings[i].zone], zone))
            return all->offerings[i].price_microusd;
    return -1;
}

static size_t add_machine(struct fake_cloud_store *store, struct str type, struct str zone,
                          enum cloud_capacity_type capacity_type, struct str launch_id, struct str provisioner)
{
    const struct clock *clock = store->loop->clock;
    char *id = must(arena_printf(&store->arena, "i-%08llx", (unsigned long long)++store->last_id));
    struct fake_machine machine = {.made = clock_now(clock), .provisioner = keep(store, provisioner)};
    machine.instance = (struct cloud_instance){
        .id = str_of(id),
        .provider_id = str_of(must(arena_printf(&store->arena, "aws:///%.*s/%s", STR_ARG(zone), id))),
        .instance_type = keep(store, type),
        .zone = keep(store, zone),
        .capacity_type = capacity_type,
        .state = CLOUD_RUNNING,
        .launch_id = keep(store, launch_id),
        .launched = clock->wall(clock->context),
        .price_microusd = price_of(store, type, zone, capacity_type)};
    assert_true(VEC_PUSH(&store->machines, machine));
    return store->machines.len - 1;
}

/* Takes one of the pool's machines; false if it has none left. */
static bool take(struct fake_cloud_store *store, struct str type, struct str zone,
                 enum cloud_capacity_type capacity_type)
{
    struct limit *bound = NULL;
    for (size_t i = 0; i < store->limits.len; i++) {
        struct limit *limit = &store->limits.items[i];
        if (limit->capacity_type == capacity_type &&
            (!limit->instance_type.len || str_eq(limit->instance_type, type)) &&
            (!limit->zone.len || str_eq(limit->zone, zone)))
            bound = limit; /* the last that was said holds */
    }
    if (bound && bound->left <= 0)
        return false;
    if (bound)
        bound->left--;
    return true;
}

/* One machine after the other from the first pool that has one. Each pool that had none is a failure. */
static int fill_token(void *context, const struct doc *request, struct err *err)
{
    struct fake_cloud_store *store = context;
    struct token *token = &store->tokens.items[store->tokens.len - 1];
    const struct doc *pools = doc_get(request, "pools");
    int64_t count = 0;
    (void)err;
    assert_non_null(pools);
    assert_true(str_to_int64(doc_get(request, "count")->text, &count));
    enum cloud_capacity_type type =
        str_is(doc_get(request, "capacityType")->text, "spot") ? CLOUD_SPOT : CLOUD_ON_DEMAND;
    token->machines = must(arena_array(&store->arena, size_t, (size_t)count));
    token->failures = must(arena_array(&store->arena, struct cloud_failure, pools->count));
    const struct doc *pool = pools->first;
    while (pool && token->n_machines < (size_t)count) {
        struct str name = doc_get(pool, "type")->text, zone = doc_get(pool, "zone")->text;
        if (take(store, name, zone, type)) {
            token->machines[token->n_machines++] =
                add_machine(store, name, zone, type, token->id, doc_get(request, "provisioner")->text);
            continue;
        }
        token->failures[token->n_failures++] = (struct cloud_failure){.code = ERR_NO_CAPACITY,
                                                                      .reason = STR("InsufficientInstanceCapacity"),
                                                                      .message = STR("none left"),
                                                                      .instance_type = keep(store, name),
                                                                      .zone = keep(store, zone)};
        pool = pool->next;
    }
    return 0;
}

static int launch(void *context, struct str launch_id, struct str request, cloud_launched_fn done, void *done_context,
                  struct err *err)
{
    struct fake_cloud_store *store = context;
    struct reply reply = {.done = (void (*)(void))done, .context = done_context};
    bool answered;
    (void)err;
    if (!serve(store, FAKE_LAUNCH, &reply, &answered))
        return put(store, reply, answered);
    reply.launch = 0;
    while (reply.launch < store->tokens.len && !str_eq(store->tokens.items[reply.launch].id, launch_id))
        reply.launch++;
    if (reply.launch == store->tokens.len) {
        struct token token = {.id = keep(store, launch_id), .request = keep(store, request)};
        assert_true(VEC_PUSH(&store->tokens, token));
        assert_int_equal(doc_read(token.request, "request.json", fill_token, store, NULL), 0);
        store->fake.n_launches++;
    } else if (!str_eq(store->tokens.items[reply.launch].request, request) && !reply.failed) {
        reply.failed = true;
        err_note(&reply.err, ERR_CONFLICT, "IdempotentParameterMismatch");
    }
    return put(store, reply, answered);
}

static int list(void *context, struct str launch_id, cloud_listed_fn done, void *done_context, struct err *err)
{
    struct fake_cloud_store *store = context;
    struct reply reply = {.done = (void (*)(void))done, .context = done_context, .filter = keep(store, launch_id)};
    bool answered;
    (void)err;
    serve(store, FAKE_LIST, &reply, &answered);
    return put(store, reply, answered);
}

static struct fake_machine *find_machine(struct fake_cloud_store *store, struct str id)
{
    for (size_t i = 0; i < store->machines.len; i++)
        if (str_eq(store->machines.items[i].instance.id, id))
            return &store->machines.items[i];
    return NULL;
}

static int terminate(void *context, const struct str *ids, size_t n, cloud_terminated_fn done, void *done_context,
                     struct err *err)
{
    struct fake_cloud_store *store = context;
    struct reply reply = {.done = (void (*)(void))done, .context = done_context};
    bool answered;
    if (store->fake.terminate_fails)
        return err_set(err, ERR_INVALID, "there is no way to ask");
    bool done_it = serve(store, FAKE_TERMINATE, &reply, &answered);
    reply.ids = must(arena_array(&store->arena, struct str, n));
    reply.n_ids = n;
    for (size_t i = 0; i < n; i++) {
        struct fake_machine *machine = find_machine(store, ids[i]);
        reply.ids[i] = keep(store, ids[i]);
        if (done_it && machine)
            machine->instance.state = CLOUD_TERMINATED;
    }
    return put(store, reply, answered);
}

static int acknowledge(void *context, struct str handle, bool ours, cloud_done_fn done, void *done_context,
                       struct err *err)
{
    struct fake_cloud_store *store = context;
    struct reply reply = {.done = (void (*)(void))done, .context = done_context};
    bool answered;
    (void)err;
    (void)ours;
    if (serve(store, FAKE_ACKNOWLEDGE, &reply, &answered))
        assert_true(VEC_PUSH(&store->acknowledged, keep(store, handle)));
    return put(store, reply, answered);
}

struct fake_cloud *fake_cloud_open(struct loop *loop, const struct cloud_catalogue *all)
{
    struct fake_cloud_store *store = must(calloc(1, sizeof(*store)));
    store->fake = (struct fake_cloud){.answer_ms = 20, .store = store};
    store->loop = loop;
    store->timer = LOOP_TIMER(on_timer, store);
    store->catalogue = all;
    return &store->fake;
}

void fake_cloud_close(struct fake_cloud *fake)
{
    struct fake_cloud_store *store = fake->store;
    loop_timer_cancel(store->loop, &store->timer);
    VEC_FREE(&store->replies);
    VEC_FREE(&store->tokens);
    VEC_FREE(&store->limits);
    VEC_FREE(&store->machines);
    VEC_FREE(&store->acknowledged);
    arena_release(&store->arena);
    free(store);
}

struct cloud_provider fake_cloud_provider(struct fake_cloud *fake)
{
    return (struct cloud_provider){.catalogue = catalogue,
                                   .start = start,
                                   .zones = fake->zones ? zones : NULL,
                                   .prepare = prepare,
                                   .launch = launch,
                                   .list = list,
                                   .terminate = terminate,
                                   .acknowledge = acknowledge,
                                   .context = fake->store};
}

void fake_cloud_cut(struct fake_cloud *fake)
{
    fake->store->replies.len = 0;
    fake->store->started = false;
    arm(fake->store);
}

void fake_cloud_capacity(struct fake_cloud *fake, const char *instance_type, const char *zone,
                         enum cloud_capacity_type capacity_type, int64_t left)
{
    struct limit limit = {keep(fake->store, str_of(instance_type)), keep(fake->store, str_of(zone)), capacity_type,
                          left};
    assert_true(VEC_PUSH(&fake->store->limits, limit));
}

const struct fake_machine *fake_cloud_machines(const struct fake_cloud *fake, size_t *ret_n)
{
    *ret_n = fake->store->machines.len;
    return fake->store->machines.items;
}

size_t fake_cloud_running(const struct fake_cloud *fake)
{
    size_t n = 0;
    for (size_t i = 0; i < fake->store->machines.len; i++)
        n += fake->store->machines.items[i].instance.state == CLOUD_RUNNING;
    return n;
}

struct str fake_cloud_stray(struct fake_cloud *fake, const char *instance_type, const char *zone)
{
    size_t at = add_machine(fake->store, str_of(instance_type), str_of(zone), CLOUD_ON_DEMAND, STR(""), STR(""));
    return fake->store->machines.items[at].instance.id;
}

void fake_cloud_lose(struct fake_cloud *fake, struct str id)
{
    struct fake_machine *machine = must(find_machine(fake->store, id));
    machine->instance.state = CLOUD_TERMINATED;
}

void fake_cloud_notify(struct fake_cloud *fake, const struct cloud_notice *notice)
{
    assert_true(fake->store->started);
    fake->store->sink.notice(fake->store->sink.context, notice);
}

bool fake_cloud_acknowledged(const struct fake_cloud *fake, struct str handle)
{
    for (size_t i = 0; i < fake->store->acknowledged.len; i++)
        if (str_eq(fake->store->acknowledged.items[i], handle))
            return true;
    return false;
}
