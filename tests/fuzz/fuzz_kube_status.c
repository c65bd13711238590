/* Any bytes as a refusal's body, the first two choose its status: there is always a code, a status and a word. */
#include <assert.h>
#include <stdint.h>

#include "provisioner/kube/status.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    int status = 300 + (data[0] * 256 + data[1]) % 300;
    struct str body = {(const char *)data + 2, size - 2}, line = body;
    struct http_header header = {STR("retry-after"), str_cut(&line, '\n')};
    struct http_response response = {status, &header, 1, body};
    struct kube_refusal refusal;
    bool accepted = kube_accepted(&response, NULL, &refusal);
    assert(!accepted);
    assert(refusal.err.code == kube_code_of(status) && refusal.err.http_status == status);
    assert(refusal.err.message[0]);
    assert(refusal.retry_after_ms >= 0 && refusal.retry_after_ms <= 600000);
    return 0;
}
