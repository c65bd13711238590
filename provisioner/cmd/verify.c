/* verify.c - `stoker verify PLAN CERTIFICATE -f …`: does the plan hold, is its bound true; no GLPK, exact integers. */
#include <stdio.h>

#include "base/doc.h"
#include "base/file.h"
#include "base/money.h"
#include "provisioner/cmd/certificate.h"
#include "provisioner/cmd/cmd.h"
#include "provisioner/cmd/input.h"
#include "provisioner/cmd/verify_plan.h"
#include "solver/check.h"

struct verify_options {
    struct input_options input;
    const char *plan, *certificate;
};

/* What is read and found on the way; released as one. */
struct verification {
    struct input input;
    struct arena arena;
    struct str plan_text, certificate_text;
    struct certificate certificate;
    struct planner_result asked;
    struct verified_plan plan;
    int64_t bound_microusd;
};

static const char notes[] =
    "Give the same -f, --spark-conf, --region, --zones, --catalog, --prices and --price-overlay\n"
    "as for the plan. Exit status: 0 both hold; 1 the first violation is named; 2 wrong input.";

static int parse(int argc, char **argv, struct verify_options *options, struct err *err)
{
    struct flag flags[INPUT_FLAGS];
    input_flags(&options->input, flags);
    const struct flag_set set = {"verify",
                                 "PLAN CERTIFICATE",
                                 "Checks a plan of stoker plan -o json, and the lower bound that its certificate "
                                 "proves, against the input, independently of the solver.",
                                 flags,
                                 INPUT_FLAGS,
                                 notes};
    int first = 0;
    int rc = flags_parse(&set, argc, argv, &first, err);
    if (rc == FLAGS_HELP_ASKED)
        flags_help(&set, stdout);
    if (rc)
        return rc;
    if (argc - first != 2)
        return err_set(err, ERR_INVALID, "verify needs two files, a plan and a certificate; %d given", argc - first);
    options->plan = argv[first];
    options->certificate = argv[first + 1];
    return 0;
}

static int read_all(const struct verify_options *options, struct verification *v, struct err *err)
{
    int rc = input_read(&options->input, &v->input, err);
    if (!rc)
        rc = input_need_provisioner(&v->input, err);
    if (!rc)
        rc = file_read(options->plan, DOC_MAX_INPUT_BYTES, &v->plan_text, err);
    if (!rc)
        rc = file_read(options->certificate, DOC_MAX_INPUT_BYTES, &v->certificate_text, err);
    if (rc)
        return rc;
    const struct planner_options planner = {
        .clock = &clock_system,
        .overlay = v->input.overlay.rules.len ? &v->input.overlay : NULL,
        .zones = v->input.zones,
        .n_zones = v->input.n_zones,
    };
    return planner_bound_problem(&v->input.objects, &v->input.catalogue, &planner, &v->arena, &v->asked, err);
}

/* The certificate's worth of every shape, in the problem's order; it must speak of the pods that the plan places. */
static int match_duals(struct verification *v, int64_t *duals, struct err *err)
{
    uint32_t n_shapes = v->asked.bound_problem->n_shapes;
    if (v->certificate.keys.len != n_shapes)
        return err_set(err, ERR_INVALID, "the certificate is of %zu shapes, the input has %u", v->certificate.keys.len,
                       n_shapes);
    for (uint32_t s = 0; s < n_shapes; s++) {
        uint32_t id = intern_find(&v->certificate.keys, str_of(v->asked.shape_keys[s]));
        if (id == INTERN_NONE)
            return err_set(err, ERR_INVALID, "the certificate has no shape %s", v->asked.shape_keys[s]);
        if (v->certificate.shapes[id].placed != v->plan.placed[s])
            return err_set(err, ERR_INVALID, "shape %s: the plan places %lld pods, the certificate speaks of %lld",
                           v->asked.shape_keys[s], (long long)v->plan.placed[s],
                           (long long)v->certificate.shapes[id].placed);
        duals[s] = v->certificate.shapes[id].worth_nanousd;
    }
    return 0;
}

