/* supply_none.c - why a Provisioner has nothing to offer at all, whatever a pod asks for. */
#include "provisioner/plan/demand_internal.h"
#include "provisioner/plan/supply_internal.h"

/* Keys that the cloud does not decide are for supply_variants. */
static bool meets(const struct cloud_catalogue *catalogue, size_t offering, const struct requirement *demand)
{
    return supply_key_is_custom(demand->key) ||
           requirement_met(demand, supply_cloud_label(catalogue, &catalogue->offerings[offering], demand->key));
}

static bool meets_all(const struct cloud_catalogue *catalogue, size_t offering, const struct provisioner *provisioner,
                      bool by_type)
{
    for (size_t n = 0; n < provisioner->requirements.n; n++) {
        const struct requirement *demand = &provisioner->requirements.items[n];
        if (supply_key_is_by_type(demand->key) == by_type && !meets(catalogue, offering, demand))
            return false;
    }
    return true;
}

/* Offerings of a type stand together: it is judged once. */
static bool offers_any(const struct cloud_catalogue *catalogue, const struct provisioner *provisioner)
{
    bool type_met = false;
    for (size_t i = 0; i < catalogue->n_offerings; i++) {
        if (i == 0 || catalogue->offerings[i].type != catalogue->offerings[i - 1].type)
            type_met = meets_all(catalogue, i, provisioner, true);
        if (type_met && meets_all(catalogue, i, provisioner, false))
            return true;
    }
    return false;
}

static const char *say(const struct cloud_catalogue *catalogue, const struct provisioner *provisioner, size_t n,
                       size_t before, size_t alone, struct arena *arena)
{
    const struct requirement *demand = &provisioner->requirements.items[n];
    const char *text = requirement_text(demand, arena);
    /* What a label demands was read as a requirement. */
    const char *field = labels_get(&provisioner->labels, demand->key) ? "spec.labels" : "spec.requirements";
    if (!text)
        return NULL;
    if (!alone)
        return arena_printf(arena, "%s: nothing on sale in %.*s meets %s", field, STR_ARG(catalogue->region), text);
    return arena_printf(arena,
                        "%s: nothing meets %s as well as what stands before it, which leaves %zu of %zu offerings in "
                        "%.*s",
                        field, text, before, catalogue->n_offerings, STR_ARG(catalogue->region));
}

/* The first demand that leaves nothing. */
static int explain(const struct cloud_catalogue *catalogue, const struct provisioner *provisioner, struct arena *arena,
                   const char **ret, struct err *err)
{
    size_t left = catalogue->n_offerings;
    bool *gone = arena_array(arena, bool, catalogue->n_offerings);
    if (!gone)
        return err_nomem(err);
    for (size_t n = 0; n < provisioner->requirements.n; n++) {
        size_t before = left, alone = 0;
        for (size_t i = 0; i < catalogue->n_offerings; i++) {
            bool met = meets(catalogue, i, &provisioner->requirements.items[n]);
            alone += met;
            left -= !met && !gone[i];
            gone[i] |= !met;
        }
        if (left)
            continue;
        *ret = say(catalogue, provisioner, n, before, alone, arena);
        return *ret ? 0 : err_nomem(err);
    }
    *ret = "nothing is on sale";
    return 0;
}

int supply_none(const struct objects *objects, const struct cloud_catalogue *catalogue,
                const struct provisioner *provisioner, struct arena *arena, const char **ret, struct err *err)
{
    struct str key;
    int code = supply_contradiction(objects, provisioner, arena, &key, err);
    if (code)
        return code;
    *ret = NULL;
    if (key.len) {
        *ret = arena_printf(arena, "spec.requirements: no value of %.*s meets all that is said of it", STR_ARG(key));
        return *ret ? 0 : err_nomem(err);
    }
    return offers_any(catalogue, provisioner) ? 0 : explain(catalogue, provisioner, arena, ret, err);
}
