/* topology_place.c - chooses a cell for pod after pod, each step one that kube-scheduler's rules allow. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "provisioner/plan/topology_internal.h"

/*
 * Invariant: the pods placed so far could have been placed by kube-scheduler in this order. So whatever is placed at
 * the end needs no further check, and what could not be placed was refused by a rule that can be named. Classes with
 * few cells come first and are tried again after every step of a later one, since that may raise the level that a
 * spread measures against, or bring the pod that an affinity waits for. Pods of free classes are placed only if
 * others wait for them; they follow last, wherever they are not barred.
 */

/* The lowest count among the domains a spread looks at; a pod that may not count does not raise it. */
static int64_t spread_minimum(const struct topo *topo, const struct topo_rule *rule)
{
    const struct topo_tally *tally = &topo->tallies.items[rule->tally];
    uint32_t n = topo->axes.items[rule->axis].n_domains;
    int64_t lowest = INT64_MAX;
    int32_t n_domains = 0;
    BITSET_EACH (d, rule->domains, n) {
        n_domains++;
        if (tally->sure[d] < lowest)
            lowest = tally->sure[d];
    }
    return n_domains < rule->min_domains || n_domains == 0 ? 0 : lowest;
}

/* `minimum` is of the rule if it is a spread. */
static bool rule_allows(const struct topo *topo, const struct topo_rule *rule, const struct topo_cell *cell,
                        int64_t minimum)
{
    const struct topo_tally *tally = &topo->tallies.items[rule->tally];
    uint32_t domain = cell->domains[rule->slot];
    bool absent = domain == topo->axes.items[rule->axis].n_domains;
    switch (rule->kind) {
    case RULE_SPREAD: return !absent && tally->count[domain] + rule->self - minimum <= rule->max_skew;
    case RULE_AFFINITY:
        /* The first pod of a group that wants its own company may go anywhere. */
        return !absent && (tally->count[domain] > 0 || (tally->total == 0 && rule->self));
    case RULE_ANTI:
    case RULE_BARRED: return absent || tally->count[domain] == 0;
    }
    return false;
}

bool topo_allowed(const struct topo *topo, const struct topo_class *class, const struct topo_cell *cell,
                  const struct topo_rule **ret_rule)
{
    if (ret_rule)
        *ret_rule = NULL;
    for (size_t r = 0; r < class->n_rules; r++) {
        const struct topo_rule *rule = &class->rules[r];
        if (rule->dropped || rule_allows(topo, rule, cell, rule->kind == RULE_SPREAD ? spread_minimum(topo, rule) : 0))
            continue;
        if (ret_rule)
            *ret_rule = rule;
        return false;
    }
    return cell->offered || cell->room > 0;
}

struct placer {
    struct topo *topo;
    uint32_t *order;   /* [classes] of one component after another */
    uint32_t *parent;  /* [tallies] components, a union-find */
    int64_t *minima;   /* [most rules of a class] scratch */
    uint32_t *members; /* of the component at work: order + start */
    size_t n_members;
};

static uint32_t component_of(uint32_t *parent, uint32_t at)
{
    while (parent[at] != at)
        at = parent[at] = parent[parent[at]];
    return at;
}

static void unite_class(struct placer *p, const struct topo_class *class)
{
    uint32_t first = class->n_rules ? class->rules[0].tally : class->feeds[0];
    for (size_t r = 0; r < class->n_rules; r++) {
        p->parent[component_of(p->parent, class->rules[r].tally)] = component_of(p->parent, first);
        if (class->rules[r].carriers != SOLVER_NONE)
            p->parent[component_of(p->parent, class->rules[r].carriers)] = component_of(p->parent, first);
    }
    for (size_t f = 0; f < class->n_feeds; f++)
        p->parent[component_of(p->parent, class->feeds[f])] = component_of(p->parent, first);
}

static bool is_scarce(const struct topo_class *class)
{
    for (size_t r = 0; r < class->n_rules; r++)
        if (class->rules[r].kind == RULE_ANTI)
            return true;
    return false;
}

