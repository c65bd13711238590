/* test_kubeconfig.c - kubeconfigs, service accounts, tokens that are renewed, plug-ins that are run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base64.h"
#include "base/doc.h"
#include "provisioner/kube/kubeconfig.h"
#include "provisioner/kube/token.h"
#include "tests/support/fake_commands.h"

#define PEM     "-----BEGIN CERTIFICATE-----\n"
#define PEM_B64 "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg=="

enum { MAX_FILES = 8 };

/* Files and a plug-in that are only told of. */
struct world {
    struct {
        const char *path, *text;
    } files[MAX_FILES];
    int reads;
    struct fake_commands plugin;
    struct kube_io io;
    struct clock clock;
    struct loop loop;
    int64_t mono_s, wall_s;
    struct arena arena;
};

static int world_read(void *context, const char *path, struct arena *arena, struct str *ret, struct err *err)
{
    struct world *world = context;
    world->reads++;
    for (int i = 0; i < MAX_FILES; i++) {
        if (world->files[i].path && strcmp(world->files[i].path, path) == 0 && world->files[i].text) {
            *ret = str_dup(arena, str_of(world->files[i].text));
            return 0;
        }
    }
    return err_set(err, ERR_NOT_FOUND, "%s: no such file", path);
}

static struct clock_mono world_mono(void *context)
{
    return (struct clock_mono){((struct world *)context)->mono_s * INT64_C(1000000000)};
}

static struct clock_wall world_wall(void *context)
{
    return (struct clock_wall){((struct world *)context)->wall_s * INT64_C(1000000000)};
}

static int no_wait(void *context, int64_t timeout_ns, struct err *err)
{
    (void)context, (void)timeout_ns, (void)err;
    return 0;
}

static void world_open(struct world *world)
{
    *world = (struct world){.mono_s = 5000, .wall_s = 1767225600}; /* 2026-01-01T00:00:00Z */
    world->io = (struct kube_io){.read = world_read, .context = world};
    world->clock = (struct clock){world_mono, world_wall, world};
    loop_init(&world->loop, &world->clock, (struct loop_waiter){no_wait, NULL});
    world->plugin.loop = &world->loop;
}

static void world_file(struct world *world, const char *path, const char *text)
{
    int i = 0;
    while (world->files[i].path && strcmp(world->files[i].path, path) != 0)
        i++;
    assert_true(i < MAX_FILES);
    world->files[i].path = path;
    world->files[i].text = text;
}

static void token_open(struct world *world, const struct kube_access *access, struct kube_token **ret)
{
    assert_int_equal(kube_token_open(access, &world->clock, fake_commands_commands(&world->plugin), ret, NULL), 0);
}

static void world_close(struct world *world)
{
    loop_release(&world->loop);
    arena_release(&world->arena);
}

#define CLUSTER \
    "clusters: [{name: c, cluster: {server: 'https://10.0.0.1:6443/', certificate-authority-data: " PEM_B64 "}}]\n"
#define CONTEXT "contexts: [{name: x, context: {cluster: c, user: u}}]\ncurrent-context: x\n"

