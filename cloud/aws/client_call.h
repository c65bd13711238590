/* client_call.h - for client.c and what repeats its calls: a call whose context is owned by it. */
#ifndef STOKER_CLOUD_AWS_CLIENT_CALL_H
#define STOKER_CLOUD_AWS_CLIENT_CALL_H

#include "cloud/aws/client.h"

/* As aws_client_call; where the client is closed meanwhile, `dropped` is called instead of `done`. */
CC_MUST_CHECK int aws_client_call_owned(struct aws_client *client, const struct aws_call *call, aws_answer_fn done,
                                        void (*dropped)(void *context), void *context, struct err *err);

#endif