/*
 * By component; in it those with anti-affinity first, higher priority first, since they compete for domains; then
 * those with the fewest cells and offerings.
 */
static int compare_classes(const void *a, const void *b, void *context)
{
    const struct topo *topo = context;
    uint32_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;
    const struct topo_class *x = &topo->classes.items[i], *y = &topo->classes.items[k];
    if (x->component != y->component)
        return x->component < y->component ? -1 : 1;
    bool scarce = is_scarce(x);
    if (scarce != is_scarce(y))
        return scarce ? -1 : 1;
    if (scarce && x->priority != y->priority)
        return x->priority > y->priority ? -1 : 1;
    if (x->n_cells != y->n_cells)
        return x->n_cells < y->n_cells ? -1 : 1;
    if (x->n_offerings != y->n_offerings)
        return x->n_offerings < y->n_offerings ? -1 : 1;
    if (x->priority != y->priority)
        return x->priority > y->priority ? -1 : 1;
    return i < k ? -1 : 1;
}

static void commit(struct topo *topo, struct topo_class *class, size_t c)
{
    struct topo_cell *cell = &class->cells[c];
    cell->placed++;
    class->left--;
    if (cell->room > 0)
        cell->room--;
    for (size_t f = 0; f < class->n_feeds; f++) {
        struct topo_tally *tally = &topo->tallies.items[class->feeds[f]];
        enum feed feed = (enum feed) class->feeds_in[f * class->n_cells + c];
        if (feed == FEED_NO)
            continue;
        size_t slot = 0;
        while (class->axes[slot] != tally->axis)
            slot++;
        uint32_t domain = cell->domains[slot];
        tally->count[domain]++;
        tally->sure[domain] += feed == FEED_YES;
        if (domain < topo->axes.items[tally->axis].n_domains)
            tally->total++;
    }
}

/* The first required or wished-for company that nobody has started yet; NULL if the class waits for none. */
static const struct topo_rule *unstarted_affinity(const struct topo *topo, const struct topo_class *class)
{
    for (size_t r = 0; r < class->n_rules; r++) {
        const struct topo_rule *rule = &class->rules[r];
        if (rule->kind == RULE_AFFINITY && !rule->dropped && topo->tallies.items[rule->tally].total == 0)
            return rule;
    }
    return NULL;
}

/* A domain where a pod cannot go at all counts as much dearer than any where it can. */
static const double NO_PLACE_MICROUSD = 1e12;

/* What `n` more pods of the class would cost in the cell: room that is there costs next to nothing. */
static double cell_price(const struct topo_cell *cell, int64_t n)
{
    int64_t free = cell->room < n ? cell->room : n;
    double each = cell->offered ? cell->cost : NO_PLACE_MICROUSD;
    return (double)(n - free) * each + (double)free * (1 + cell->cost / 1000);
}

/* What a domain would cost all pods of the component that will have to follow there. */
static double company_cost(const struct placer *p, const struct topo_rule *rule, uint32_t domain)
{
    double sum = 0;
    for (size_t m = 0; m < p->n_members; m++) {
        const struct topo_class *class = &p->topo->classes.items[p->members[m]];
        for (size_t r = 0; r < class->n_rules; r++) {
            if (class->rules[r].kind != RULE_AFFINITY || class->rules[r].tally != rule->tally ||
                class->rules[r].dropped)
                continue;
            double best = NO_PLACE_MICROUSD * (double)class->left;
            for (size_t c = 0; c < class->n_cells; c++)
                if (class->cells[c].domains[class->rules[r].slot] == domain &&
                    cell_price(&class->cells[c], class->left) < best)
                    best = cell_price(&class->cells[c], class->left);
            sum += best;
            break;
        }
    }
    return sum;
}

