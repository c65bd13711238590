/* kube_world.h - a Kubernetes client on a fake network and virtual time, and a sink that writes down what it is told.
 */
#ifndef STOKER_TESTS_UNIT_KUBE_WORLD_H
#define STOKER_TESTS_UNIT_KUBE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "provisioner/kube/kube.h"
#include "tests/support/fake_commands.h"
#include "tests/support/fake_http.h"
#include "tests/support/virtual_time.h"

struct kube_world {
    struct virtual_time time;
    struct loop loop;
    struct fake_http *http;
    uint64_t seed;
    struct chance chance;
    struct fake_commands plugin;
    struct kube_access access;
    struct kube *kube;
    struct cluster cluster;
    bool karpenter;
    bool loses;             /* the sink: each object, and asks for a list */
    enum cluster_kind only; /* what the sink writes down; others are passed over */
    char told[8192];        /* "relist put:a@1 listed gone:a failed:404" */
    char words[1024];       /* of the last failure */
    int calls;              /* told of by `called` */
    int last_status;
};

static inline void world_tell(struct kube_world *world, enum cluster_kind kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static inline void world_tell(struct kube_world *world, enum cluster_kind kind, const char *fmt, ...)
{
    size_t at = strlen(world->told);
    if (kind != world->only)
        return;
    va_list args;
    va_start(args, fmt);
    int n = snprintf(world->told + at, sizeof(world->told) - at, "%s", at ? " " : "");
    vsnprintf(world->told + at + n, sizeof(world->told) - at - (size_t)n, fmt, args);
    va_end(args);
}

static inline const char *world_text(const struct doc *doc)
{
    return doc && doc->text.ptr ? doc->text.ptr : "-";
}

static inline void world_relist(void *context, enum cluster_kind kind)
{
    world_tell(context, kind, "relist");
}

static inline void world_put(void *context, enum cluster_kind kind, const struct doc *object)
{
    struct kube_world *world = context;
    assert_string_equal(world_text(doc_get(object, "kind")), cluster_kind_name(kind));
    if (world->loses)
        world->cluster.relist(world->cluster.context, kind);
    world_tell(context, kind, "put:%s@%s", world_text(doc_at(object, "metadata.name")),
               world_text(doc_at(object, "metadata.resourceVersion")));
}

static inline void world_gone(void *context, enum cluster_kind kind, struct str namespace_, struct str name,
                              struct str uid)
{
    world_tell(context, kind, "gone:%.*s/%.*s/%.*s", STR_ARG(namespace_), STR_ARG(name), STR_ARG(uid));
}

static inline void world_listed(void *context, enum cluster_kind kind)
{
    world_tell(context, kind, "listed");
}

static inline void world_failed(void *context, enum cluster_kind kind, const struct err *err)
{
    struct kube_world *world = context;
    world_tell(world, kind, "failed:%s:%d", err_code_name(err->code), err->http_status);
    if (kind == world->only)
        snprintf(world->words, sizeof(world->words), "%s", err->message);
}

static inline void world_called(void *context, const char *verb, enum cluster_kind kind, int status, double ms)
{
    struct kube_world *world = context;
    (void)verb;
    (void)kind;
    assert_true(ms >= 0);
    world->calls++;
    world->last_status = status;
}

/* Anew, with the access as it is now. */
static inline void kube_world_reopen(struct kube_world *world)
{
    struct err err = {0};
    kube_close(world->kube);
    struct kube_options options = {.loop = &world->loop,
                                   .http = fake_http_http(world->http),
                                   .commands = fake_commands_commands(&world->plugin),
                                   .chance = &world->chance,
                                   .access = &world->access,
                                   .karpenter_manifests = world->karpenter,
                                   .called = world_called,
                                   .context = world};
    assert_int_equal(kube_open(&options, &world->kube, &err), 0);
    world->cluster = kube_cluster(world->kube);
}

static inline void kube_world_open(struct kube_world *world, bool karpenter)
{
    *world = (struct kube_world){.only = CLUSTER_POD, .seed = 7};
    virtual_time_init(&world->time);
    loop_init(&world->loop, &world->time.clock, virtual_time_waiter(&world->time));
    world->http = fake_http_open(&world->loop);
    world->plugin.loop = &world->loop;
    world->chance = chance_seeded(&world->seed);
    world->access = (struct kube_access){.server = "https://api:6443", .token = STR("secret")};
    world->karpenter = karpenter;
    kube_world_reopen(world);
}

static inline void kube_world_close(struct kube_world *world)
{
    kube_close(world->kube);
    fake_http_close(world->http);
    loop_release(&world->loop);
}

static inline void kube_world_start(struct kube_world *world)
{
    struct cluster_sink sink = {world_relist, world_put, world_gone, world_listed, world_failed, world};
    world->cluster.start(world->cluster.context, &sink);
}

/* Lets `ms` pass, then checks what the sink was told since the last time. */
static inline void world_expect(struct kube_world *world, int64_t ms, const char *told)
{
    virtual_time_run(&world->loop, ms);
    assert_string_equal(world->told, told);
    world->told[0] = '\0';
}

#define PODS "/api/v1/pods?"
#define EVENT(type, name, version)                                                                                 \
    "{\"type\":\"" type "\",\"object\":{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"namespace\":\"n\"," \
    "\"name\":\"" name "\",\"uid\":\"u-" name "\",\"resourceVersion\":\"" version "\"}}}\n"
#define BOOKMARK(version)                                                        \
    "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"Pod\",\"apiVersion\":\"v1\"," \
    "\"metadata\":{\"resourceVersion\":\"" version "\"}}}\n"
#define INITIAL_END(version)                                                     \
    "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"Pod\",\"apiVersion\":\"v1\"," \
    "\"metadata\":{\"resourceVersion\":\"" version "\",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}}\n"
#define ITEM(name, version) "{\"metadata\":{\"name\":\"" name "\",\"resourceVersion\":\"" version "\"}}"
#define PAGE(version, next, items)                                                             \
    "{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"" version \
    "\",\"continue\":\"" next "\"},\"items\":[" items "]}"
#define STATUS(code, reason)                                                                                       \
    "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"message\":\"words\",\"reason\":\"" reason \
    "\",\"code\":" code "}"

#endif
