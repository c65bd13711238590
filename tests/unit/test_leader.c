/*
 * test_leader.c - replicas over one simulated API server: answers late or lost, processes that stall, clocks that run
 * at their own speed and jump: never do two of them lead at once, and one that gives up is followed quickly.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/chance.h"
#include "provisioner/kube/leader.h"

enum { MS = 1000000, REPLICAS = 3, MOST_MAIL = 64, LEASE_MS = 15000, RENEW_MS = 10000, RETRY_MS = 2000 };

/* The server's one object. */
struct store {
    bool exists;
    int version;
    char holder[64], renewed[64];
    int64_t lease_s, transitions;
    int writes;
};

enum mail_state { MAIL_FREE, MAIL_GOING, MAIL_COMING };

/* A request on its way to the server, then its answer on the way back. */
struct mail {
    enum mail_state state;
    int64_t at_ns; /* when it arrives */
    bool loses_answer;
    enum cluster_verb verb;
    char body[1024];
    cluster_done_fn done;
    void *done_context;
    int code;
    char object[1024];
};

struct world;

struct replica {
    struct world *world;
    char identity[16];
    struct clock clock;
    int64_t offset_ns, drift_ppm, wall_jump_ns;
    struct loop loop;
    struct leader *leader; /* NULL: not running */
    struct mail mail[MOST_MAIL];
    int64_t stalled_until_ns;
    bool gave_up, ended;
    int times_led, complaints;
    char moves[64]; /* the last: F A L R */
};

/* How bad the world is, in percent, and delays. */
struct weather {
    int lost_before, lost_after, server_error;
    int64_t most_delay_ms;
};

struct world {
    int64_t now_ns;
    uint64_t seed;
    struct chance chance;
    struct weather weather;
    struct store store;
    struct replica replicas[REPLICAS];
    int64_t led_ns; /* time in which one led */
    int changes_of_leader, last_leader;
};

static bool percent(struct world *world, int likely)
{
    return (int)chance_below(&world->chance, 100) < likely;
}

static int64_t delay_ns(struct world *world)
{
    return (int64_t)chance_below(&world->chance, (uint64_t)world->weather.most_delay_ms * MS + 1);
}

static struct clock_mono replica_mono(void *context)
{
    const struct replica *replica = context;
    int64_t now_ns = replica->world->now_ns;
    return (struct clock_mono){replica->offset_ns + now_ns + now_ns / 1000000 * replica->drift_ppm};
}

static struct clock_wall replica_wall(void *context)
{
    const struct replica *replica = context;
    return (struct clock_wall){INT64_C(1767225600000000000) + replica->world->now_ns + replica->wall_jump_ns};
}

/* The server. */

static void write_object(const struct store *store, char *room, size_t size)
{
    snprintf(
        room, size,
        "{\"kind\":\"Lease\",\"metadata\":{\"name\":\"l\",\"resourceVersion\":\"%d\"},\"spec\":{\"holderIdentity\":"
        "\"%s\",\"leaseDurationSeconds\":%d,\"renewTime\":\"%s\",\"leaseTransitions\":%d}}",
        store->version, store->holder, (int)store->lease_s, store->renewed, (int)store->transitions);
}

struct write {
    struct store *store;
    bool create;
    int code;
};

static void take_text(const struct doc *object, const char *path, char *room, size_t size)
{
    const struct doc *at = doc_at(object, path);
    if (at)
        snprintf(room, size, "%.*s", STR_ARG(at->text));
}

static int apply(void *context, const struct doc *object, struct err *err)
{
    struct write *write = context;
    struct store *store = write->store;
    char version[16] = "", number[16] = "";
    (void)err;
    take_text(object, "metadata.resourceVersion", version, sizeof(version));
    assert_true(str_is(doc_at(object, "metadata.namespace")->text, "ns"));
    if (!write->create && (int)strtol(version, NULL, 10) != store->version) {
        write->code = ERR_CONFLICT;
        return 0;
    }
    assert_true(!write->create || !version[0]);
    store->exists = true;
    store->version++;
    store->writes++;
    take_text(object, "spec.holderIdentity", store->holder, sizeof(store->holder));
    take_text(object, "spec.renewTime", store->renewed, sizeof(store->renewed));
    struct clock_wall wall;
    assert_true(clock_parse(str_of(store->renewed), &wall));
    take_text(object, "spec.leaseDurationSeconds", number, sizeof(number));
    store->lease_s = strtol(number, NULL, 10);
    if (doc_at(object, "spec.leaseTransitions")) {
        take_text(object, "spec.leaseTransitions", number, sizeof(number));
        store->transitions = strtol(number, NULL, 10);
    }
    return 0;
}

