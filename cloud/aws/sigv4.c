#include "cloud/aws/sigv4.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "cloud/aws/sigv4_canonical.h"
#include "cloud/aws/uri.h"

#define ALGORITHM  "AWS4-HMAC-SHA256"
#define TERMINATOR "aws4_request"

enum { DIGEST_BYTES = AWS_SIGV4_DIGEST_BYTES };

/* One signing, from the caller's arguments to the result. */
struct signing {
    const struct aws_sigv4_request *request;
    const struct aws_credentials *credentials;
    const struct aws_sigv4_options *options;
    int64_t expires_s; /* query form; 0: header form */
    struct arena *arena;
    struct str time;    /* "20150830T123600Z" */
    struct str date;    /* "20150830" */
    struct str scope;   /* "20150830/us-east-1/ec2/aws4_request" */
    struct str payload; /* the body's digest in hex, or UNSIGNED-PAYLOAD */
    struct aws_sigv4_parameters parameters;
    struct aws_sigv4_signed out;
};

static int libcrypto_failed(struct err *err)
{
    return err_set(err, ERR_FATAL, "libcrypto cannot compute SHA-256");
}

static int hmac(struct str secret, struct str text, uint8_t ret[DIGEST_BYTES], struct err *err)
{
    unsigned len = 0;
    if (!HMAC(EVP_sha256(), secret.ptr, (int)secret.len, (const unsigned char *)text.ptr, text.len, ret, &len))
        return libcrypto_failed(err);
    return 0;
}

static struct str bytes_of(const uint8_t digest[DIGEST_BYTES])
{
    return (struct str){(const char *)digest, DIGEST_BYTES};
}

static int hex(const uint8_t digest[DIGEST_BYTES], struct arena *arena, struct str *ret, struct err *err)
{
    static const char digits[] = "0123456789abcdef";
    struct buf buf = BUF_INIT(arena);
    for (size_t i = 0; i < DIGEST_BYTES; i++) {
        buf_byte(&buf, digits[digest[i] >> 4]);
        buf_byte(&buf, digits[digest[i] & 15]);
    }
    return buf_str(&buf, ret, err);
}

static int hex_sha256(struct str text, struct arena *arena, struct str *ret, struct err *err)
{
    uint8_t digest[DIGEST_BYTES];
    if (!EVP_Digest(text.ptr, text.len, digest, NULL, EVP_sha256(), NULL))
        return libcrypto_failed(err);
    return hex(digest, arena, ret, err);
}

/* As the documentation has it: kDate, kRegion, kService, kSigning, each the key of the next. */
static int derive(struct str secret, const struct signing *s, uint8_t key[DIGEST_BYTES], struct err *err)
{
    const struct str steps[] = {s->options->region, s->options->service, STR(TERMINATOR)};
    int rc = hmac(secret, s->date, key, err);
    for (size_t i = 0; i < CC_COUNT(steps) && !rc; i++) {
        uint8_t next[DIGEST_BYTES];
        rc = hmac(bytes_of(key), steps[i], next, err);
        if (!rc)
            memcpy(key, next, DIGEST_BYTES);
        OPENSSL_cleanse(next, sizeof(next));
    }
    return rc;
}

static int renew_key(const struct signing *s, struct aws_sigv4_key *key, struct err *err)
{
    static const char prefix[] = "AWS4";
    char secret_bytes[sizeof(prefix) + AWS_SIGV4_MAX_SECRET_BYTES];
    struct str given = s->credentials->secret_access_key;
    struct str secret = {secret_bytes, sizeof(prefix) - 1 + given.len};
    memcpy(secret_bytes, prefix, sizeof(prefix) - 1);
    memcpy(secret_bytes + sizeof(prefix) - 1, given.ptr, given.len);
    struct aws_sigv4_key made;
    int rc = hmac(secret, s->scope, made.made_of, err);
    if (!rc && CRYPTO_memcmp(made.made_of, key->made_of, DIGEST_BYTES) != 0) {
        rc = derive(secret, s, made.bytes, err);
        if (!rc)
            *key = made;
    }
    OPENSSL_cleanse(secret_bytes, sizeof(secret_bytes));
    aws_sigv4_key_clear(&made);
    return rc;
}

void aws_sigv4_key_clear(struct aws_sigv4_key *key)
{
    OPENSSL_cleanse(key, sizeof(*key));
}

/* Fit for a header and for the scope: not empty, visible ASCII, no separator of either. */
static bool is_word(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] <= ' ' || text.ptr[i] >= 0x7f || text.ptr[i] == '/' || text.ptr[i] == ',')
            return false;
    }
    return text.len > 0;
}

