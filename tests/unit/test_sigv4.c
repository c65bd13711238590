/* test_sigv4.c - signatures as AWS publishes them, and what the specification says beyond its vectors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <cmocka.h>

#include "base/doc.h"
#include "base/file.h"
#include "cloud/aws/sigv4.h"

enum { MOST_HEADERS = 16 };

/* A vector's request, taken apart. */
struct parsed {
    struct aws_sigv4_request request;
    struct aws_header headers[MOST_HEADERS];
};

static struct str text_of(const struct doc *doc, const char *path)
{
    const struct doc *found = doc_at(doc, path);
    return found ? found->text : STR("");
}

static bool is_true(const struct doc *doc, const char *path)
{
    return str_is(text_of(doc, path), "true");
}

static void parse_request(struct str text, struct parsed *ret)
{
    memset(ret, 0, sizeof(*ret));
    struct str line = str_cut(&text, '\n');
    ret->request.method = str_cut(&line, ' ');
    assert_true(str_ends(line, " HTTP/1.1"));
    line.len -= strlen(" HTTP/1.1");
    ret->request.path = str_cut(&line, '?');
    ret->request.query = line;
    while (text.len && text.ptr[0] != '\n') {
        line = str_cut(&text, '\n');
        while (text.len && (text.ptr[0] == ' ' || text.ptr[0] == '\t')) { /* folded */
            struct str more = str_cut(&text, '\n');
            line.len = (size_t)(more.ptr + more.len - line.ptr);
        }
        assert_true(ret->request.n_headers < MOST_HEADERS);
        struct aws_header *header = &ret->headers[ret->request.n_headers++];
        header->name = str_cut(&line, ':');
        header->value = line;
    }
    str_cut(&text, '\n');
    ret->request.body = text;
    ret->request.headers = ret->headers;
}

static struct clock_wall wall_of(struct str text)
{
    struct tm utc = {0};
    assert_int_equal(sscanf(text.ptr, "%d-%d-%dT%d:%d:%dZ", &utc.tm_year, &utc.tm_mon, &utc.tm_mday, &utc.tm_hour,
                            &utc.tm_min, &utc.tm_sec),
                     6);
    utc.tm_year -= 1900;
    utc.tm_mon -= 1;
    return (struct clock_wall){(int64_t)timegm(&utc) * 1000000000};
}

static void assert_text(struct str got, struct str want, struct str name)
{
    if (!str_eq(got, want))
        fail_msg("%.*s:\n%.*s\nis not\n%.*s", STR_ARG(name), STR_ARG(got), STR_ARG(want));
}

/* The signed request's lines, as a whole, hold each header that is to be added (the names' case is not the point). */
static void assert_added(const struct aws_sigv4_signed *out, struct str want, struct str name)
{
    struct parsed sent;
    parse_request(want, &sent);
    for (size_t i = 0; i < out->n_added; i++) {
        bool found = false;
        for (size_t k = 0; k < sent.request.n_headers && !found; k++) {
            struct aws_header header = sent.headers[k];
            found = header.name.len == out->added[i].name.len && str_eq(header.value, out->added[i].value) &&
                    strncasecmp(header.name.ptr, out->added[i].name.ptr, header.name.len) == 0;
        }
        if (!found)
            fail_msg("%.*s: %.*s: %.*s is not sent", STR_ARG(name), STR_ARG(out->added[i].name),
                     STR_ARG(out->added[i].value));
    }
}

static void hold_to(const struct doc *vector, struct aws_sigv4_key *key)
{
    struct arena arena = ARENA_INIT;
    struct parsed parsed;
    parse_request(text_of(vector, "request"), &parsed);
    const struct aws_credentials credentials = {
        .access_key_id = text_of(vector, "context.credentials.access_key_id"),
        .secret_access_key = text_of(vector, "context.credentials.secret_access_key"),
        .session_token = text_of(vector, "context.credentials.token"),
    };
    const struct aws_sigv4_options options = {
        .region = text_of(vector, "context.region"),
        .service = text_of(vector, "context.service"),
        .now = wall_of(text_of(vector, "context.timestamp")),
        .keep_path = !is_true(vector, "context.normalize"),
        .token_after_signing = is_true(vector, "context.omit_session_token"),
        .payload = is_true(vector, "context.sign_body") ? AWS_SIGV4_PAYLOAD_HASHED_IN_HEADER : AWS_SIGV4_PAYLOAD_HASHED,
    };
    int64_t expires_s = 0;
    assert_true(str_to_int64(text_of(vector, "context.expiration_in_seconds"), &expires_s));
    struct str name = text_of(vector, "name");
    struct aws_sigv4_signed out;
    struct err err = {0};
    if (aws_sigv4_sign(&parsed.request, &credentials, &options, key, &arena, &out, &err))
        fail_msg("%.*s: %s", STR_ARG(name), err.message);
    assert_text(out.canonical_request, text_of(vector, "header_canonical_request"), name);
    assert_text(out.string_to_sign, text_of(vector, "header_string_to_sign"), name);
    assert_text(out.signature, text_of(vector, "header_signature"), name);
    assert_added(&out, text_of(vector, "header_signed_request"), name);
    if (aws_sigv4_presign(&parsed.request, &credentials, &options, expires_s, key, &arena, &out, &err))
        fail_msg("%.*s: %s", STR_ARG(name), err.message);
    assert_text(out.canonical_request, text_of(vector, "query_canonical_request"), name);
    assert_text(out.string_to_sign, text_of(vector, "query_string_to_sign"), name);
    assert_text(out.signature, text_of(vector, "query_signature"), name);
    assert_int_equal(out.n_added, 0);
    arena_release(&arena);
}

