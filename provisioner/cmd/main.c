/* main.c - `stoker VERB …`: finds the verb and hands over. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cc.h"
#include "provisioner/cmd/cmd.h"

struct verb {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary; /* NULL: not listed */
};

static const struct verb verbs[] = {
    {"plan", cmd_plan, "the cheapest nodes for the pods that need a place, and how cheap they could be"},
    {"verify", cmd_verify, "check a plan and the proof of its lower bound"},
    {"instances", cmd_instances, "what is on sale for a pod, and at what price"},
    {"run", cmd_run, "the controller: launches, places and gives back nodes"},
    {"doctor", cmd_doctor, "what the controller needs and does not find"},
    {"version", cmd_version, "print the version"},
    {"crds", cmd_crds, NULL},
};

static void usage(FILE *file)
{
    fputs("Stoker plans, and proves, the cheapest set of EC2 nodes for what Spark asks of Kubernetes.\n\n"
          "usage: stoker VERB [options]\n\n",
          file);
    for (size_t i = 0; i < CC_COUNT(verbs); i++)
        if (verbs[i].summary)
            fprintf(file, "  %-10s %s\n", verbs[i].name, verbs[i].summary);
    fputs("\nstoker VERB --help says more of a verb.\n", file);
}

static int unknown(const char *word)
{
    fprintf(stderr, "stoker: %s: no such verb; allowed are", word);
    for (size_t i = 0; i < CC_COUNT(verbs); i++)
        if (verbs[i].summary)
            fprintf(stderr, "%s %s", i ? "," : "", verbs[i].name);
    fputs(", help\n", stderr);
    return CMD_INPUT;
}

static const struct verb *verb_find(const char *name)
{
    for (size_t i = 0; i < CC_COUNT(verbs); i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

static bool is_help(const char *word)
{
    return strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* `stoker help plan` is `stoker plan --help`. */
static int help(int argc, char **argv)
{
    const struct verb *verb = argc > 2 ? verb_find(argv[2]) : NULL;
    if (argc > 2 && !verb)
        return unknown(argv[2]);
    if (verb) {
        char flag[] = "--help";
        char *arguments[] = {argv[2], flag, NULL};
        return verb->run(2, arguments);
    }
    usage(stdout);
    return fflush(stdout) ? CMD_INTERNAL : CMD_OK;
}

int main(int argc, char **argv)
{
    if (argc < 2 || is_help(argv[1]))
        return help(argc, argv);
    const struct verb *verb = verb_find(strcmp(argv[1], "--version") == 0 ? "version" : argv[1]);
    return verb ? verb->run(argc - 1, argv + 1) : unknown(argv[1]);
}
