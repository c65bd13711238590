#include "tests/support/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bitset.h"
#include "base/doc.h"
#include "cloud/aws/catalogue.h"
#include "provisioner/api/decode.h"

static const char types_tsv[] = "instance_type\tarch\tvcpu\tmemory_mib\tenis\tipv4_per_eni\n"
                                "c5.xlarge\tamd64\t4\t8192\t4\t15\n"
                                "m5.2xlarge\tamd64\t8\t32768\t4\t15\n"
                                "r5.4xlarge\tamd64\t16\t131072\t8\t30\n";
static const char prices_tsv[] = "instance_type\tzone\ton_demand_usd_hour\tspot_usd_hour\n"
                                 "c5.xlarge\tus-west-2a\t0.17\t0.068\nc5.xlarge\tus-west-2b\t0.17\t0.0748\n"
                                 "c5.xlarge\tus-west-2c\t0.17\t0.0816\n"
                                 "m5.2xlarge\tus-west-2a\t0.384\t0.1536\nm5.2xlarge\tus-west-2b\t0.384\t0.16896\n"
                                 "m5.2xlarge\tus-west-2c\t0.384\t0.18432\n"
                                 "r5.4xlarge\tus-west-2a\t1.008\t0.4032\nr5.4xlarge\tus-west-2b\t1.008\t0.44352\n";

int world_set_up(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    const struct aws_catalogue_source source = {.types_tsv = str_of(types_tsv),
                                                .prices_tsv = str_of(prices_tsv),
                                                .types_name = "types.tsv",
                                                .prices_name = "prices.tsv"};
    *state = world;
    if (!world)
        return -1;
    return aws_catalogue_load(&source, &world->arena, &world->diag, &world->catalogue, &world->err);
}

int world_tear_down(void **state)
{
    struct world *world = *state;
    objects_release(&world->objects);
    arena_release(&world->arena);
    diag_release(&world->diag);
    free(world);
    return 0;
}

static int on_object(void *context, const struct doc *object, struct err *err)
{
    struct world *world = context;
    return objects_decode(&world->objects, object, "test.yaml", &world->diag, err);
}

void world_read(struct world *world, const char *yaml)
{
    if (doc_read(str_of(yaml), "test.yaml", on_object, world, &world->err))
        fail_msg("%s\n%s", world->err.message, yaml);
    if (diag_count(&world->diag))
        fail_msg("line %d: %s\n%s", world->diag.findings[0].line, world->diag.findings[0].text, yaml);
}

void world_add(struct world *world, const char *fmt, ...)
{
    char text[8192];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    assert_in_range(len, 0, sizeof(text) - 1);
    world_read(world, text);
}

void world_add_provisioner(struct world *world)
{
    world_read(world, "apiVersion: stoker.sh/v1alpha1\n"
                      "kind: Provisioner\n"
                      "metadata: {name: default}\n"
                      "spec:\n"
                      "  requirements:\n"
                      "  - {key: karpenter.sh/capacity-type, operator: In, values: [spot, on-demand]}\n"
                      "  - {key: kubernetes.io/arch, operator: In, values: [amd64]}\n"
                      "  - {key: karpenter.k8s.aws/instance-category, operator: In, values: [c, m, r]}\n");
}

void world_demand(struct world *world, const struct demand_options *options)
{
    static const struct demand_options defaults = {0};
    const struct supply_options supply = {0};
    struct volumes volumes;
    assert_int_equal(dims_of(&world->objects, &world->dims, &world->err), 0);
    assert_int_equal(volumes_open(&world->objects, &volumes, &world->err), 0);
    assert_int_equal(
        dims_add_volumes(&world->dims, &volumes, world->catalogue.volume_driver, &world->arena, &world->err), 0);
    volumes_close(&volumes);
    assert_int_equal(supply_build(&world->objects, &world->catalogue, &world->dims, &supply, &world->arena,
                                  &world->supply, &world->err),
                     0);
    assert_int_equal(demand_build(&world->objects, &world->supply, options ? options : &defaults, &world->arena,
                                  &world->demand, &world->err),
                     0);
}

void world_topology(struct world *world, const struct demand_options *options)
{
    world_demand(world, options);
    assert_int_equal(topology_build(&world->demand, NULL, &world->arena, &world->topology, &world->err), 0);
}

const struct demand_shape *world_shape(const struct world *world, const char *pod)
{
    struct str name = str_of(pod), namespace_ = str_cut(&name, '/');
    for (size_t s = 0; s < world->demand.n_shapes; s++) {
        const struct demand_shape *shape = &world->demand.shapes[s];
        for (uint32_t i = 0; i < shape->n_pods; i++) {
            const struct pod *at = &world->objects.pods.items[shape->pods[i]];
            if (str_eq(at->namespace_, namespace_) && str_eq(at->name, name))
                return shape;
        }
    }
    return NULL;
}

size_t world_count(const struct world *world, const uint64_t *admits, const char *zone, int capacity_type)
{
    size_t n = 0;
    BITSET_EACH (o, admits, world->supply.n) {
        const struct supply_offering *offering = &world->supply.offerings[o];
        bool here = !zone || str_is(world->catalogue.zones[offering->zone], zone);
        n += here && (capacity_type < 0 || (int)offering->capacity_type == capacity_type);
    }
    return n;
}
