/* launch_template.h - EC2 launch templates of ours: named by what they hold, made when needed, cleaned up. */
#ifndef STOKER_CLOUD_AWS_LAUNCH_TEMPLATE_H
#define STOKER_CLOUD_AWS_LAUNCH_TEMPLATE_H

#include "base/loop.h"
#include "cloud/aws/client.h"
#include "cloud/provider.h"

/* What a launch template is made of. */
struct launch_template_content {
    struct str image;
    struct str user_data; /* not in base64 */
    struct str instance_profile;
    const struct str *security_groups;
    size_t n_security_groups;
    const struct cloud_template *template_; /* family, volumes, metadata options, monitoring */
    const struct cloud_label *tags;         /* of network interfaces and spot requests */
    size_t n_tags;
    bool spot;
    struct str cluster; /* for its own tag stoker.sh/cluster */
};

/*
 * The form of CreateLaunchTemplate without the name, and the name: "stoker/" and 32 hex digits made of the form, so
 * that equal content has one template. Both in `arena`. Source: EC2 API Reference, CreateLaunchTemplate.
 */
CC_MUST_CHECK int launch_template_form(const struct launch_template_content *content, struct arena *arena,
                                       struct str *ret_name, struct str *ret_form, struct err *err);

struct launch_templates;

enum {
    LAUNCH_TEMPLATES_MAX = 512,
    LAUNCH_TEMPLATE_UNUSED_MS = 24 * 3600 * 1000, /* then it is deleted */
    LAUNCH_TEMPLATE_LEFT_MS = 2 * 3600 * 1000,    /* so is one that an earlier process left, and that we never needed */
    LAUNCH_TEMPLATE_CLEAN_MS = 3600 * 1000        /* how often we look */
};

/* `arrived`: one that was pending is there, or could not be made. */
CC_MUST_CHECK int launch_templates_open(struct loop *loop, struct aws_client *client, struct str cluster,
                                        void (*arrived)(void *context), void *context, struct launch_templates **ret,
                                        struct err *err);
void launch_templates_close(struct launch_templates *templates);

enum { LAUNCH_TEMPLATE_PENDING = 1 };

/*
 * Makes sure that the template is there. 0: it is; LAUNCH_TEMPLATE_PENDING: it is being made, ask again once `arrived`
 * is called; or why it could not be made since `since`.
 */
CC_MUST_CHECK int launch_templates_need(struct launch_templates *templates, struct str name, struct str form,
                                        struct clock_mono since, struct err *err);

/*
 * EC2 does not know it any more: the next need makes it again. False if it is none that we could make again (we were
 * started after it was made).
 */
bool launch_templates_lost(struct launch_templates *templates, struct str name);
/* As need, for a template that was lost. ERR_NOT_FOUND if we do not know its content. */
CC_MUST_CHECK int launch_templates_again(struct launch_templates *templates, struct str name, struct clock_mono since,
                                         struct err *err);

/*
 * Deletes what carries our cluster's tag and was not needed for LAUNCH_TEMPLATE_UNUSED_MS, or not since we first saw it
 * for LAUNCH_TEMPLATE_LEFT_MS: processes that do not live for a day clean up too. Does nothing more often than
 * LAUNCH_TEMPLATE_CLEAN_MS.
 */
void launch_templates_clean(struct launch_templates *templates);

#endif