static int on_vectors(void *context, const struct doc *object, struct err *err)
{
    (void)err;
    size_t *seen = context;
    struct aws_sigv4_key key = {0};
    DOC_EACH (vector, doc_get(object, "vectors")) {
        hold_to(vector, &key);
        hold_to(vector, NULL);
        ++*seen;
    }
    return 0;
}

static void published_vectors(void **state)
{
    (void)state;
    struct str bytes;
    struct err err = {0};
    size_t seen = 0;
    assert_int_equal(file_read("tests/fixtures/sigv4/vectors.json", DOC_MAX_INPUT_BYTES, &bytes, &err), 0);
    assert_int_equal(doc_read(bytes, "vectors.json", on_vectors, &seen, &err), 0);
    assert_true(seen > 0);
    file_free(&bytes);
}

static const struct aws_header HOST[] = {{STR_INIT("Host"), STR_INIT("example.amazonaws.com")}};

static struct aws_sigv4_request request_of(struct str path, struct str query)
{
    return (struct aws_sigv4_request){STR("GET"), path, query, HOST, 1, STR("")};
}

static struct aws_sigv4_options options_of(void)
{
    return (struct aws_sigv4_options){
        .region = STR("us-east-1"), .service = STR("service"), .now = {INT64_C(1440938160) * 1000000000}};
}

