/* test_aws_settings.c - shared files, URLs, regions and endpoints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cloud/aws/endpoints.h"
#include "tests/support/fake_environment.h"

static const char CONFIG[] = "# a comment\n"
                             "[default]\n"
                             "region = us-west-2 # said here\n"
                             "s3 =\n"
                             "  max_concurrent_requests = 20\r\n"
                             "\n"
                             "[profile dev]\n"
                             "role_arn=arn:aws:iam::111122223333:role/x;y\n"
                             "services = local\n"
                             "region = eu-west-1\n"
                             "region = eu-west-2\n"
                             "[services local]\n"
                             "ec2 =\n"
                             "  endpoint_url = http://localhost:5055\n"
                             "[ profile  two words ]\n"
                             "ca_bundle = /pem\n";
static const char CREDENTIALS[] = "[default]\naws_access_key_id = AKID\n[dev]\nregion = from-credentials\n";

static void settings(void **state)
{
    (void)state;
    struct fake_environment fake = {0};
    fake_environment_set(&fake, "HOME", "/home/me");
    fake_environment_file(&fake, "/home/me/.aws/config", CONFIG);
    fake_environment_set(&fake, "AWS_SHARED_CREDENTIALS_FILE", "/credentials");
    fake_environment_file(&fake, "/credentials", CREDENTIALS);
    struct aws_environment environment = fake_environment_environment(&fake);
    struct arena arena = ARENA_INIT;
    struct aws_settings s;
    assert_int_equal(aws_settings_read(&environment, &arena, &s, NULL), 0);
    assert_true(str_is(s.profile, "default") && !s.profile_named);
    assert_true(str_is(aws_settings_get(&s, s.profile, "region"), "us-west-2"));
    assert_true(str_is(aws_settings_get(&s, s.profile, "aws_access_key_id"), "AKID"));
    assert_true(str_is(aws_settings_get(&s, s.profile, "max_concurrent_requests"), ""));
    assert_true(str_is(aws_settings_get(&s, STR("dev"), "region"), "from-credentials"));
    assert_true(str_is(aws_ini_get(&s.config, "profile", STR("dev"), "", "region"), "eu-west-2"));
    assert_true(str_is(aws_settings_get(&s, STR("dev"), "role_arn"), "arn:aws:iam::111122223333:role/x;y"));
    assert_true(str_is(aws_settings_service_get(&s, STR("dev"), "ec2", "endpoint_url"), "http://localhost:5055"));
    assert_true(str_is(aws_settings_service_get(&s, STR("default"), "ec2", "endpoint_url"), ""));
    assert_true(str_is(aws_settings_get(&s, STR("two words"), "ca_bundle"), "/pem"));
    assert_true(aws_settings_has(&s, STR("dev")) && !aws_settings_has(&s, STR("local")));
    assert_true(str_is(aws_endpoints_region(&environment, &s), "us-west-2"));
    fake_environment_set(&fake, "AWS_DEFAULT_REGION", "eu-central-1");
    assert_true(str_is(aws_endpoints_region(&environment, &s), "eu-central-1"));
    fake_environment_set(&fake, "AWS_REGION", "ap-south-1");
    assert_true(str_is(aws_endpoints_region(&environment, &s), "ap-south-1"));
    arena_release(&arena);
}

static void broken_files(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"region = x\n", "/c: line 1: a setting before"},        {"[default\n", "/c: line 1: a section without"},
        {"[default]\n\n[ ]\n", "/c: line 3: a section without"}, {"[default]\nwJalrXUtnFEMI\n", "/c: line 2: neither"},
        {"[default]\n= wJalrXUtnFEMI\n", "/c: line 2: neither"},
    };
    for (size_t i = 0; i < CC_COUNT(cases); i++) {
        struct fake_environment fake = {0};
        fake_environment_set(&fake, "AWS_CONFIG_FILE", "/c");
        fake_environment_file(&fake, "/c", cases[i].text);
        struct aws_environment environment = fake_environment_environment(&fake);
        struct arena arena = ARENA_INIT;
        struct aws_settings s;
        struct err err = {0};
        assert_int_equal(aws_settings_read(&environment, &arena, &s, &err), ERR_INVALID);
        if (!strstr(err.message, cases[i].words) || strstr(err.message, "wJalr"))
            fail_msg("case %zu: %s", i, err.message);
        arena_release(&arena);
    }
}

/* Another user's home is no reason to stop; a file that was named is. */
static void forbidden_files(void **state)
{
    (void)state;
    struct fake_environment fake = {.forbidden = "/root/.aws/config"};
    struct aws_environment environment = fake_environment_environment(&fake);
    struct arena arena = ARENA_INIT;
    struct aws_settings s;
    struct err err = {0};
    fake_environment_set(&fake, "HOME", "/root");
    fake_environment_file(&fake, "/root/.aws/credentials", "[default]\nregion = x\n");
    assert_int_equal(aws_settings_read(&environment, &arena, &s, &err), 0);
    assert_true(str_is(aws_settings_get(&s, s.profile, "region"), "x"));
    fake_environment_set(&fake, "AWS_CONFIG_FILE", "/root/.aws/config");
    assert_int_equal(aws_settings_read(&environment, &arena, &s, &err), ERR_AUTH);
    assert_string_equal(err.message, "/root/.aws/config: permission denied");
    arena_release(&arena);
}

