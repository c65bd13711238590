/* aws_world.h - a loop on virtual time, a scripted AWS and an environment of one's own: what tests of AWS need. */
#ifndef STOKER_TESTS_SUPPORT_AWS_WORLD_H
#define STOKER_TESTS_SUPPORT_AWS_WORLD_H

#include "base/chance.h"
#include "cloud/aws/client.h"
#include "tests/support/fake_aws.h"
#include "tests/support/fake_commands.h"
#include "tests/support/fake_environment.h"
#include "tests/support/fake_http.h"
#include "tests/support/virtual_time.h"

struct aws_world {
    struct virtual_time time;
    struct loop loop;
    uint64_t seed;
    struct chance chance;
    struct fake_http *http; /* answers by address; NULL where `aws` does */
    struct fake_aws *aws;   /* answers by action; NULL where `http` does */
    struct http network;    /* either of them */
    struct fake_environment fake;
    struct fake_commands commands;
    struct aws_environment environment;
    struct aws_client *client; /* NULL until aws_world_connect */
    char called[1024];         /* "ec2:CreateFleet=0 ec2:CreateFleet=-1 " */
};

/* Keys AKID / SECRET in the environment, endpoint http://aws.test for all services; answers by address, or by action.
 */
void aws_world_open(struct aws_world *world);
void aws_world_open_actions(struct aws_world *world);
void aws_world_connect(struct aws_world *world, const char *region);
void aws_world_close(struct aws_world *world);

/* For tests that need no more than a connected client in us-west-2 that is answered by address: *state is the world. */
int aws_world_set_up(void **state);
int aws_world_tear_down(void **state);
#define IN_AWS_WORLD(test) cmocka_unit_test_setup_teardown(test, aws_world_set_up, aws_world_tear_down)

/* What `done` was given; texts of trees are gone afterwards. */
struct aws_world_answer {
    int times;
    struct err err; /* code 0: success */
    enum aws_error_scope scope;
    bool dry_run;
    char text[256];   /* of the path below */
    const char *path; /* set before: which text of the tree is kept */
};

void aws_world_answered(void *context, const struct aws_answer *answer); /* an aws_answer_fn */
/* Turns the loop until the answer is there; fails the test after 1 h of virtual time. */
void aws_world_wait(struct aws_world *world, struct aws_world_answer *answer);

#endif
