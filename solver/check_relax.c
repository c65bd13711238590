/* check_relax.c - good multipliers for a bounded knapsack with several rows, in floating point: hints, never proofs. */
#include "solver/check_relax.h"

#include <math.h>
#include <stdbool.h>

static const double TINY = 1e-9;

/* Variables 0 … n_items - 1 are the items, n_items + r is the slack of row r. */
struct tableau {
    const struct check_relax *relax;
    uint32_t basic[CHECK_RELAX_MAX_ROWS];                       /* the variable that is basic in each row */
    double value[CHECK_RELAX_MAX_ROWS];                         /* its value */
    double inverse[CHECK_RELAX_MAX_ROWS][CHECK_RELAX_MAX_ROWS]; /* of the basis */
    double price[CHECK_RELAX_MAX_ROWS];                         /* of the rows at this basis */
    bool slack_basic[CHECK_RELAX_MAX_ROWS];
    int8_t *at; /* [n_items] AT_LOWER, AT_UPPER, BASIC */
};

enum { AT_LOWER, AT_UPPER, BASIC };

/* A variable about to change, and how fast the basic ones follow. */
struct move {
    uint32_t variable;
    double sign; /* +1 up from its lower bound, -1 down from its upper bound */
    double rate[CHECK_RELAX_MAX_ROWS];
};

static double upper_bound(const struct tableau *t, uint32_t variable)
{
    return variable < t->relax->n_items ? t->relax->most[variable] : INFINITY;
}

static void start(struct tableau *t)
{
    for (uint32_t r = 0; r < t->relax->n_rows; r++) {
        for (uint32_t k = 0; k < t->relax->n_rows; k++)
            t->inverse[r][k] = r == k ? 1.0 : 0.0;
        t->basic[r] = t->relax->n_items + r;
        t->value[r] = 1.0;
        t->slack_basic[r] = true;
    }
    for (uint32_t i = 0; i < t->relax->n_items; i++)
        t->at[i] = AT_LOWER;
}

static void price_rows(struct tableau *t)
{
    const struct check_relax *relax = t->relax;
    for (uint32_t k = 0; k < relax->n_rows; k++)
        t->price[k] = 0;
    for (uint32_t r = 0; r < relax->n_rows; r++) {
        if (t->basic[r] >= relax->n_items)
            continue;
        double worth = relax->worth[t->basic[r]];
        for (uint32_t k = 0; k < relax->n_rows; k++)
            t->price[k] += worth * t->inverse[r][k];
    }
}

/* The variable whose change to its other bound would gain most; false at the optimum. */
static bool choose(const struct tableau *t, double scale, struct move *move)
{
    const struct check_relax *relax = t->relax;
    double best = TINY * scale;
    bool found = false;
    for (uint32_t i = 0; i < relax->n_items; i++) {
        if (t->at[i] == BASIC || relax->most[i] <= 0)
            continue;
        double gain = relax->worth[i];
        for (uint32_t r = 0; r < relax->n_rows; r++)
            gain -= t->price[r] * relax->load[(size_t)i * relax->n_rows + r];
        gain *= t->at[i] == AT_LOWER ? relax->most[i] : -relax->most[i];
        if (gain > best) {
            best = gain;
            *move = (struct move){.variable = i, .sign = t->at[i] == AT_LOWER ? 1.0 : -1.0};
            found = true;
        }
    }
    for (uint32_t r = 0; r < relax->n_rows; r++) {
        if (!t->slack_basic[r] && -t->price[r] > best) {
            best = -t->price[r];
            *move = (struct move){.variable = relax->n_items + r, .sign = 1.0};
            found = true;
        }
    }
    return found;
}

static void follow(const struct tableau *t, struct move *move)
{
    const struct check_relax *relax = t->relax;
    for (uint32_t r = 0; r < relax->n_rows; r++) {
        double rate = 0;
        if (move->variable >= relax->n_items)
            rate = t->inverse[r][move->variable - relax->n_items];
        else
            for (uint32_t k = 0; k < relax->n_rows; k++)
                rate += t->inverse[r][k] * relax->load[(size_t)move->variable * relax->n_rows + k];
        move->rate[r] = rate * move->sign;
    }
}

