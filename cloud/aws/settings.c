#include "cloud/aws/settings.h"

static int path_of(const struct aws_environment *environment, const char *variable, const char *in_home,
                   struct arena *arena, const char **ret, struct err *err)
{
    *ret = aws_environment_get(environment, variable);
    const char *home = aws_environment_get(environment, "HOME");
    if (*ret || !home)
        return 0;
    *ret = arena_printf(arena, "%s/%s", home, in_home);
    return *ret ? 0 : err_nomem(err);
}

static int read_file(const struct aws_environment *environment, const char *variable, const char *in_home,
                     struct arena *arena, struct aws_ini *ret, struct err *err)
{
    const char *path = NULL;
    struct str text = STR("");
    int rc = path_of(environment, variable, in_home, arena, &path, err);
    if (rc || !path)
        return rc;
    struct err why = {0};
    rc = environment->read(environment->context, path, arena, &text, &why);
    /* In a home that is another user's there is nothing for us; a file that somebody named must be readable. */
    if (rc == ERR_NOT_FOUND || (rc == ERR_AUTH && !aws_environment_get(environment, variable)))
        return 0;
    if (!rc) {
        rc = aws_ini_read(text, arena, ret, &why);
        if (rc)
            err_wrap(&why, "%s", path);
    }
    if (rc && err)
        *err = why;
    return rc;
}

int aws_settings_read(const struct aws_environment *environment, struct arena *arena, struct aws_settings *ret,
                      struct err *err)
{
    const char *profile = aws_environment_get(environment, "AWS_PROFILE");
    struct aws_settings settings = {.profile = profile ? str_of(profile) : STR("default"),
                                    .profile_named = profile != NULL};
    int rc = read_file(environment, "AWS_CONFIG_FILE", ".aws/config", arena, &settings.config, err);
    if (!rc)
        rc = read_file(environment, "AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials", arena, &settings.credentials,
                       err);
    if (!rc)
        *ret = settings;
    return rc;
}

/* In the config file all but the default profile are [profile name]; [profile default] is allowed, and first. */
static const char *kind_in_config(const struct aws_settings *settings, struct str profile)
{
    bool plain = str_is(profile, "default") && !aws_ini_has(&settings->config, "profile", profile);
    return plain ? "" : "profile";
}

bool aws_settings_has(const struct aws_settings *settings, struct str profile)
{
    return aws_ini_has(&settings->credentials, "", profile) ||
           aws_ini_has(&settings->config, kind_in_config(settings, profile), profile);
}

struct str aws_settings_get(const struct aws_settings *settings, struct str profile, const char *key)
{
    struct str value = aws_ini_get(&settings->credentials, "", profile, "", key);
    if (value.len)
        return value;
    return aws_ini_get(&settings->config, kind_in_config(settings, profile), profile, "", key);
}

struct str aws_settings_service_get(const struct aws_settings *settings, struct str profile, const char *service,
                                    const char *key)
{
    struct str section = aws_settings_get(settings, profile, "services");
    return section.len ? aws_ini_get(&settings->config, "services", section, service, key) : STR("");
}
