#include "cloud/aws/url.h"

#include <arpa/inet.h>
#include <string.h>

static bool is_host(struct str host, bool bracketed)
{
    for (size_t i = 0; i < host.len; i++) {
        char c = host.ptr[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!word && c != '.' && c != '-' && c != '_' && !(bracketed && c == ':'))
            return false;
    }
    return host.len > 0;
}

static bool is_port(struct str port)
{
    int64_t number = 0;
    return port.len <= 5 && port.ptr[0] != '+' && str_to_int64(port, &number) && number > 0 && number <= 65535;
}

/* Cuts "host:port" or "[v6]:port"; false if it is neither. */
static bool cut_port(struct str authority, struct str *ret_host, struct str *ret_port)
{
    struct str rest = authority;
    bool bracketed = str_starts(rest, "[");
    if (bracketed) {
        if (!memchr(rest.ptr, ']', rest.len))
            return false;
        rest = (struct str){rest.ptr + 1, rest.len - 1};
        *ret_host = str_cut(&rest, ']');
        if (rest.len && rest.ptr[0] != ':')
            return false;
    } else {
        const char *colon = memchr(rest.ptr, ':', rest.len);
        size_t len = colon ? (size_t)(colon - rest.ptr) : rest.len;
        *ret_host = (struct str){rest.ptr, len};
        rest = (struct str){rest.ptr + len, rest.len - len};
    }
    *ret_port = rest.len ? (struct str){rest.ptr + 1, rest.len - 1} : STR("");
    return is_host(*ret_host, bracketed) && (rest.len == 0 || (ret_port->len && is_port(*ret_port)));
}

int aws_url_read(struct str url, struct aws_url *ret, struct err *err)
{
    for (size_t i = 0; i < url.len; i++) {
        if (url.ptr[i] <= ' ' || url.ptr[i] >= 0x7f || url.ptr[i] == '\\' || url.ptr[i] == '#')
            return err_set(err, ERR_INVALID, "the URL has a character that URLs do not have");
    }
    bool https = str_starts(url, "https://");
    if (!https && !str_starts(url, "http://"))
        return err_set(err, ERR_INVALID, "the URL begins neither with http:// nor with https://");
    size_t scheme = https ? strlen("https://") : strlen("http://");
    struct str rest = {url.ptr + scheme, url.len - scheme};
    size_t len = 0;
    while (len < rest.len && rest.ptr[len] != '/' && rest.ptr[len] != '?')
        len++;
    struct str authority = {rest.ptr, len}, tail = {rest.ptr + len, rest.len - len}, host, port;
    if (!cut_port(authority, &host, &port))
        return err_set(err, ERR_INVALID, "the URL's host or port makes no sense");
    bool standard = str_is(port, https ? "443" : "80");
    struct aws_url found = {.https = https, .authority = authority, .host = host, .query = tail};
    if (standard)
        found.authority.len -= port.len + 1;
    found.path = str_cut(&found.query, '?');
    *ret = found;
    return 0;
}

bool aws_url_is_loopback(const struct aws_url *url)
{
    char text[INET6_ADDRSTRLEN];
    if (str_is(url->host, "localhost"))
        return true;
    if (url->host.len >= sizeof(text))
        return false;
    memcpy(text, url->host.ptr, url->host.len);
    text[url->host.len] = '\0';
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, text, &v4) == 1)
        return (ntohl(v4.s_addr) >> 24) == 127;
    return inet_pton(AF_INET6, text, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}
