/* plan.c - `stoker plan`: manifests in, the nodes to buy out. */
#include <stdio.h>
#include <stdlib.h>

#include "provisioner/cmd/certificate.h"
#include "provisioner/cmd/cmd.h"
#include "provisioner/cmd/input.h"
#include "provisioner/cmd/output.h"
#include "provisioner/cmd/terminal.h"
#include "provisioner/plan/planner.h"

enum { BUDGET_DEFAULT_MS = 1000, OWN_FLAGS = 5 };

struct plan_options {
    struct input_options input;
    enum output_format format;
    int64_t budget_ms;
    const char *certificate, *explain;
    bool no_on_demand;
};

static const char notes[] =
    "Exit status: 0 planned; 1 internal error; 2 wrong input or usage, nothing planned; 3 some pods cannot be placed.\n"
    "Example: kubectl get pods,nodes,provisioners -A -o yaml | stoker plan -f -";

static int parse(int argc, char **argv, struct plan_options *options, struct err *err)
{
    struct flag flags[INPUT_FLAGS + OWN_FLAGS] = {
        [INPUT_FLAGS] = {"output", 'o', "FORM", "table (default), wide, json or yaml", output_format_set,
                         &options->format},
        {"solve-budget", 0, "DURATION", "time for one solve (1s); the best so far when it is over", flag_duration_ms,
         &options->budget_ms},
        {"explain", 0, "POD", "tell of namespace/name where it can go, where it goes, and why", flag_text,
         &options->explain},
        {"certificate", 0, "FILE", "write the proof of the lower bound, for stoker verify", flag_text,
         &options->certificate},
        {"no-on-demand", 0, NULL, "leave out the comparison with On-Demand only", flag_true, &options->no_on_demand},
    };
    input_flags(&options->input, flags);
    const struct flag_set set = {"plan",
                                 "",
                                 "Plans the cheapest nodes for the pods that need a place, and proves how cheap they "
                                 "could be. Needs no cluster and no cloud.",
                                 flags,
                                 INPUT_FLAGS + OWN_FLAGS,
                                 notes};
    int first = 0;
    int rc = flags_parse(&set, argc, argv, &first, err);
    if (rc == FLAGS_HELP_ASKED)
        flags_help(&set, stdout);
    if (rc == 0 && !options->input.files.values.len && !options->input.spark_confs.values.len)
        return err_set(err, ERR_INVALID, "nothing to plan for: give manifests with -f, see stoker plan --help");
    return rc;
}

static int write_certificate(const char *path, const struct planner_result *result, struct err *err)
{
    FILE *file = fopen(path, "we");
    if (!file)
        return err_set(err, ERR_FATAL, "%s: cannot be written", path);
    int rc = certificate_write(result, file, err);
    if (fclose(file) && !rc)
        rc = err_set(err, ERR_FATAL, "the certificate could not be written");
    return rc ? err_wrap(err, "%s", path) : 0;
}

static int print_explanation(const struct plan_options *options, const struct planner_result *result,
                             struct arena *arena, struct err *err)
{
    struct explanation explanation;
    int rc = planner_explain(result, options->explain, arena, &explanation, err);
    if (rc)
        return err_wrap(err, "--explain");
    if (options->format == OUTPUT_JSON || options->format == OUTPUT_YAML)
        return output_explanation_json(&explanation, options->format == OUTPUT_JSON ? EMIT_JSON : EMIT_YAML, stdout,
                                       err);
    return output_explanation(&explanation, terminal_of(stdout), stdout, err);
}

static int print_plan(const struct plan_options *options, const struct input *input, const struct answer *answer,
                      struct err *err)
{
    switch (options->format) {
    case OUTPUT_JSON: return output_json(answer, &input->objects, EMIT_JSON, stdout, err);
    case OUTPUT_YAML: return output_json(answer, &input->objects, EMIT_YAML, stdout, err);
    case OUTPUT_TABLE:
    case OUTPUT_WIDE:
        return output_table(answer, &input->objects, &input->catalogue, options->format == OUTPUT_WIDE,
                            terminal_of(stdout), stdout, err);
    }
    abort();
}

static int make_plan(const struct plan_options *options, const struct input *input, struct arena *arena,
                     struct planner_result *ret, struct err *err)
{
    struct progress progress;
    progress_start(&progress, &clock_system);
    const struct planner_options planner = {
        .clock = &clock_system,
        .budget_ms = options->budget_ms,
        .overlay = input->overlay.rules.len ? &input->overlay : NULL,
        .zones = input->zones,
        .n_zones = input->n_zones,
        .skip_on_demand = options->no_on_demand,
        .progress = progress_say,
        .progress_context = &progress,
    };
    int rc = planner_plan(&input->objects, &input->catalogue, &planner, arena, ret, err);
    progress_end(&progress);
    return rc;
}

static int plan(const struct plan_options *options, struct input *input, struct arena *arena, bool *ret_all_placed,
                struct err *err)
{
    struct planner_result result;
    int rc = input_read(&options->input, input, err);
    if (!rc)
        rc = input_need_provisioner(input, err);
    if (!rc)
        rc = make_plan(options, input, arena, &result, err);
    if (!rc && options->certificate)
        rc = write_certificate(options->certificate, &result, err);
    if (!rc && options->explain)
        rc = print_explanation(options, &result, arena, err);
    else if (!rc)
        rc = print_plan(options, input, &result.answer, err);
    if (!rc)
        *ret_all_placed = result.answer.n_unschedulable == 0;
    return rc;
}

int cmd_plan(int argc, char **argv)
{
    struct plan_options options = {.budget_ms = BUDGET_DEFAULT_MS};
    struct input input = {0};
    struct arena arena = ARENA_INIT;
    struct err err = {0};
    bool all_placed = false;
    int status;
    int rc = parse(argc, argv, &options, &err);
    if (rc == FLAGS_HELP_ASKED)
        status = CMD_OK;
    else if (rc || plan(&options, &input, &arena, &all_placed, &err))
        status = input_fail(&err);
    else
        status = all_placed ? CMD_OK : CMD_UNPLACED;
    arena_release(&arena);
    input_release(&input);
    input_options_release(&options.input);
    return status;
}