static int check_input(const struct signing *s, struct err *err)
{
    static const char *const ours[] = {"authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"};
    size_t secret_bytes = s->credentials->secret_access_key.len;
    if (!is_word(s->credentials->access_key_id))
        return err_set(err, ERR_INVALID, "the access key id is empty or no word");
    if (secret_bytes == 0 || secret_bytes > AWS_SIGV4_MAX_SECRET_BYTES)
        return err_set(err, ERR_INVALID, "the secret access key is empty or longer than %d bytes",
                       AWS_SIGV4_MAX_SECRET_BYTES);
    if (!is_word(s->options->region) || !is_word(s->options->service) || !is_word(s->request->method))
        return err_set(err, ERR_INVALID, "the region, the service or the method is empty or no word");
    if (s->request->n_headers > AWS_SIGV4_MAX_HEADERS)
        return err_set(err, ERR_INVALID, "more than %d headers", AWS_SIGV4_MAX_HEADERS);
    for (size_t i = 0; i < s->request->n_headers; i++) {
        struct str name = s->request->headers[i].name;
        for (size_t k = 0; k < CC_COUNT(ours); k++) {
            if (name.len == strlen(ours[k]) && strncasecmp(name.ptr, ours[k], name.len) == 0)
                return err_set(err, ERR_INVALID, "header %s is there already; signing adds it", ours[k]);
        }
    }
    return 0;
}

static int make_times(struct signing *s, struct err *err)
{
    int64_t ns = s->options->now.ns;
    time_t seconds = (time_t)(ns / 1000000000 - (ns % 1000000000 < 0));
    struct tm utc;
    if (!gmtime_r(&seconds, &utc))
        return err_set(err, ERR_INVALID, "a time that has no date");
    int year = utc.tm_year + 1900;
    const char *time = arena_printf(s->arena, "%04d%02d%02dT%02d%02d%02dZ", year, utc.tm_mon + 1, utc.tm_mday,
                                    utc.tm_hour, utc.tm_min, utc.tm_sec);
    if (!time)
        return err_nomem(err);
    s->time = str_of(time);
    s->date = (struct str){time, strlen("YYYYMMDD")};
    const char *scope = arena_printf(s->arena, "%.*s/%.*s/%.*s/" TERMINATOR, STR_ARG(s->date),
                                     STR_ARG(s->options->region), STR_ARG(s->options->service));
    if (!scope)
        return err_nomem(err);
    s->scope = str_of(scope);
    return 0;
}

static void add_header(struct signing *s, struct str name, struct str value)
{
    s->out.added[s->out.n_added++] = (struct aws_header){name, value};
}

/* The headers to send that are signed too. */
static void add_signed_headers(struct signing *s)
{
    add_header(s, STR("X-Amz-Date"), s->time);
    if (s->options->payload != AWS_SIGV4_PAYLOAD_HASHED)
        add_header(s, STR("X-Amz-Content-Sha256"), s->payload);
    if (s->credentials->session_token.len && !s->options->token_after_signing)
        add_header(s, STR("X-Amz-Security-Token"), s->credentials->session_token);
}

static int add_parameters(struct signing *s, struct err *err)
{
    for (size_t i = 0; i < s->parameters.len; i++) {
        if (str_starts(s->parameters.items[i].name, "X-Amz-"))
            return err_set(err, ERR_INVALID, "parameter %.*s is there already; signing adds such",
                           STR_ARG(s->parameters.items[i].name));
    }
    const char *credential =
        arena_printf(s->arena, "%.*s/%.*s", STR_ARG(s->credentials->access_key_id), STR_ARG(s->scope));
    const char *expires = arena_printf(s->arena, "%lld", (long long)s->expires_s);
    if (!credential || !expires)
        return err_nomem(err);
    const struct aws_header ours[] = {
        {STR("X-Amz-Algorithm"), STR(ALGORITHM)},
        {STR("X-Amz-Credential"), str_of(credential)},
        {STR("X-Amz-Date"), s->time},
        {STR("X-Amz-Expires"), str_of(expires)},
        {STR("X-Amz-SignedHeaders"), s->out.signed_headers},
    };
    int rc = 0;
    for (size_t i = 0; i < CC_COUNT(ours) && !rc; i++)
        rc = aws_sigv4_parameters_add(&s->parameters, ours[i].name, ours[i].value, s->arena, err);
    if (!rc && s->credentials->session_token.len && !s->options->token_after_signing)
        rc = aws_sigv4_parameters_add(&s->parameters, STR("X-Amz-Security-Token"), s->credentials->session_token,
                                      s->arena, err);
    return rc;
}

static int make_header_lines(struct signing *s, struct str *ret_lines, struct err *err)
{
    struct aws_header headers[AWS_SIGV4_MAX_HEADERS + AWS_SIGV4_MAX_ADDED];
    size_t count = s->request->n_headers;
    if (count)
        memcpy(headers, s->request->headers, count * sizeof(headers[0]));
    if (!s->expires_s)
        add_signed_headers(s);
    memcpy(headers + count, s->out.added, s->out.n_added * sizeof(headers[0]));
    struct buf lines = BUF_INIT(s->arena), names = BUF_INIT(s->arena);
    int rc = aws_sigv4_headers(headers, count + s->out.n_added, s->arena, &lines, &names, err);
    rc = rc ? rc : buf_str(&names, &s->out.signed_headers, err);
    return rc ? rc : buf_str(&lines, ret_lines, err);
}