static void urls(void **state)
{
    (void)state;
    static const struct {
        const char *text, *authority, *host, *path, *query;
        bool loopback;
    } good[] = {
        {"http://localhost:5055", "localhost:5055", "localhost", "", "", true},
        {"https://ec2.us-west-2.amazonaws.com:443/", "ec2.us-west-2.amazonaws.com", "ec2.us-west-2.amazonaws.com", "/",
         "", false},
        {"http://[fd00:ec2::23]/v1/credentials?a=b", "[fd00:ec2::23]", "fd00:ec2::23", "/v1/credentials", "a=b", false},
        {"http://[::1]:80/x", "[::1]", "::1", "/x", "", true},
        {"http://127.9.8.7", "127.9.8.7", "127.9.8.7", "", "", true},
        {"http://127.0.0.1.evil.example/", "127.0.0.1.evil.example", "127.0.0.1.evil.example", "/", "", false},
        {"http://169.254.170.2?x", "169.254.170.2", "169.254.170.2", "", "x", false},
        {"https://h:80/", "h:80", "h", "/", "", false},
    };
    for (size_t i = 0; i < CC_COUNT(good); i++) {
        struct aws_url url;
        assert_int_equal(aws_url_read(str_of(good[i].text), &url, NULL), 0);
        assert_true(str_is(url.authority, good[i].authority));
        assert_true(str_is(url.host, good[i].host));
        assert_true(str_is(url.path, good[i].path));
        assert_true(str_is(url.query, good[i].query));
        assert_int_equal(aws_url_is_loopback(&url), good[i].loopback);
    }
    static const char *const bad[] = {"",
                                      "ftp://x/",
                                      "http://",
                                      "http:///x",
                                      "http://169.254.170.2@evil.example/",
                                      "http://a b/",
                                      "http://a\\b/",
                                      "http://a/\r\nX: y",
                                      "http://a:0/",
                                      "http://a:99999/",
                                      "http://a:/",
                                      "http://a:+1/",
                                      "http://[::1/",
                                      "http://[::1]x/",
                                      "http://a/#f"};
    for (size_t i = 0; i < CC_COUNT(bad); i++) {
        struct aws_url url;
        if (aws_url_read(str_of(bad[i]), &url, NULL) != ERR_INVALID)
            fail_msg("%s was taken", bad[i]);
    }
}

/* The URL that a service has in a region; NULL where it has none. */
static void assert_endpoint(struct fake_environment *fake, const char *region, enum aws_service service,
                            const char *url, const char *signing_region)
{
    struct aws_environment environment = fake_environment_environment(fake);
    struct arena arena = ARENA_INIT;
    struct aws_settings s;
    struct aws_endpoints endpoints;
    struct err err = {0};
    assert_int_equal(aws_settings_read(&environment, &arena, &s, &err), 0);
    if (aws_endpoints_find(&environment, &s, str_of(region), &arena, &endpoints, &err))
        fail_msg("%s", err.message);
    if (url) {
        assert_string_equal(endpoints.of[service].url, url);
        assert_true(str_is(endpoints.of[service].signing_region, signing_region));
    } else {
        assert_null(endpoints.of[service].url);
    }
    arena_release(&arena);
}

static void own_endpoints(void **state)
{
    (void)state;
    struct fake_environment fake = {0};
    assert_endpoint(&fake, "us-west-2", AWS_EC2, "https://ec2.us-west-2.amazonaws.com/", "us-west-2");
    assert_endpoint(&fake, "us-west-2", AWS_PRICING, "https://api.pricing.us-east-1.amazonaws.com/", "us-east-1");
    assert_endpoint(&fake, "eu-north-1", AWS_PRICING, "https://api.pricing.eu-central-1.amazonaws.com/",
                    "eu-central-1");
    assert_endpoint(&fake, "cn-north-1", AWS_SQS, "https://sqs.cn-north-1.amazonaws.com.cn/", "cn-north-1");
    assert_endpoint(&fake, "us-gov-east-1", AWS_PRICING, NULL, NULL);
    assert_endpoint(&fake, "us-isof-south-1", AWS_EC2, "https://ec2.us-isof-south-1.csp.hci.ic.gov/",
                    "us-isof-south-1");
    assert_endpoint(&fake, "eusc-de-east-1", AWS_EC2, "https://ec2.eusc-de-east-1.amazonaws.eu/", "eusc-de-east-1");
    fake_environment_set(&fake, "AWS_USE_FIPS_ENDPOINT", "TRUE");
    assert_endpoint(&fake, "us-east-1", AWS_STS, "https://sts-fips.us-east-1.amazonaws.com/", "us-east-1");
    assert_endpoint(&fake, "us-gov-west-1", AWS_STS, "https://sts.us-gov-west-1.amazonaws.com/", "us-gov-west-1");
    fake_environment_set(&fake, "AWS_USE_DUALSTACK_ENDPOINT", "true");
    assert_endpoint(&fake, "us-east-1", AWS_EC2, "https://ec2-fips.us-east-1.api.aws/", "us-east-1");
}

