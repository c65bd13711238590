/* test_aws_templates.c - launch templates: made once, made again when they are gone, and cleaned up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cloud/aws/launch_template.h"
#include "tests/support/aws_world.h"

enum { HOUR_MS = 3600 * 1000 };

struct world {
    struct aws_world base;
    struct launch_templates *templates;
    int arrived;
    size_t seen; /* deletions */
    char names[256];
};

static void on_arrived(void *context)
{
    ((struct world *)context)->arrived++;
}

static int set_up(void **state)
{
    static struct world world;
    memset(&world, 0, sizeof(world));
    aws_world_open_actions(&world.base);
    aws_world_connect(&world.base, "us-east-1");
    assert_int_equal(launch_templates_open(&world.base.loop, world.base.client, STR("c1"), on_arrived, &world,
                                           &world.templates, NULL),
                     0);
    *state = &world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    launch_templates_close(world->templates);
    aws_world_close(&world->base);
    return 0;
}

static int need(struct world *world, const char *name)
{
    struct clock_mono now = loop_now(&world->base.loop);
    return launch_templates_need(world->templates, str_of(name), STR("A=b"), now, NULL);
}

/* Asks until it is there. */
static void have(struct world *world, const char *name)
{
    if (need(world, name) == LAUNCH_TEMPLATE_PENDING)
        virtual_time_run(&world->base.loop, 1000);
    assert_int_equal(need(world, name), 0);
}

/* The names that were to be deleted since the last time, "a b ". */
static const char *deleted(struct world *world)
{
    size_t len = 0;
    world->names[0] = '\0';
    for (; world->seen < fake_aws_count(world->base.aws, "DeleteLaunchTemplate"); world->seen++) {
        const char *body = fake_aws_body(world->base.aws, "DeleteLaunchTemplate", world->seen);
        const char *name = strstr(body, "LaunchTemplateName=");
        assert_non_null(name);
        len += (size_t)snprintf(world->names + len, sizeof(world->names) - len, "%s ",
                                name + strlen("LaunchTemplateName="));
        assert_true(len < sizeof(world->names));
    }
    return world->names;
}

static void clean_after(struct world *world, int64_t ms)
{
    virtual_time_run(&world->base.loop, ms);
    launch_templates_clean(world->templates);
    virtual_time_run(&world->base.loop, 1000);
}

static const char listed[] = "<R><launchTemplates><item><launchTemplateName>stoker/ours</launchTemplateName></item>"
                             "<item><launchTemplateName>stoker/left</launchTemplateName></item>"
                             "<item><launchTemplateName>somebodys</launchTemplateName></item></launchTemplates></R>";

static void what_is_not_used_goes(void **state)
{
    struct world *world = *state;
    fake_aws_always(world->base.aws, "CreateLaunchTemplate", 200, "<R/>");
    fake_aws_always(world->base.aws, "DescribeLaunchTemplates", 200, listed);
    fake_aws_always(world->base.aws, "DeleteLaunchTemplate", 200, "<R/>");
    have(world, "stoker/ours");
    clean_after(world, 0);
    assert_non_null(strstr(fake_aws_body(world->base.aws, "DescribeLaunchTemplates", 0),
                           "Filter.1.Name=tag%3Astoker.sh%2Fcluster&Filter.1.Value.1=c1"));
    clean_after(world, HOUR_MS / 2); /* not so soon again */
    assert_int_equal(fake_aws_count(world->base.aws, "DescribeLaunchTemplates"), 1);
    clean_after(world, HOUR_MS);
    assert_string_equal(deleted(world), "");
    clean_after(world, HOUR_MS);
    assert_string_equal(deleted(world), "stoker%2Fleft ");
    have(world, "stoker/ours");
    clean_after(world, 23 * HOUR_MS);
    assert_string_equal(deleted(world), ""); /* the other is listed still, and new to us again */
    clean_after(world, 3 * HOUR_MS / 2);
    assert_string_equal(deleted(world), "stoker%2Fours ");
    assert_int_equal(fake_aws_count(world->base.aws, "CreateLaunchTemplate"), 1);
    have(world, "stoker/ours");
    assert_int_equal(fake_aws_count(world->base.aws, "CreateLaunchTemplate"), 2);
}

/* Half a list says nothing of what is there; what cannot be deleted is tried again; what is gone is gone. */
static void cleaning_fails(void **state)
{
    struct world *world = *state;
    static const char gone[] = "<R><Errors><Error><Code>InvalidLaunchTemplateName.NotFoundException</Code></Error>"
                               "</Errors></R>";
    fake_aws_once(world->base.aws, "DescribeLaunchTemplates", 200, listed);
    fake_aws_once(world->base.aws, "DescribeLaunchTemplates", 403, "<R/>");
    fake_aws_always(world->base.aws, "DescribeLaunchTemplates", 200, listed);
    fake_aws_once(world->base.aws, "DeleteLaunchTemplate", 403, "<R/>");
    fake_aws_once(world->base.aws, "DeleteLaunchTemplate", 403, "<R/>");
    fake_aws_always(world->base.aws, "DeleteLaunchTemplate", 400, gone);
    clean_after(world, 0);
    clean_after(world, 3 * HOUR_MS);
    assert_string_equal(deleted(world), "");
    clean_after(world, 3 * HOUR_MS);
    assert_string_equal(deleted(world), "stoker%2Fours stoker%2Fleft ");
    clean_after(world, HOUR_MS);
    assert_string_equal(deleted(world), "stoker%2Fours stoker%2Fleft ");
    clean_after(world, HOUR_MS); /* they are unknown, and seen for the first time */
    assert_string_equal(deleted(world), "");
}

/* Who comes to need it while it is being deleted gets a new one. */
static void needed_while_it_goes(void **state)
{
    struct world *world = *state;
    fake_aws_always(world->base.aws, "CreateLaunchTemplate", 200, "<R/>");
    fake_aws_always(world->base.aws, "DescribeLaunchTemplates", 200, listed);
    fake_aws_always(world->base.aws, "DeleteLaunchTemplate", 200, "<R/>");
    clean_after(world, 0);
    virtual_time_run(&world->base.loop, 3 * HOUR_MS);
    launch_templates_clean(world->templates);
    for (int i = 0; i < 1000 && !fake_aws_count(world->base.aws, "DeleteLaunchTemplate"); i++)
        assert_int_equal(loop_turn(&world->base.loop, NULL), 0);
    assert_int_equal(need(world, "stoker/left"), LAUNCH_TEMPLATE_PENDING);
    assert_int_equal(fake_aws_count(world->base.aws, "CreateLaunchTemplate"), 0);
    int before = world->arrived;
    virtual_time_run(&world->base.loop, 1000);
    assert_true(world->arrived > before);
    have(world, "stoker/left");
    assert_int_equal(fake_aws_count(world->base.aws, "CreateLaunchTemplate"), 1);
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {IN_WORLD(what_is_not_used_goes), IN_WORLD(cleaning_fails),
                                       IN_WORLD(needed_while_it_goes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
