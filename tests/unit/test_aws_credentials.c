/* test_aws_credentials.c - every provider, their order, renewal before the end, and what is said when there is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cloud/aws/credentials.h"
#include "cloud/aws/region.h"
#include "tests/support/aws_world.h"

struct rig {
    struct aws_world world;
    struct arena arena;
    struct aws_settings settings;
    struct aws_endpoints endpoints;
    struct aws_identity *identity;
    struct aws_identity_waiter waiter;
    char moves[512]; /* "loading ready " */
    bool told;
    struct err err; /* of the last answer */
    struct str region;
};

static void on_moved(void *context, enum aws_identity_state from, enum aws_identity_state to, const struct err *err)
{
    struct rig *rig = context;
    (void)from;
    (void)err;
    size_t len = strlen(rig->moves);
    snprintf(rig->moves + len, sizeof(rig->moves) - len, "%s ", aws_identity_state_name(to));
}

static void on_ready(void *context, const struct err *err)
{
    struct rig *rig = context;
    rig->told = true;
    rig->err = err ? *err : (struct err){0};
}

/* An environment without keys, but with the endpoint http://aws.test. */
static int open_rig(void **state)
{
    static struct rig rig;
    memset(&rig, 0, sizeof(rig));
    aws_world_open(&rig.world);
    fake_environment_set(&rig.world.fake, "AWS_ACCESS_KEY_ID", NULL);
    fake_environment_set(&rig.world.fake, "AWS_SECRET_ACCESS_KEY", NULL);
    rig.waiter = (struct aws_identity_waiter){.ready = on_ready, .context = &rig};
    struct aws_world *world = &rig.world;
    assert_int_equal(aws_settings_read(&world->environment, &rig.arena, &rig.settings, NULL), 0);
    assert_int_equal(
        aws_endpoints_find(&world->environment, &rig.settings, STR("us-west-2"), &rig.arena, &rig.endpoints, NULL), 0);
    const struct aws_identity_options options = {.loop = &world->loop,
                                                 .http = fake_http_http(world->http),
                                                 .chance = &world->chance,
                                                 .environment = &world->environment,
                                                 .endpoints = &rig.endpoints,
                                                 .moved = on_moved,
                                                 .context = &rig};
    assert_int_equal(aws_identity_open(&options, &rig.identity, NULL), 0);
    *state = &rig;
    return 0;
}

static int close_rig(void **state)
{
    struct rig *rig = *state;
    aws_identity_close(rig->identity);
    aws_world_close(&rig->world);
    arena_release(&rig->arena);
    return 0;
}

static void set(struct rig *rig, const char *name, const char *value)
{
    fake_environment_set(&rig->world.fake, name, value);
}

static bool was_told(void *context)
{
    return ((struct rig *)context)->told;
}

/* Asks, and turns the loop until there is an answer. */
static void load(struct rig *rig)
{
    rig->told = false;
    assert_int_equal(aws_identity_wait(rig->identity, &rig->waiter, NULL), 0);
    assert_false(rig->told);
    assert_true(virtual_time_until(&rig->world.loop, 600 * 1000, was_told, rig));
}

static void assert_keys(struct rig *rig, const char *id, const char *secret, const char *token)
{
    uint64_t generation = 0;
    const struct aws_credentials *got = aws_identity_credentials(rig->identity, &generation);
    if (!got)
        fail_msg("no keys: %s", rig->err.message);
    assert_true(str_is(got->access_key_id, id));
    assert_true(str_is(got->secret_access_key, secret));
    assert_true(str_is(got->session_token, token));
    assert_true(generation > 0);
}

static void assert_fails(struct rig *rig, int code, const char *words)
{
    load(rig);
    assert_int_equal(rig->err.code, code);
    if (!strstr(rig->err.message, words))
        fail_msg("\"%s\" lacks \"%s\"", rig->err.message, words);
    assert_null(strstr(rig->err.message, "SECRET"));
}

