#include "provisioner/kube/watch_event.h"

static const char *const TYPES[] = {[WATCH_ADDED] = "ADDED",
                                    [WATCH_MODIFIED] = "MODIFIED",
                                    [WATCH_DELETED] = "DELETED",
                                    [WATCH_BOOKMARK] = "BOOKMARK",
                                    [WATCH_ERROR] = "ERROR"};

struct reading {
    watch_event_fn *each;
    void *context;
    bool given;
};

static struct str text_at(const struct doc *map, const char *key)
{
    const struct doc *member = doc_get(map, key);
    return member && member->kind == DOC_STRING ? member->text : STR("");
}

static bool type_of(struct str text, enum watch_event_type *ret)
{
    for (size_t i = 0; i < CC_COUNT(TYPES); i++)
        if (str_is(text, TYPES[i])) {
            *ret = (enum watch_event_type)i;
            return true;
        }
    return false;
}

/* Does the event say of its object what its type needs? */
static bool complete(const struct watch_event *event)
{
    if (!event->object || event->object->kind != DOC_MAP)
        return false;
    if (event->type == WATCH_ERROR)
        return true;
    return event->resource_version.len > 0 && (event->type == WATCH_BOOKMARK || event->name.len > 0);
}

static int read_event(void *context, const struct doc *doc, struct err *err)
{
    struct reading *reading = context;
    struct watch_event event = {.object = doc_get(doc, "object")};
    const struct doc *metadata = doc_get(event.object, "metadata");
    struct str type = text_at(doc, "type");
    if (reading->given)
        return err_set(err, ERR_INVALID, "two events in one line");
    reading->given = true;
    if (!type_of(type, &event.type))
        return err_set(err, ERR_INVALID, "\"%.*s\" is no type of a watch event", (int)(type.len < 40 ? type.len : 40),
                       type.ptr);
    event.namespace_ = text_at(metadata, "namespace");
    event.name = text_at(metadata, "name");
    event.uid = text_at(metadata, "uid");
    event.resource_version = text_at(metadata, "resourceVersion");
    event.initial_end = event.type == WATCH_BOOKMARK &&
                        str_is(text_at(doc_get(metadata, "annotations"), "k8s.io/initial-events-end"), "true");
    if (!complete(&event))
        return err_set(err, ERR_INVALID, "an event %s without its object's name and version", TYPES[event.type]);
    return reading->each(reading->context, &event, err);
}

int watch_event_read(struct str line, watch_event_fn *each, void *context, struct err *err)
{
    struct reading reading = {each, context, false};
    int rc = doc_read(line, "event.json", read_event, &reading, err);
    if (rc == 0 && !reading.given)
        return err_set(err, ERR_INVALID, "no event");
    return rc;
}
