/* The environment's keys. */
#include "cloud/aws/credentials_load.h"

static void start(struct aws_load *load)
{
    const struct aws_environment *environment = load->environment;
    const char *id = aws_environment_get(environment, "AWS_ACCESS_KEY_ID");
    const char *secret = aws_environment_get(environment, "AWS_SECRET_ACCESS_KEY");
    const char *token = aws_environment_get(environment, "AWS_SESSION_TOKEN");
    const char *expires = aws_environment_get(environment, "AWS_CREDENTIAL_EXPIRATION");
    struct err err = {0};
    struct aws_found found = {.credentials = {str_of(id), str_of(secret), str_of(token)}};
    if (!id && !secret) {
        aws_load_next(load, "AWS_ACCESS_KEY_ID is not set");
    } else if (!id || !secret) {
        err_note(&err, ERR_AUTH, "of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY only one is set");
        aws_load_fail(load, &err);
    } else if (expires && !clock_parse(str_of(expires), &found.expires)) {
        err_note(&err, ERR_AUTH, "AWS_CREDENTIAL_EXPIRATION is no time");
        aws_load_fail(load, &err);
    } else {
        aws_load_found(load, &found);
    }
}

const struct aws_provider aws_provider_environment = {"environment", start};
