/* Any bytes as a request to sign: method, path, query, a header's name and value, token, body, with NUL between. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "cloud/aws/sigv4.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = ARENA_INIT;
    struct str rest = {(const char *)data, size};
    struct str method = str_cut(&rest, '\0'), path = str_cut(&rest, '\0'), query = str_cut(&rest, '\0');
    struct str name = str_cut(&rest, '\0'), value = str_cut(&rest, '\0'), token = str_cut(&rest, '\0');
    const struct aws_header headers[] = {{STR("Host"), STR("h")}, {name, value}};
    const struct aws_sigv4_request request = {method, path, query, headers, 2, rest};
    const struct aws_credentials credentials = {STR("id"), STR("secret"), token};
    for (unsigned i = 0; i < 8; i++) {
        const struct aws_sigv4_options options = {.region = STR("r"),
                                                  .service = STR("s"),
                                                  .keep_path = i & 1,
                                                  .encode_once = i & 2,
                                                  .token_after_signing = i & 4};
        struct aws_sigv4_signed out;
        struct err err = {0};
        int rc = aws_sigv4_sign(&request, &credentials, &options, NULL, &arena, &out, &err);
        assert(rc == 0 || rc == ERR_INVALID);
        assert(rc == 0 || err.message[0]);
        if (rc == 0)
            assert(out.signature.len == 64 && !memchr(out.string_to_sign.ptr, 0, out.string_to_sign.len));
        rc = aws_sigv4_presign(&request, &credentials, &options, 60, NULL, &arena, &out, &err);
        assert(rc == 0 || rc == ERR_INVALID);
        if (rc == 0)
            assert(!memchr(out.query.ptr, ' ', out.query.len) && !memchr(out.query.ptr, '\n', out.query.len));
    }
    arena_release(&arena);
    return 0;
}
