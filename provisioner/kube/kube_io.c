#include "base/file.h"
#include "provisioner/kube/kubeconfig.h"

enum { MAX_FILE_BYTES = 1 << 20 };

static int system_read(void *context, const char *path, struct arena *arena, struct str *ret, struct err *err)
{
    (void)context;
    return file_read_into(path, MAX_FILE_BYTES, arena, ret, err);
}

const struct kube_io kube_io_system = {system_read, NULL};
