#include "cloud/aws/fleet.h"

#include <stdlib.h>

#include "base/json_out.h"
#include "cloud/aws/errors.h"
#include "cloud/aws/query.h"

int fleet_strategy(struct str wanted, enum cloud_capacity_type capacity_type, struct str *ret, struct err *err)
{
    static const char *const spot[] = {"capacity-optimized-prioritized", "capacity-optimized",
                                       "price-capacity-optimized", "lowest-price", "diversified"};
    if (capacity_type == CLOUD_ON_DEMAND) {
        *ret = str_is(wanted, "lowest-price") ? STR("lowest-price") : STR("prioritized");
        return 0;
    }
    for (size_t i = 0; i < CC_COUNT(spot); i++) {
        if (wanted.len == 0 || str_is(wanted, spot[i])) {
            *ret = str_of(spot[i]);
            return 0;
        }
    }
    return err_set(err, ERR_INVALID, "allocation strategy \"%.*s\" is none of EC2's for spot", STR_ARG(wanted));
}

static void put_tags(struct aws_query *query, const struct fleet_request *request, struct str launch_id)
{
    size_t n = 0;
    for (size_t i = 0; i <= request->n_tags; i++) {
        bool own = i == request->n_tags;
        aws_query_item(query, "Tag", ++n);
        aws_query_str(query, "Key", own ? STR("stoker.sh/launch") : request->tags[i].key);
        aws_query_str(query, "Value", own ? launch_id : request->tags[i].value);
        aws_query_close(query);
    }
}

static void put_override(struct aws_query *query, const struct fleet_request *request,
                         const struct fleet_override *override)
{
    const struct fleet_subnet *subnet = &request->subnets[override->subnet];
    aws_query_str(query, "AvailabilityZone", subnet->zone);
    aws_query_str(query, "InstanceType", override->instance_type);
    aws_query_int(query, "Priority", override->priority);
    aws_query_str(query, "SubnetId", subnet->id);
}

static void put_config(struct aws_query *query, const struct fleet_request *request, const struct fleet_config *config)
{
    aws_query_open(query, "LaunchTemplateSpecification");
    aws_query_str(query, "LaunchTemplateName", config->launch_template);
    aws_query_str(query, "Version", config->version);
    aws_query_close(query);
    for (size_t i = 0; i < config->n_overrides; i++) {
        aws_query_item(query, "Overrides", i + 1);
        put_override(query, request, &config->overrides[i]);
        aws_query_close(query);
    }
}

static void put_options(struct aws_query *query, const struct fleet_request *request)
{
    aws_query_open(query, request->capacity_type == CLOUD_SPOT ? "SpotOptions" : "OnDemandOptions");
    aws_query_str(query, "AllocationStrategy", request->strategy);
    aws_query_close(query);
}

void fleet_form(const struct fleet_request *request, struct str launch_id, struct buf *buf)
{
    static const char *const tagged[] = {"instance", "volume", "fleet"};
    struct aws_query query = AWS_QUERY(buf);
    aws_query_str(&query, "ClientToken", launch_id);
    for (size_t i = 0; i < request->n_configs; i++) {
        aws_query_item(&query, "LaunchTemplateConfigs", i + 1);
        put_config(&query, request, &request->configs[i]);
        aws_query_close(&query);
    }
    put_options(&query, request);
    for (size_t i = 0; i < CC_COUNT(tagged); i++) {
        aws_query_item(&query, "TagSpecification", i + 1);
        aws_query_str(&query, "ResourceType", str_of(tagged[i]));
        put_tags(&query, request, launch_id);
        aws_query_close(&query);
    }
    aws_query_open(&query, "TargetCapacitySpecification");
    aws_query_str(&query, "DefaultTargetCapacityType", str_of(cloud_capacity_type_name(request->capacity_type)));
    aws_query_int(&query, "TotalTargetCapacity", request->count);
    aws_query_close(&query);
    aws_query_str(&query, "Type", STR("instant"));
}

int aws_provider_id(struct str zone, struct str id, struct arena *arena, struct str *ret, struct err *err)
{
    const char *text = arena_printf(arena, "aws:///%.*s/%.*s", STR_ARG(zone), STR_ARG(id));
    if (!text)
        return err_nomem(err);
    *ret = str_of(text);
    return 0;
}

struct answering {
    const struct fleet_request *request;
    struct arena *arena;
    struct fleet_answer answer;
    struct str *dry_subnets;
};

