#include "tests/support/aws_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cloud/aws/json.h"

enum { HOUR_MS = 3600 * 1000 };

static void open_without_network(struct aws_world *world)
{
    memset(world, 0, sizeof(*world));
    virtual_time_init(&world->time);
    loop_init(&world->loop, &world->time.clock, virtual_time_waiter(&world->time));
    world->seed = 1;
    world->chance = chance_seeded(&world->seed);
    world->environment = fake_environment_environment(&world->fake);
    world->commands.loop = &world->loop;
    world->environment.commands = fake_commands_commands(&world->commands);
    fake_environment_set(&world->fake, "AWS_ACCESS_KEY_ID", "AKID");
    fake_environment_set(&world->fake, "AWS_SECRET_ACCESS_KEY", "SECRET");
    fake_environment_set(&world->fake, "AWS_ENDPOINT_URL", "http://aws.test");
}

void aws_world_open(struct aws_world *world)
{
    open_without_network(world);
    world->http = fake_http_open(&world->loop);
    world->network = fake_http_http(world->http);
}

void aws_world_open_actions(struct aws_world *world)
{
    open_without_network(world);
    world->aws = fake_aws_open(&world->loop);
    world->network = fake_aws_http(world->aws);
}

static void on_called(void *context, const char *api, int code, double ms)
{
    struct aws_world *world = context;
    size_t len = strlen(world->called);
    assert_true(ms >= 0);
    snprintf(world->called + len, sizeof(world->called) - len, "%s=%d ", api, code);
}

void aws_world_connect(struct aws_world *world, const char *region)
{
    const struct aws_client_options options = {.loop = &world->loop,
                                               .http = world->network,
                                               .chance = &world->chance,
                                               .environment = &world->environment,
                                               .region = str_of(region),
                                               .called = on_called,
                                               .context = world};
    struct err err = {0};
    if (aws_client_open(&options, &world->client, &err))
        fail_msg("%s", err.message);
}

void aws_world_close(struct aws_world *world)
{
    aws_client_close(world->client);
    if (world->http)
        fake_http_close(world->http);
    if (world->aws)
        fake_aws_close(world->aws);
    loop_release(&world->loop);
}

int aws_world_set_up(void **state)
{
    static struct aws_world world;
    aws_world_open(&world);
    aws_world_connect(&world, "us-west-2");
    *state = &world;
    return 0;
}

int aws_world_tear_down(void **state)
{
    aws_world_close(*state);
    return 0;
}

void aws_world_answered(void *context, const struct aws_answer *answer)
{
    struct aws_world_answer *kept = context;
    kept->times++;
    kept->err = answer->err ? *answer->err : (struct err){0};
    kept->scope = answer->scope;
    kept->dry_run = answer->dry_run;
    struct str text = STR("");
    if (kept->path && answer->xml)
        text = xml_text(answer->xml, kept->path);
    else if (kept->path && answer->json)
        text = aws_json_text(answer->json, kept->path);
    snprintf(kept->text, sizeof(kept->text), "%.*s", STR_ARG(text));
}

static bool is_there(void *context)
{
    const struct aws_world_answer *answer = context;
    return answer->times > 0;
}

void aws_world_wait(struct aws_world *world, struct aws_world_answer *answer)
{
    if (!virtual_time_until(&world->loop, HOUR_MS, is_there, answer))
        fail_msg("no answer came");
    assert_int_equal(answer->times, 1);
}
