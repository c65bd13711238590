#include "cloud/aws/launch_template.h"

#include "cloud/aws/query.h"

enum state { STATE_UNKNOWN, STATE_MAKING, STATE_THERE, STATE_DELETING };

struct entry {
    struct launch_templates *templates;
    enum state state;
    struct arena arena;
    struct str name, form; /* form "": made by an earlier process */
    struct err failure;    /* of the last attempt to make it; code 0: none */
    struct clock_mono failed_at, used_at;
    bool listed; /* in the clean-up that is under way */
};

struct launch_templates {
    struct loop *loop;
    struct aws_client *client;
    struct arena arena; /* of cluster */
    struct str cluster;
    void (*arrived)(void *context);
    void *context;
    VEC(struct entry *) entries;
    bool cleaning, cleaned; /* under way; once at least */
    struct clock_mono cleaned_at;
};

int launch_templates_open(struct loop *loop, struct aws_client *client, struct str cluster,
                          void (*arrived)(void *context), void *context, struct launch_templates **ret, struct err *err)
{
    struct launch_templates *templates = calloc(1, sizeof(*templates));
    if (!templates)
        return err_nomem(err);
    templates->loop = loop;
    templates->client = client;
    templates->arrived = arrived;
    templates->context = context;
    templates->cluster = str_dup(&templates->arena, cluster);
    if (!templates->cluster.ptr) {
        free(templates);
        return err_nomem(err);
    }
    *ret = templates;
    return 0;
}

static void entry_free(struct entry *entry)
{
    arena_release(&entry->arena);
    free(entry);
}

void launch_templates_close(struct launch_templates *templates)
{
    if (!templates)
        return;
    for (size_t i = 0; i < templates->entries.len; i++)
        entry_free(templates->entries.items[i]);
    VEC_FREE(&templates->entries);
    arena_release(&templates->arena);
    free(templates);
}

static struct entry *find(const struct launch_templates *templates, struct str name)
{
    for (size_t i = 0; i < templates->entries.len; i++)
        if (str_eq(templates->entries.items[i]->name, name))
            return templates->entries.items[i];
    return NULL;
}

static void forget(struct launch_templates *templates, struct entry *entry)
{
    size_t i = 0;
    while (templates->entries.items[i] != entry)
        i++;
    templates->entries.items[i] = templates->entries.items[--templates->entries.len];
    entry_free(entry);
}

static bool under_way(const struct entry *entry)
{
    return entry->state == STATE_MAKING || entry->state == STATE_DELETING;
}

/* What we forget is found again by its name: it exists already. */
static void forget_oldest(struct launch_templates *templates)
{
    struct entry *oldest = NULL;
    for (size_t i = 0; i < templates->entries.len; i++) {
        struct entry *entry = templates->entries.items[i];
        if (!under_way(entry) && (!oldest || entry->used_at.ns < oldest->used_at.ns))
            oldest = entry;
    }
    if (oldest)
        forget(templates, oldest);
}

/* NULL: memory ran out. */
static struct entry *add(struct launch_templates *templates, struct str name)
{
    if (templates->entries.len >= LAUNCH_TEMPLATES_MAX)
        forget_oldest(templates);
    struct entry *entry = calloc(1, sizeof(*entry));
    if (!entry)
        return NULL;
    entry->templates = templates;
    entry->used_at = loop_now(templates->loop);
    entry->name = str_dup(&entry->arena, name);
    if (!entry->name.ptr || !VEC_PUSH(&templates->entries, entry)) {
        entry_free(entry);
        return NULL;
    }
    return entry;
}

static void on_made(void *context, const struct aws_answer *answer)
{
    struct entry *entry = context;
    struct launch_templates *templates = entry->templates;
    bool there =
        !answer->err || str_starts(str_of(answer->err->provider_code), "InvalidLaunchTemplateName.AlreadyExists");
    entry->state = there ? STATE_THERE : STATE_UNKNOWN;
    entry->failure = there ? (struct err){0} : *answer->err;
    entry->failed_at = loop_now(templates->loop);
    templates->arrived(templates->context);
}

static int make(struct entry *entry, struct err *err)
{
    struct arena arena = ARENA_INIT;
    struct buf buf = BUF_INIT(&arena);
    struct aws_query query = AWS_QUERY(&buf);
    struct aws_call call = {.service = AWS_EC2, .action = "CreateLaunchTemplate", .urgent = true};
    aws_query_str(&query, "LaunchTemplateName", entry->name);
    buf_byte(&buf, '&');
    buf_add(&buf, entry->form);
    int rc = buf_str(&buf, &call.body, err);
    if (!rc)
        rc = aws_client_call(entry->templates->client, &call, on_made, entry, err);
    if (!rc)
        entry->state = STATE_MAKING;
    arena_release(&arena);
    return rc;
}

