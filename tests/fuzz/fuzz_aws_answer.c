/*
 * Any bytes as a service's answer: the first byte says which protocol and which status, the rest is the body. A success
 * has a tree; a refusal has a code and one printable line. The same bytes as what a credential process prints.
 */
#include <assert.h>
#include <stdint.h>

#include "cloud/aws/credentials_load.h"
#include "cloud/aws/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_answer(enum aws_service service, int status, struct str body)
{
    struct arena arena = ARENA_INIT;
    struct aws_wire_answer answer;
    enum aws_error_scope scope;
    struct err err = {0};
    const struct http_header headers[] = {{STR("x-amzn-errortype"), STR("E:x")}};
    const struct http_response response = {
        .status = status, .headers = headers, .n_headers = body.len & 1, .body = body};
    int rc = aws_wire_answer(service, "Act", &response, NULL, &arena, &answer, &scope, &err);
    assert(rc <= 0 && rc == err.code);
    if (rc == 0 && !answer.dry_run && service == AWS_EC2)
        assert(answer.xml && !answer.json);
    assert(rc != 0 || status == 200 || answer.dry_run);
    for (const char *c = err.message; status != 200 && *c; c++)
        assert((unsigned char)*c >= ' ');
    arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int statuses[] = {200, 400, 403, 412, 503};
    struct arena arena = ARENA_INIT;
    struct aws_found found;
    if (size == 0)
        return 0;
    struct str body = {(const char *)data + 1, size - 1};
    read_answer(data[0] & 1 ? AWS_EC2 : AWS_SQS, statuses[(data[0] >> 1) % CC_COUNT(statuses)], body);
    if (aws_found_read(body, "Token", &arena, &found, NULL) == 0)
        assert(found.credentials.access_key_id.len > 0 && found.credentials.secret_access_key.len > 0);
    arena_release(&arena);
    return 0;
}
