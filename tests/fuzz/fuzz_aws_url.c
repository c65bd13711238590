/* Any bytes as a URL: refused, or cut into parts that lie within it. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "cloud/aws/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct aws_url url;
    struct err err = {0};
    int rc = aws_url_read((struct str){(const char *)data, size}, &url, &err);
    assert(rc == err.code);
    if (rc)
        return 0;
    assert(url.host.len > 0 && url.authority.len + url.path.len + url.query.len < size);
    assert(!memchr(url.authority.ptr, '@', url.authority.len));
    (void)aws_url_is_loopback(&url);
    return 0;
}