static int need(struct entry *entry, struct clock_mono since, struct err *err)
{
    entry->used_at = loop_now(entry->templates->loop);
    if (entry->state == STATE_THERE)
        return 0;
    if (under_way(entry))
        return LAUNCH_TEMPLATE_PENDING;
    if (entry->failure.code && entry->failed_at.ns >= since.ns) {
        if (err)
            *err = entry->failure;
        return entry->failure.code;
    }
    int rc = make(entry, err);
    return rc ? rc : LAUNCH_TEMPLATE_PENDING;
}

int launch_templates_need(struct launch_templates *templates, struct str name, struct str form, struct clock_mono since,
                          struct err *err)
{
    struct entry *entry = find(templates, name);
    if (!entry)
        entry = add(templates, name);
    if (!entry)
        return err_nomem(err);
    if (entry->form.len == 0)
        entry->form = str_dup(&entry->arena, form);
    return entry->form.ptr ? need(entry, since, err) : err_nomem(err);
}

bool launch_templates_lost(struct launch_templates *templates, struct str name)
{
    struct entry *entry = find(templates, name);
    if (!entry)
        return false;
    if (entry->state == STATE_THERE)
        entry->state = STATE_UNKNOWN;
    return entry->form.len > 0;
}

int launch_templates_again(struct launch_templates *templates, struct str name, struct clock_mono since,
                           struct err *err)
{
    struct entry *entry = find(templates, name);
    if (!entry || entry->form.len == 0)
        return err_set(err, ERR_NOT_FOUND, "launch template %.*s is gone", STR_ARG(name));
    return need(entry, since, err);
}

static void on_deleted(void *context, const struct aws_answer *answer)
{
    struct entry *entry = context;
    struct launch_templates *templates = entry->templates;
    bool gone = !answer->err || answer->err->code == ERR_NOT_FOUND;
    entry->state = gone ? STATE_UNKNOWN : STATE_THERE;
    if (gone && entry->form.len == 0)
        forget(templates, entry);
    templates->arrived(templates->context); /* somebody may have come to need it meanwhile */
}

/* Memory that runs out: the next clean-up does it. */
static void delete_one(struct entry *entry)
{
    struct arena arena = ARENA_INIT;
    struct buf buf = BUF_INIT(&arena);
    struct aws_query query = AWS_QUERY(&buf);
    struct aws_call call = {.service = AWS_EC2, .action = "DeleteLaunchTemplate"};
    aws_query_str(&query, "LaunchTemplateName", entry->name);
    if (buf_str(&buf, &call.body, NULL) == 0 &&
        aws_client_call(entry->templates->client, &call, on_deleted, entry, NULL) == 0)
        entry->state = STATE_DELETING;
    arena_release(&arena);
}

static int on_listed(void *context, const struct aws_answer *answer, struct err *err)
{
    struct launch_templates *templates = context;
    XML_EACH(item, xml_get(answer->xml, "launchTemplates"))
    {
        struct str name = xml_text(item, "launchTemplateName");
        if (!str_starts(name, "stoker/"))
            continue;
        struct entry *entry = find(templates, name);
        if (!entry) {
            entry = add(templates, name);
            if (!entry)
                return err_nomem(err);
            entry->state = STATE_THERE;
        }
        entry->listed = true;
    }
    return 0;
}

static void on_list_done(void *context, const struct aws_answer *answer)
{
    struct launch_templates *templates = context;
    struct clock_mono now = loop_now(templates->loop);
    templates->cleaning = false;
    for (size_t i = 0; i < templates->entries.len; i++) {
        struct entry *entry = templates->entries.items[i];
        int64_t keep_ms = entry->form.len ? LAUNCH_TEMPLATE_UNUSED_MS : LAUNCH_TEMPLATE_LEFT_MS;
        bool unused = now.ns - entry->used_at.ns > keep_ms * 1000000;
        if (!answer->err && entry->listed && unused && entry->state == STATE_THERE)
            delete_one(entry);
    }
}

void launch_templates_clean(struct launch_templates *templates)
{
    struct clock_mono now = loop_now(templates->loop);
    bool due = !templates->cleaned || now.ns - templates->cleaned_at.ns >= (int64_t)LAUNCH_TEMPLATE_CLEAN_MS * 1000000;
    if (templates->cleaning || !due)
        return;
    templates->cleaned = true;
    templates->cleaned_at = now;
    for (size_t i = 0; i < templates->entries.len; i++)
        templates->entries.items[i]->listed = false;
    struct arena arena = ARENA_INIT;
    struct buf buf = BUF_INIT(&arena);
    struct aws_query query = AWS_QUERY(&buf);
    struct aws_call call = {.service = AWS_EC2, .action = "DescribeLaunchTemplates"};
    const struct aws_pages_handler handler = {on_listed, on_list_done, templates};
    aws_query_item(&query, "Filter", 1);
    aws_query_str(&query, "Name", STR("tag:stoker.sh/cluster"));
    aws_query_list(&query, "Value", &templates->cluster, 1);
    aws_query_close(&query);
    aws_query_int(&query, "MaxResults", 200);
    if (buf_str(&buf, &call.body, NULL) == 0)
        templates->cleaning = aws_client_pages(templates->client, &call, &handler, NULL) == 0;
    arena_release(&arena);
}
