#include <stdio.h>
#include <string.h>

#include "provisioner/cmd/cmd.h"

#ifndef STOKER_VERSION
#define STOKER_VERSION "0.1.0-dev"
#endif

int cmd_version(int argc, char **argv)
{
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        puts("usage: stoker version\n\nPrints the version.");
        return fflush(stdout) ? CMD_INTERNAL : CMD_OK;
    }
    if (argc > 1) {
        fputs("stoker: version takes no options\n", stderr);
        return CMD_INPUT;
    }
    puts("stoker " STOKER_VERSION);
    return fflush(stdout) ? CMD_INTERNAL : CMD_OK;
}