static struct str zone_of(const struct fleet_request *request, const struct xml *overrides)
{
    struct str subnet = xml_text(overrides, "subnetId");
    for (size_t i = 0; i < request->n_subnets; i++)
        if (subnet.len && str_eq(request->subnets[i].id, subnet))
            return request->subnets[i].zone;
    return xml_text(overrides, "availabilityZone");
}

static int read_instances(struct answering *reading, const struct xml *item, struct str launch_id, struct err *err)
{
    const struct xml *overrides = xml_at(item, "launchTemplateAndOverrides.overrides");
    struct str type = xml_text(item, "instanceType");
    struct cloud_instance instance = {
        .instance_type = type.len ? type : xml_text(overrides, "instanceType"),
        .zone = zone_of(reading->request, overrides),
        .capacity_type = reading->request->capacity_type,
        .state = CLOUD_PENDING,
        .launch_id = launch_id,
        .price_microusd = -1,
    };
    XML_EACH(id, xml_get(item, "instanceIds"))
    {
        instance.id = id->text;
        int rc = aws_provider_id(instance.zone, instance.id, reading->arena, &instance.provider_id, err);
        if (rc)
            return rc;
        reading->answer.instances[reading->answer.n_instances++] = instance;
    }
    return 0;
}

/* What EC2 says of one pool. A word we do not know is the pool's fault too: the caller goes round it. */
static void read_failure(struct answering *reading, const struct xml *item)
{
    const struct xml *overrides = xml_at(item, "launchTemplateAndOverrides.overrides");
    struct str code = xml_text(item, "errorCode");
    struct aws_verdict verdict = aws_error_judge(code, 400);
    struct fleet_answer *answer = &reading->answer;
    answer->failures[answer->n_failures++] = (struct cloud_failure){
        .code = verdict.code,
        .reason = aws_error_name(code),
        .message = xml_text(item, "errorMessage"),
        .whole_bucket = verdict.scope == AWS_SCOPE_QUOTA || verdict.scope == AWS_SCOPE_ACCOUNT,
        .instance_type = verdict.scope == AWS_SCOPE_ACCOUNT ? STR("") : xml_text(overrides, "instanceType"),
        .zone = zone_of(reading->request, overrides),
    };
    answer->template_missing |= verdict.scope == AWS_SCOPE_LAUNCH_TEMPLATE;
    struct str subnet = xml_text(overrides, "subnetId");
    if (verdict.scope == AWS_SCOPE_SUBNET && subnet.len)
        reading->dry_subnets[answer->n_dry_subnets++] = subnet;
}

static size_t count_instances(const struct xml *set)
{
    size_t n = 0;
    XML_EACH(item, set)
    {
        const struct xml *ids = xml_get(item, "instanceIds");
        n += ids ? ids->count : 0;
    }
    return n;
}

static int by_id(const void *left, const void *right)
{
    return str_cmp(((const struct cloud_instance *)left)->id, ((const struct cloud_instance *)right)->id);
}

int fleet_answer_read(const struct xml *xml, const struct fleet_request *request, struct str launch_id,
                      struct arena *arena, struct fleet_answer *ret, struct err *err)
{
    struct answering reading = {.request = request, .arena = arena};
    const struct xml *instances = xml_get(xml, "fleetInstanceSet"), *errors = xml_get(xml, "errorSet");
    if (!xml || !str_is(xml->name, "CreateFleetResponse"))
        return err_set(err, ERR_INVALID, "ec2:CreateFleet: the answer is none of CreateFleet");
    size_t n_errors = errors ? errors->count : 0;
    reading.answer.instances = arena_array(arena, struct cloud_instance, count_instances(instances));
    reading.answer.failures = arena_array(arena, struct cloud_failure, n_errors + 1);
    reading.dry_subnets = arena_array(arena, struct str, n_errors);
    if (!reading.answer.instances || !reading.answer.failures || !reading.dry_subnets)
        return err_nomem(err);
    XML_EACH(item, instances)
    {
        int rc = read_instances(&reading, item, launch_id, err);
        if (rc)
            return rc;
    }
    XML_EACH(item, errors)
    read_failure(&reading, item);
    if (reading.answer.n_instances == 0 && reading.answer.n_failures == 0)
        reading.answer.failures[reading.answer.n_failures++] = (struct cloud_failure){
            .code = ERR_NO_CAPACITY,
            .reason = STR("UnfulfillableCapacity"),
            .message = STR("EC2 answered with neither instances nor errors"),
            .instance_type = STR(""),
            .zone = STR(""),
        };
    qsort(reading.answer.instances, reading.answer.n_instances, sizeof(*reading.answer.instances), by_id);
    reading.answer.dry_subnets = reading.dry_subnets;
    *ret = reading.answer;
    return 0;
}
