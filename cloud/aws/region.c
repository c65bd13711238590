#include "cloud/aws/region.h"

#include <stdlib.h>

#include "cloud/aws/endpoints.h"
#include "cloud/aws/imds.h"

struct aws_region_search {
    struct loop *loop;
    struct loop_timer timer; /* where nobody needs to be asked */
    struct arena arena;
    struct aws_settings settings;
    struct aws_imds imds;
    struct str region;
    struct err err;
    aws_region_fn done;
    void *context;
};

static void finish(void *context)
{
    struct aws_region_search *search = context;
    search->done(search->context, search->region, search->region.len ? NULL : &search->err);
    arena_release(&search->arena);
    free(search);
}

static void on_answer(void *context, const struct str *body, const struct err *failed)
{
    struct aws_region_search *search = context;
    if (body)
        search->region = *body;
    else
        search->err = *failed;
    if (!search->region.len)
        err_wrap(&search->err, "no region: AWS_REGION is not set, nor is the profile's region, and instance metadata");
    finish(search);
}

static int begin(struct aws_region_search *search, struct http http, const struct aws_environment *environment,
                 struct err *err)
{
    int rc = aws_settings_read(environment, &search->arena, &search->settings, err);
    if (rc)
        return rc;
    search->region = str_dup(&search->arena, aws_endpoints_region(environment, &search->settings));
    if (!search->region.ptr)
        return err_nomem(err);
    if (search->region.len)
        return loop_timer_after(search->loop, &search->timer, 0, err);
    rc = aws_imds_init(&search->imds, http, environment, &search->arena, err);
    if (!rc)
        rc = aws_imds_get(&search->imds, "/latest/meta-data/placement/region", on_answer, search, err);
    return rc && rc != ERR_NOMEM ? err_wrap(err, "no region: AWS_REGION is not set") : rc;
}

int aws_region_find(struct loop *loop, struct http http, const struct aws_environment *environment, aws_region_fn done,
                    void *context, struct aws_region_search **ret, struct err *err)
{
    struct aws_region_search *search = calloc(1, sizeof(*search));
    if (!search)
        return err_nomem(err);
    search->loop = loop;
    search->timer = LOOP_TIMER(finish, search);
    search->done = done;
    search->context = context;
    int rc = begin(search, http, environment, err);
    if (rc) {
        arena_release(&search->arena);
        free(search);
        return rc;
    }
    *ret = search;
    return 0;
}

void aws_region_cancel(struct aws_region_search *search)
{
    if (!search)
        return;
    loop_timer_cancel(search->loop, &search->timer);
    aws_imds_cancel(&search->imds);
    arena_release(&search->arena);
    free(search);
}