static int check_claim(int64_t claimed_microusd, int64_t proven_microusd, struct err *err)
{
    char claimed[MONEY_TEXT_MAX], proven[MONEY_TEXT_MAX];
    if (claimed_microusd <= proven_microusd)
        return 0;
    return err_set(err, ERR_INVALID, "the certificate claims a lower bound of %s $/h, proven is %s $/h",
                   money_text(claimed_microusd, claimed), money_text(proven_microusd, proven));
}

/* The certificate must be the plan's: of the same region, and the source of the bound that the plan prints. */
static int check_company(const struct verification *v, struct err *err)
{
    char plan[MONEY_TEXT_MAX], certificate[MONEY_TEXT_MAX];
    struct str region = v->input.catalogue.region;
    if (!str_eq(v->certificate.region, region))
        return err_set(err, ERR_INVALID, "the certificate is of region %.*s, the input of %.*s",
                       STR_ARG(v->certificate.region), STR_ARG(region));
    if (v->certificate.bound_microusd != v->plan.claimed_bound_microusd)
        return err_set(err, ERR_INVALID, "the plan claims a lower bound of %s $/h, its certificate one of %s $/h",
                       money_text(v->plan.claimed_bound_microusd, plan),
                       money_text(v->certificate.bound_microusd, certificate));
    return 0;
}

static int check_bound(struct verification *v, struct err *err)
{
    int64_t *duals = arena_array(&v->arena, int64_t, v->asked.bound_problem->n_shapes);
    if (!duals)
        return err_nomem(err);
    int rc = match_duals(v, duals, err);
    if (!rc)
        rc = solver_check_bound(v->asked.bound_problem, v->plan.placed, duals, &v->bound_microusd, err);
    if (!rc)
        rc = check_claim(v->certificate.bound_microusd, v->bound_microusd, err);
    return rc;
}

static void report(const struct verification *v)
{
    char cost[MONEY_TEXT_MAX], worst[MONEY_TEXT_MAX], bound[MONEY_TEXT_MAX];
    printf("pods         each of %zu stands in the plan once: %zu placed, %zu with a reason why not\n",
           v->plan.n_placed + v->plan.n_unschedulable, v->plan.n_placed, v->plan.n_unschedulable);
    printf("nodes        %zu new and %zu existing: their pods are admitted and fit, limits are kept\n", v->plan.n_nodes,
           v->plan.n_existing);
    printf("pools        %zu alternatives can carry the same pods\n", v->plan.n_alternatives);
    printf("prices       are the catalogue's; their sums are %s $/h, at worst %s $/h\n",
           money_text(v->plan.cost_microusd, cost), money_text(v->plan.worst_microusd, worst));
    printf("lower bound  %s $/h is proven for the pods of %u shapes against %u offerings\n",
           money_text(v->bound_microusd, bound), v->asked.bound_problem->n_shapes, v->asked.bound_problem->n_offerings);
    printf("not checked  spread and affinity over zones; reasons for what is not placed; the On-Demand figure\n");
}

/* What the plan or the certificate gets wrong is status 1; all else as input_fail has it. */
static int verify(const struct verify_options *options, struct verification *v)
{
    struct err err = {0};
    if (read_all(options, v, &err))
        return input_fail(&err);
    int rc = verify_plan(v->plan_text, options->plan, &v->input.objects, &v->asked, &v->arena, &v->plan, &err);
    if (!rc)
        rc = certificate_read(&v->certificate, v->certificate_text, options->certificate, &err);
    if (!rc)
        rc = check_company(v, &err);
    if (!rc)
        rc = check_bound(v, &err);
    if (rc) {
        fprintf(stderr, "stoker: %s%s\n", rc == ERR_NOMEM ? "" : "does not hold: ", err.message);
        return CMD_INTERNAL;
    }
    report(v);
    return fflush(stdout) ? CMD_INTERNAL : CMD_OK;
}

int cmd_verify(int argc, char **argv)
{
    struct verify_options options = {0};
    struct verification v = {0};
    struct err err = {0};
    int rc = parse(argc, argv, &options, &err);
    int status = rc == FLAGS_HELP_ASKED ? CMD_OK : rc ? input_fail(&err) : verify(&options, &v);
    certificate_release(&v.certificate);
    file_free(&v.plan_text);
    file_free(&v.certificate_text);
    arena_release(&v.arena);
    input_release(&v.input);
    input_options_release(&options.input);
    return status;
}