static void a_whole_config(void **state)
{
    (void)state;
    struct world world;
    struct kube_access access;
    world_open(&world);
    world_file(&world, "/home/a/.kube/config",
               "apiVersion: v1\nkind: Config\npreferences: {}\n" CLUSTER
               "users:\n- name: u\n  user: {client-certificate: pki/me.pem, client-key: /abs/key.pem, token: t0ken}\n"
               "- name: other\n  user: {username: me, password: pass}\n"
               "contexts:\n- {name: x, context: {cluster: c, user: u}}\n"
               "- {name: y, context: {cluster: c, user: other, namespace: spark}}\n"
               "current-context: x\n");
    world_file(&world, "/home/a/.kube/pki/me.pem", PEM "me");
    world_file(&world, "/abs/key.pem", PEM "key");
    assert_int_equal(kube_access_from_config("/home/a/.kube/config", NULL, &world.io, &world.arena, &access, NULL), 0);
    assert_string_equal(access.server, "https://10.0.0.1:6443");
    assert_true(str_is(access.tls.ca_pem, PEM));
    assert_true(str_is(access.tls.cert_pem, PEM "me"));
    assert_true(str_is(access.tls.key_pem, PEM "key"));
    assert_true(str_is(access.token, "t0ken"));
    assert_null(access.tls.server_name);
    assert_true(str_is(access.namespace_, "default"));
    assert_int_equal(kube_access_from_config("/home/a/.kube/config", "y", &world.io, &world.arena, &access, NULL), 0);
    assert_true(str_is(access.namespace_, "spark"));
    assert_true(str_is(access.username, "me"));
    struct kube_token *token;
    struct str header;
    token_open(&world, &access, &token);
    assert_int_equal(kube_token_get(token, &header, NULL), 0);
    assert_true(str_is(header, "Basic bWU6cGFzcw=="));
    kube_token_close(token);
    world_close(&world);
}

/* The first word on each name counts, whichever file it is in; files that are not there are passed over. */
static void several_files(void **state)
{
    (void)state;
    struct world world;
    struct kube_access access;
    struct err err = {0};
    world_open(&world);
    world_file(&world, "/a", "current-context: x\nusers: [{name: u, user: {token: first}}]\n");
    world_file(&world, "/b/c",
               "current-context: nonsense\nusers: [{name: u, user: {token: second}}]\n" CLUSTER
               "contexts: [{name: x, context: {cluster: c, user: u}}]\n");
    assert_int_equal(kube_access_from_config("/none:/a::/b/c", NULL, &world.io, &world.arena, &access, &err), 0);
    assert_true(str_is(access.token, "first"));
    assert_int_equal(kube_access_from_config("/none:/neither", NULL, &world.io, &world.arena, &access, &err),
                     ERR_NOT_FOUND);
    assert_int_equal(kube_access_from_config("", NULL, &world.io, &world.arena, &access, &err), ERR_NOT_FOUND);
    world_close(&world);
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "no current-context"},
        {"kind: Pod\n", "not a kubeconfig"},
        {"[1]\n", "not a kubeconfig"},
        {"a: [\n", "/k: line 2"},
        {CLUSTER "current-context: x\n", "no context x"},
        {CONTEXT, "no cluster \"c\""},
        {CLUSTER CONTEXT, "no user \"u\""},
        {"clusters: 7\n", "line 1: clusters: must be a list"},
        {"clusters:\n- 7\n", "clusters: must be maps"},
        {"users: [{name: u, user: {token: 7}}]\n", "line 1: token: must be a string"},
        {"clusters: [{name: c, cluster: {server: 'http://h'}}]\n" CONTEXT "users: [{name: u}]\n", "https://"},
        {"clusters: [{name: c, cluster: {server: 'https://'}}]\n" CONTEXT "users: [{name: u}]\n", "https://"},
        {"clusters: [{name: c, cluster: {server: 'https://a@h'}}]\n" CONTEXT "users: [{name: u}]\n", "only host"},
        {"clusters: [{name: c, cluster: {server: 'https://h', insecure-skip-tls-verify: true}}]\n" CONTEXT
         "users: [{name: u}]\n",
         "always verified"},
        {"clusters: [{name: c, cluster: {server: 'https://h', proxy-url: 'http://p'}}]\n" CONTEXT
         "users: [{name: u}]\n",
         "proxy-url"},
        {"clusters: [{name: c, cluster: {server: 'https://h', certificate-authority-data: '!!'}}]\n" CONTEXT
         "users: [{name: u}]\n",
         "certificate-authority: not base64"},
        {"clusters: [{name: c, cluster: {server: 'https://h', certificate-authority-data: 'YWFh'}}]\n" CONTEXT
         "users: [{name: u}]\n",
         "certificate-authority: no PEM"},
        {"clusters: [{name: c, cluster: {server: 'https://h', certificate-authority: gone.pem}}]\n" CONTEXT
         "users: [{name: u}]\n",
         "/gone.pem: no such file"},
        {CLUSTER CONTEXT "users: [{name: u, user: {client-certificate-data: " PEM_B64 "}}]\n", "go together"},
        {CLUSTER CONTEXT "users: [{name: u, user: {auth-provider: {name: gcp}}}]\n", "use exec"},
        {CLUSTER CONTEXT "users: [{name: u, user: {token: t, as: root}}]\n", "line 4: as: impersonation"},
        {CLUSTER CONTEXT "users: [{name: u, user: {token: t, as-groups: [a]}}]\n", "impersonation"},
        {CLUSTER CONTEXT "users: [{name: u, user: {exec: {command: p}}}]\n", "apiVersion must be"},
        {CLUSTER CONTEXT "users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: "
                         "p}}}]\n",
         "apiVersion must be"},
        {CLUSTER CONTEXT "users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1}}}]\n",
         "command is missing"},
        {CLUSTER CONTEXT "users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: p, "
                         "provideClusterInfo: true}}}]\n",
         "provideClusterInfo is not supported"},
        {CLUSTER CONTEXT "users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: p, "
                         "interactiveMode: Always}}}]\n",
         "nobody"},
        {CLUSTER CONTEXT "users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: p, "
                         "args: [1]}}}]\n",
         "args: must be strings"},
        {CLUSTER CONTEXT "users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: p, "
                         "env: [{value: x}]}}}]\n",
         "env: each needs a name"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world world;
        struct kube_access access = {.server = "untouched"};
        struct err err = {0};
        world_open(&world);
        world_file(&world, "/k", cases[i].text);
        int code = kube_access_from_config("/k", NULL, &world.io, &world.arena, &access, &err);
        if ((code != ERR_INVALID && code != ERR_NOT_FOUND) || !strstr(err.message, cases[i].message))
            fail_msg("%s\n%d %s", cases[i].text, code, err.message);
        assert_string_equal(access.server, "untouched");
        world_close(&world);
    }
}