static void the_environment(void **state)
{
    struct rig *rig = *state;
    set(rig, "AWS_ACCESS_KEY_ID", "A");
    set(rig, "AWS_SECRET_ACCESS_KEY", "S");
    set(rig, "AWS_SESSION_TOKEN", "T");
    load(rig);
    assert_keys(rig, "A", "S", "T");
    assert_string_equal(rig->moves, "loading ready ");
    virtual_time_run(&rig->world.loop, 100 * 3600 * INT64_C(1000));
    assert_keys(rig, "A", "S", "T");
    assert_int_equal(fake_http_count(rig->world.http), 0);
}

#define STS_OK(action)                                                                                        \
    "<" action "Response><" action "Result><AssumedRoleUser><Arn>x</Arn></AssumedRoleUser><Credentials>"      \
    "<AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>SECRET</SecretAccessKey><SessionToken>ST</SessionToken>" \
    "<Expiration>2026-01-01T01:00:00Z</Expiration></Credentials></" action "Result></" action "Response>"

static void web_identity(void **state)
{
    struct rig *rig = *state;
    set(rig, "AWS_WEB_IDENTITY_TOKEN_FILE", "/token");
    set(rig, "AWS_ROLE_ARN", "arn:aws:iam::1:role/r");
    fake_environment_file(&rig->world.fake, "/token", "jwt.one\n");
    fake_http_answer(rig->world.http, "POST", "aws.test", 200, NULL, STS_OK("AssumeRoleWithWebIdentity"));
    load(rig);
    assert_keys(rig, "ASIA", "SECRET", "ST");
    const struct fake_request *request = fake_http_request(rig->world.http, 0);
    assert_true(str_is(request->body, "Action=AssumeRoleWithWebIdentity&Version=2011-06-15"
                                      "&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&RoleSessionName=stoker-1767225600"
                                      "&WebIdentityToken=jwt.one"));
    assert_true(str_is(fake_request_header(request, "authorization"), ""));

    /* 55 minutes later they are renewed while the old ones serve; the token file is read again. */
    virtual_time_run(&rig->world.loop, 55 * 60 * 1000 + 1000);
    fake_environment_file(&rig->world.fake, "/token", "jwt.two");
    assert_keys(rig, "ASIA", "SECRET", "ST");
    virtual_time_run(&rig->world.loop, 100);
    assert_string_equal(rig->moves, "loading ready renewing ");
    assert_true(str_ends(fake_http_request(rig->world.http, 1)->body, "WebIdentityToken=jwt.two"));

    /* STS is away: the old ones serve until a minute before their end; then who asks has to wait. */
    fake_http_answer(rig->world.http, "POST", "aws.test", 500, NULL, "");
    virtual_time_run(&rig->world.loop, 1000);
    assert_keys(rig, "ASIA", "SECRET", "ST");
    assert_string_equal(rig->moves, "loading ready renewing old ");
    virtual_time_run(&rig->world.loop, 4 * 60 * 1000);
    uint64_t generation;
    assert_null(aws_identity_credentials(rig->identity, &generation));
    for (int i = 0; i < AWS_IDENTITY_LOADS; i++)
        fake_http_answer(rig->world.http, "POST", "aws.test", 500, NULL, "");
    assert_fails(rig, ERR_RETRY, "web identity: sts:AssumeRoleWithWebIdentity: HTTP status 500");
    assert_string_equal(rig->moves, "loading ready renewing old empty loading backoff loading backoff loading failed ");
}