static int serve(struct world *world, struct mail *mail)
{
    struct store *store = &world->store;
    struct write write = {.store = store, .create = mail->verb == CLUSTER_CREATE};
    if (percent(world, world->weather.server_error))
        return ERR_RETRY;
    if (mail->verb == CLUSTER_CREATE && store->exists)
        return ERR_CONFLICT;
    if (mail->verb != CLUSTER_CREATE && !store->exists)
        return ERR_NOT_FOUND;
    if (mail->verb != CLUSTER_GET)
        assert_int_equal(doc_read(str_of(mail->body), "body.json", apply, &write, NULL), 0);
    write_object(store, mail->object, sizeof(mail->object));
    return write.code;
}

/* A replica's cluster. */

static int request(void *context, const struct cluster_request *request, cluster_done_fn done, void *done_context,
                   struct err *err)
{
    struct replica *replica = context;
    struct world *world = replica->world;
    assert_int_equal(request->kind, CLUSTER_LEASE);
    assert_true(str_is(request->namespace_, "ns"));
    assert_true(str_is(request->name, request->verb == CLUSTER_CREATE ? "" : "l"));
    if (percent(world, 1))
        return err_set(err, ERR_NOMEM, "no memory to ask");
    int i = 0;
    while (i < MOST_MAIL && replica->mail[i].state != MAIL_FREE)
        i++;
    assert_true(i == 0); /* one at a time */
    struct mail *mail = &replica->mail[i];
    *mail = (struct mail){MAIL_GOING, .verb = request->verb, .done = done, .done_context = done_context};
    mail->at_ns = world->now_ns + delay_ns(world);
    snprintf(mail->body, sizeof(mail->body), "%.*s", STR_ARG(request->body));
    if (percent(world, world->weather.lost_before)) {
        mail->state = MAIL_COMING;
        mail->code = ERR_RETRY;
    }
    mail->loses_answer = percent(world, world->weather.lost_after);
    return 0;
}

static void deliver_to_server(struct world *world)
{
    for (int r = 0; r < REPLICAS; r++) {
        for (int i = 0; i < MOST_MAIL; i++) {
            struct mail *mail = &world->replicas[r].mail[i];
            if (mail->state != MAIL_GOING || mail->at_ns > world->now_ns)
                continue;
            mail->code = serve(world, mail);
            if (mail->loses_answer)
                mail->code = ERR_RETRY;
            mail->state = MAIL_COMING;
            mail->at_ns = world->now_ns + delay_ns(world);
        }
    }
}

struct answering {
    struct mail *mail;
};

static int answer_with(void *context, const struct doc *object, struct err *err)
{
    struct mail *mail = ((struct answering *)context)->mail;
    (void)err;
    mail->done(mail->done_context, &(struct cluster_answer){.object = object});
    return 0;
}

/* What a replica's loop finds when it looks: time is not moved by it. */
static int wait_for_mail(void *context, int64_t timeout_ns, struct err *err)
{
    struct replica *replica = context;
    (void)timeout_ns, (void)err;
    for (int i = 0; i < MOST_MAIL; i++) {
        struct mail *mail = &replica->mail[i];
        if (mail->state != MAIL_COMING || mail->at_ns > replica->world->now_ns)
            continue;
        struct mail copy = *mail;
        mail->state = MAIL_FREE;
        if (copy.code) {
            struct err why = {.code = copy.code, .message = "simulated"};
            copy.done(copy.done_context, &(struct cluster_answer){.err = &why});
        } else {
            struct answering answering = {&copy};
            assert_int_equal(doc_read(str_of(copy.object), "o.json", answer_with, &answering, NULL), 0);
        }
    }
    return 0;
}

static void changed(void *context, enum leader_state state)
{
    struct replica *replica = context;
    size_t len = strlen(replica->moves);
    if (len == sizeof(replica->moves) - 1)
        memmove(replica->moves, replica->moves + 1, len--);
    replica->moves[len] = "FALR"[state];
    replica->moves[len + 1] = '\0';
    if (state == LEADER_LEADING)
        replica->times_led++;
    if (state == LEADER_FOLLOWER && replica->gave_up)
        replica->ended = true;
}

