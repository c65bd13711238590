#include "provisioner/kube/exec_credential.h"

#include "base/doc.h"

struct reading {
    struct arena *arena;
    struct exec_credential found;
    int objects;
};

bool exec_credential_is_token(struct str token)
{
    for (size_t i = 0; i < token.len; i++)
        if (token.ptr[i] <= ' ' || token.ptr[i] > '~')
            return false;
    return token.len > 0;
}

static bool text_is(const struct doc *doc, const char *text)
{
    return doc && doc->kind == DOC_STRING && str_is(doc->text, text);
}

static int on_object(void *context, const struct doc *object, struct err *err)
{
    struct reading *reading = context;
    const struct doc *version = doc_get(object, "apiVersion");
    if (reading->objects++)
        return err_set(err, ERR_INVALID, "more than one object");
    if (!text_is(doc_get(object, "kind"), "ExecCredential") ||
        (!text_is(version, "client.authentication.k8s.io/v1") &&
         !text_is(version, "client.authentication.k8s.io/v1beta1")))
        return err_set(err, ERR_INVALID, "not an ExecCredential of client.authentication.k8s.io/v1 or v1beta1");
    const struct doc *token = doc_at(object, "status.token");
    const struct doc *end = doc_at(object, "status.expirationTimestamp");
    if (!token && doc_at(object, "status.clientCertificateData"))
        return err_set(err, ERR_INVALID, "a client certificate from a plug-in is not supported, only a token");
    if (!token || token->kind != DOC_STRING || !exec_credential_is_token(token->text))
        return err_set(err, ERR_INVALID, "no token");
    reading->found.ends = end && end->kind != DOC_NULL;
    if (reading->found.ends && (end->kind != DOC_STRING || !clock_parse(end->text, &reading->found.end)))
        return err_set(err, ERR_INVALID, "status.expirationTimestamp is not a time");
    reading->found.token = str_dup(reading->arena, token->text);
    return reading->found.token.ptr ? 0 : err_nomem(err);
}

int exec_credential_read(struct str text, struct arena *arena, struct exec_credential *ret, struct err *err)
{
    struct reading reading = {.arena = arena};
    struct err why = {0};
    int code = doc_read(text, "plug-in.json", on_object, &reading, &why);
    if (!code && !reading.objects)
        code = err_set(&why, ERR_INVALID, "nothing");
    if (code == ERR_NOMEM)
        return err_nomem(err);
    if (code)
        return err_set(err, ERR_AUTH, "the plug-in's answer: %s", why.message);
    *ret = reading.found;
    return 0;
}
