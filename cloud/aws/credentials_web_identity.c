/* A token that somebody else vouches for, exchanged for a role's keys: IAM roles for service accounts (IRSA). */
#include "cloud/aws/credentials_load.h"

static void start(struct aws_load *load)
{
    const struct aws_environment *environment = load->environment;
    const char *file = aws_environment_get(environment, "AWS_WEB_IDENTITY_TOKEN_FILE");
    const char *arn = aws_environment_get(environment, "AWS_ROLE_ARN");
    const char *session = aws_environment_get(environment, "AWS_ROLE_SESSION_NAME");
    struct err err = {0};
    if (!file) {
        aws_load_next(load, "AWS_WEB_IDENTITY_TOKEN_FILE is not set");
        return;
    }
    const struct aws_role role = {.arn = str_of(arn),
                                  .session_name = session ? str_of(session) : aws_load_session_name(load)};
    if (!arn)
        err_note(&err, ERR_AUTH, "AWS_WEB_IDENTITY_TOKEN_FILE is set, AWS_ROLE_ARN is not");
    else if (!role.session_name.ptr)
        err_note_nomem(&err);
    if (err.code)
        aws_load_fail(load, &err);
    else
        aws_load_web_identity(load, &role, file);
}

const struct aws_provider aws_provider_web_identity = {"web identity", start};
