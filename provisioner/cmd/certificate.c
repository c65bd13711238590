#include "provisioner/cmd/certificate.h"

#include <assert.h>

#include "base/doc.h"
#include "provisioner/cmd/emit.h"
#include "provisioner/cmd/member.h"

enum { CERTIFICATE_VERSION = 1 };

int certificate_write(const struct planner_result *result, FILE *file, struct err *err)
{
    struct emit emit = emit_to(file, EMIT_JSON);
    emit_map(&emit);
    emit_int_at(&emit, "certificate", CERTIFICATE_VERSION);
    emit_text_at(&emit, "region", result->answer.region);
    emit_money_at(&emit, "lowerBoundUsdPerHour", result->answer.lower_bound_microusd);
    emit_key(&emit, "shapes");
    emit_list(&emit);
    for (uint32_t s = 0; s < result->bound_problem->n_shapes; s++) {
        emit_map_compact(&emit);
        emit_text_at(&emit, "shape", str_of(result->shape_keys[s]));
        emit_int_at(&emit, "placed", result->placed[s]);
        emit_int_at(&emit, "worthNanoUsdPerHour", result->duals_nanousd[s]);
        emit_close(&emit);
    }
    emit_close(&emit);
    emit_close(&emit);
    return emit_end(&emit) ? 0 : err_set(err, ERR_FATAL, "the certificate could not be written");
}

static int read_shape(struct certificate *certificate, const struct doc *doc, struct err *err)
{
    struct str key = {NULL, 0};
    struct certificate_shape shape = {0};
    uint32_t id = 0;
    size_t before = certificate->keys.len;
    int rc = member_text(doc, "shape", &key, err);
    if (!rc)
        rc = member_count(doc, "placed", &shape.placed, err);
    if (!rc)
        rc = member_count(doc, "worthNanoUsdPerHour", &shape.worth_nanousd, err);
    if (!rc)
        rc = intern_add(&certificate->keys, key, &id, err);
    if (rc)
        return rc;
    if (id < before)
        return err_set(err, ERR_INVALID, "line %d: shape: stands here for the second time", doc->line);
    certificate->shapes[id] = shape;
    return 0;
}

static int read_object(void *context, const struct doc *object, struct err *err)
{
    struct certificate *certificate = context;
    const struct doc *shapes = NULL;
    struct str region = {NULL, 0};
    int64_t version = 0;
    if (certificate->shapes)
        return err_set(err, ERR_INVALID, "line %d: a second document; allowed is one", object->line);
    int rc = member_count(object, "certificate", &version, err);
    if (!rc && version != CERTIFICATE_VERSION)
        return err_set(err, ERR_INVALID, "line %d: certificate: version %lld is unknown, allowed is %d", object->line,
                       (long long)version, CERTIFICATE_VERSION);
    if (!rc)
        rc = member_text(object, "region", &region, err);
    if (!rc)
        rc = member_money(object, "lowerBoundUsdPerHour", &certificate->bound_microusd, err);
    if (!rc)
        rc = member_list(object, "shapes", &shapes, err);
    if (rc)
        return rc;
    certificate->region = str_dup(&certificate->arena, region);
    certificate->shapes = arena_array(&certificate->arena, struct certificate_shape, shapes->count);
    if (!certificate->region.ptr || !certificate->shapes)
        return err_nomem(err);
    DOC_EACH (shape, shapes) {
        rc = read_shape(certificate, shape, err);
        if (rc)
            return rc;
    }
    return 0;
}

int certificate_read(struct certificate *certificate, struct str bytes, const char *name, struct err *err)
{
    int rc = doc_read(bytes, name, read_object, certificate, err);
    if (!rc && !certificate->shapes)
        rc = err_set(err, ERR_INVALID, "holds no certificate");
    return rc == 0 || rc == ERR_NOMEM ? rc : err_wrap(err, "%s", name);
}

void certificate_release(struct certificate *certificate)
{
    intern_release(&certificate->keys);
    arena_release(&certificate->arena);
    *certificate = (struct certificate){0};
}
