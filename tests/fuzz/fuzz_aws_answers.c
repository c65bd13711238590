/* Any bytes as an answer of EC2's or as a launch that was written down: read or refused, and what is read makes sense.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "cloud/aws/facts.h"
#include "cloud/aws/fleet.h"
#include "cloud/aws/instances.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_launch(const struct xml *xml, struct arena *arena)
{
    static const struct fleet_request request = {0};
    struct fleet_answer answer;
    if (fleet_answer_read(xml, &request, STR("id"), arena, &answer, NULL))
        return;
    assert(answer.n_instances + answer.n_failures > 0);
    for (size_t i = 1; i < answer.n_instances; i++)
        assert(str_cmp(answer.instances[i - 1].id, answer.instances[i].id) <= 0);
}

static void read_facts(const struct xml *xml)
{
    struct type_facts types = {0};
    struct facts places = {0}, spot = {0};
    const struct clock_wall now = {INT64_C(1767225600) * 1000000000};
    assert(facts_read_types(xml, &types, NULL) == 0);
    assert(facts_read_places(xml, STR("us-east-1"), &places, NULL) == 0);
    assert(facts_read_spot(xml, STR("us-east-1"), now, &spot, NULL) == 0);
    for (size_t i = 0; i < types.items.len; i++)
        assert(types.items.items[i].vcpu > 0 && types.items.items[i].name.len > 0);
    for (size_t i = 0; i < spot.items.len; i++)
        assert(spot.items.items[i].price_microusd > 0);
    type_facts_release(&types);
    facts_release(&places);
    facts_release(&spot);
}

static void read_xml(struct str text, struct arena *arena)
{
    const struct xml *xml;
    struct instance_list list = {0};
    if (xml_read(text, arena, &xml, NULL))
        return;
    read_launch(xml, arena);
    read_facts(xml);
    if (instances_read(xml, arena, &list, NULL) == 0)
        for (size_t i = 0; i < list.items.len; i++)
            assert(list.items.items[i].id.len > 0);
    VEC_FREE(&list.items);
}

static void read_request(struct str text, struct arena *arena)
{
    struct fleet_request request, again;
    struct str once, twice;
    if (fleet_request_read(text, arena, &request, NULL))
        return;
    assert(fleet_request_write(&request, arena, &once, NULL) == 0);
    assert(fleet_request_read(once, arena, &again, NULL) == 0);
    assert(fleet_request_write(&again, arena, &twice, NULL) == 0 && str_eq(once, twice));
    struct buf form = BUF_INIT(arena);
    fleet_form(&request, STR("id"), &form);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = ARENA_INIT;
    struct facts prices = {0};
    struct str text = {(const char *)data, size};
    read_xml(text, &arena);
    read_request(text, &arena);
    assert(facts_read_product(text, &arena, &prices, NULL) == 0);
    facts_release(&prices);
    arena_release(&arena);
    return 0;
}