static void web_identity_refused(void **state)
{
    struct rig *rig = *state;
    set(rig, "AWS_WEB_IDENTITY_TOKEN_FILE", "/token");
    assert_fails(rig, ERR_AUTH, "environment: AWS_ACCESS_KEY_ID is not set; web identity: AWS_WEB_IDENTITY_TOKEN_FILE");
    set(rig, "AWS_ROLE_ARN", "arn:x");
    assert_fails(rig, ERR_NOT_FOUND, "/token");
    fake_environment_file(&rig->world.fake, "/token", "jwt");
    fake_http_answer(rig->world.http, "POST", "aws.test", 403, NULL,
                     "<ErrorResponse><Error><Code>AccessDenied</Code><Message>Not authorized</Message></Error>"
                     "</ErrorResponse>");
    assert_fails(rig, ERR_AUTH, "sts:AssumeRoleWithWebIdentity: AccessDenied: Not authorized");
    fake_http_answer(rig->world.http, "POST", "aws.test", 200, NULL, "<R><X><Credentials/></X></R>");
    fake_http_answer(rig->world.http, "POST", "aws.test", 200, NULL, STS_OK("AssumeRoleWithWebIdentity"));
    load(rig); /* an answer that lacks keys is asked for again */
    assert_keys(rig, "ASIA", "SECRET", "ST");
}

