#include "solver/relax.h"

#include <math.h>
#include <string.h>

enum { AT_LOWER, AT_UPPER, BASIC };
enum { MAX_PIVOTS = 400 };

static const double TOLERANCE = 1e-9;

/* A dictionary of the simplex: which variable each row holds, the basis's inverse, the basics' values. */
struct tableau {
    const struct relax *lp;
    uint32_t m;
    uint32_t basis[PACK_MAX_ROWS];
    double inverse[PACK_MAX_ROWS][PACK_MAX_ROWS];
    double value[PACK_MAX_ROWS];
    double prices[PACK_MAX_ROWS];
    uint8_t slack_basic[PACK_MAX_ROWS];
};

static double column_at(const struct relax *lp, uint32_t variable, uint32_t row)
{
    if (variable >= lp->n_items)
        return variable - lp->n_items == row ? 1.0 : 0.0;
    return lp->columns[(size_t)variable * lp->n_rows + row];
}

static void start_cold(struct tableau *t)
{
    memset(t->lp->state, AT_LOWER, t->lp->n_items);
    for (uint32_t r = 0; r < t->m; r++) {
        t->basis[r] = t->lp->n_items + r;
        memset(t->inverse[r], 0, sizeof(t->inverse[r]));
        t->inverse[r][r] = 1.0;
        t->value[r] = 1.0;
        t->slack_basic[r] = 1;
    }
}

/* Gauss-Jordan on the basis; false if it is singular. */
static bool invert(struct tableau *t)
{
    double work[PACK_MAX_ROWS][PACK_MAX_ROWS];
    for (uint32_t r = 0; r < t->m; r++)
        for (uint32_t c = 0; c < t->m; c++) {
            work[r][c] = column_at(t->lp, t->basis[c], r);
            t->inverse[r][c] = r == c;
        }
    for (uint32_t c = 0; c < t->m; c++) {
        uint32_t pivot = c;
        for (uint32_t r = c + 1; r < t->m; r++)
            if (fabs(work[r][c]) > fabs(work[pivot][c]))
                pivot = r;
        if (fabs(work[pivot][c]) < 1e-10)
            return false;
        for (uint32_t k = 0; k < t->m; k++) {
            double swap = work[c][k];
            work[c][k] = work[pivot][k];
            work[pivot][k] = swap;
            swap = t->inverse[c][k];
            t->inverse[c][k] = t->inverse[pivot][k];
            t->inverse[pivot][k] = swap;
        }
        double scale = 1.0 / work[c][c];
        for (uint32_t k = 0; k < t->m; k++) {
            work[c][k] *= scale;
            t->inverse[c][k] *= scale;
        }
        for (uint32_t r = 0; r < t->m; r++) {
            double factor = work[r][c];
            if (r == c || factor == 0.0)
                continue;
            for (uint32_t k = 0; k < t->m; k++) {
                work[r][k] -= factor * work[c][k];
                t->inverse[r][k] -= factor * t->inverse[c][k];
            }
        }
    }
    return true;
}

static bool start_warm(struct tableau *t, const struct pack_warm *warm)
{
    const struct relax *lp = t->lp;
    memset(lp->state, AT_LOWER, lp->n_items);
    memset(t->slack_basic, 0, sizeof(t->slack_basic));
    double left[PACK_MAX_ROWS] = {0};
    for (uint32_t r = 0; r < t->m; r++) {
        left[r] = 1.0;
        t->basis[r] = warm->basis[r];
        if (t->basis[r] >= lp->n_items)
            t->slack_basic[t->basis[r] - lp->n_items] = 1;
        else
            lp->state[t->basis[r]] = BASIC;
    }
    for (uint32_t k = 0; k < warm->n_upper; k++) {
        uint32_t i = warm->upper[k];
        lp->state[i] = AT_UPPER;
        for (uint32_t r = 0; r < t->m; r++)
            left[r] -= lp->bounds[i] * column_at(lp, i, r);
    }
    if (!invert(t))
        return false;
    for (uint32_t r = 0; r < t->m; r++) {
        t->value[r] = 0;
        for (uint32_t k = 0; k < t->m; k++)
            t->value[r] += t->inverse[r][k] * left[k];
        double most = t->basis[r] < lp->n_items ? lp->bounds[t->basis[r]] : HUGE_VAL;
        if (t->value[r] < -TOLERANCE || t->value[r] > most + TOLERANCE)
            return false;
    }
    return true;
}

static void compute_prices(struct tableau *t)
{
    for (uint32_t k = 0; k < t->m; k++) {
        double price = 0;
        for (uint32_t r = 0; r < t->m; r++)
            if (t->basis[r] < t->lp->n_items)
                price += t->lp->values[t->basis[r]] * t->inverse[r][k];
        t->prices[k] = price;
    }
}

/* Dantzig's rule over items and slacks. Returns the variable and its direction; UINT32_MAX at the optimum. */
static uint32_t choose_entering(struct tableau *t, double *ret_direction)
{
    const struct relax *lp = t->lp;
    uint32_t best = UINT32_MAX;
    double most = TOLERANCE;
    for (uint32_t r = 0; r < t->m; r++)
        if (!t->slack_basic[r] && -t->prices[r] > most) {
            most = -t->prices[r];
            best = lp->n_items + r;
            *ret_direction = 1.0;
        }
    for (uint32_t i = 0; i < lp->n_items; i++) {
        const double *column = lp->columns + (size_t)i * t->m;
        double reduced = lp->values[i];
        for (uint32_t r = 0; r < t->m; r++)
            reduced -= t->prices[r] * column[r];
        lp->reduced[i] = reduced;
        double gain = lp->state[i] == AT_LOWER ? reduced : lp->state[i] == AT_UPPER ? -reduced : 0;
        if (gain > most) {
            most = gain;
            best = i;
            *ret_direction = lp->state[i] == AT_LOWER ? 1.0 : -1.0;
        }
    }
    return best;
}

