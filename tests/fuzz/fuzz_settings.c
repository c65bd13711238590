/* Any bytes as the file of settings: refused with words, or settings that a controller can run with. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "provisioner/cmd/run_settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct run_settings *settings)
{
    const struct control_settings *control = &settings->control;
    assert(settings->cluster_name && settings->cluster_name[0]);
    assert(str_is(control->cluster_name, settings->cluster_name));
    assert(settings->listen && settings->lease);
    assert(control->launches_per_minute > 0 && control->batch_idle_ms >= 0 && control->batch_max_ms >= 0);
    assert(control->collect_ms > 0 && control->consistency_ms >= 0 && control->unavailable_ms >= 0);
    assert(control->solve_budget_ms >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("settings", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        return 0;
    char path[64], verb[] = "run", config[] = "--config";
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    char *argv[] = {verb, config, path, NULL};
    struct run_settings settings;
    struct err err = {0};
    int rc = run_settings_parse("run", "", NULL, 3, argv, &settings, &err);
    assert(rc == err.code && (rc == 0) == (err.message[0] == '\0'));
    if (rc == 0)
        check(&settings);
    run_settings_release(&settings);
    close(fd);
    return 0;
}
