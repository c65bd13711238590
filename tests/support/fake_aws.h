/* fake_aws.h - AWS for tests: answers by the action that is called, not by the address, and remembers each call. */
#ifndef STOKER_TESTS_SUPPORT_FAKE_AWS_H
#define STOKER_TESTS_SUPPORT_FAKE_AWS_H

#include "base/http.h"
#include "base/loop.h"

struct fake_aws;

/* Answers come from the loop, due at once. */
struct fake_aws *fake_aws_open(struct loop *loop);
void fake_aws_close(struct fake_aws *fake);
struct http fake_aws_http(struct fake_aws *fake);

/*
 * What calls of `action` get: once, in the order in which they were scripted; then the standing answer; without
 * either the call stays open. Status 0: no answer comes (the connection breaks). Bodies are copied.
 */
void fake_aws_once(struct fake_aws *fake, const char *action, int status, const char *body);
void fake_aws_always(struct fake_aws *fake, const char *action, int status, const char *body);

/* How many calls of that action there were, and the body of the n-th (from 0), NUL behind it. */
size_t fake_aws_count(const struct fake_aws *fake, const char *action);
const char *fake_aws_body(const struct fake_aws *fake, const char *action, size_t n);

#endif