static void names_in_certificates(void **state)
{
    (void)state;
    struct world world;
    struct kube_access access;
    world_open(&world);
    world_file(&world, "/k",
               "clusters: [{name: c, cluster: {server: 'https://h/base//', tls-server-name: kubernetes}}]\n" CONTEXT
               "users: [{name: u}]\n");
    assert_int_equal(kube_access_from_config("/k", NULL, &world.io, &world.arena, &access, NULL), 0);
    assert_string_equal(access.tls.server_name, "kubernetes");
    assert_string_equal(access.server, "https://h/base");
    assert_int_equal(access.tls.ca_pem.len, 0);
    /* No credentials at all: no header. */
    struct kube_token *token;
    struct str header = STR("x");
    token_open(&world, &access, &token);
    assert_int_equal(kube_token_get(token, &header, NULL), 0);
    assert_int_equal(header.len, 0);
    kube_token_close(token);
    world_close(&world);
}

#define ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount/"

static void in_a_pod(void **state)
{
    (void)state;
    struct world world;
    struct kube_access access;
    struct err err = {0};
    world_open(&world);
    assert_int_equal(kube_access_in_cluster(NULL, "443", &world.io, &world.arena, &access, &err), ERR_NOT_FOUND);
    assert_int_equal(kube_access_in_cluster("10.0.0.1", "", &world.io, &world.arena, &access, &err), ERR_NOT_FOUND);
    assert_int_equal(kube_access_in_cluster("10.0.0.1", "443", &world.io, &world.arena, &access, &err), ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "ca.crt"));
    world_file(&world, ACCOUNT "ca.crt", PEM);
    world_file(&world, ACCOUNT "token", "abc\n");
    assert_int_equal(kube_access_in_cluster("10.0.0.1", "443", &world.io, &world.arena, &access, &err), 0);
    assert_string_equal(access.server, "https://10.0.0.1:443");
    assert_true(str_is(access.namespace_, "default"));
    world_file(&world, ACCOUNT "namespace", "stoker\n");
    assert_int_equal(kube_access_in_cluster("fd00::1", "6443", &world.io, &world.arena, &access, &err), 0);
    assert_string_equal(access.server, "https://[fd00::1]:6443");
    assert_true(str_is(access.namespace_, "stoker"));
    assert_string_equal(access.token_file, ACCOUNT "token");
    assert_int_equal(access.token.len, 0);
    world_close(&world);
}

