/* Any bytes as a price overlay: rules that come out have prices above 0. */
#include <assert.h>
#include <stdint.h>

#include "provisioner/plan/overlay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct overlay overlay = {0};
    static struct diag diag;
    int rc = overlay_read(&overlay, (struct str){(const char *)data, size}, "fuzz", &diag, NULL);
    assert((rc == ERR_INVALID) == (diag_count(&diag) > 0));
    for (size_t i = 0; i < overlay.rules.len; i++) {
        assert(overlay_price(&overlay.rules.items[i], 1) > 0);
        assert(overlay_price(&overlay.rules.items[i], INT64_C(1000000000000)) > 0);
    }
    diag_release(&diag);
    overlay_release(&overlay);
    return 0;
}
