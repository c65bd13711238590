/* fleet.h - CreateFleet: a launch as it is written down, as the form that is sent, and what the answer means. */
#ifndef STOKER_CLOUD_AWS_FLEET_H
#define STOKER_CLOUD_AWS_FLEET_H

#include "base/buf.h"
#include "cloud/aws/xml.h"
#include "cloud/provider.h"

/* EC2's bounds for one request; what is beyond is the plan's least preferred. Source: EC2 User Guide, fleet quotas. */
enum { FLEET_MAX_TYPES = 60, FLEET_MAX_OVERRIDES = 300 };

struct fleet_subnet {
    struct str id, zone;
};

/* One pool: an instance type in a subnet. */
struct fleet_override {
    struct str instance_type;
    uint32_t subnet;   /* index into the request's subnets */
    uint32_t priority; /* 0 is taken first */
};

/* Pools that start from one launch template: those of one image. */
struct fleet_config {
    struct str launch_template, version;
    const struct fleet_override *overrides; /* [n_overrides] */
    size_t n_overrides;
};

/* All that a launch asks for, but for its id. */
struct fleet_request {
    enum cloud_capacity_type capacity_type;
    struct str strategy; /* EC2's word; never "" */
    uint32_t count;
    const struct cloud_label *tags; /* [n_tags] of instances, volumes and the fleet */
    size_t n_tags;
    const struct fleet_subnet *subnets;
    size_t n_subnets;
    const struct fleet_config *configs;
    size_t n_configs;
};

/*
 * EC2's allocation strategy: `wanted` is spec.spot.allocationStrategy, "" the default: capacity-optimized-prioritized
 * for spot; On-Demand takes prioritized unless lowest-price is wanted. ERR_INVALID: none of EC2's.
 */
CC_MUST_CHECK int fleet_strategy(struct str wanted, enum cloud_capacity_type capacity_type, struct str *ret,
                                 struct err *err);

/* The request as JSON text, and back. The same request gives the same bytes. ERR_INVALID: not ours. */
CC_MUST_CHECK int fleet_request_write(const struct fleet_request *request, struct arena *arena, struct str *ret,
                                      struct err *err);
CC_MUST_CHECK int fleet_request_read(struct str text, struct arena *arena, struct fleet_request *ret, struct err *err);

/*
 * Appends CreateFleet's form. `launch_id` is the ClientToken and the tag stoker.sh/launch: the same request and id give
 * the same bytes, which is what makes a repeat safe. Source: EC2 API Reference, CreateFleet.
 */
void fleet_form(const struct fleet_request *request, struct str launch_id, struct buf *buf);

struct fleet_answer {
    struct cloud_instance *instances; /* in id order; price_microusd -1 */
    size_t n_instances;
    struct cloud_failure *failures; /* at least one where there are no instances */
    size_t n_failures;
    bool template_missing;         /* a launch template that is gone is among the failures */
    const struct str *dry_subnets; /* [n_dry_subnets] ids of those without a free address */
    size_t n_dry_subnets;
};

/* Reads the answer; texts are in the answer's tree, the request, or `arena`. ERR_INVALID: no answer of CreateFleet. */
CC_MUST_CHECK int fleet_answer_read(const struct xml *xml, const struct fleet_request *request, struct str launch_id,
                                    struct arena *arena, struct fleet_answer *ret, struct err *err);

/* "aws:///us-west-2a/i-0123": what the node has in spec.providerID. ERR_NOMEM. */
CC_MUST_CHECK int aws_provider_id(struct str zone, struct str id, struct arena *arena, struct str *ret,
                                  struct err *err);

#endif
