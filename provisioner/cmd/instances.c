/* instances.c - `stoker instances`: what is on sale, for whom, at what price a pod. */
#include "provisioner/cmd/instances.h"

#include <stdlib.h>

#include "provisioner/cmd/cmd.h"
#include "provisioner/cmd/input.h"
#include "provisioner/cmd/output.h"

enum { OWN_FLAGS = 7, MOST_ROWS = 100000 };

struct instances_options {
    struct input_options input;
    struct instances_query query;
    enum output_format format;
};

static const char notes[] =
    "PODs of --fits ask for any resource: cpu=4,memory=15Gi,count=3 lists what holds three pods of 4 cpu and 15 GiB "
    "each,\n"
    "after daemon pods. Orders of --sort: usd, usd-per-pod, usd-per-vcpu, usd-per-gib, name, interruption; by the "
    "cheapest\n"
    "zone. CPU FREE, MEM FREE and PODS are what a node leaves for pods.\n"
    "Exit status: 0 listed; 1 internal error; 2 wrong input or usage; 3 nothing on sale meets it all.\n"
    "Example: stoker instances -f provisioner.yaml --fits cpu=4,memory=15Gi,count=3 --sort usd-per-pod --max 10";

static int max_set(void *target, const char *value, struct err *err)
{
    int64_t number = 0;
    if (!str_to_int64(str_of(value), &number) || number < 1 || number > MOST_ROWS)
        return err_set(err, ERR_INVALID, "\"%s\" is not allowed, allowed is a whole number from 1 to %d", value,
                       MOST_ROWS);
    *(int64_t *)target = number;
    return 0;
}

static int parse(int argc, char **argv, struct instances_options *options, struct err *err)
{
    struct instances_query *query = &options->query;
    struct flag flags[INPUT_FLAGS + OWN_FLAGS] = {
        [INPUT_FLAGS] = {"output", 'o', "FORM", "table (default), wide, json or yaml", output_format_set,
                         &options->format},
        {"fits", 0, "POD", "what holds such pods: cpu=4,memory=15Gi,count=3", instances_pod_set, &query->pod},
        {"sort", 0, "KEY", "order (usd-per-pod with --fits, else usd)", instances_sort_set, &query->sort},
        {"arch", 0, "A,B", "amd64, arm64", flag_append_cut, &query->arches},
        {"capacity-type", 0, "A,B", "spot, on-demand", flag_append_cut, &query->capacity_types},
        {"family", 0, "A,B", "families such as c5d,m6g", flag_append_cut, &query->families},
        {"max", 0, "N", "list N at most", max_set, &query->max_rows},
    };
    input_flags(&options->input, flags);
    const struct flag_set set = {
        "instances",
        "",
        "Lists the instance types that Provisioners admit, or all without -f, with room and prices.",
        flags,
        INPUT_FLAGS + OWN_FLAGS,
        notes};
    int first = 0;
    int rc = flags_parse(&set, argc, argv, &first, err);
    if (rc == FLAGS_HELP_ASKED)
        flags_help(&set, stdout);
    return rc;
}

static int print(const struct instances_options *options, const struct instances *instances, struct err *err)
{
    switch (options->format) {
    case OUTPUT_JSON: return instances_json(instances, EMIT_JSON, stdout, err);
    case OUTPUT_YAML: return instances_json(instances, EMIT_YAML, stdout, err);
    case OUTPUT_TABLE:
    case OUTPUT_WIDE:
        return instances_table(instances, options->format == OUTPUT_WIDE, terminal_of(stdout), stdout, err);
    }
    abort();
}

static int run(struct instances_options *options, struct input *input, struct arena *arena, bool *ret_found,
               struct err *err)
{
    struct instances instances;
    int rc = input_read(&options->input, input, err);
    if (!rc && options->input.files.values.len)
        rc = input_need_provisioner(input, err);
    if (rc)
        return rc;
    options->query.zones = input->zones;
    options->query.n_zones = input->n_zones;
    options->query.overlay = input->overlay.rules.len ? &input->overlay : NULL;
    rc = instances_find(&input->objects, &input->catalogue, &options->query, arena, &instances, err);
    if (!rc)
        rc = print(options, &instances, err);
    if (!rc)
        *ret_found = instances.n_found > 0;
    return rc;
}

int cmd_instances(int argc, char **argv)
{
    struct instances_options options = {.query = {.pod = {.count = 1}}};
    struct input input = {0};
    struct arena arena = ARENA_INIT;
    struct err err = {0};
    bool found = false;
    int status = CMD_OK;
    int rc = parse(argc, argv, &options, &err);
    if (!rc)
        rc = run(&options, &input, &arena, &found, &err);
    if (rc < 0)
        status = input_fail(&err);
    else if (rc == 0 && !found)
        status = CMD_UNPLACED;
    arena_release(&arena);
    input_release(&input);
    flag_list_release(&options.query.arches);
    flag_list_release(&options.query.capacity_types);
    flag_list_release(&options.query.families);
    input_options_release(&options.input);
    return status;
}
