#include "cloud/aws/instances.h"

#include "base/clock.h"
#include "cloud/aws/fleet.h"
#include "cloud/aws/query.h"

static void put_filter(struct aws_query *query, size_t n, const char *name, const struct str *values, size_t n_values)
{
    aws_query_item(query, "Filter", n);
    aws_query_str(query, "Name", str_of(name));
    aws_query_list(query, "Value", values, n_values);
    aws_query_close(query);
}

int instances_form(struct str cluster, struct str launch_id, struct arena *arena, struct str *ret, struct err *err)
{
    static const struct str states[] = {STR_INIT("pending"), STR_INIT("running"), STR_INIT("stopping"),
                                        STR_INIT("stopped")};
    struct buf buf = BUF_INIT(arena);
    struct aws_query query = AWS_QUERY(&buf);
    put_filter(&query, 1, "tag:stoker.sh/cluster", &cluster, 1);
    put_filter(&query, 2, "instance-state-name", states, CC_COUNT(states));
    if (launch_id.len)
        put_filter(&query, 3, "tag:stoker.sh/launch", &launch_id, 1);
    aws_query_int(&query, "MaxResults", 1000);
    return buf_str(&buf, ret, err);
}

/* EC2's word for a state; false if it is going or gone ("shutting-down", "terminated") or we do not know it. */
static bool read_state(struct str name, enum cloud_instance_state *ret)
{
    static const struct {
        const char *name;
        enum cloud_instance_state state;
    } known[] = {{"pending", CLOUD_PENDING},
                 {"running", CLOUD_RUNNING},
                 {"stopping", CLOUD_STOPPING},
                 {"stopped", CLOUD_STOPPED}};
    for (size_t i = 0; i < CC_COUNT(known); i++) {
        if (str_is(name, known[i].name)) {
            *ret = known[i].state;
            return true;
        }
    }
    return false;
}

static struct str tag_of(const struct xml *item, const char *key)
{
    XML_EACH(tag, xml_get(item, "tagSet"))
    if (str_is(xml_text(tag, "key"), key))
        return xml_text(tag, "value");
    return STR("");
}

static int keep(struct arena *arena, struct str text, struct str *ret, struct err *err)
{
    *ret = str_dup(arena, text);
    return ret->ptr ? 0 : err_nomem(err);
}

static int read_instance(const struct xml *item, struct arena *arena, struct cloud_instance *ret, struct err *err)
{
    struct cloud_instance instance = *ret;
    int rc = keep(arena, xml_text(item, "instanceId"), &instance.id, err);
    if (!rc && instance.id.len == 0)
        rc = err_set(err, ERR_INVALID, "ec2:DescribeInstances: an instance has no id");
    if (!rc)
        rc = keep(arena, xml_text(item, "instanceType"), &instance.instance_type, err);
    if (!rc)
        rc = keep(arena, xml_text(item, "placement.availabilityZone"), &instance.zone, err);
    if (!rc)
        rc = keep(arena, tag_of(item, "stoker.sh/launch"), &instance.launch_id, err);
    if (!rc)
        rc = aws_provider_id(instance.zone, instance.id, arena, &instance.provider_id, err);
    if (rc)
        return rc;
    instance.capacity_type = str_is(xml_text(item, "instanceLifecycle"), "spot") ? CLOUD_SPOT : CLOUD_ON_DEMAND;
    instance.price_microusd = -1;
    if (!clock_parse(xml_text(item, "launchTime"), &instance.launched))
        instance.launched = (struct clock_wall){0};
    *ret = instance;
    return 0;
}

int instances_read(const struct xml *page, struct arena *arena, struct instance_list *list, struct err *err)
{
    XML_EACH(reservation, xml_get(page, "reservationSet"))
    {
        XML_EACH(item, xml_get(reservation, "instancesSet"))
        {
            struct cloud_instance instance = {0};
            if (!read_state(xml_text(item, "instanceState.name"), &instance.state))
                continue;
            int rc = read_instance(item, arena, &instance, err);
            if (rc)
                return rc;
            if (!VEC_PUSH(&list->items, instance))
                return err_nomem(err);
        }
    }
    return 0;
}
