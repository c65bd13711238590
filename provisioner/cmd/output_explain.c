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

int output_explanation_json(const struct explanation *explanation, enum emit_syntax syntax, FILE *file, struct err *err)
{
    struct emit emit = emit_to(file, syntax);
    emit_map(&emit);
    emit_text_at(&emit, "pod", str_of(explanation->pod));
    emit_key(&emit, "steps");
    emit_list(&emit);
    for (size_t i = 0; i < explanation->n_steps; i++) {
        emit_map_compact(&emit);
        emit_text_at(&emit, "requirement", str_of(explanation->steps[i].what));
        emit_int_at(&emit, "removed", (int64_t)explanation->steps[i].removed);
        emit_int_at(&emit, "left", (int64_t)explanation->steps[i].left);
        emit_close(&emit);
    }
    emit_close(&emit);
    emit_text_at(&emit, "outcome", str_of(explanation->outcome));
    emit_key(&emit, "nextBest");
    if (explanation->next_best)
        emit_text(&emit, str_of(explanation->next_best));
    else
        emit_null(&emit);
    emit_close(&emit);
    return emit_end(&emit) ? 0 : err_set(err, ERR_FATAL, "the explanation could not be written");
}
