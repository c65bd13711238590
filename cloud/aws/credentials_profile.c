/* A profile of the shared config and credentials files: keys, a process that prints them, or a role to assume. */
#include "cloud/aws/credentials.h"
#include "cloud/aws/credentials_load.h"
#include "cloud/aws/json.h"
#include "cloud/aws/settings.h"

/* Less than the load's own limit, so that it is said what took so long. */
enum { PROCESS_TIMEOUT_MS = AWS_IDENTITY_LOAD_LIMIT_MS - 10 * 1000 };

struct resolving {
    struct aws_load *load;
    struct aws_settings settings;
    struct str profile; /* the one being looked at */
};

static struct str get(const struct resolving *r, const char *key)
{
    return aws_settings_get(&r->settings, r->profile, key);
}

static int role_of(const struct resolving *r, struct aws_role *ret, struct err *err)
{
    *ret = (struct aws_role){get(r, "role_arn"), get(r, "role_session_name"), get(r, "external_id"),
                             get(r, "duration_seconds")};
    if (!ret->session_name.len)
        ret->session_name = aws_load_session_name(r->load);
    return ret->session_name.ptr ? 0 : err_nomem(err);
}

static int push_role(struct resolving *r, struct err *err)
{
    if (get(r, "mfa_serial").len)
        return err_set(err, ERR_AUTH, "profile %.*s asks for a second factor (mfa_serial): nobody is there to give it",
                       STR_ARG(r->profile));
    if (r->load->n_roles == AWS_LOAD_MAX_ROLES)
        return err_set(err, ERR_INVALID, "source_profile goes on for more than %d profiles, or in a circle",
                       AWS_LOAD_MAX_ROLES);
    return role_of(r, &r->load->roles[r->load->n_roles++], err);
}

static void start_web_identity(struct resolving *r, struct str file)
{
    struct err err = {0};
    struct aws_role role;
    const char *path = str_dup(&r->load->arena, file).ptr;
    int rc = path ? role_of(r, &role, &err) : err_nomem(&err);
    if (rc)
        aws_load_fail(r->load, &err);
    else
        aws_load_web_identity(r->load, &role, path);
}

static int start_source(struct resolving *r, struct str source, struct err *err)
{
    static const struct {
        const char *name;
        const struct aws_provider *provider;
    } sources[] = {{"Environment", &aws_provider_environment},
                   {"EcsContainer", &aws_provider_container},
                   {"Ec2InstanceMetadata", &aws_provider_imds}};
    for (size_t i = 0; i < CC_COUNT(sources); i++) {
        if (str_is(source, sources[i].name)) {
            sources[i].provider->start(r->load);
            return 0;
        }
    }
    return err_set(err, ERR_INVALID,
                   "profile %.*s: credential_source is none of Environment, EcsContainer, "
                   "Ec2InstanceMetadata",
                   STR_ARG(r->profile));
}

static void process_failed(struct aws_load *load, struct err *err)
{
    err_wrap(err, "credential_process of profile %.*s", STR_ARG(load->profile));
    aws_load_fail(load, err);
}

/* Its output is never repeated. */
static void on_printed(void *context, struct str output, const struct err *failed)
{
    struct aws_load *load = context;
    struct err err = failed ? *failed : (struct err){0};
    struct aws_found found;
    load->command = NULL;
    if (failed || aws_found_read(output, "SessionToken", &load->arena, &found, &err))
        process_failed(load, &err);
    else
        aws_load_found(load, &found);
}

/* "Process credential provider", AWS SDKs and Tools Reference Guide. */
static void start_process(struct resolving *r, struct str line)
{
    struct aws_load *load = r->load;
    const struct commands *commands = &load->environment->commands;
    const char *const argv[] = {"/bin/sh", "-c", str_dup(&load->arena, line).ptr, NULL};
    const struct command command = {.argv = argv, .timeout_ms = PROCESS_TIMEOUT_MS};
    struct err err = {0};
    load->profile = r->profile; /* in the settings or the environment's variables: both outlive the load */
    int rc = argv[2] ? 0 : err_nomem(&err);
    rc = rc ? rc : commands->start(commands->context, &command, on_printed, load, &load->command, &err);
    if (rc)
        process_failed(load, &err);
}

/* What the profile itself has. */
static int start_own(struct resolving *r, struct err *err)
{
    struct aws_found found = {
        .credentials = {get(r, "aws_access_key_id"), get(r, "aws_secret_access_key"), get(r, "aws_session_token")}};
    struct str process = get(r, "credential_process");
    if (found.credentials.access_key_id.len && found.credentials.secret_access_key.len) {
        aws_load_found(r->load, &found);
        return 0;
    }
    if (found.credentials.access_key_id.len || found.credentials.secret_access_key.len)
        return err_set(err, ERR_AUTH, "profile %.*s has only one of aws_access_key_id and aws_secret_access_key",
                       STR_ARG(r->profile));
    if (get(r, "sso_session").len || get(r, "sso_start_url").len)
        return err_set(err, ERR_AUTH,
                       "profile %.*s signs in by sso, which needs somebody at a browser: not supported; "
                       "`aws configure export-credentials` as its credential_process is",
                       STR_ARG(r->profile));
    if (process.len) {
        start_process(r, process);
        return 0;
    }
    if (r->load->n_roles || r->settings.profile_named)
        return err_set(err, ERR_AUTH, "profile %.*s has no credentials", STR_ARG(r->profile));
    aws_load_next(r->load, "profile %.*s has no credentials", STR_ARG(r->profile));
    return 0;
}

/* Follows source_profile to where there are keys; the roles on the way are assumed from there. */
static int resolve(struct resolving *r, struct err *err)
{
    for (;;) {
        struct str token_file = get(r, "web_identity_token_file"), source = get(r, "source_profile");
        struct str credential_source = get(r, "credential_source");
        if (!get(r, "role_arn").len)
            return start_own(r, err);
        if (token_file.len) {
            start_web_identity(r, token_file);
            return 0;
        }
        int rc = push_role(r, err);
        if (rc)
            return rc;
        if (credential_source.len)
            return start_source(r, credential_source, err);
        if (!source.len)
            return err_set(err, ERR_INVALID, "profile %.*s has role_arn without source_profile or credential_source",
                           STR_ARG(r->profile));
        if (str_eq(source, r->profile))
            return start_own(r, err);
        if (!aws_settings_has(&r->settings, source))
            return err_set(err, ERR_INVALID, "profile %.*s: there is no source_profile %.*s", STR_ARG(r->profile),
                           STR_ARG(source));
        r->profile = source;
    }
}

static void start(struct aws_load *load)
{
    struct err err = {0};
    struct resolving r = {.load = load};
    int rc = aws_settings_read(load->environment, &load->arena, &r.settings, &err);
    r.profile = r.settings.profile;
    if (!rc && !aws_settings_has(&r.settings, r.profile)) {
        if (!r.settings.profile_named) {
            aws_load_next(load, "there is no profile default");
            return;
        }
        rc = err_set(&err, ERR_AUTH, "there is no profile %.*s (AWS_PROFILE)", STR_ARG(r.profile));
    }
    rc = rc ? rc : resolve(&r, &err);
    if (rc)
        aws_load_fail(load, &err);
}

const struct aws_provider aws_provider_profile = {"shared files", start};
