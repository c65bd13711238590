#include <stdlib.h>
#include <string.h>

#include "base/quantity.h"
#include "provisioner/cmd/output.h"

enum { LABEL_WIDTH = 18, MONEY_WIDTH = 12, PODS_NAMED = 3 };

static double usd(int64_t microusd)
{
    return (double)microusd / 1e6;
}

/* part / whole in per cent; 0 where there is nothing to compare with. */
static double percent(int64_t part, int64_t whole)
{
    return whole > 0 ? 100.0 * (double)part / (double)whole : 0;
}

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

static void money(FILE *file, const char *label, int64_t microusd)
{
    fprintf(file, "%-*s%*.4f $/h", LABEL_WIDTH, label, MONEY_WIDTH, usd(microusd));
}

static void print_money(const struct answer *answer, FILE *file)
{
    int64_t cost = answer->cost_microusd, bound = answer->lower_bound_microusd, all = answer->on_demand_microusd;
    money(file, "planned", cost);
    fputc('\n', file);
    money(file, "lower bound", bound);
    if (bound > 0 || cost == 0)
        fprintf(file, "   gap %.2f %%", percent(cost - bound, bound));
    fputc('\n', file);
    money(file, "dearest pools", answer->worst_microusd);
    fputc('\n', file);
    if (all < 0) {
        fprintf(file, "%-*scannot be had\n", LABEL_WIDTH, "all On-Demand");
        return;
    }
    money(file, "all On-Demand", all);
    double saving = percent(all - cost, all);
    if (saving >= 0)
        fprintf(file, "   the plan saves %.1f %%\n", saving);
    else
        fprintf(file, "   the plan costs %.1f %% more\n", -saving);
}

static void print_modes(const struct answer *answer, FILE *file)
{
    for (size_t i = 0; i < answer->n_modes; i++) {
        const struct answer_mode *mode = &answer->modes[i];
        fprintf(file, "%s costs %.4f $/h, without it %.4f $/h (%+.2f %%)\n", mode->name, usd(mode->with_microusd),
                usd(mode->without_microusd),
                percent(mode->with_microusd - mode->without_microusd, mode->without_microusd));
    }
}

static const char *amount_text(struct str resource, int64_t amount, char text[QUANTITY_TEXT_MAX])
{
    return str_is(resource, "cpu") ? quantity_milli_text(amount, text) : quantity_bytes_text(amount, text);
}

static void print_limits(const struct answer *answer, FILE *file)
{
    for (size_t i = 0; i < answer->n_limits; i++) {
        const struct answer_limit *limit = &answer->limits[i];
        char used[QUANTITY_TEXT_MAX], most[QUANTITY_TEXT_MAX];
        fprintf(file, "%-*s%.*s %.*s: %s of %s\n", LABEL_WIDTH, i ? "" : "limits", STR_ARG(limit->provisioner),
                STR_ARG(limit->resource), amount_text(limit->resource, limit->used, used),
                amount_text(limit->resource, limit->limit, most));
    }
}

static int by_reason(const void *left, const void *right)
{
    const struct answer_unschedulable *a = left, *b = right;
    int order = strcmp(a->reason, b->reason);
    return order ? order : (a->pod > b->pod) - (a->pod < b->pod);
}

/* One reason and who it holds for; returns how many. */
static size_t print_reason(const struct answer_unschedulable *first, size_t left, const struct objects *objects,
                           FILE *file)
{
    size_t n = 1;
    while (n < left && strcmp(first[n].reason, first[0].reason) == 0)
        n++;
    fprintf(file, "  %zu pod%s: %s\n    ", n, plural(n), first[0].reason);
    for (size_t i = 0; i < n && i < PODS_NAMED; i++) {
        const struct pod *pod = &objects->pods.items[first[i].pod];
        fprintf(file, "%s%.*s/%.*s", i ? ", " : "", STR_ARG(pod->namespace_), STR_ARG(pod->name));
    }
    if (n > PODS_NAMED)
        fprintf(file, " and %zu more", n - PODS_NAMED);
    fputc('\n', file);
    return n;
}

static int print_unschedulable(const struct answer *answer, const struct objects *objects, struct terminal terminal,
                               FILE *file, struct err *err)
{
    size_t n = answer->n_unschedulable;
    if (!n)
        return 0;
    struct answer_unschedulable *sorted = malloc(n * sizeof(*sorted));
    if (!sorted)
        return err_nomem(err);
    memcpy(sorted, answer->unschedulable, n * sizeof(*sorted));
    qsort(sorted, n, sizeof(*sorted), by_reason);
    fprintf(file, "%s%zu pod%s cannot be placed:%s\n", terminal.colour ? "\033[31m" : "", n, plural(n),
            terminal.colour ? "\033[0m" : "");
    for (size_t i = 0; i < n;)
        i += print_reason(&sorted[i], n - i, objects, file);
    free(sorted);
    return 0;
}

static void print_ignored(const struct answer *answer, const struct objects *objects, FILE *file)
{
    if (answer->n_bound)
        fprintf(file, "%zu pod%s bound already\n", answer->n_bound, answer->n_bound == 1 ? " is" : "s are");
    if (answer->n_ignored_pods)
        fprintf(file, "%zu pod%s not planned for: ended, being deleted, gated, or a DaemonSet's\n",
                answer->n_ignored_pods, answer->n_ignored_pods == 1 ? " is" : "s are");
    for (size_t i = 0; i < objects->ignored.len; i++) {
        struct str kind = intern_text(&objects->ignored, (uint32_t)i);
        fprintf(file, "%s%zu %.*s", i ? ", " : "ignored: ", objects->ignored_counts.items[i], STR_ARG(kind));
    }
    if (objects->ignored.len)
        fputc('\n', file);
}

static size_t pods_on_existing(const struct answer *answer)
{
    size_t n = 0;
    for (size_t i = 0; i < answer->n_existing; i++)
        n += answer->existing[i].n_pods;
    return n;
}

int output_totals(const struct answer *answer, const struct objects *objects, struct terminal terminal, FILE *file,
                  struct err *err)
{
    size_t existing = pods_on_existing(answer);
    fprintf(file, "%zu of %zu pod%s placed on %zu new node%s", answer->n_scheduled, answer->n_pods,
            plural(answer->n_pods), answer->n_nodes, plural(answer->n_nodes));
    if (existing)
        fprintf(file, "; %zu of them fit %zu existing node%s", existing, answer->n_existing,
                plural(answer->n_existing));
    fprintf(file, " (%.*s)\n\n", STR_ARG(answer->region));
    print_money(answer, file);
    print_limits(answer, file);
    print_modes(answer, file);
    int rc = print_unschedulable(answer, objects, terminal, file, err);
    print_ignored(answer, objects, file);
    if (answer->price_note)
        fprintf(file, "\n%s\n", answer->price_note);
    return rc;
}
