/* lookup.h - for discovery.c: what is asked of AWS for each kind of look-up, and how the answer is read. */
#ifndef STOKER_CLOUD_AWS_LOOKUP_H
#define STOKER_CLOUD_AWS_LOOKUP_H

#include "base/vec.h"
#include "cloud/aws/discovery.h"

enum lookup_kind { LOOKUP_SUBNETS, LOOKUP_GROUPS, LOOKUP_IMAGES, LOOKUP_PARAMETER, N_LOOKUP_KINDS };

/* What an answer's pages are gathered in. Texts are in the arena. */
struct lookup_data {
    struct arena arena;
    VEC(struct aws_subnet) subnets;
    VEC(struct str) groups;
    VEC(struct aws_image) images;
    struct str parameter;
};

struct lookup_way {
    enum aws_service service;
    const char *action;
    bool pages;
    int (*read)(struct lookup_data *data, const struct aws_answer *answer, struct err *err);
};

extern const struct lookup_way lookup_ways[N_LOOKUP_KINDS];

void lookup_data_release(struct lookup_data *data);

/* The body of the call for a selector; it is the look-up's key too. ERR_INVALID: a selector that selects nothing. */
CC_MUST_CHECK int lookup_body(enum lookup_kind kind, struct aws_selector selector, struct arena *arena, struct str *ret,
                              struct err *err);

#endif
