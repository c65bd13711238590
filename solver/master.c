#include "solver/master.h"

#include <glpk.h>
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

/*
 * GLPK prints what it does and aborts on misuse or when memory runs out. Output is off, and its error hook jumps back
 * to the entry that called it; GLPK asks that the environment is freed then, so every master of this thread is dead
 * afterwards: `broken` is set and all further calls answer ERR_FATAL.
 */
struct master {
    glp_prob *lp;
    uint32_t n_shapes;
    int *row_of; /* [n_shapes] 1-based, 0 = none */
    int *index;  /* [n_shapes + 1] work space for one column */
    double *amount;
    bool broken;
    bool dual_feasible; /* only demand changed since the last optimum: the dual simplex is the short way */
    jmp_buf failed;
};

struct integer_search {
    bool (*expired)(void *context);
    void *context;
    int nodes_left;
};

static void on_glpk_error(void *info)
{
    struct master *master = info;
    longjmp(master->failed, 1);
}

/* Runs `statement` with GLPK's abort turned into ERR_NOMEM (the only cause left once the input is checked). */
#define GUARDED(master, err, statement)                                      \
    do {                                                                     \
        if ((master)->broken)                                                \
            return err_set((err), ERR_FATAL, "the linear program was lost"); \
        if (setjmp((master)->failed)) {                                      \
            glp_error_hook(NULL, NULL);                                      \
            glp_free_env();                                                  \
            (master)->broken = true;                                         \
            (master)->lp = NULL;                                             \
            return err_nomem(err);                                           \
        }                                                                    \
        glp_error_hook(on_glpk_error, (master));                             \
        statement;                                                           \
        glp_error_hook(NULL, NULL);                                          \
    } while (0)

static int create_rows(struct master *master, const int64_t *demand, struct err *err)
{
    GUARDED(master, err, {
        glp_term_out(GLP_OFF);
        master->lp = glp_create_prob();
        glp_set_obj_dir(master->lp, GLP_MIN);
        for (uint32_t s = 0; s < master->n_shapes; s++)
            if (demand[s] > 0) {
                master->row_of[s] = glp_add_rows(master->lp, 1);
                glp_set_row_bnds(master->lp, master->row_of[s], GLP_LO, (double)demand[s], 0);
            }
    });
    return 0;
}

int master_new(uint32_t n_shapes, const int64_t *demand, struct master **ret, struct err *err)
{
    struct master *master = calloc(1, sizeof(*master));
    if (!master)
        return err_nomem(err);
    master->n_shapes = n_shapes;
    master->row_of = calloc(n_shapes, sizeof(*master->row_of));
    master->index = calloc((size_t)n_shapes + 1, sizeof(*master->index));
    master->amount = calloc((size_t)n_shapes + 1, sizeof(*master->amount));
    if (!master->row_of || !master->index || !master->amount || create_rows(master, demand, err)) {
        master_free(master);
        return err_nomem(err);
    }
    *ret = master;
    return 0;
}

static void put_amount(struct master *master, int *len, uint32_t shape, double amount)
{
    if (!master->row_of[shape])
        return;
    ++*len;
    master->index[*len] = master->row_of[shape];
    master->amount[*len] = amount;
}

/* The column whose `len` entries are in the work space. */
static int add_column(struct master *master, int64_t price_microusd, int len, struct err *err)
{
    master->dual_feasible = false;
    GUARDED(master, err, {
        int column = glp_add_cols(master->lp, 1);
        glp_set_col_bnds(master->lp, column, GLP_LO, 0, 0);
        glp_set_obj_coef(master->lp, column, (double)price_microusd);
        glp_set_mat_col(master->lp, column, len, master->index, master->amount);
    });
    return 0;
}

int master_add(struct master *master, int64_t price_microusd, const struct solver_take *takes, uint32_t n_takes,
               struct err *err)
{
    int len = 0;
    for (uint32_t k = 0; k < n_takes; k++)
        put_amount(master, &len, takes[k].shape, takes[k].count);
    return add_column(master, price_microusd, len, err);
}