/* The cheapest cell that a pod of the class may go to now; false if there is none. */
static bool choose_cell(const struct placer *p, const struct topo_class *class, size_t *ret_cell)
{
    const struct topo *topo = p->topo;
    const struct topo_rule *company = unstarted_affinity(topo, class);
    double best = HUGE_VAL;
    for (size_t r = 0; r < class->n_rules; r++)
        p->minima[r] = class->rules[r].kind == RULE_SPREAD ? spread_minimum(topo, &class->rules[r]) : 0;
    for (size_t c = 0; c < class->n_cells; c++) {
        const struct topo_cell *cell = &class->cells[c];
        bool allowed = cell->offered || cell->room > 0;
        for (size_t r = 0; r < class->n_rules && allowed; r++)
            allowed = class->rules[r].dropped || rule_allows(topo, &class->rules[r], cell, p->minima[r]);
        if (!allowed)
            continue;
        double cost = company ? company_cost(p, company, cell->domains[company->slot]) : cell_price(cell, 1);
        cost *= cell->whim;
        if (cost < best) {
            best = cost;
            *ret_cell = c;
        }
    }
    return best < HUGE_VAL;
}

static bool place_one(struct placer *p, struct topo_class *class)
{
    size_t cell = 0;
    if (!class->left || !choose_cell(p, class, &cell))
        return false;
    commit(p->topo, class, cell);
    return true;
}

/* Places a pod of some free class where it is the company that `rule` asks for; false if there is none. */
static bool bring_company(struct placer *p, const struct topo_rule *rule, uint32_t domain)
{
    struct topo_class *best_class = NULL;
    size_t best_cell = 0;
    for (size_t m = 0; m < p->n_members; m++) {
        struct topo_class *class = &p->topo->classes.items[p->members[m]];
        size_t feed = 0, slot = 0;
        while (feed < class->n_feeds && class->feeds[feed] != rule->tally)
            feed++;
        if (!class->free || !class->left || feed == class->n_feeds)
            continue;
        while (class->axes[slot] != rule->axis)
            slot++;
        for (size_t c = 0; c < class->n_cells; c++) {
            if (class->cells[c].domains[slot] != domain || !topo_allowed(p->topo, class, &class->cells[c], NULL))
                continue;
            if (best_class && best_class->cells[best_cell].cost <= class->cells[c].cost)
                continue;
            best_class = class;
            best_cell = c;
        }
    }
    if (best_class)
        commit(p->topo, best_class, best_cell);
    return best_class != NULL;
}

/* Can the class go to the cell once it has company there? */
static bool lacks_company_only(const struct topo *topo, const struct topo_class *class, const struct topo_cell *cell)
{
    for (size_t r = 0; r < class->n_rules; r++) {
        const struct topo_rule *rule = &class->rules[r];
        int64_t minimum = rule->kind == RULE_SPREAD ? spread_minimum(topo, rule) : 0;
        if (rule->kind != RULE_AFFINITY && !rule->dropped && !rule_allows(topo, rule, cell, minimum))
            return false;
        if (rule->kind == RULE_AFFINITY && cell->domains[rule->slot] == topo->axes.items[rule->axis].n_domains)
            return false;
    }
    return cell->offered || cell->room > 0;
}

static double company_price(const struct placer *p, const struct topo_class *class, const struct topo_cell *cell)
{
    double cost = cell->cost;
    for (size_t r = 0; r < class->n_rules; r++)
        if (class->rules[r].kind == RULE_AFFINITY && !class->rules[r].dropped)
            cost += company_cost(p, &class->rules[r], cell->domains[class->rules[r].slot]);
    return cost;
}

/*
 * Brings pods of free classes to a cell of this stuck one. Cells are tried from the cheapest. True if a pod was
 * placed, whether or not it was enough: the next round asks again.
 */
static bool fetch_company(struct placer *p, const struct topo_class *class)
{
    double after = -1;
    size_t after_cell = 0;
    for (;;) {
        size_t cell = class->n_cells;
        double best = HUGE_VAL;
        for (size_t c = 0; c < class->n_cells; c++) {
            double price = company_price(p, class, &class->cells[c]);
            bool tried = price < after || (price == after && c <= after_cell);
            if (!tried && price < best && lacks_company_only(p->topo, class, &class->cells[c])) {
                best = price;
                cell = c;
            }
        }
        if (cell == class->n_cells)
            return false;
        after = best;
        after_cell = cell;
        for (size_t r = 0; r < class->n_rules; r++) {
            const struct topo_rule *rule = &class->rules[r];
            if (rule->kind == RULE_AFFINITY && !rule->dropped && !rule_allows(p->topo, rule, &class->cells[cell], 0) &&
                bring_company(p, rule, class->cells[cell].domains[rule->slot]))
                return true;
        }
    }
}

