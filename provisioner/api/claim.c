/* claim.c - NodeClaims: phases by name, and deep copies. Reading is in claim_decode.c, writing in claim_write.c. */
#include "provisioner/api/claim.h"

#include <assert.h>

#include "provisioner/api/copy.h"

const char *claim_phase_name(enum claim_phase phase)
{
    static const char *const names[] = {"Planned",     "Launching", "Launched", "Registered",
                                        "Initialized", "Draining",  "Gone"};
    assert(phase <= CLAIM_GONE);
    return names[phase];
}

static void copy_pools(struct copier *copier, struct node_claim *claim)
{
    struct cloud_pool *pools = copy_array(copier, claim->pools, claim->n_pools, sizeof(*pools));
    claim->pools = pools;
    for (size_t i = 0; pools && i < claim->n_pools; i++) {
        copy_text(copier, &pools[i].instance_type);
        copy_text(copier, &pools[i].zone);
    }
}

static void copy_slots(struct copier *copier, struct node_claim *claim)
{
    struct claim_slot *slots = copy_array(copier, claim->slots, claim->n_slots, sizeof(*slots));
    claim->slots = slots;
    for (size_t i = 0; slots && i < claim->n_slots; i++) {
        copy_text(copier, &slots[i].namespace_);
        copy_text(copier, &slots[i].name);
        copy_text(copier, &slots[i].uid);
        copy_text(copier, &slots[i].app);
        copy_text(copier, &slots[i].shape);
    }
}

int claim_copy(const struct node_claim *claim, struct arena *arena, struct node_claim *ret, struct err *err)
{
    struct node_claim copy = *claim;
    struct copier copier = {arena, false};
    struct str *const texts[] = {&copy.name,          &copy.uid,          &copy.resource_version, &copy.provisioner,
                                 &copy.template_name, &copy.reason,       &copy.launch_id,        &copy.launch_request,
                                 &copy.instance_id,   &copy.provider_id,  &copy.instance_type,    &copy.zone,
                                 &copy.node_name,     &copy.drain_reason, &copy.message};
    for (size_t i = 0; i < CC_COUNT(texts); i++)
        copy_text(&copier, texts[i]);
    copy_pools(&copier, &copy);
    copy_slots(&copier, &copy);
    copy_labels(&copier, &copy.labels);
    copy_taints(&copier, &copy.taints);
    copy_taints(&copier, &copy.startup_taints);
    copy_resources(&copier, &copy.allocatable);
    copy_resources(&copier, &copy.capacity);
    if (copier.failed)
        return err_nomem(err);
    *ret = copy;
    return 0;
}
