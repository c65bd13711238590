/* state_yaml.h - Kubernetes objects from YAML text into a state, for tests. */
#ifndef STOKER_TESTS_SUPPORT_STATE_YAML_H
#define STOKER_TESTS_SUPPORT_STATE_YAML_H

#include "base/cc.h"
#include "provisioner/state/state.h"

/* Puts each object of the text as the watch would; YAML that cannot be read, or a kind that is not watched, fails. */
void state_put_yaml(struct state *state, const char *yaml);
/* The same for one object that was read already. */
void state_tell(struct state *state, const struct doc *object);
/* printf and state_put_yaml. */
void state_put_fmt(struct state *state, const char *fmt, ...) CC_PRINTF(2, 3);

/* One object as a write's answer brings it. */
void state_answer_yaml(struct state *state, const char *yaml);

/* Every kind has been listed, whatever was put so far: nothing is gone by it. */
void state_list_all(struct state *state);

void state_gone(struct state *state, enum cluster_kind kind, const char *namespace_, const char *name, const char *uid);

#endif