static const struct aws_credentials PLAIN = {STR_INIT("AKIDEXAMPLE"),
                                             STR_INIT("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), STR_INIT("")};

/* The line of the canonical request, from 0, that signing such a request gives. */
static struct str canonical_line(const struct aws_sigv4_request *request, const struct aws_sigv4_options *options,
                                 int line, struct arena *arena)
{
    struct aws_sigv4_signed out;
    struct err err = {0};
    if (aws_sigv4_sign(request, &PLAIN, options, NULL, arena, &out, &err))
        fail_msg("%s", err.message);
    struct str rest = out.canonical_request;
    for (int i = 0; i < line; i++)
        str_cut(&rest, '\n');
    return str_cut(&rest, '\n');
}

static void paths(void **state)
{
    (void)state;
    static const struct {
        const char *path, *normalized, *kept, *sent_once;
    } cases[] = {
        {"", "/", "/", "/"},
        {"/a/./b//c", "/a/b/c", "/a/./b//c", "/a/b/c"},
        {"/a/../../b/", "/b/", "/a/../../b/", "/b/"},
        {"/a/b/..", "/a", "/a/b/..", "/a"},
        {"/..a/...", "/..a/...", "/..a/...", "/..a/..."},
        {"/a%20b", "/a%2520b", "/a%2520b", "/a%20b"},
        {"/a b%2fc%zz", "/a%20b%252fc%25zz", "/a%20b%252fc%25zz", "/a%20b%2Fc%25zz"},
        {"/*:@", "/%2A%3A%40", "/%2A%3A%40", "/%2A%3A%40"},
    };
    for (size_t i = 0; i < CC_COUNT(cases); i++) {
        struct arena arena = ARENA_INIT;
        struct aws_sigv4_request request = request_of(str_of(cases[i].path), STR(""));
        struct aws_sigv4_options options = options_of();
        assert_text(canonical_line(&request, &options, 1, &arena), str_of(cases[i].normalized), STR("normalized"));
        options.encode_once = true;
        assert_text(canonical_line(&request, &options, 1, &arena), str_of(cases[i].sent_once), STR("once"));
        options = options_of();
        options.keep_path = true;
        assert_text(canonical_line(&request, &options, 1, &arena), str_of(cases[i].kept), STR("kept"));
        arena_release(&arena);
    }
}

static void queries(void **state)
{
    (void)state;
    static const struct {
        const char *query, *want;
    } cases[] = {
        {"", ""},
        {"a", "a="},
        {"a=&&b", "a=&b="},
        {"=x", "=x"},
        {"Param-3=Value3&Param=Value2&%E1%88%B4=Value1", "%E1%88%B4=Value1&Param=Value2&Param-3=Value3"},
        {"p=b&p=a&P=z", "P=z&p=a&p=b"},
        {"p=a/b+c d=e", "p=a%2Fb%2Bc%20d%3De"},
        {"p=%7e%2f%zz%4", "p=~%2F%25zz%254"},
        {"a=1&a%00=2", "a=1&a%00=2"},
    };
    for (size_t i = 0; i < CC_COUNT(cases); i++) {
        struct arena arena = ARENA_INIT;
        struct aws_sigv4_request request = request_of(STR("/"), str_of(cases[i].query));
        struct aws_sigv4_options options = options_of();
        assert_text(canonical_line(&request, &options, 2, &arena), str_of(cases[i].want), str_of(cases[i].query));
        arena_release(&arena);
    }
}

static void headers_are_folded_and_sorted(void **state)
{
    (void)state;
    static const struct aws_header headers[] = {
        {STR_INIT("X-B"), STR_INIT("  2 \t 3 ")},
        {STR_INIT("host"), STR_INIT("h")},
        {STR_INIT("x-a"), STR_INIT("")},
        {STR_INIT("x-b"), STR_INIT("1\r\n   more")},
        {STR_INIT("User-Agent"), STR_INIT("curl")},
    };
    struct arena arena = ARENA_INIT;
    struct aws_sigv4_request request = {STR("GET"), STR("/"), STR(""), headers, CC_COUNT(headers), STR("")};
    struct aws_sigv4_options options = options_of();
    struct aws_sigv4_signed out;
    assert_int_equal(aws_sigv4_sign(&request, &PLAIN, &options, NULL, &arena, &out, NULL), 0);
    assert_true(str_starts(out.canonical_request, "GET\n/\n\nhost:h\nx-a:\nx-amz-date:20150830T123600Z\n"
                                                  "x-b:2 3,1 more\n\nhost;x-a;x-amz-date;x-b\n"));
    assert_true(str_is(out.signed_headers, "host;x-a;x-amz-date;x-b"));
    arena_release(&arena);
}

static void unsigned_payload(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct aws_sigv4_request request = request_of(STR("/"), STR(""));
    request.body = STR("anything");
    struct aws_sigv4_options options = options_of();
    options.payload = AWS_SIGV4_PAYLOAD_UNSIGNED;
    struct aws_sigv4_signed out, other;
    assert_int_equal(aws_sigv4_sign(&request, &PLAIN, &options, NULL, &arena, &out, NULL), 0);
    assert_true(str_ends(out.canonical_request, "\nUNSIGNED-PAYLOAD"));
    assert_true(str_is(out.signed_headers, "host;x-amz-content-sha256;x-amz-date"));
    request.body = STR("something else");
    assert_int_equal(aws_sigv4_sign(&request, &PLAIN, &options, NULL, &arena, &other, NULL), 0);
    assert_text(other.signature, out.signature, STR("unsigned"));
    arena_release(&arena);
}

static void tokens_in_the_query(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct aws_sigv4_request request = request_of(STR("/"), STR("b=2&a=1"));
    struct aws_sigv4_options options = options_of();
    struct aws_credentials credentials = PLAIN;
    credentials.session_token = STR("to/ken==");
    struct aws_sigv4_signed with, after;
    assert_int_equal(aws_sigv4_presign(&request, &credentials, &options, 60, NULL, &arena, &with, NULL), 0);
    options.token_after_signing = true;
    assert_int_equal(aws_sigv4_presign(&request, &credentials, &options, 60, NULL, &arena, &after, NULL), 0);
    const char *before =
        arena_printf(&arena, "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%%2F20150830%%2F"
                             "us-east-1%%2Fservice%%2Faws4_request&X-Amz-Date=20150830T123600Z&X-Amz-Expires=60");
    const char *want = arena_printf(&arena,
                                    "%s&X-Amz-Security-Token=to%%2Fken%%3D%%3D&X-Amz-SignedHeaders=host&a=1&b=2"
                                    "&X-Amz-Signature=%s",
                                    before, with.signature.ptr);
    assert_text(with.query, str_of(want), STR("signed"));
    want = arena_printf(&arena,
                        "%s&X-Amz-SignedHeaders=host&a=1&b=2&X-Amz-Security-Token=to%%2Fken%%3D%%3D&X-Amz-Signature=%s",
                        before, after.signature.ptr);
    assert_text(after.query, str_of(want), STR("after"));
    assert_false(str_eq(with.signature, after.signature));
    arena_release(&arena);
}

/* One kept key through changes of everything that it is made of gives what no kept key gives. */
static void a_kept_key_is_never_stale(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct aws_sigv4_key key = {0};
    struct aws_sigv4_request request = request_of(STR("/"), STR(""));
    for (unsigned i = 0; i < 32; i++) {
        struct aws_sigv4_options options = options_of();
        struct aws_credentials credentials = PLAIN;
        if (i & 1)
            options.now.ns += INT64_C(86400) * 1000000000;
        if (i & 2)
            options.region = STR("us-west-2");
        if (i & 4)
            options.service = STR("ec2");
        if (i & 8)
            credentials.secret_access_key = STR("another");
        struct aws_sigv4_signed kept, fresh;
        assert_int_equal(aws_sigv4_sign(&request, &credentials, &options, &key, &arena, &kept, NULL), 0);
        assert_int_equal(aws_sigv4_sign(&request, &credentials, &options, NULL, &arena, &fresh, NULL), 0);
        assert_text(kept.signature, fresh.signature, STR("kept"));
    }
    aws_sigv4_key_clear(&key);
    for (size_t i = 0; i < sizeof(key.bytes); i++)
        assert_int_equal(key.bytes[i], 0);
    arena_release(&arena);
}

static void refuse(const struct aws_sigv4_request *request, const struct aws_credentials *credentials,
                   const struct aws_sigv4_options *options, int64_t expires_s)
{
    struct arena arena = ARENA_INIT;
    struct aws_sigv4_signed out = {.n_added = 77};
    struct err err = {0};
    int rc = expires_s ? aws_sigv4_presign(request, credentials, options, expires_s, NULL, &arena, &out, &err)
                       : aws_sigv4_sign(request, credentials, options, NULL, &arena, &out, &err);
    assert_int_equal(rc, ERR_INVALID);
    assert_true(err.message[0] != '\0');
    assert_null(strstr(err.message, "wJalr"));
    assert_int_equal(out.n_added, 77);
    arena_release(&arena);
}

static void bad_requests_are_refused(void **state)
{
    (void)state;
    static const struct aws_header bad[] = {
        {STR_INIT("X-Amz-Date"), STR_INIT("now")},
        {STR_INIT("authorization"), STR_INIT("me")},
        {STR_INIT("x-amz-SECURITY-token"), STR_INIT("t")},
        {STR_INIT("a b"), STR_INIT("")},
        {STR_INIT(""), STR_INIT("")},
        {STR_INIT("a"), STR_INIT("1\r\nb: 2")},
        {STR_INIT("a"), STR_INIT("1\n")},
        {STR_INIT("a"), STR_INIT("1\r2")},
        {STR_INIT("a"), STR_INIT("\x01")},
    };
    struct aws_sigv4_options options = options_of();
    for (size_t i = 0; i < CC_COUNT(bad); i++) {
        const struct aws_header headers[] = {HOST[0], bad[i]};
        struct aws_sigv4_request request = {STR("GET"), STR("/"), STR(""), headers, 2, STR("")};
        refuse(&request, &PLAIN, &options, 0);
        refuse(&request, &PLAIN, &options, 60);
    }
    struct aws_sigv4_request request = request_of(STR("/"), STR("X-Amz-Signature=1"));
    refuse(&request, &PLAIN, &options, 60);
    request = request_of(STR("/"), STR(""));
    refuse(&request, &PLAIN, &options, -1);
    refuse(&request, &PLAIN, &options, AWS_SIGV4_MAX_EXPIRES_S + 1);
    request.n_headers = 0;
    refuse(&request, &PLAIN, &options, 0);
}

static void bad_credentials_are_refused(void **state)
{
    (void)state;
    struct aws_sigv4_options options = options_of();
    struct aws_sigv4_request request = request_of(STR("/"), STR(""));
    struct aws_credentials credentials = PLAIN;
    credentials.access_key_id = STR("AKID EXAMPLE");
    refuse(&request, &credentials, &options, 0);
    credentials = PLAIN;
    credentials.secret_access_key = STR("");
    refuse(&request, &credentials, &options, 0);
    credentials = PLAIN;
    credentials.session_token = STR("t\r\nX-Evil: 1");
    refuse(&request, &credentials, &options, 0);
    options.region = STR("");
    refuse(&request, &PLAIN, &options, 0);
    options = options_of();
    options.service = STR("a/b");
    refuse(&request, &PLAIN, &options, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_vectors),
        cmocka_unit_test(paths),
        cmocka_unit_test(queries),
        cmocka_unit_test(headers_are_folded_and_sorted),
        cmocka_unit_test(unsigned_payload),
        cmocka_unit_test(tokens_in_the_query),
        cmocka_unit_test(a_kept_key_is_never_stale),
        cmocka_unit_test(bad_requests_are_refused),
        cmocka_unit_test(bad_credentials_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