static void failed(void *context, const struct err *err)
{
    struct replica *replica = context;
    assert_true(err->code && err->message[0]);
    replica->complaints++;
}

static void replica_start(struct replica *replica)
{
    struct leader_options options = {.loop = &replica->loop,
                                     .chance = &replica->world->chance,
                                     .cluster = {.request = request, .context = replica},
                                     .namespace_ = STR("ns"),
                                     .name = STR("l"),
                                     .identity = str_of(replica->identity),
                                     .lease_ms = LEASE_MS,
                                     .renew_ms = RENEW_MS,
                                     .retry_ms = RETRY_MS,
                                     .changed = changed,
                                     .failed = failed,
                                     .context = replica};
    replica->gave_up = replica->ended = false;
    replica->moves[0] = '\0';
    assert_int_equal(leader_open(&options, &replica->leader, NULL), 0);
    assert_int_equal(leader_start(replica->leader, NULL), 0);
}

/* As kill -9: what was on its way to the server still arrives, nobody hears the answer. */
static void replica_kill(struct replica *replica)
{
    leader_close(replica->leader);
    replica->leader = NULL;
    for (int i = 0; i < MOST_MAIL; i++)
        if (replica->mail[i].state == MAIL_GOING)
            serve(replica->world, &replica->mail[i]);
    memset(replica->mail, 0, sizeof(replica->mail));
}

static void world_open(struct world *world, uint64_t seed, struct weather weather)
{
    memset(world, 0, sizeof(*world));
    world->seed = seed;
    world->chance = chance_seeded(&world->seed);
    world->weather = weather;
    world->last_leader = -1;
    for (int r = 0; r < REPLICAS; r++) {
        struct replica *replica = &world->replicas[r];
        replica->world = world;
        snprintf(replica->identity, sizeof(replica->identity), "replica-%d", r);
        replica->clock = (struct clock){replica_mono, replica_wall, replica};
        replica->offset_ns = (int64_t)chance_below(&world->chance, INT64_C(1000000) * MS);
        replica->drift_ppm = (int64_t)chance_below(&world->chance, 2000) - 1000;
        loop_init(&replica->loop, &replica->clock, (struct loop_waiter){wait_for_mail, replica});
    }
}

static void world_close(struct world *world)
{
    for (int r = 0; r < REPLICAS; r++) {
        leader_close(world->replicas[r].leader);
        loop_release(&world->replicas[r].loop);
    }
}

/* A stalled replica's code asks as well: it is between two lines. */
static int leader_now(struct world *world)
{
    int found = -1;
    for (int r = 0; r < REPLICAS; r++) {
        if (!world->replicas[r].leader || !leader_holds(world->replicas[r].leader))
            continue;
        if (found >= 0)
            fail_msg("%d and %d lead at %lld ms", found, r, (long long)(world->now_ns / MS));
        found = r;
    }
    return found;
}

static void pass_time(struct world *world, int64_t step_ns)
{
    world->now_ns += step_ns;
    deliver_to_server(world);
    for (int r = 0; r < REPLICAS; r++) {
        struct replica *replica = &world->replicas[r];
        if (world->now_ns < replica->stalled_until_ns)
            continue;
        for (int turns = 0; turns < 3; turns++) {
            assert_int_equal(loop_turn(&replica->loop, NULL), 0);
            leader_now(world);
        }
    }
    int leads = leader_now(world);
    if (leads >= 0) {
        world->led_ns += step_ns;
        if (leads != world->last_leader)
            world->changes_of_leader++;
        world->last_leader = leads;
    }
}

static void run(struct world *world, int64_t ms)
{
    for (int64_t end_ns = world->now_ns + ms * MS; world->now_ns < end_ns;)
        pass_time(world, 20 * MS);
}

static void one_leads_and_renews(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, 1, (struct weather){.most_delay_ms = 20});
    for (int r = 0; r < REPLICAS; r++)
        replica_start(&world.replicas[r]);
    run(&world, 3000);
    int first = leader_now(&world);
    assert_true(first >= 0);
    run(&world, 120000);
    assert_int_equal(leader_now(&world), first);
    assert_int_equal(world.changes_of_leader, 1);
    assert_true(world.led_ns > INT64_C(119000) * MS);
    assert_in_range(world.store.writes, 50, 65); /* a renewal each 2 s */
    assert_int_equal(world.store.transitions, 0);
    assert_int_equal(world.store.lease_s, 15);
    world_close(&world);
}

