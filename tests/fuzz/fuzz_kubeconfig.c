/* Any bytes as a kubeconfig, as what a plug-in prints, and as base64: an access whose texts are whole, or words. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/base64.h"
#include "provisioner/kube/exec_credential.h"
#include "provisioner/kube/kubeconfig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The kubeconfig is the input, every other file a certificate. */
static int read_file(void *context, const char *path, struct arena *arena, struct str *ret, struct err *err)
{
    const struct str *input = context;
    struct str text = strcmp(path, "/k/config") == 0 ? *input : STR("-----BEGIN CERTIFICATE-----\n");
    *ret = str_dup(arena, text);
    return ret->ptr ? 0 : err_nomem(err);
}

static void check_access(const struct kube_access *access)
{
    assert(strncmp(access->server, "https://", 8) == 0);
    assert(access->server[strlen(access->server) - 1] != '/');
    assert(!access->tls.cert_pem.len == !access->tls.key_pem.len);
    assert(access->namespace_.len);
    if (access->exec) {
        assert(access->exec[0] && access->exec[0][0] && access->exec_env && access->exec_env[0]);
        for (const char *const *word = access->exec_env; *word; word++)
            assert(strchr(*word, '=') > *word);
    }
}

static void check_base64(struct str text, struct arena *arena)
{
    struct str bytes, again, back;
    if (base64_decode(text, arena, &bytes, NULL))
        return;
    assert(base64_encode(bytes, arena, &again, NULL) == 0 && again.len == (bytes.len + 2) / 3 * 4);
    assert(base64_decode(again, arena, &back, NULL) == 0 && str_eq(back, bytes));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = {(const char *)data, size};
    struct arena arena = ARENA_INIT;
    struct kube_io io = {.read = read_file, .context = &input};
    struct kube_access access;
    struct exec_credential credential;
    struct err err = {0};
    int code = kube_access_from_config("/k/config", NULL, &io, &arena, &access, &err);
    assert(code == 0 || (code == ERR_INVALID && err.message[0]));
    if (!code)
        check_access(&access);
    code = exec_credential_read(input, &arena, &credential, &err);
    assert(code == 0 || code == ERR_AUTH);
    assert(code || exec_credential_is_token(credential.token));
    check_base64(input, &arena);
    arena_release(&arena);
    return 0;
}
