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
    void (*on_act)(void); /* NULL, or told whenever leadership is asked about: before each pass and each write */
    /* Machines join as nodes named by their instance id, and are Ready a second later. */
    int64_t boot_ms; /* -1: never */
    struct loop_timer boots;
};

/* Everything but the controllers: with them nothing happens before stage_start. */
void stage_open(struct stage *stage);
void stage_close(struct stage *stage);

/* The controllers begin, as a process that starts does; they end without a word, as one that is killed. */
void stage_start(struct stage *stage);
void stage_kill(struct stage *stage);

void stage_run(struct stage *stage, int64_t ms);

/* Provisioner "default" (both capacity types, categories c and m) and the NodeTemplate it names; `spec` is appended. */
void stage_provisioner(struct stage *stage, const char *spec);
/* Executors `<app>-exec-<i>` of 1900m and 1Gi; or with role "driver" `<app>-driver-<i>`. uid is the name. */
void stage_pods(struct stage *stage, const char *app, const char *role, int from, int n);

size_t stage_claims(struct stage *stage, const char *phase); /* NULL: all */
/* Every machine that runs is one claim's, and every claim with an instance has one of its own that runs. */
void stage_check_owners(struct stage *stage);
/* Slots of living claims that name a pod, "namespace/name". */
size_t stage_slots(struct stage *stage, const char *pod);

#endif