static void configured_endpoints(void **state)
{
    (void)state;
    struct fake_environment fake = {0};
    fake_environment_set(&fake, "AWS_CONFIG_FILE", "/c");
    fake_environment_file(&fake, "/c", CONFIG);
    fake_environment_set(&fake, "AWS_PROFILE", "dev");
    assert_endpoint(&fake, "us-west-2", AWS_EC2, "http://localhost:5055/", "us-west-2");
    assert_endpoint(&fake, "us-west-2", AWS_SQS, "https://sqs.us-west-2.amazonaws.com/", "us-west-2");
    fake_environment_set(&fake, "AWS_ENDPOINT_URL", "http://127.0.0.1:1/all/");
    assert_endpoint(&fake, "us-west-2", AWS_EC2, "http://127.0.0.1:1/all/", "us-west-2");
    fake_environment_set(&fake, "AWS_ENDPOINT_URL_EC2", "http://127.0.0.1:2");
    assert_endpoint(&fake, "us-west-2", AWS_EC2, "http://127.0.0.1:2/", "us-west-2");
    assert_endpoint(&fake, "us-west-2", AWS_AUTOSCALING, "http://127.0.0.1:1/all/", "us-west-2");
    fake_environment_set(&fake, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
    assert_endpoint(&fake, "us-west-2", AWS_EC2, "https://ec2.us-west-2.amazonaws.com/", "us-west-2");
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value, *region, *words;
    } cases[] = {
        {"AWS_ENDPOINT_URL_SSM", "localhost:5055", "us-west-2", "AWS_ENDPOINT_URL_SSM: the URL begins"},
        {"AWS_ENDPOINT_URL", "http://h/?q", "us-west-2", "AWS_ENDPOINT_URL: the URL of an endpoint has no query"},
        {"AWS_CA_BUNDLE", "/none.pem", "us-west-2", "AWS_CA_BUNDLE: /none.pem"},
        {"X", "x", "us-west-2.evil.example/", "the region is"},
        {"X", "x", "", "the region is empty"},
    };
    for (size_t i = 0; i < CC_COUNT(cases); i++) {
        struct fake_environment fake = {0};
        fake_environment_set(&fake, cases[i].name, cases[i].value);
        struct aws_environment environment = fake_environment_environment(&fake);
        struct arena arena = ARENA_INIT;
        struct aws_settings s;
        struct aws_endpoints endpoints;
        struct err err = {0};
        assert_int_equal(aws_settings_read(&environment, &arena, &s, NULL), 0);
        assert_true(aws_endpoints_find(&environment, &s, str_of(cases[i].region), &arena, &endpoints, &err) < 0);
        if (!strstr(err.message, cases[i].words))
            fail_msg("case %zu: %s", i, err.message);
        arena_release(&arena);
    }
}

static void trust(void **state)
{
    (void)state;
    struct fake_environment fake = {0};
    fake_environment_set(&fake, "AWS_CA_BUNDLE", "/ca.pem");
    fake_environment_file(&fake, "/ca.pem", "PEM");
    struct aws_environment environment = fake_environment_environment(&fake);
    struct arena arena = ARENA_INIT;
    struct aws_settings s;
    struct aws_endpoints endpoints;
    assert_int_equal(aws_settings_read(&environment, &arena, &s, NULL), 0);
    assert_int_equal(aws_endpoints_find(&environment, &s, STR("us-west-2"), &arena, &endpoints, NULL), 0);
    assert_true(endpoints.has_tls && str_is(endpoints.tls.ca_pem, "PEM"));
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings),      cmocka_unit_test(broken_files),         cmocka_unit_test(urls),
        cmocka_unit_test(own_endpoints), cmocka_unit_test(configured_endpoints), cmocka_unit_test(refused),
        cmocka_unit_test(trust),         cmocka_unit_test(forbidden_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