int master_add_fractions(struct master *master, int64_t price_microusd, const uint32_t *shapes, const double *amounts,
                         uint32_t n, struct err *err)
{
    int len = 0;
    for (uint32_t k = 0; k < n; k++)
        if (amounts[k] > 0)
            put_amount(master, &len, shapes[k], amounts[k]);
    return add_column(master, price_microusd, len, err);
}

void master_set_demand(struct master *master, const int64_t *demand)
{
    if (master->broken)
        return;
    for (uint32_t s = 0; s < master->n_shapes; s++)
        if (master->row_of[s])
            glp_set_row_bnds(master->lp, master->row_of[s], GLP_LO, (double)demand[s], 0);
}

int master_solve(struct master *master, double *duals, double *fractions, double *ret_value, struct err *err)
{
    glp_smcp how;
    glp_init_smcp(&how);
    how.msg_lev = GLP_MSG_OFF;
    how.meth = master->dual_feasible ? GLP_DUALP : GLP_PRIMAL;
    volatile int failed = 0;
    GUARDED(master, err, {
        failed = glp_simplex(master->lp, &how);
        if (failed == GLP_EBADB || failed == GLP_ESING || failed == GLP_ECOND) {
            glp_adv_basis(master->lp, 0);
            failed = glp_simplex(master->lp, &how);
        }
    });
    if (failed || glp_get_status(master->lp) != GLP_OPT)
        return err_set(err, ERR_RETRY, "the linear program was not solved");
    for (uint32_t s = 0; s < master->n_shapes; s++) {
        double dual = master->row_of[s] ? glp_get_row_dual(master->lp, master->row_of[s]) : 0;
        duals[s] = dual > 0 ? dual : 0;
    }
    for (int c = 1; fractions && c <= glp_get_num_cols(master->lp); c++)
        fractions[c - 1] = glp_get_col_prim(master->lp, c);
    *ret_value = glp_get_obj_val(master->lp);
    master->dual_feasible = true;
    return 0;
}

static void watch_search(glp_tree *tree, void *info)
{
    struct integer_search *search = info;
    if (glp_ios_reason(tree) == GLP_ISELECT &&
        (--search->nodes_left < 0 || (search->expired && search->expired(search->context))))
        glp_ios_terminate(tree);
}

static void set_kinds(struct master *master, int kind)
{
    for (int c = 1; c <= glp_get_num_cols(master->lp); c++) {
        glp_set_col_kind(master->lp, c, kind);
        if (kind == GLP_CV)
            glp_set_col_bnds(master->lp, c, GLP_LO, 0, 0);
    }
}

int master_integer(struct master *master, double cutoff_microusd, int node_limit, bool (*expired)(void *context),
                   void *context, int64_t *copies, struct err *err)
{
    struct integer_search search = {expired, context, node_limit};
    glp_iocp how;
    glp_init_iocp(&how);
    how.msg_lev = GLP_MSG_OFF;
    how.br_tech = GLP_BR_DTH;
    how.bt_tech = GLP_BT_BPH;
    how.fp_heur = GLP_OFF;
    how.cb_func = watch_search;
    how.cb_info = &search;
    volatile bool better = false;
    GUARDED(master, err, {
        set_kinds(master, GLP_IV);
        glp_intopt(master->lp, &how);
        int status = glp_mip_status(master->lp);
        better = (status == GLP_OPT || status == GLP_FEAS) && glp_mip_obj_val(master->lp) < cutoff_microusd;
        if (better)
            for (int c = 1; c <= glp_get_num_cols(master->lp); c++)
                copies[c - 1] = (int64_t)llround(glp_mip_col_val(master->lp, c));
        set_kinds(master, GLP_CV);
    });
    return better ? 0 : err_set(err, ERR_NO_CAPACITY, "no better integer answer");
}

void master_free(struct master *master)
{
    if (!master)
        return;
    if (master->lp && !master->broken)
        glp_delete_prob(master->lp);
    free(master->row_of);
    free(master->index);
    free(master->amount);
    free(master);
}
