/* Any bytes as manifests: objects that are consistent, or findings; never both lost. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "provisioner/api/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
    struct objects objects;
    struct diag diag;
    size_t n_objects;
};

static int on_object(void *context, const struct doc *object, struct err *err)
{
    struct world *world = context;
    world->n_objects++;
    return objects_decode(&world->objects, object, "fuzz.yaml", &world->diag, err);
}

static size_t total(const struct objects *objects)
{
    size_t n = objects->pods.len + objects->nodes.len + objects->provisioners.len + objects->templates.len;
    n += objects->daemon_sets.len + objects->claims.len + objects->volumes.len + objects->storage_classes.len +
         objects->csi_nodes.len;
    n += objects->priority_classes.len;
    for (size_t i = 0; i < objects->ignored_counts.len; i++)
        n += objects->ignored_counts.items[i];
    return n;
}

static void check_pods(const struct objects *objects)
{
    for (size_t i = 0; i < objects->pods.len; i++) {
        const struct pod *pod = &objects->pods.items[i];
        assert(pod->spec < objects->specs.len && pod->name.len > 0 && pod->namespace_.len > 0);
        assert((pod->role == SPARK_NONE) <= (pod->app.len == 0));
        for (size_t k = 1; k < pod->labels.n; k++)
            assert(str_cmp(pod->labels.items[k - 1].key, pod->labels.items[k].key) < 0);
    }
    for (size_t i = 0; i < objects->specs.len; i++) {
        const struct pod_spec *spec = objects->specs.items[i];
        assert(spec->id == i);
        for (size_t k = 0; k < spec->requests.n; k++)
            assert(spec->requests.items[k].amount > 0 && spec->requests.items[k].amount <= INT64_C(1) << 53);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world world = {.n_objects = 0};
    struct err err = {0};
    int rc = doc_read((struct str){(const char *)data, size}, "fuzz.yaml", on_object, &world, &err);
    assert(rc == 0 || rc == ERR_INVALID);
    assert(total(&world.objects) <= world.n_objects);
    /* Each object is there, or counted, or something was said about it. */
    assert(total(&world.objects) + diag_count(&world.diag) >= world.n_objects);
    check_pods(&world.objects);
    objects_release(&world.objects);
    diag_release(&world.diag);
    return 0;
}
