/* settings.h - the profile in use, from AWS's shared config and credentials files. */
#ifndef STOKER_CLOUD_AWS_SETTINGS_H
#define STOKER_CLOUD_AWS_SETTINGS_H

#include "cloud/aws/environment.h"
#include "cloud/aws/ini.h"

struct aws_settings {
    struct aws_ini config, credentials; /* ~/.aws/config and ~/.aws/credentials, or as the environment says */
    struct str profile;                 /* AWS_PROFILE, or "default" */
    bool profile_named;                 /* it was AWS_PROFILE */
};

/*
 * A file that is not there is empty. ERR_INVALID: "<path>: line N: what"; ERR_AUTH: one that the environment names may
 * not be read; at its usual place such a file is left out. In `arena`.
 */
CC_MUST_CHECK int aws_settings_read(const struct aws_environment *environment, struct arena *arena,
                                    struct aws_settings *ret, struct err *err);

bool aws_settings_has(const struct aws_settings *settings, struct str profile);

/* A profile's setting, that of the credentials file before that of the config file; "" if it is in neither. */
struct str aws_settings_get(const struct aws_settings *settings, struct str profile, const char *key);

/* The setting of a service in the section that the profile's `services` names. */
struct str aws_settings_service_get(const struct aws_settings *settings, struct str profile, const char *service,
                                    const char *key);

#endif
