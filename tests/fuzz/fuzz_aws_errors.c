/* Any bytes as an error answer's code and message, with a NUL between: one line without control characters is told. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "cloud/aws/errors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str message = {(const char *)data, size};
    struct str code = str_cut(&message, '\0');
    const struct aws_failure failure = {400, code, message};
    struct err err = {0};
    int rc = aws_error_set(&failure, "Call", NULL, &err);
    assert(rc == err.code && rc <= 0);
    for (const char *c = err.message; *c; c++)
        assert((unsigned char)*c >= ' ' && *c != 0x7f);
    return 0;
}
