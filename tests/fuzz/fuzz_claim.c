/* Any bytes as a NodeClaim: refused with a word, or read; what was read is the same after it was written and read. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "provisioner/api/claim.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str written(const struct node_claim *claim, struct arena *arena)
{
    struct buf buf = BUF_INIT(arena);
    struct json_out json = JSON_OUT(&buf);
    struct str text;
    json_open_map(&json, NULL);
    json_open_map(&json, "metadata");
    json_str(&json, "name", claim->name);
    json_close_map(&json);
    claim_write_spec(claim, &json, "spec");
    claim_write_status(claim, &json, "status");
    json_close_map(&json);
    int rc = buf_str(&buf, &text, NULL);
    assert(rc == 0);
    (void)rc;
    return text;
}

struct one {
    struct arena *arena;
    struct node_claim claim;
};

static int again(void *context, const struct doc *object, struct err *err)
{
    struct one *one = context;
    int rc = claim_decode(object, one->arena, &one->claim, err);
    assert(rc == 0);
    return rc;
}

static int on_object(void *context, const struct doc *object, struct err *err)
{
    (void)context;
    struct arena arena = ARENA_INIT;
    struct node_claim claim, copy;
    struct err why = {0};
    int rc = claim_decode(object, &arena, &claim, &why);
    assert(rc == 0 || (rc == ERR_INVALID && why.message[0]));
    if (rc == 0) {
        struct one one = {.arena = &arena};
        struct str text = written(&claim, &arena);
        rc = doc_read(text, "claim.json", again, &one, err);
        assert(rc == 0);
        rc = claim_copy(&one.claim, &arena, &copy, err);
        assert(rc == 0 && str_eq(written(&copy, &arena), text));
    }
    arena_release(&arena);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    int rc = doc_read((struct str){(const char *)data, size}, "fuzz.yaml", on_object, NULL, &err);
    (void)rc;
    return 0;
}