static bool drop_lightest(struct topo_class *class)
{
    struct topo_rule *lightest = NULL;
    for (size_t r = 0; r < class->n_rules; r++) {
        struct topo_rule *rule = &class->rules[r];
        if (rule->weight && !rule->dropped && (!lightest || rule->weight < lightest->weight))
            lightest = rule;
    }
    if (lightest)
        lightest->dropped = true;
    return lightest != NULL;
}

/* One step for the component; false if there is none left. */
static bool step(struct placer *p)
{
    struct topo *topo = p->topo;
    for (size_t m = 0; m < p->n_members; m++)
        if (!topo->classes.items[p->members[m]].free && place_one(p, &topo->classes.items[p->members[m]]))
            return true;
    for (size_t m = 0; m < p->n_members; m++) {
        const struct topo_class *class = &topo->classes.items[p->members[m]];
        if (!class->free && class->left && fetch_company(p, class))
            return true;
    }
    for (size_t m = 0; m < p->n_members; m++) {
        struct topo_class *class = &topo->classes.items[p->members[m]];
        if (!class->free && class->left && drop_lightest(class))
            return true;
    }
    return false;
}

static int placer_init(struct placer *p, struct err *err)
{
    struct topo *topo = p->topo;
    size_t most_rules = 0;
    p->order = arena_array(topo->arena, uint32_t, topo->classes.len);
    p->parent = arena_array(topo->arena, uint32_t, topo->tallies.len);
    for (size_t k = 0; k < topo->classes.len; k++)
        if (topo->classes.items[k].n_rules > most_rules)
            most_rules = topo->classes.items[k].n_rules;
    p->minima = arena_array(topo->arena, int64_t, most_rules);
    if (!p->order || !p->parent || !p->minima)
        return err_nomem(err);
    for (uint32_t t = 0; t < topo->tallies.len; t++)
        p->parent[t] = t;
    for (size_t k = 0; k < topo->classes.len; k++)
        unite_class(p, &topo->classes.items[k]);
    for (uint32_t k = 0; k < topo->classes.len; k++) {
        struct topo_class *class = &topo->classes.items[k];
        class->component = component_of(p->parent, class->n_rules ? class->rules[0].tally : class->feeds[0]);
        p->order[k] = k;
    }
    if (topo->classes.len)
        qsort_r(p->order, topo->classes.len, sizeof(*p->order), compare_classes, topo);
    return 0;
}

/* Takes back what was placed. */
static void reset(struct placer *p, uint32_t component)
{
    struct topo *topo = p->topo;
    for (uint32_t t = 0; t < topo->tallies.len; t++) {
        struct topo_tally *tally = &topo->tallies.items[t];
        uint32_t n = topo->axes.items[tally->axis].n_domains;
        if (component_of(p->parent, t) != component)
            continue;
        tally->total = 0;
        for (uint32_t d = 0; d <= n; d++) {
            tally->count[d] = tally->sure[d] = tally->bound[d];
            tally->total += d < n ? tally->bound[d] : 0;
        }
    }
    for (size_t m = 0; m < p->n_members; m++) {
        struct topo_class *class = &topo->classes.items[p->members[m]];
        for (size_t r = 0; r < class->n_rules; r++)
            class->rules[r].dropped = false;
        for (size_t c = 0; c < class->n_cells; c++) {
            class->left += class->cells[c].placed;
            class->cells[c].room = class->cells[c].room_at_first;
            class->cells[c].placed = 0;
        }
    }
}

