#include "provisioner/cmd/output.h"
#include "provisioner/cmd/table.h"

static const struct table_column columns[] = {{"REQUIREMENT", '<'}, {"REMOVED", '>'}, {"LEFT", '>'}};

int output_explanation(const struct explanation *explanation, struct terminal terminal, FILE *file, struct err *err)
{
    struct table table = {.columns = columns, .n_columns = CC_COUNT(columns)};
    int rc = 0;
    for (size_t i = 0; i < explanation->n_steps && !rc; i++) {
        const struct explain_step *step = &explanation->steps[i];
        rc = table_cell(&table, err, "%s", step->what);
        if (!rc)
            rc = table_cell(&table, err, "%zu", step->removed);
        if (!rc)
            rc = table_cell(&table, err, "%zu", step->left);
    }
    if (!rc) {
        fprintf(file, "%s: the offerings that each requirement leaves\n\n", explanation->pod);
        table_print(&table, terminal, file);
        fprintf(file, "\n%s\n", explanation->outcome);
        if (explanation->next_best)
            fprintf(file, "%s\n", explanation->next_best);
        if (fflush(file) || ferror(file))
            rc = err_set(err, ERR_FATAL, "the explanation could not be written");
    }
    table_release(&table);
    return rc;
}