static void note_ready(void *context)
{
    *(bool *)context = true;
}

/* Waits for the plug-in where it must. */
static int get(struct world *world, struct kube_token *token, struct str *ret, struct err *err)
{
    bool ready = false;
    struct kube_token_waiter waiter = {.ready = note_ready, .context = &ready};
    int rc = kube_token_get(token, ret, err);
    if (rc != KUBE_TOKEN_WAIT)
        return rc;
    assert_int_equal(world->plugin.running, 1);
    kube_token_wait(token, &waiter);
    assert_int_equal(loop_turn(&world->loop, NULL), 0);
    assert_true(ready);
    return kube_token_get(token, ret, err);
}

static void header_is(struct world *world, struct kube_token *token, const char *expected)
{
    struct str header;
    struct err err = {0};
    if (get(world, token, &header, &err))
        fail_msg("%s", err.message);
    assert_int_equal(header.len, strlen(expected));
    assert_memory_equal(header.ptr, expected, header.len);
}

static void no_header(struct world *world, struct kube_token *token, const char *words)
{
    struct str header;
    struct err err = {0};
    assert_int_equal(get(world, token, &header, &err), ERR_AUTH);
    if (!strstr(err.message, words))
        fail_msg("%s", err.message);
}

static void token_files(void **state)
{
    (void)state;
    struct world world;
    struct kube_token *token;
    world_open(&world);
    const struct kube_access access = {.token_file = "/t", .io = &world.io};
    token_open(&world, &access, &token);
    assert_int_equal(world.reads, 0);
    no_header(&world, token, "/t: no such file");
    world_file(&world, "/t", "one\n");
    no_header(&world, token, "no such file"); /* not asked again so soon */
    world.mono_s += 5;
    header_is(&world, token, "Bearer one");
    world_file(&world, "/t", "two");
    world.mono_s += 59;
    header_is(&world, token, "Bearer one");
    assert_int_equal(world.reads, 2);
    world.mono_s += 1;
    header_is(&world, token, "Bearer two");
    /* Gone or broken: the old one goes on. */
    world_file(&world, "/t", "a b");
    world.mono_s += 60;
    header_is(&world, token, "Bearer two");
    world_file(&world, "/t", "three");
    world.mono_s += 5;
    header_is(&world, token, "Bearer three");
    /* A 401 has it read at once, but not for one that was on its way before. */
    world_file(&world, "/t", "four");
    kube_token_refused(token);
    header_is(&world, token, "Bearer three");
    world.mono_s += 5;
    header_is(&world, token, "Bearer three");
    kube_token_refused(token);
    header_is(&world, token, "Bearer four");
    int reads = world.reads;
    header_is(&world, token, "Bearer four");
    assert_int_equal(world.reads, reads);
    kube_token_close(token);
    world_close(&world);
}

#define CREDENTIAL(status) \
    "{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{" status "}}"