static void pivot_in(struct tableau *t, uint32_t entering, uint32_t row, const double *alpha, double entering_value,
                     bool leaves_upper)
{
    const struct relax *lp = t->lp;
    uint32_t leaving = t->basis[row];
    if (leaving < lp->n_items)
        lp->state[leaving] = leaves_upper ? AT_UPPER : AT_LOWER;
    else
        t->slack_basic[leaving - lp->n_items] = 0;
    if (entering < lp->n_items)
        lp->state[entering] = BASIC;
    else
        t->slack_basic[entering - lp->n_items] = 1;
    t->basis[row] = entering;
    t->value[row] = entering_value;
    double scale = 1.0 / alpha[row];
    for (uint32_t k = 0; k < t->m; k++)
        t->inverse[row][k] *= scale;
    for (uint32_t r = 0; r < t->m; r++) {
        if (r == row || alpha[r] == 0.0)
            continue;
        for (uint32_t k = 0; k < t->m; k++)
            t->inverse[r][k] -= alpha[r] * t->inverse[row][k];
    }
}

/* One step of the simplex; false at the optimum (or where rounding errors leave nothing to gain). */
static bool step(struct tableau *t)
{
    const struct relax *lp = t->lp;
    double direction = 1.0;
    compute_prices(t);
    uint32_t entering = choose_entering(t, &direction);
    if (entering == UINT32_MAX)
        return false;
    double alpha[PACK_MAX_ROWS];
    double most = entering < lp->n_items ? lp->bounds[entering] : HUGE_VAL;
    uint32_t row = UINT32_MAX;
    bool leaves_upper = false;
    for (uint32_t r = 0; r < t->m; r++) {
        alpha[r] = 0;
        for (uint32_t k = 0; k < t->m; k++)
            alpha[r] += t->inverse[r][k] * column_at(lp, entering, k);
        double rate = alpha[r] * direction; /* the basic variable falls by this */
        double reach = HUGE_VAL;
        if (rate > TOLERANCE)
            reach = t->value[r] / rate;
        else if (rate < -TOLERANCE && t->basis[r] < lp->n_items)
            reach = (lp->bounds[t->basis[r]] - t->value[r]) / -rate;
        if (reach < most) {
            most = reach > 0 ? reach : 0;
            row = r;
            leaves_upper = rate < 0;
        }
    }
    for (uint32_t r = 0; r < t->m; r++)
        t->value[r] -= most * alpha[r] * direction;
    if (row == UINT32_MAX) {
        lp->state[entering] = lp->state[entering] == AT_LOWER ? AT_UPPER : AT_LOWER;
        return true;
    }
    double from = entering < lp->n_items && lp->state[entering] == AT_UPPER ? lp->bounds[entering] : 0.0;
    pivot_in(t, entering, row, alpha, from + direction * most, leaves_upper);
    return true;
}

static void keep_warm(const struct tableau *t, struct pack_warm *warm)
{
    const struct relax *lp = t->lp;
    warm->n_upper = 0;
    for (uint32_t i = 0; i < lp->n_items; i++)
        if (lp->state[i] == AT_UPPER)
            warm->upper[warm->n_upper++] = i;
    warm->n_rows = t->m;
    memcpy(warm->basis, t->basis, sizeof(t->basis));
}

void relax_solve(struct relax *lp, struct pack_warm *warm)
{
    struct tableau t = {.lp = lp, .m = lp->n_rows};
    if (!warm || warm->n_rows != t.m || !start_warm(&t, warm))
        start_cold(&t);
    for (int i = 0; i < MAX_PIVOTS && step(&t); i++)
        ;
    for (uint32_t r = 0; r < t.m; r++)
        lp->prices[r] = t.prices[r] > 0 ? t.prices[r] : 0;
    lp->objective = 0;
    for (uint32_t i = 0; i < lp->n_items; i++)
        lp->x[i] = lp->state[i] == AT_UPPER ? lp->bounds[i] : 0;
    for (uint32_t r = 0; r < t.m; r++)
        if (t.basis[r] < lp->n_items)
            lp->x[t.basis[r]] = t.value[r] > 0 ? t.value[r] : 0;
    for (uint32_t i = 0; i < lp->n_items; i++) {
        const double *column = lp->columns + (size_t)i * t.m;
        double reduced = lp->values[i];
        for (uint32_t r = 0; r < t.m; r++)
            reduced -= lp->prices[r] * column[r];
        lp->reduced[i] = reduced;
        lp->objective += lp->x[i] * lp->values[i];
    }
    if (warm)
        keep_warm(&t, warm);
}

double relax_bound(const struct relax *lp)
{
    double bound = 0;
    for (uint32_t r = 0; r < lp->n_rows; r++)
        bound += lp->prices[r];
    for (uint32_t i = 0; i < lp->n_items; i++)
        if (lp->reduced[i] > 0)
            bound += lp->bounds[i] * lp->reduced[i];
    return bound;
}
