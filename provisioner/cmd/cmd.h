/* cmd.h - the verbs of the command and what its exit status means. */
#ifndef STOKER_PROVISIONER_CMD_CMD_H
#define STOKER_PROVISIONER_CMD_CMD_H

enum cmd_exit {
    CMD_OK = 0,
    CMD_INTERNAL = 1, /* reading, writing, memory; for verify: the plan or its bound does not hold; for doctor:
                       * something is missing; for run: leadership was lost */
    CMD_INPUT = 2,    /* wrong input or usage: nothing was done */
    CMD_UNPLACED = 3  /* planned, but some pods cannot be placed */
};

/* Each takes argv[0] = its verb and returns an exit status. */
int cmd_plan(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_instances(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_version(int argc, char **argv);
int cmd_crds(int argc, char **argv); /* for `make crds`; not listed */

#endif
