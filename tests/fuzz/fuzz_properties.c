/* Any bytes as a Spark configuration: pods within bounds, or findings. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "provisioner/spark/spark.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct objects objects = {0};
    struct diag diag = {0};
    struct err err = {0};
    struct str bytes = {(const char *)data, size};
    int code = spark_properties_read(&objects, bytes, "none/app.properties", &diag, &err);
    assert(code == 0);
    assert(objects.spark.len == (diag_count(&diag) == 0));
    code = spark_expand(&objects, &diag, &err);
    assert(code == 0 && objects.spark.len == 0);
    for (size_t i = 0; i < objects.pods.len; i++) {
        const struct pod *pod = &objects.pods.items[i];
        assert(pod->planned && pod->name.len && pod->role != SPARK_NONE && pod->spec < objects.specs.len);
    }
    objects_release(&objects);
    diag_release(&diag);
    return 0;
}
