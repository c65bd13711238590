/* stage.h - controllers on a cluster, a cloud and a clock in memory: whole lives of nodes in no time, always alike. */
#ifndef STOKER_TESTS_SUPPORT_STAGE_H
#define STOKER_TESTS_SUPPORT_STAGE_H

#include <stdio.h>

#include "provisioner/lifecycle/control.h"
#include "tests/support/fake_cloud.h"
#include "tests/support/fake_cluster.h"
#include "tests/support/planned.h"
#include "tests/support/virtual_time.h"

/* Must stay where it is. */
struct stage {
    struct virtual_time time;
    struct loop loop;
    struct planned market; /* of planned.h */
    struct fake_cluster *cluster;
    struct fake_cloud *cloud;
    struct metrics *metrics;
    uint64_t seed;
    struct chance chance;
    FILE *log_file; /* NULL: silent; to see what went wrong: stderr */
    struct log log;
    struct worker_inline *worker;
    struct control_settings settings; /* read by stage_start */
    struct state *state;
    struct control *control;
    bool leads;
    bool bad_objects;     /* that cannot be read are no failure of the test */
    void (*on_act)(void); /* NULL, or told whenever leadership is asked about: before each pass and each write */
    /* Machines join as nodes named by their instance id, and are Ready a second later. */
    int64_t boot_ms; /* -1: never */
    struct loop_timer boots;
};

/* Everything but the controllers: with them nothing happens before stage_start. */
void stage_open(struct stage *stage);
void stage_close(struct stage *stage);

/*
 * The same for cmocka: *state is a stage; with `alive` machines join after 10 s and pods that are bound run; where they
 * stay `unjoined` that is waited for all day.
 */
int stage_set_up(void **state);
int stage_set_up_unjoined(void **state);
int stage_set_up_alive(void **state);
int stage_tear_down(void **state);
#define STAGE_TEST(name)          cmocka_unit_test_setup_teardown(name, stage_set_up, stage_tear_down)
#define STAGE_TEST_UNJOINED(name) cmocka_unit_test_setup_teardown(name, stage_set_up_unjoined, stage_tear_down)
#define STAGE_TEST_ALIVE(name)    cmocka_unit_test_setup_teardown(name, stage_set_up_alive, stage_tear_down)

/* The controllers begin, as a process that starts does; they end without a word, as one that is killed. */
void stage_start(struct stage *stage);
void stage_kill(struct stage *stage);

void stage_run(struct stage *stage, int64_t ms);

/* Provisioner "default" (both capacity types, categories c and m) and the NodeTemplate it names; `spec` is appended. */
void stage_provisioner(struct stage *stage, const char *spec);
/* Executors `<app>-exec-<i>` of 1900m and 1Gi; or with role "driver" `<app>-driver-<i>`. uid is the name. */
void stage_pods(struct stage *stage, const char *app, const char *role, int from, int n);

/* From nothing to machines for `n` executors of "app" that have been asked for; the first join when they are told to.
 */
void stage_launch(struct stage *stage, const char *spec, int n);
/* To nodes that are up, and the executors on them; with stage_set_up_alive. */
void stage_run_app(struct stage *stage, const char *spec, int n);

/* The machine of that place, in the order they were had. */
const struct fake_machine *stage_machine(struct stage *stage, size_t i);
bool stage_is_terminated(struct stage *stage, size_t i);
/* It joins as a node, with our taint, and is Ready; or is not ready yet, and has the taint or not. */
void stage_join(struct stage *stage, size_t i, const char *cpu, const char *memory);
void stage_join_unready(struct stage *stage, size_t i, const char *cpu, const char *memory, bool placing);
/* What the cloud says of it, now. */
struct cloud_notice stage_notice(struct stage *stage, enum cloud_notice_kind kind, size_t i, const char *handle);

struct stage_text {
    char text[256];
};

/* The scalar at a path, "" if there is none: of a pod in namespace spark, a machine's node, the last claim. */
struct str stage_pod(struct stage *stage, const char *name, const char *path);
struct str stage_node(struct stage *stage, size_t i, const char *path);
struct str stage_claim(struct stage *stage, const char *path);
struct stage_text stage_claim_name(struct stage *stage);
#define assert_text(actual, expected) assert_string_equal(stage_cut(actual).text, expected)
struct stage_text stage_cut(struct str text);

/* Fails unless /metrics has this line. */
void stage_metric(struct stage *stage, const char *line);
size_t stage_pods_bound(struct stage *stage); /* pods that have a node */
/* No machine, no node, no claim. */
void stage_nothing_is_left(struct stage *stage);

size_t stage_claims(struct stage *stage, const char *phase); /* NULL: all */
/* Every machine that runs is one claim's, and every claim with an instance has one of its own that runs. */
void stage_check_owners(struct stage *stage);
/* Slots of living claims that name a pod, "namespace/name". */
size_t stage_slots(struct stage *stage, const char *pod);

#endif
