/* The role of the instance we run on, from its metadata. */
#include "cloud/aws/credentials_load.h"
#include "cloud/aws/json.h"

#define FOLDER "/latest/meta-data/iam/security-credentials/"

static void on_credentials(void *context, const struct str *body, const struct err *failed)
{
    struct aws_load *load = context;
    struct err err = {0};
    struct aws_found found;
    int rc = 0;
    if (failed) {
        aws_load_fail(load, failed);
        return;
    }
    rc = aws_found_read(*body, "Token", &load->arena, &found, &err);
    if (rc) {
        err_wrap(&err, "instance role");
        aws_load_fail(load, &err);
    } else {
        aws_load_found(load, &found);
    }
}

static void on_role(void *context, const struct str *body, const struct err *failed)
{
    struct aws_load *load = context;
    struct err err = {0};
    if (failed && failed->code == ERR_NOT_FOUND) {
        aws_load_next(load, "the instance has no role");
        return;
    }
    if (failed) {
        aws_load_fail(load, failed);
        return;
    }
    struct str rest = *body;
    struct str name = str_trim(str_cut(&rest, '\n'));
    const char *path = arena_printf(&load->arena, FOLDER "%.*s", STR_ARG(name));
    int rc = path ? aws_imds_get(&load->imds, path, on_credentials, load, &err) : err_nomem(&err);
    if (rc)
        aws_load_fail(load, &err);
}

static void start(struct aws_load *load)
{
    struct err err = {0};
    int rc = aws_imds_init(&load->imds, load->http, load->environment, &load->arena, &err);
    if (rc == ERR_NOT_FOUND) {
        aws_load_next(load, "%s", err.message);
        return;
    }
    if (!rc)
        rc = aws_imds_get(&load->imds, FOLDER, on_role, load, &err);
    if (rc)
        aws_load_fail(load, &err);
}

const struct aws_provider aws_provider_imds = {"instance metadata", start};
