#include "cloud/aws/endpoints.h"

#include <string.h>
#include <strings.h>

struct partition {
    const char *prefix;                            /* of its regions */
    const char *name, *suffix, *dual_stack_suffix; /* the latter NULL where there is none */
    bool fips_is_default;                          /* what FIPS asks for is what all get */
};

/* The first whose prefix fits. Source: partitions.json of the SDKs. */
static const struct partition PARTITIONS[] = {
    {"cn-", "aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn", false},
    {"us-gov-", "aws-us-gov", "amazonaws.com", "api.aws", true},
    {"us-iso-", "aws-iso", "c2s.ic.gov", NULL, true},
    {"us-isob-", "aws-iso-b", "sc2s.sgov.gov", NULL, true},
    {"us-isof-", "aws-iso-f", "csp.hci.ic.gov", NULL, true},
    {"eu-isoe-", "aws-iso-e", "cloud.adc-e.uk", NULL, true},
    {"eusc-", "aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu", false},
    {"", "aws", "amazonaws.com", "api.aws", false},
};

static const struct partition *partition_of(struct str region)
{
    size_t i = 0;
    while (!str_starts(region, PARTITIONS[i].prefix))
        i++;
    return &PARTITIONS[i];
}

struct finding {
    const struct aws_environment *environment;
    const struct aws_settings *settings;
    const struct partition *partition;
    struct str region;
    bool fips, dual_stack, ignore_configured;
    struct arena *arena;
};

/* A switch of the environment, else of the profile. */
static bool is_on(const struct finding *f, const char *variable, const char *key)
{
    if (aws_environment_get(f->environment, variable))
        return aws_environment_is_true(f->environment, variable);
    struct str value = aws_settings_get(f->settings, f->settings->profile, key);
    return value.len == 4 && strncasecmp(value.ptr, "true", 4) == 0;
}

/* What the environment or the profile says; `ret_from` names who. "" if nobody. */
static struct str configured(const struct finding *f, enum aws_service service, const char **ret_from)
{
    const struct aws_service_info *info = aws_service_info(service);
    const char *const variables[] = {info->variable, "AWS_ENDPOINT_URL"};
    if (f->ignore_configured)
        return STR("");
    for (size_t i = 0; i < CC_COUNT(variables); i++) {
        const char *value = aws_environment_get(f->environment, variables[i]);
        *ret_from = variables[i];
        if (value)
            return str_of(value);
    }
    *ret_from = "endpoint_url of the profile";
    struct str own = aws_settings_service_get(f->settings, f->settings->profile, info->profile_key, "endpoint_url");
    return own.len ? own : aws_settings_get(f->settings, f->settings->profile, "endpoint_url");
}

/* The region that serves the Price List. Source: "AWS Price List Query API endpoints". "" where there is none. */
static struct str pricing_region(const struct finding *f)
{
    if (strcmp(f->partition->name, "aws-cn") == 0)
        return STR("cn-northwest-1");
    if (strcmp(f->partition->name, "aws") != 0)
        return STR("");
    if (str_starts(f->region, "ap-"))
        return STR("ap-south-1");
    return str_starts(f->region, "eu-") ? STR("eu-central-1") : STR("us-east-1");
}

static const char *own_url(const struct finding *f, enum aws_service service, struct str region)
{
    const char *name = aws_service_info(service)->endpoint;
    if (service == AWS_PRICING)
        return arena_printf(f->arena, "https://%s.%.*s.%s/", name, STR_ARG(region), f->partition->suffix);
    bool dual = f->dual_stack && f->partition->dual_stack_suffix;
    bool fips = f->fips && !f->partition->fips_is_default;
    return arena_printf(f->arena, "https://%s%s.%.*s.%s/", name, fips ? "-fips" : "", STR_ARG(region),
                        dual ? f->partition->dual_stack_suffix : f->partition->suffix);
}

static int find_one(const struct finding *f, enum aws_service service, struct aws_endpoint *ret, struct err *err)
{
    const char *from = "the region";
    struct str said = configured(f, service, &from);
    struct str region = service == AWS_PRICING ? pricing_region(f) : f->region;
    if (!said.len && !region.len)
        return 0;
    const char *slash = str_ends(said, "/") ? "" : "/";
    struct aws_endpoint found = {.signing_region = region.len ? region : f->region};
    found.url = said.len ? arena_printf(f->arena, "%.*s%s", STR_ARG(said), slash) : own_url(f, service, region);
    if (!found.url)
        return err_nomem(err);
    int rc = aws_url_read(str_of(found.url), &found.parts, err);
    if (!rc && found.parts.query.len)
        rc = err_set(err, ERR_INVALID, "the URL of an endpoint has no query");
    if (rc)
        return err_wrap(err, "%s", from);
    *ret = found;
    return 0;
}

static int find_trust(const struct finding *f, struct aws_endpoints *ret, struct err *err)
{
    const char *path = aws_environment_get(f->environment, "AWS_CA_BUNDLE");
    struct str said = aws_settings_get(f->settings, f->settings->profile, "ca_bundle");
    if (!path && said.len) {
        path = str_dup(f->arena, said).ptr;
        if (!path)
            return err_nomem(err);
    }
    if (!path)
        return 0;
    int rc = f->environment->read(f->environment->context, path, f->arena, &ret->tls.ca_pem, err);
    if (rc)
        return rc == ERR_NOMEM ? rc : err_wrap(err, "AWS_CA_BUNDLE");
    if (!ret->tls.ca_pem.len)
        return err_set(err, ERR_INVALID, "AWS_CA_BUNDLE: %s is empty", path);
    ret->has_tls = true;
    return 0;
}

static bool is_region(struct str region)
{
    for (size_t i = 0; i < region.len; i++) {
        char c = region.ptr[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-')
            return false;
    }
    return region.len > 0 && region.len <= 63;
}

int aws_endpoints_find(const struct aws_environment *environment, const struct aws_settings *settings,
                       struct str region, struct arena *arena, struct aws_endpoints *ret, struct err *err)
{
    if (!is_region(region))
        return err_set(err, ERR_INVALID, "the region is empty or has other characters than a-z, 0-9 and '-'");
    struct finding f = {.environment = environment, .settings = settings, .region = region, .arena = arena};
    f.partition = partition_of(region);
    f.fips = is_on(&f, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint");
    f.dual_stack = is_on(&f, "AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint");
    f.ignore_configured = is_on(&f, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls");
    struct aws_endpoints found = {.region = region};
    int rc = find_trust(&f, &found, err);
    for (int service = 0; service < AWS_SERVICES && !rc; service++)
        rc = find_one(&f, (enum aws_service)service, &found.of[service], err);
    if (!rc)
        *ret = found;
    return rc;
}

struct str aws_endpoints_region(const struct aws_environment *environment, const struct aws_settings *settings)
{
    static const char *const variables[] = {"AWS_REGION", "AWS_DEFAULT_REGION"};
    for (size_t i = 0; i < CC_COUNT(variables); i++) {
        const char *value = aws_environment_get(environment, variables[i]);
        if (value)
            return str_of(value);
    }
    return aws_settings_get(settings, settings->profile, "region");
}
