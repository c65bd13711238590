/* provider_launch.c - one CreateFleet: sent as it was written down, its answer sorted into machines and failures. */
#include "cloud/aws/fleet.h"
#include "cloud/aws/provider_internal.h"

enum phase { PHASE_ASK, PHASE_WAIT, PHASE_TEMPLATES };

struct launching {
    struct operation operation;
    enum phase phase;
    struct str id;
    struct fleet_request request;
    bool made_again; /* the launch templates, once */
    struct err err;
    struct cloud_failure failure; /* where err */
    struct fleet_answer answer;
    cloud_launched_fn done;
    void *context;
};

static bool forget_templates(struct launching *launching)
{
    bool again = true;
    for (size_t i = 0; i < launching->request.n_configs; i++)
        again = launch_templates_lost(launching->operation.provider->templates,
                                      launching->request.configs[i].launch_template) &&
                again;
    return again;
}

/*
 * Machines may have been started: the same request again tells which, so whatever goes wrong with the reading is no
 * definite answer.
 */
static void read_answer(struct launching *launching, const struct aws_answer *answer)
{
    struct err err = {0};
    struct aws_provider *provider = launching->operation.provider;
    if (fleet_answer_read(answer->xml, &launching->request, launching->id, &launching->operation.arena,
                          &launching->answer, &err)) {
        err_note(&launching->err, ERR_RETRY, "%s", err.message);
        launching->failure = failure_of(&launching->err, AWS_SCOPE_CALL);
        return;
    }
    for (size_t i = 0; i < launching->answer.n_dry_subnets; i++)
        aws_discovery_dry(provider->discovery, launching->answer.dry_subnets[i]);
    for (size_t i = 0; i < launching->answer.n_instances; i++) {
        struct cloud_instance *instance = &launching->answer.instances[i];
        instance->launched = provider->loop->clock->wall(provider->loop->clock->context);
        instance->price_microusd =
            market_price(provider->market, instance->instance_type, instance->zone, instance->capacity_type);
    }
    if (launching->answer.template_missing)
        forget_templates(launching);
}

/*
 * Only what EC2 itself says in a word, or that nobody could be asked for lack of credentials, is definite. Else (memory
 * that ran out over the answer, an answer that is too large or none of EC2's) machines may be running: the same again.
 */
static struct err judged(const struct err *err)
{
    struct err judged = *err;
    if (!err->provider_code[0] && err->code != ERR_AUTH && err->code != ERR_THROTTLED)
        judged.code = ERR_RETRY;
    return judged;
}

static void on_answer(void *context, const struct aws_answer *answer)
{
    struct launching *launching = context;
    struct aws_provider *provider = launching->operation.provider;
    bool missing = answer->err && answer->scope == AWS_SCOPE_LAUNCH_TEMPLATE;
    if (missing && !launching->made_again && forget_templates(launching)) {
        launching->made_again = true;
        launching->phase = PHASE_TEMPLATES;
        launching->operation.since = loop_now(provider->loop);
        launching->err = judged(answer->err);
        launching->failure = failure_of(&launching->err, answer->scope);
        operations_step(provider);
        return;
    }
    launching->err = answer->err ? judged(answer->err) : (struct err){0};
    if (answer->err)
        launching->failure = failure_of(&launching->err, answer->scope);
    else
        read_answer(launching, answer);
    launching->operation.over = true;
    operations_step(provider);
}

static int ask(struct launching *launching, struct err *err)
{
    struct aws_call call = {.service = AWS_EC2, .action = "CreateFleet", .no_retry = true, .urgent = true};
    struct buf buf = BUF_INIT(&launching->operation.arena);
    fleet_form(&launching->request, launching->id, &buf);
    int rc = buf_str(&buf, &call.body, err);
    if (!rc)
        rc = aws_client_call(launching->operation.provider->client, &call, on_answer, launching, err);
    if (rc == ERR_NOMEM)
        rc = err_set(err, ERR_RETRY, "ec2:CreateFleet: out of memory");
    return rc;
}

/* 0: all are there; 1 some are being made; else negative. */
static int templates_again(struct launching *launching)
{
    int pending = 0;
    for (size_t i = 0; i < launching->request.n_configs; i++) {
        int rc =
            launch_templates_again(launching->operation.provider->templates,
                                   launching->request.configs[i].launch_template, launching->operation.since, NULL);
        if (rc < 0)
            return rc;
        pending |= rc;
    }
    return pending;
}

static int step(struct operation *operation)
{
    struct launching *launching = (struct launching *)operation;
    if (launching->phase == PHASE_WAIT)
        return 0;
    int rc = launching->phase == PHASE_TEMPLATES ? templates_again(launching) : 0;
    if (rc > 0)
        return 0;
    if (rc < 0)
        return 1; /* with the error that the call met */
    launching->phase = PHASE_WAIT;
    launching->err = (struct err){0};
    if (ask(launching, &launching->err) == 0)
        return 0;
    launching->failure = failure_of(&launching->err, AWS_SCOPE_CALL);
    return 1;
}

static void finish(struct operation *operation)
{
    struct launching *launching = (struct launching *)operation;
    struct cloud_launched launched = {.err = launching->err.code ? &launching->err : NULL};
    if (launched.err) {
        launched.failures = &launching->failure;
        launched.n_failures = 1;
    } else {
        launched.instances = launching->answer.instances;
        launched.n_instances = launching->answer.n_instances;
        launched.failures = launching->answer.failures;
        launched.n_failures = launching->answer.n_failures;
    }
    launching->done(launching->context, &launched);
}

static const struct operation_kind kind = {step, finish, NULL};

int provider_launch(void *context, struct str launch_id, struct str request, cloud_launched_fn done, void *done_context,
                    struct err *err)
{
    struct launching *launching = operation_new(context, &kind, sizeof(*launching));
    if (!launching)
        return err_nomem(err);
    launching->done = done;
    launching->context = done_context;
    launching->id = str_dup(&launching->operation.arena, launch_id);
    int rc = launching->id.ptr ? 0 : err_nomem(err);
    if (!rc)
        rc = fleet_request_read(request, &launching->operation.arena, &launching->request, err);
    if (!rc)
        rc = operation_begin(&launching->operation, err);
    if (rc)
        operation_free(&launching->operation);
    return rc;
}