/* How far the move can go, and the row that stops it; n_rows if it is the variable's own other bound. */
static double reach(const struct tableau *t, const struct move *move, uint32_t *ret_row, bool *ret_at_upper)
{
    double far = upper_bound(t, move->variable);
    *ret_row = t->relax->n_rows;
    *ret_at_upper = false;
    for (uint32_t r = 0; r < t->relax->n_rows; r++) {
        double rate = move->rate[r];
        double room = rate > TINY ? t->value[r] : upper_bound(t, t->basic[r]) - t->value[r];
        if (fabs(rate) <= TINY || room / fabs(rate) >= far)
            continue;
        far = fmax(room, 0) / fabs(rate);
        *ret_row = r;
        *ret_at_upper = rate < 0;
    }
    return far;
}

static void set_status(struct tableau *t, uint32_t variable, int8_t status)
{
    if (variable < t->relax->n_items)
        t->at[variable] = status;
    else
        t->slack_basic[variable - t->relax->n_items] = status == BASIC;
}

static void pivot(struct tableau *t, const struct move *move, uint32_t row, double far, bool leaves_at_upper)
{
    uint32_t n_rows = t->relax->n_rows;
    double pivot_rate = move->rate[row] * move->sign;
    set_status(t, t->basic[row], leaves_at_upper ? AT_UPPER : AT_LOWER);
    set_status(t, move->variable, BASIC);
    t->basic[row] = move->variable;
    t->value[row] = move->sign > 0 ? far : upper_bound(t, move->variable) - far;
    for (uint32_t k = 0; k < n_rows; k++)
        t->inverse[row][k] /= pivot_rate;
    for (uint32_t r = 0; r < n_rows; r++) {
        double rate = move->rate[r] * move->sign;
        for (uint32_t k = 0; r != row && k < n_rows; k++)
            t->inverse[r][k] -= rate * t->inverse[row][k];
    }
}

static void read_answer(const struct tableau *t, double *ret_price, double *ret_x)
{
    const struct check_relax *relax = t->relax;
    for (uint32_t r = 0; r < relax->n_rows; r++)
        ret_price[r] = t->price[r] > 0 ? t->price[r] : 0;
    for (uint32_t i = 0; i < relax->n_items; i++)
        ret_x[i] = t->at[i] == AT_UPPER ? relax->most[i] : 0;
    for (uint32_t r = 0; r < relax->n_rows; r++)
        if (t->basic[r] < relax->n_items)
            ret_x[t->basic[r]] = fmin(fmax(t->value[r], 0), relax->most[t->basic[r]]);
}

void check_relax_solve(const struct check_relax *relax, double *ret_price, double *ret_x, int8_t *work)
{
    struct tableau t = {.relax = relax, .at = work};
    double scale = 0;
    for (uint32_t i = 0; i < relax->n_items; i++)
        scale = fmax(scale, relax->worth[i]);
    start(&t);
    price_rows(&t);
    uint32_t steps = 50 + 4 * relax->n_rows + relax->n_items / 2;
    struct move move = {0};
    while (steps-- && choose(&t, scale, &move)) {
        uint32_t row;
        bool at_upper;
        follow(&t, &move);
        double far = reach(&t, &move, &row, &at_upper);
        if (!(far < INFINITY))
            break; /* only rounding errors lead here: every item has a bound */
        for (uint32_t r = 0; r < relax->n_rows; r++)
            t.value[r] -= far * move.rate[r];
        if (row == relax->n_rows) {
            set_status(&t, move.variable, move.sign > 0 ? AT_UPPER : AT_LOWER);
            continue;
        }
        pivot(&t, &move, row, far, at_upper);
        price_rows(&t);
    }
    read_answer(&t, ret_price, ret_x);
}