static void plug_ins(void **state)
{
    (void)state;
    struct world world;
    struct kube_access access;
    struct kube_token *token;
    world_open(&world);
    world_file(&world, "/dir/k",
               CLUSTER CONTEXT
               "users:\n- name: u\n  user:\n    exec:\n      apiVersion: client.authentication.k8s.io/v1\n"
               "      command: ./bin/get-token\n      args: [--cluster, 'a b']\n      interactiveMode: Never\n"
               "      env: [{name: AWS_PROFILE, value: x=y}]\n");
    assert_int_equal(kube_access_from_config("/dir/k", NULL, &world.io, &world.arena, &access, NULL), 0);
    token_open(&world, &access, &token);
    assert_int_equal(world.plugin.starts, 0);
    world.plugin.printed = CREDENTIAL("\"token\":\"one\",\"expirationTimestamp\":\"2026-01-01T00:15:00Z\"");
    header_is(&world, token, "Bearer one");
    assert_string_equal(world.plugin.line, "/dir/./bin/get-token --cluster a b "
                                           "KUBERNETES_EXEC_INFO={\"apiVersion\":\"client.authentication.k8s.io/v1\","
                                           "\"kind\":\"ExecCredential\",\"spec\":{\"interactive\":false}} "
                                           "AWS_PROFILE=x=y");
    world.mono_s += 839;
    world.wall_s += 839;
    header_is(&world, token, "Bearer one");
    assert_int_equal(world.plugin.starts, 1);
    /* A minute before the end it is run again; where it fails, the old token is good until then. */
    world.plugin.printed = NULL;
    world.mono_s += 1;
    world.wall_s += 1;
    header_is(&world, token, "Bearer one"); /* which serves while it runs */
    assert_int_equal(world.plugin.running, 1);
    header_is(&world, token, "Bearer one");
    assert_int_equal(loop_turn(&world.loop, NULL), 0);
    header_is(&world, token, "Bearer one");
    assert_int_equal(world.plugin.starts, 2);
    world.mono_s += 60;
    world.wall_s += 60;
    no_header(&world, token, "the plug-in the command fails");
    assert_int_equal(world.plugin.starts, 3);
    world.plugin.printed = CREDENTIAL("\"token\":\"two\"");
    world.mono_s += 5;
    header_is(&world, token, "Bearer two");
    world.mono_s += 100000;
    world.wall_s += 100000;
    header_is(&world, token, "Bearer two"); /* which has no end */
    assert_int_equal(world.plugin.starts, 4);
    world.plugin.printed = CREDENTIAL("\"token\":\"three\"");
    kube_token_refused(token);
    header_is(&world, token, "Bearer three");
    /* What nobody waits for any more is ended. */
    world.mono_s += 5;
    kube_token_refused(token);
    struct str header;
    assert_int_equal(kube_token_get(token, &header, NULL), KUBE_TOKEN_WAIT);
    kube_token_close(token);
    assert_int_equal(world.plugin.cancelled, 1);
    world_close(&world);
}

struct crowd {
    struct kube_token *token;
    struct kube_token_waiter waiters[4];
    char order[16];
};

static struct crowd *crowd; /* whose callbacks only know which they are */

static void in_order(void *context)
{
    size_t i = (size_t)((struct kube_token_waiter *)context - crowd->waiters);
    size_t len = strlen(crowd->order);
    crowd->order[len] = (char)('0' + i);
    if (i == 0) /* one that comes later goes away, another waits anew */
        kube_token_forget(&crowd->waiters[2]);
    if (i == 1)
        kube_token_wait(crowd->token, &crowd->waiters[1]);
}

static void many_wait_for_a_plug_in(void **state)
{
    (void)state;
    struct world world;
    struct crowd all = {.order = ""};
    struct str header;
    const char *const argv[] = {"p", NULL}, *const env[] = {NULL};
    world_open(&world);
    const struct kube_access access = {.exec = argv, .exec_env = env, .io = &world.io};
    token_open(&world, &access, &all.token);
    world.plugin.printed = CREDENTIAL("\"token\":\"one\"");
    crowd = &all;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(kube_token_get(all.token, &header, NULL), KUBE_TOKEN_WAIT);
        all.waiters[i] = (struct kube_token_waiter){.ready = in_order, .context = &all.waiters[i]};
        kube_token_wait(all.token, &all.waiters[i]);
    }
    assert_int_equal(world.plugin.starts, 1);
    assert_string_equal(all.order, "");
    assert_int_equal(loop_turn(&world.loop, NULL), 0);
    assert_string_equal(all.order, "013");
    kube_token_close(all.token);
    assert_null(all.waiters[1].link);
    crowd = NULL;
    world_close(&world);
}