static void handing_over_is_quick(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct world world;
        world_open(&world, seed, (struct weather){.most_delay_ms = 20});
        for (int r = 0; r < REPLICAS; r++)
            replica_start(&world.replicas[r]);
        run(&world, 5000 + (int64_t)seed * 130);
        int first = leader_now(&world);
        assert_true(first >= 0);
        struct replica *leaving = &world.replicas[first];
        leaving->gave_up = true;
        leader_give_up(leaving->leader);
        assert_false(leader_holds(leaving->leader));
        run(&world, 200);
        assert_true(leaving->ended);
        assert_true(world.store.holder[0] || world.store.lease_s == 1);
        assert_string_equal(leader_holder(leaving->leader), "");
        assert_true(strlen(leaving->moves) >= 2 && strcmp(leaving->moves + strlen(leaving->moves) - 2, "RF") == 0);
        run(&world, 2600);
        assert_true(leader_now(&world) >= 0 && leader_now(&world) != first);
        assert_int_equal(world.store.transitions, 1);
        run(&world, 30000);
        assert_false(leader_holds(leaving->leader));
        world_close(&world);
    }
}

/* Why a lease cannot be had is said at once, and once a minute; and again after it went well. */
static void trouble_is_told(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, 5, (struct weather){.most_delay_ms = 20, .server_error = 100});
    struct replica *replica = &world.replicas[0];
    replica_start(replica);
    run(&world, 5000);
    assert_int_equal(replica->complaints, 1);
    run(&world, 120000);
    assert_in_range(replica->complaints, 2, 6); /* of 60 tries; one or the other had no memory to ask */
    world.weather.server_error = 0;
    run(&world, 20000);
    assert_true(leader_holds(replica->leader));
    assert_string_equal(leader_holder(replica->leader), "replica-0");
    replica->complaints = 0;
    world.weather.server_error = 100;
    run(&world, RENEW_MS + 1000);
    assert_false(leader_holds(replica->leader));
    assert_int_equal(replica->complaints, 1);
    world_close(&world);
}

static void giving_up_without_leading(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, 3, (struct weather){.most_delay_ms = 20});
    for (int r = 0; r < REPLICAS; r++)
        replica_start(&world.replicas[r]);
    run(&world, 5000);
    int first = leader_now(&world);
    struct replica *follower = &world.replicas[(first + 1) % REPLICAS];
    follower->gave_up = true;
    leader_give_up(follower->leader);
    assert_false(follower->ended); /* not from within */
    run(&world, 100);
    assert_true(follower->ended);
    assert_int_equal(leader_now(&world), first);
    /* And where nothing comes back any more: at the latest when the lease would have ended. */
    world.weather.lost_before = 100;
    struct replica *leaving = &world.replicas[first];
    leaving->gave_up = true;
    leader_give_up(leaving->leader);
    run(&world, RENEW_MS + 100);
    assert_true(leaving->ended);
    assert_string_equal(leader_holder(leaving->leader), leaving->identity); /* which ran out */
    world_close(&world);
}

/* A dead leader's lease runs out; a replica that starts anew under the same name takes its own at once. */
static void a_leader_that_dies(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, 4, (struct weather){.most_delay_ms = 20});
    for (int r = 0; r < REPLICAS; r++)
        replica_start(&world.replicas[r]);
    run(&world, 5000);
    int first = leader_now(&world);
    replica_kill(&world.replicas[first]);
    run(&world, LEASE_MS - RETRY_MS - 500);
    assert_int_equal(leader_now(&world), -1);
    run(&world, 4000);
    int second = leader_now(&world);
    assert_true(second >= 0 && second != first);
    replica_kill(&world.replicas[second]);
    replica_start(&world.replicas[second]);
    run(&world, 200);
    assert_int_equal(leader_now(&world), second);
    world_close(&world);
}