static int make_query(struct signing *s, struct str *ret, struct err *err)
{
    int rc = aws_sigv4_parameters_read(s->request->query, s->arena, &s->parameters, err);
    if (!rc && s->expires_s)
        rc = add_parameters(s, err);
    if (rc)
        return rc;
    struct buf query = BUF_INIT(s->arena);
    aws_sigv4_parameters_write(&s->parameters, &query);
    return buf_str(&query, ret, err);
}

/* method \n path \n query \n headers \n names of headers \n digest of the body */
static int make_canonical_request(struct signing *s, struct err *err)
{
    struct str lines, query;
    int rc = 0;
    if (s->options->payload == AWS_SIGV4_PAYLOAD_UNSIGNED)
        s->payload = STR("UNSIGNED-PAYLOAD");
    else
        rc = hex_sha256(s->request->body, s->arena, &s->payload, err);
    rc = rc ? rc : make_header_lines(s, &lines, err);
    rc = rc ? rc : make_query(s, &query, err);
    if (rc)
        return rc;
    struct buf buf = BUF_INIT(s->arena);
    buf_add(&buf, s->request->method);
    buf_byte(&buf, '\n');
    rc = aws_sigv4_path(s->request->path, s->options->keep_path, s->options->encode_once, s->arena, &buf, err);
    if (rc)
        return rc;
    const struct str rest[] = {query, lines, s->out.signed_headers, s->payload};
    for (size_t i = 0; i < CC_COUNT(rest); i++) {
        buf_byte(&buf, '\n');
        buf_add(&buf, rest[i]);
    }
    s->out.query = query;
    return buf_str(&buf, &s->out.canonical_request, err);
}

static int make_signature(struct signing *s, struct aws_sigv4_key *key, struct err *err)
{
    struct str digest;
    int rc = hex_sha256(s->out.canonical_request, s->arena, &digest, err);
    if (rc)
        return rc;
    struct buf buf = BUF_INIT(s->arena);
    const struct str parts[] = {STR(ALGORITHM "\n"), s->time, STR("\n"), s->scope, STR("\n"), digest};
    for (size_t i = 0; i < CC_COUNT(parts); i++)
        buf_add(&buf, parts[i]);
    rc = buf_str(&buf, &s->out.string_to_sign, err);
    rc = rc ? rc : renew_key(s, key, err);
    uint8_t signature[DIGEST_BYTES];
    rc = rc ? rc : hmac(bytes_of(key->bytes), s->out.string_to_sign, signature, err);
    return rc ? rc : hex(signature, s->arena, &s->out.signature, err);
}

static int run(struct signing *s, struct aws_sigv4_key *key, struct err *err)
{
    struct aws_sigv4_key own = {0};
    int rc = check_input(s, err);
    rc = rc ? rc : make_times(s, err);
    rc = rc ? rc : make_canonical_request(s, err);
    rc = rc ? rc : make_signature(s, key ? key : &own, err);
    aws_sigv4_key_clear(&own);
    return rc;
}

int aws_sigv4_sign(const struct aws_sigv4_request *request, const struct aws_credentials *credentials,
                   const struct aws_sigv4_options *options, struct aws_sigv4_key *key, struct arena *arena,
                   struct aws_sigv4_signed *ret, struct err *err)
{
    struct signing s = {.request = request, .credentials = credentials, .options = options, .arena = arena};
    int rc = run(&s, key, err);
    if (rc)
        return rc;
    if (credentials->session_token.len && options->token_after_signing)
        add_header(&s, STR("X-Amz-Security-Token"), credentials->session_token);
    const char *authorization = arena_printf(
        arena, ALGORITHM " Credential=%.*s/%.*s, SignedHeaders=%.*s, Signature=%.*s",
        STR_ARG(credentials->access_key_id), STR_ARG(s.scope), STR_ARG(s.out.signed_headers), STR_ARG(s.out.signature));
    if (!authorization)
        return err_nomem(err);
    add_header(&s, STR("Authorization"), str_of(authorization));
    *ret = s.out;
    return 0;
}

int aws_sigv4_presign(const struct aws_sigv4_request *request, const struct aws_credentials *credentials,
                      const struct aws_sigv4_options *options, int64_t expires_s, struct aws_sigv4_key *key,
                      struct arena *arena, struct aws_sigv4_signed *ret, struct err *err)
{
    if (expires_s < 1 || expires_s > AWS_SIGV4_MAX_EXPIRES_S)
        return err_set(err, ERR_INVALID, "a signature good for %lld s; 1 to %d are allowed", (long long)expires_s,
                       AWS_SIGV4_MAX_EXPIRES_S);
    struct signing s = {
        .request = request, .credentials = credentials, .options = options, .expires_s = expires_s, .arena = arena};
    int rc = run(&s, key, err);
    if (rc)
        return rc;
    struct buf query = BUF_INIT(arena);
    buf_add(&query, s.out.query);
    if (credentials->session_token.len && options->token_after_signing) {
        buf_add(&query, STR("&X-Amz-Security-Token="));
        aws_uri_encode(&query, credentials->session_token);
    }
    buf_add(&query, STR("&X-Amz-Signature="));
    buf_add(&query, s.out.signature);
    rc = buf_str(&query, &s.out.query, err);
    if (!rc)
        *ret = s.out;
    return rc;
}