static void a_container(void **state)
{
    struct rig *rig = *state;
    set(rig, "AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials");
    set(rig, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/pod-token");
    fake_environment_file(&rig->world.fake, "/pod-token", "tok.en\n");
    fake_http_answer(rig->world.http, "GET", "http://169.254.170.23/v1/credentials", 200, NULL,
                     "{\"AccessKeyId\":\"C\",\"SecretAccessKey\":\"SECRET\",\"Token\":\"CT\","
                     "\"Expiration\":\"2026-01-01T06:00:00Z\",\"AccountId\":\"1\"}");
    load(rig);
    assert_keys(rig, "C", "SECRET", "CT");
    assert_true(str_is(fake_request_header(fake_http_request(rig->world.http, 0), "authorization"), "tok.en"));
}

static void containers_refused(void **state)
{
    struct rig *rig = *state;
    static const char *const urls[] = {"http://169.254.169.254/x", "http://evil.example/", "file:///etc/passwd",
                                       "http://169.254.170.2@evil.example/", "http://127.0.0.1.evil.example/"};
    for (size_t i = 0; i < CC_COUNT(urls); i++) {
        set(rig, "AWS_CONTAINER_CREDENTIALS_FULL_URI", urls[i]);
        assert_fails(rig, ERR_INVALID, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    }
    assert_int_equal(fake_http_count(rig->world.http), 0);
    set(rig, "AWS_CONTAINER_CREDENTIALS_FULL_URI", "https://keys.example/");
    set(rig, "AWS_CONTAINER_AUTHORIZATION_TOKEN", "SECRET\r\nX-Evil: 1");
    assert_fails(rig, ERR_INVALID, "line break");
    set(rig, "AWS_CONTAINER_AUTHORIZATION_TOKEN", NULL);
    fake_http_answer(rig->world.http, "GET", "keys.example", 403, NULL,
                     "{\"code\":\"AccessDenied\",\"message\":\"m\"}");
    assert_fails(rig, ERR_AUTH, "container credentials: AccessDenied: m");
    fake_http_answer(rig->world.http, "GET", "keys.example", 200, NULL, "{\"AccessKeyId\":\"SECRET\"}");
    assert_fails(rig, ERR_INVALID, "no SecretAccessKey");
    set(rig, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/x");
    for (int i = 0; i < AWS_IDENTITY_LOADS; i++)
        fake_http_fail(rig->world.http, "GET", "http://169.254.170.2/v2/x", ERR_RETRY, "reset");
    assert_fails(rig, ERR_RETRY, "container: reset");
}

static void instance_metadata(void **state)
{
    struct rig *rig = *state;
    fake_http_answer(rig->world.http, "PUT", "http://169.254.169.254/latest/api/token", 200, NULL, "TOKEN");
    fake_http_answer(rig->world.http, "GET", "/iam/security-credentials/", 200, NULL, "node-role\n");
    fake_http_answer(rig->world.http, "GET", "/iam/security-credentials/node-role", 200, NULL,
                     "{\"Code\":\"Success\",\"AccessKeyId\":\"I\",\"SecretAccessKey\":\"SECRET\",\"Token\":\"IT\","
                     "\"Expiration\":\"2026-01-01T06:00:00Z\"}");
    load(rig);
    assert_keys(rig, "I", "SECRET", "IT");
    assert_true(str_is(
        fake_request_header(fake_http_request(rig->world.http, 0), "x-aws-ec2-metadata-token-ttl-seconds"), "300"));
    assert_true(
        str_is(fake_request_header(fake_http_request(rig->world.http, 2), "x-aws-ec2-metadata-token"), "TOKEN"));
}

static void nobody_has_any(void **state)
{
    struct rig *rig = *state;
    set(rig, "AWS_EC2_METADATA_DISABLED", "true");
    assert_fails(rig, ERR_AUTH,
                 "no AWS credentials: environment: AWS_ACCESS_KEY_ID is not set; web identity: "
                 "AWS_WEB_IDENTITY_TOKEN_FILE is not set; container: AWS_CONTAINER_CREDENTIALS_FULL_URI is not set; "
                 "shared files: there is no profile default; instance metadata: AWS_EC2_METADATA_DISABLED is true");
    set(rig, "AWS_EC2_METADATA_DISABLED", NULL);
    fake_http_answer(rig->world.http, "PUT", "/latest/api/token", 200, NULL, "TOKEN");
    fake_http_answer(rig->world.http, "GET", "/iam/security-credentials/", 404, NULL, "");
    assert_fails(rig, ERR_AUTH, "instance metadata: the instance has no role");
    for (int i = 0; i < AWS_IDENTITY_LOADS; i++)
        fake_http_fail(rig->world.http, "PUT", "/latest/api/token", ERR_RETRY, "timeout");
    assert_fails(rig, ERR_RETRY, "hop limit");
}

/* The same over IPv6, and a role that a profile assumes with the instance's keys. */
static void over_ipv6(void **state)
{
    struct rig *rig = *state;
    set(rig, "AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://[fd00:ec2::23]/v1/credentials");
    fake_http_answer(rig->world.http, "GET", "http://[fd00:ec2::23]/v1/credentials", 200, NULL,
                     "{\"AccessKeyId\":\"C\",\"SecretAccessKey\":\"SECRET\",\"Token\":\"CT\","
                     "\"Expiration\":\"2026-01-01T06:00:00Z\"}");
    load(rig);
    assert_keys(rig, "C", "SECRET", "CT");
    assert_true(str_is(fake_request_header(fake_http_request(rig->world.http, 0), "authorization"), ""));

    uint64_t generation = 0;
    assert_non_null(aws_identity_credentials(rig->identity, &generation));
    aws_identity_reject(rig->identity, generation);
    set(rig, "AWS_CONTAINER_CREDENTIALS_FULL_URI", NULL);
    set(rig, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6");
    set(rig, "AWS_CONFIG_FILE", "/config");
    fake_environment_file(&rig->world.fake, "/config",
                          "[default]\nrole_arn = arn:a\ncredential_source = Ec2InstanceMetadata\n");
    fake_http_answer(rig->world.http, "PUT", "http://[fd00:ec2::254]/latest/api/token", 200, NULL, "TOKEN");
    fake_http_answer(rig->world.http, "GET", "/iam/security-credentials/", 200, NULL, "r");
    fake_http_answer(rig->world.http, "GET", "/iam/security-credentials/r", 200, NULL,
                     "{\"AccessKeyId\":\"I\",\"SecretAccessKey\":\"SECRET\",\"Token\":\"IT\"}");
    fake_http_answer(rig->world.http, "POST", "aws.test", 200, NULL, STS_OK("AssumeRole"));
    load(rig);
    assert_keys(rig, "ASIA", "SECRET", "ST");
    assert_true(
        str_is(fake_request_header(fake_http_last(rig->world.http, "POST", "aws.test"), "x-amz-security-token"), "IT"));
}

/* Sets the config file and says what a load says. */
static void with_profile(struct rig *rig, const char *profile, const char *config)
{
    set(rig, "AWS_CONFIG_FILE", "/config");
    set(rig, "AWS_PROFILE", profile);
    fake_environment_file(&rig->world.fake, "/config", config);
}

static void profiles(void **state)
{
    struct rig *rig = *state;
    with_profile(rig, "dev",
                 "[profile dev]\nrole_arn = arn:a\nsource_profile = base\nexternal_id = e\n"
                 "duration_seconds = 900\nrole_session_name = me\n"
                 "[profile base]\naws_access_key_id = B\naws_secret_access_key = SECRET\n");
    fake_http_answer(rig->world.http, "POST", "aws.test", 200, NULL, STS_OK("AssumeRole"));
    load(rig);
    assert_keys(rig, "ASIA", "SECRET", "ST");
    const struct fake_request *request = fake_http_request(rig->world.http, 0);
    assert_true(str_ends(request->body, "&RoleArn=arn%3Aa&RoleSessionName=me&ExternalId=e&DurationSeconds=900"));
    assert_true(str_starts(fake_request_header(request, "authorization"),
                           "AWS4-HMAC-SHA256 Credential=B/20260101/us-west-2/sts/"));
}

static void more_profiles(void **state)
{
    struct rig *rig = *state;
    set(rig, "AWS_EC2_METADATA_DISABLED", "true");
    with_profile(rig, "p", "[profile p]\ncredential_process = /bin/keys --for me\n");
    rig->world.commands.printed = "{\"Version\":1,\"AccessKeyId\":\"P\",\"SecretAccessKey\":\"SECRET\"}";
    load(rig);
    assert_keys(rig, "P", "SECRET", "");
    assert_string_equal(rig->world.commands.line, "/bin/sh -c /bin/keys --for me");
    uint64_t generation = 0;
    assert_non_null(aws_identity_credentials(rig->identity, &generation));
    aws_identity_reject(rig->identity, generation + 1); /* others than those in use: nothing happens */
    assert_non_null(aws_identity_credentials(rig->identity, &generation));
    aws_identity_reject(rig->identity, generation);
    assert_null(aws_identity_credentials(rig->identity, &generation));
    rig->world.commands.printed = "SECRET";
    assert_fails(rig, ERR_INVALID, "credential_process of profile p");
    rig->world.commands.printed = NULL;
    assert_fails(rig, ERR_FATAL, "credential_process of profile p: the command fails");
    with_profile(rig, "self",
                 "[profile self]\nrole_arn = arn:a\nsource_profile = self\naws_access_key_id = B\n"
                 "aws_secret_access_key = SECRET\n");
    fake_http_answer(rig->world.http, "POST", "aws.test", 200, NULL, STS_OK("AssumeRole"));
    load(rig);
    assert_keys(rig, "ASIA", "SECRET", "ST");
}

/* Beside the loop: it goes on meanwhile, and what is given up is ended. */
static void a_process_takes_its_time(void **state)
{
    struct rig *rig = *state;
    with_profile(rig, "p",
                 "[profile p]\ncredential_process = keys\n"
                 "[profile q]\nrole_arn = arn:a\nsource_profile = p\n");
    rig->world.commands.printed = "{\"Version\":1,\"AccessKeyId\":\"P\",\"SecretAccessKey\":\"SECRET\","
                                  "\"Expiration\":\"2026-01-01T01:00:00Z\"}";
    rig->world.commands.takes_ms = 20 * 1000;
    rig->told = false;
    assert_int_equal(aws_identity_wait(rig->identity, &rig->waiter, NULL), 0);
    virtual_time_run(&rig->world.loop, 19 * 1000);
    assert_false(rig->told);
    assert_int_equal(rig->world.commands.running, 1);
    virtual_time_run(&rig->world.loop, 2 * 1000);
    assert_keys(rig, "P", "SECRET", "");

    /* They are renewed while the old ones serve; the loop comes and goes. */
    virtual_time_run(&rig->world.loop, 55 * 60 * 1000);
    assert_keys(rig, "P", "SECRET", "");
    assert_int_equal(rig->world.commands.running, 1);
    virtual_time_run(&rig->world.loop, 19 * 1000);
    assert_keys(rig, "P", "SECRET", "");
    assert_string_equal(rig->moves, "loading ready renewing ");

    /* One that hangs is ended with the load; as the source of a role it does no more than that. */
    uint64_t generation = 0;
    virtual_time_run(&rig->world.loop, 2 * 1000);
    assert_non_null(aws_identity_credentials(rig->identity, &generation));
    aws_identity_reject(rig->identity, generation);
    assert_null(aws_identity_credentials(rig->identity, &generation));
    set(rig, "AWS_PROFILE", "q");
    rig->world.commands.takes_ms = 3600 * 1000;
    assert_fails(rig, ERR_RETRY, "no answer within 60 s");
    assert_int_equal(rig->world.commands.cancelled, AWS_IDENTITY_LOADS);
    assert_int_equal(rig->world.commands.running, 0);
}

static void profiles_refused(void **state)
{
    struct rig *rig = *state;
    static const struct {
        const char *profile, *config, *words;
        int code;
    } cases[] = {
        {"gone", "[profile dev]\n", "there is no profile gone (AWS_PROFILE)", ERR_AUTH},
        {"dev", "[profile dev]\nregion = x\n", "profile dev has no credentials", ERR_AUTH},
        {"dev", "[profile dev]\nsso_session = x\n", "signs in by sso", ERR_AUTH},
        {"dev", "[profile dev]\nrole_arn = x\nmfa_serial = y\n", "second factor", ERR_AUTH},
        {"dev", "[profile dev]\nrole_arn = x\n", "role_arn without source_profile", ERR_INVALID},
        {"dev", "[profile dev]\nrole_arn = x\nsource_profile = no\n", "there is no source_profile no", ERR_INVALID},
        {"dev", "[profile dev]\nrole_arn = x\ncredential_source = Moon\n", "credential_source is none of", ERR_INVALID},
        {"dev", "[profile dev]\nrole_arn = x\ncredential_source = Environment\n",
         "credential_source: AWS_ACCESS_KEY_ID is not set", ERR_AUTH},
        {"a", "[profile a]\nrole_arn = x\nsource_profile = b\n[profile b]\nrole_arn = y\nsource_profile = a\n",
         "in a circle", ERR_INVALID},
        {"dev", "[profile dev]\naws_secret_access_key = SECRET\n", "only one of", ERR_AUTH},
        {"dev", "[profile dev]\nSECRET\n", "/config: line 2", ERR_INVALID},
    };
    for (size_t i = 0; i < CC_COUNT(cases); i++) {
        with_profile(rig, cases[i].profile, cases[i].config);
        assert_fails(rig, cases[i].code, cases[i].words);
    }
    assert_int_equal(fake_http_count(rig->world.http), 0);
}

/* Keys that come when they are about to end are used as long as they are good; those that have ended are not. */
static void short_lived(void **state)
{
    struct rig *rig = *state;
    uint64_t generation;
    set(rig, "AWS_ACCESS_KEY_ID", "A");
    set(rig, "AWS_SECRET_ACCESS_KEY", "S");
    set(rig, "AWS_CREDENTIAL_EXPIRATION", "2025-12-31T23:59:00Z");
    assert_fails(rig, ERR_RETRY, "had expired 6"); /* 60 s, and what the back-off took */
    set(rig, "AWS_CREDENTIAL_EXPIRATION", "2026-01-01T00:01:00Z");
    load(rig);
    assert_keys(rig, "A", "S", "");
    virtual_time_run(&rig->world.loop, 61 * 1000);
    assert_null(aws_identity_credentials(rig->identity, &generation));
}

/* Our clock is two hours fast: by it, the keys had ended before they came, and the signature is refused. */
static void a_wrong_clock(void **state)
{
    struct rig *rig = *state;
    rig->world.time.wall_ns += INT64_C(2) * 3600 * 1000000000;
    with_profile(rig, "dev",
                 "[profile dev]\nrole_arn = arn:a\nsource_profile = dev\naws_access_key_id = B\n"
                 "aws_secret_access_key = SECRET\n");
    fake_http_answer(rig->world.http, "POST", "aws.test", 403, "date: Thu, 01 Jan 2026 00:00:00 GMT",
                     "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code></Error></ErrorResponse>");
    fake_http_answer(rig->world.http, "POST", "aws.test", 200, "date: Thu, 01 Jan 2026 00:00:01 GMT",
                     STS_OK("AssumeRole"));
    load(rig);
    assert_keys(rig, "ASIA", "SECRET", "ST");
    assert_true(str_starts(fake_request_header(fake_http_request(rig->world.http, 1), "x-amz-date"), "20260101T00000"));
    int64_t ahead_ns = aws_identity_now(rig->identity).ns - VIRTUAL_TIME_START_S * 1000000000;
    assert_true(ahead_ns >= 0 && ahead_ns < INT64_C(10) * 1000000000);
}

static void no_answer_at_all(void **state)
{
    struct rig *rig = *state;
    set(rig, "AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1/");
    assert_fails(rig, ERR_RETRY, "no answer within 60 s");
    assert_true(fake_http_request(rig->world.http, 0)->cancelled);
    rig->told = false;
    assert_int_equal(aws_identity_wait(rig->identity, &rig->waiter, NULL), 0);
    aws_identity_forget(rig->identity, &rig->waiter);
    virtual_time_run(&rig->world.loop, 300 * 1000);
    assert_false(rig->told);
}

static void on_region(void *context, struct str region, const struct err *err)
{
    struct rig *rig = context;
    rig->told = true;
    rig->err = err ? *err : (struct err){0};
    rig->region = str_dup(&rig->arena, region);
}

static void find_region(struct rig *rig)
{
    struct aws_region_search *search;
    struct err err = {0};
    rig->told = false;
    if (aws_region_find(&rig->world.loop, fake_http_http(rig->world.http), &rig->world.environment, on_region, rig,
                        &search, &err))
        fail_msg("%s", err.message);
    assert_false(rig->told);
    assert_true(virtual_time_until(&rig->world.loop, 60 * 1000, was_told, rig));
}

static void regions(void **state)
{
    struct rig *rig = *state;
    struct aws_region_search *search;
    fake_http_answer(rig->world.http, "PUT", "/latest/api/token", 200, NULL, "TOKEN");
    fake_http_answer(rig->world.http, "GET", "/latest/meta-data/placement/region", 200, NULL, "eu-west-1");
    find_region(rig);
    assert_true(str_is(rig->region, "eu-west-1"));
    fake_http_fail(rig->world.http, "PUT", "/latest/api/token", ERR_RETRY, "timeout");
    find_region(rig);
    assert_int_equal(rig->err.code, ERR_RETRY);
    assert_non_null(strstr(rig->err.message, "no region: AWS_REGION is not set"));
    set(rig, "AWS_REGION", "us-east-2");
    find_region(rig);
    assert_true(str_is(rig->region, "us-east-2"));
    assert_int_equal(aws_region_find(&rig->world.loop, fake_http_http(rig->world.http), &rig->world.environment,
                                     on_region, rig, &search, NULL),
                     0);
    aws_region_cancel(search);
}

#define IN_RIG(test) cmocka_unit_test_setup_teardown(test, open_rig, close_rig)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_RIG(the_environment),
        IN_RIG(web_identity),
        IN_RIG(web_identity_refused),
        IN_RIG(a_container),
        IN_RIG(profiles),
        IN_RIG(containers_refused),
        IN_RIG(instance_metadata),
        IN_RIG(nobody_has_any),
        IN_RIG(more_profiles),
        IN_RIG(profiles_refused),
        IN_RIG(short_lived),
        IN_RIG(no_answer_at_all),
        IN_RIG(regions),
        IN_RIG(a_wrong_clock),
        IN_RIG(over_ipv6),
        IN_RIG(a_process_takes_its_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