static void a_stall_ends_leading_by_itself(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, 5, (struct weather){.most_delay_ms = 20});
    for (int r = 0; r < REPLICAS; r++)
        replica_start(&world.replicas[r]);
    run(&world, 5000);
    int first = leader_now(&world);
    struct replica *stalled = &world.replicas[first];
    stalled->stalled_until_ns = world.now_ns + INT64_C(20000) * MS;
    run(&world, RENEW_MS + 100);
    assert_false(leader_holds(stalled->leader)); /* though no line of it has run */
    run(&world, 9800);
    int second = leader_now(&world);
    assert_true(second >= 0 && second != first);
    run(&world, 5000);
    assert_int_equal(leader_now(&world), second);
    assert_int_equal(stalled->moves[strlen(stalled->moves) - 1], 'F');
    world_close(&world);
}

/* A lease that somebody deletes: its holder stops when it hears, and nobody who knew it takes it at once. */
static void a_lease_that_is_deleted(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, 6, (struct weather){.most_delay_ms = 20});
    for (int r = 0; r < REPLICAS; r++)
        replica_start(&world.replicas[r]);
    run(&world, 5000);
    world.store.exists = false;
    world.store.holder[0] = '\0';
    run(&world, 2500);
    run(&world, 20000);
    assert_true(leader_now(&world) >= 0);
    assert_true(world.store.exists);
    world_close(&world);
}

static void trouble(struct world *world, struct replica *replica)
{
    switch (chance_below(&world->chance, 6)) {
    case 0: replica->stalled_until_ns = world->now_ns + (int64_t)chance_below(&world->chance, 20001) * MS; break;
    case 1: replica->wall_jump_ns += ((int64_t)chance_below(&world->chance, 7200000) - 3600000) * MS; break;
    case 2:
        if (replica->leader && !replica->gave_up) {
            replica->gave_up = true;
            leader_give_up(replica->leader);
        }
        break;
    case 3:
        if (replica->leader)
            replica_kill(replica);
        break;
    case 4:
        world->weather =
            (struct weather){(int)chance_below(&world->chance, 30), (int)chance_below(&world->chance, 30),
                             (int)chance_below(&world->chance, 30), (int64_t)chance_below(&world->chance, 4000)};
        break;
    default: world->weather = (struct weather){.most_delay_ms = 50}; break;
    }
}

/* The property: 20,000 steps of random length for each seed; pass_time fails the test where two lead. */
static void never_two_at_once(void **state)
{
    (void)state;
    enum { SEEDS = 40, STEPS = 20000 };
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct world world;
        world_open(&world, seed, (struct weather){5, 5, 5, 500});
        for (int step = 0; step < STEPS; step++) {
            struct replica *replica = &world.replicas[chance_below(&world.chance, REPLICAS)];
            if (chance_below(&world.chance, 60) == 0)
                trouble(&world, replica);
            if (!replica->leader || replica->ended) {
                replica_kill(replica);
                replica_start(replica);
            }
            pass_time(&world, (int64_t)chance_below(&world.chance, 400) * MS);
        }
        int led = 0;
        for (int r = 0; r < REPLICAS; r++)
            led += world.replicas[r].times_led;
        assert_true(world.changes_of_leader > 10 && led > 50);
        assert_true(world.led_ns > world.now_ns / 2);
        world_close(&world);
    }
}

static void times_that_do_not_fit(void **state)
{
    (void)state;
    struct leader_options options = {.identity = STR("x"), .lease_ms = 10000, .renew_ms = 10000, .retry_ms = 2000};
    struct leader *leader;
    struct err err = {0};
    assert_int_equal(leader_open(&options, &leader, &err), ERR_INVALID);
    options.lease_ms = 15000;
    options.retry_ms = 9000;
    assert_int_equal(leader_open(&options, &leader, &err), ERR_INVALID);
    options.retry_ms = 0;
    assert_int_equal(leader_open(&options, &leader, &err), ERR_INVALID);
    options.retry_ms = 2000;
    options.identity = STR("");
    assert_int_equal(leader_open(&options, &leader, &err), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_leads_and_renews),    cmocka_unit_test(handing_over_is_quick),
        cmocka_unit_test(trouble_is_told),         cmocka_unit_test(giving_up_without_leading),
        cmocka_unit_test(a_leader_that_dies),      cmocka_unit_test(a_stall_ends_leading_by_itself),
        cmocka_unit_test(a_lease_that_is_deleted), cmocka_unit_test(never_two_at_once),
        cmocka_unit_test(times_that_do_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