/* splitmix64: the same tries in every run. */
static uint64_t random_next(uint64_t *seed)
{
    uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Another order of classes and another taste for cells. Try 0 is the plain one. */
static void be_whimsical(struct placer *p, uint64_t try)
{
    struct topo *topo = p->topo;
    uint64_t seed = try;
    qsort_r(p->members, p->n_members, sizeof(*p->members), compare_classes, topo);
    for (size_t m = p->n_members; m > 1 && try; m--) {
        size_t k = (size_t)(random_next(&seed) % m);
        uint32_t swapped = p->members[m - 1];
        p->members[m - 1] = p->members[k];
        p->members[k] = swapped;
    }
    for (size_t m = 0; m < p->n_members; m++) {
        struct topo_class *class = &topo->classes.items[p->members[m]];
        for (size_t c = 0; c < class->n_cells; c++)
            class->cells[c].whim = try ? ldexp(1, (int)(random_next(&seed) % 24)) : 1;
    }
}

/* Pods without a place; one of a higher priority counts for more than all of the lower ones. */
static double loss(const struct placer *p)
{
    const struct topo *topo = p->topo;
    double sum = 0;
    for (size_t m = 0; m < p->n_members; m++) {
        const struct topo_class *class = &topo->classes.items[p->members[m]];
        bool somewhere = false;
        for (size_t c = 0; c < class->n_cells && class->free && !somewhere; c++)
            somewhere = topo_allowed(topo, class, &class->cells[c], NULL);
        double weight = 1;
        for (size_t k = 0; k < p->n_members && class->left && !somewhere && weight < 1e60; k++)
            if (topo->classes.items[p->members[k]].priority < class->priority)
                weight *= 1e6;
        sum += somewhere ? 0 : weight * (double)class->left;
    }
    return sum;
}

static double place_all(struct placer *p, uint64_t try)
{
    be_whimsical(p, try);
    while (step(p)) {
    }
    return loss(p);
}

/* Steps that further tries may take together, so that knots in large groups do not hold up a plan. */
enum { MOST_TRIES = 32, TRIES_WORK = 400000 };

/* One step at a time can end in a dead end: then other orders are tried, and the best one is kept. */
static void place_component(struct placer *p, uint32_t component)
{
    double least = place_all(p, 0), work = 1;
    uint64_t best = 0, tries = MOST_TRIES;
    if (least == 0)
        return;
    for (size_t m = 0; m < p->n_members; m++) {
        const struct topo_class *class = &p->topo->classes.items[p->members[m]];
        work += (double)class->n_cells * (double)p->n_members;
        for (size_t c = 0; c < class->n_cells; c++)
            work += (double)(class->cells[c].placed * (int64_t) class->n_cells) * (double)p->n_members;
    }
    if (work * MOST_TRIES > TRIES_WORK)
        tries = (uint64_t)(TRIES_WORK / work);
    for (uint64_t try = 1; try <= tries && least > 0; try++) {
        reset(p, component);
        double now = place_all(p, try);
        if (now < least) {
            least = now;
            best = try;
        }
    }
    reset(p, component);
    place_all(p, best);
}

static int remember_bound(struct topo *topo, struct err *err)
{
    for (size_t t = 0; t < topo->tallies.len; t++) {
        struct topo_tally *tally = &topo->tallies.items[t];
        size_t n = (size_t)topo->axes.items[tally->axis].n_domains + 1;
        tally->bound = arena_array(topo->arena, int64_t, n);
        if (!tally->bound)
            return err_nomem(err);
        memcpy(tally->bound, tally->count, n * sizeof(*tally->bound));
    }
    return 0;
}

int topo_place(struct topo *topo, struct err *err)
{
    struct placer p = {.topo = topo};
    if (placer_init(&p, err) < 0 || remember_bound(topo, err) < 0)
        return ERR_NOMEM;
    for (size_t start = 0, end; start < topo->classes.len; start = end) {
        uint32_t component = topo->classes.items[p.order[start]].component;
        for (end = start; end < topo->classes.len && topo->classes.items[p.order[end]].component == component;)
            end++;
        p.members = p.order + start;
        p.n_members = end - start;
        place_component(&p, component);
    }
    return 0;
}