static void plug_ins_that_say_nonsense(void **state)
{
    (void)state;
    static const struct {
        const char *printed, *words;
    } cases[] = {
        {"", "nothing"},
        {"hello, secret", "line 1"},
        {"{\"kind\":", "line 1"},
        {CREDENTIAL("") CREDENTIAL(""), "no token"},
        {CREDENTIAL("\"token\":\"a\"") CREDENTIAL("\"token\":\"b\""), "more than one"},
        {CREDENTIAL("\"token\":7"), "no token"},
        {CREDENTIAL("\"token\":\"a secret\""), "no token"},
        {CREDENTIAL("\"token\":\"secret\",\"expirationTimestamp\":\"soon\""), "not a time"},
        {CREDENTIAL("\"clientCertificateData\":\"secret\""), "only a token"},
        {"{\"apiVersion\":\"client.authentication.k8s.io/v2\",\"kind\":\"ExecCredential\"}", "v1 or v1beta1"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world world;
        struct kube_token *token;
        struct str header;
        struct err err = {0};
        const char *const argv[] = {"p", NULL}, *const env[] = {NULL};
        world_open(&world);
        world.plugin.printed = cases[i].printed;
        const struct kube_access access = {.exec = argv, .exec_env = env, .io = &world.io};
        token_open(&world, &access, &token);
        assert_int_equal(get(&world, token, &header, &err), ERR_AUTH);
        if (!strstr(err.message, cases[i].words) || strstr(err.message, "secret"))
            fail_msg("%s: %s", cases[i].printed, err.message);
        kube_token_close(token);
        world_close(&world);
    }
}

static void real_files(void **state)
{
    (void)state;
    char path[] = "/tmp/stoker-kube-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "abc", 3), 3);
    close(fd);
    struct arena arena = ARENA_INIT;
    struct str text;
    assert_int_equal(kube_io_system.read(NULL, path, &arena, &text, NULL), 0);
    assert_string_equal(text.ptr, "abc");
    unlink(path);
    assert_int_equal(kube_io_system.read(NULL, path, &arena, &text, NULL), ERR_NOT_FOUND);
    arena_release(&arena);
}

static void base64(void **state)
{
    (void)state;
    static const struct {
        const char *plain, *coded;
    } cases[] = {{"", ""},
                 {"f", "Zg=="},
                 {"fo", "Zm8="},
                 {"foo", "Zm9v"},
                 {"foob", "Zm9vYg=="},
                 {"fooba", "Zm9vYmE="},
                 {"foobar", "Zm9vYmFy"},
                 {"\xff\xfe\xfb", "//77"}};
    static const char *const bad[] = {"Z", "Zg", "Zg=", "Zg===", "Z===", "====", "Zm9v=", "Z!==", "Zg==Zg==", "Zm-_"};
    struct arena arena = ARENA_INIT;
    struct str text;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(base64_encode(str_of(cases[i].plain), &arena, &text, NULL), 0);
        assert_string_equal(text.ptr, cases[i].coded);
        assert_int_equal(base64_decode(str_of(cases[i].coded), &arena, &text, NULL), 0);
        assert_string_equal(text.ptr, cases[i].plain);
        assert_int_equal(text.len, strlen(cases[i].plain));
    }
    assert_int_equal(base64_decode(STR("Zm9\r\nvYg=\n=\n"), &arena, &text, NULL), 0);
    assert_string_equal(text.ptr, "foob");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (base64_decode(str_of(bad[i]), &arena, &text, NULL) != ERR_INVALID)
            fail_msg("%s", bad[i]);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_config),
        cmocka_unit_test(several_files),
        cmocka_unit_test(refused),
        cmocka_unit_test(names_in_certificates),
        cmocka_unit_test(in_a_pod),
        cmocka_unit_test(token_files),
        cmocka_unit_test(plug_ins),
        cmocka_unit_test(many_wait_for_a_plug_in),
        cmocka_unit_test(plug_ins_that_say_nonsense),
        cmocka_unit_test(real_files),
        cmocka_unit_test(base64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
