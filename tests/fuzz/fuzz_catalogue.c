/* Any bytes as a user's tables: split at the first NUL into types and prices; an empty half means the built-in one. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "cloud/aws/catalogue.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const struct cloud_catalogue *catalogue, struct arena *arena)
{
    const struct cloud_kubelet kubelet = CLOUD_KUBELET_INIT;
    const struct cloud_disk disk = {.root_bytes = -1, .instance_store_raid0 = true, .ephemeral_is_root = true};
    struct cloud_resource *capacity, *allocatable;
    size_t n = 0;
    assert(catalogue->n_offerings > 0);
    for (size_t i = 0; i < catalogue->n_offerings; i++) {
        assert(catalogue->offerings[i].type < catalogue->n_types);
        assert(catalogue->offerings[i].zone < catalogue->n_zones);
        assert(catalogue->offerings[i].price_microusd > 0);
    }
    for (size_t i = 0; i < catalogue->n_types; i++) {
        int rc =
            catalogue->node_resources(&catalogue->types[i], &kubelet, &disk, arena, &capacity, &allocatable, &n, NULL);
        for (size_t r = 0; !rc && r < n; r++)
            assert(allocatable[r].amount >= 0 && allocatable[r].amount <= capacity[r].amount);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = ARENA_INIT;
    static struct diag diag;
    struct cloud_catalogue catalogue;
    struct aws_catalogue_source source = {0};
    struct str rest = {(const char *)data, size};
    struct str types = str_cut(&rest, '\0');
    if (types.len)
        source.types_tsv = types;
    if (rest.len)
        source.prices_tsv = rest;
    int rc = aws_catalogue_load(&source, &arena, &diag, &catalogue, NULL);
    assert((rc == ERR_INVALID) == (diag_count(&diag) > 0));
    if (!rc)
        use(&catalogue, &arena);
    diag_release(&diag);
    arena_release(&arena);
    return 0;
}
