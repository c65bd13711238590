#include "base/http.h"

const struct str *http_header_get(const struct http_response *response, const char *name)
{
    for (size_t i = 0; i < response->n_headers; i++)
        if (str_is(response->headers[i].name, name))
            return &response->headers[i].value;
    return NULL;
}
