#include "provisioner/cmd/input.h"

#include <string.h>
#include <unistd.h>

#include "base/doc.h"
#include "base/file.h"
#include "cloud/aws/catalogue.h"
#include "provisioner/api/decode.h"
#include "provisioner/cmd/cmd.h"
#include "provisioner/spark/spark.h"

void input_flags(struct input_options *options, struct flag flags[INPUT_FLAGS])
{
    const struct flag all[INPUT_FLAGS] = {
        {"filename", 'f', "PATH", "manifests: a YAML or JSON file, a folder of them, or - (repeatable)", flag_append,
         &options->files},
        {"spark-conf", 0, "FILE", "a Spark properties file: plan what it would submit (repeatable)", flag_append,
         &options->spark_confs},
        {"region", 0, "REGION", "region of the built-in catalogue (us-west-2)", flag_text, &options->region},
        {"zones", 0, "A,B", "use these zones only", flag_append_cut, &options->zones},
        {"catalog", 0, "FILE", "instance types (TSV) instead of the built-in ones", flag_text, &options->catalog},
        {"prices", 0, "FILE", "prices by type and zone (TSV) instead of the built-in ones", flag_text,
         &options->prices},
        {"price-overlay", 0, "FILE", "your own prices over those: Savings Plans, discounts", flag_text,
         &options->price_overlay},
        {"skip-invalid", 0, NULL, "leave out objects that are wrong instead of refusing them all", flag_true,
         &options->skip_invalid},
    };
    memcpy(flags, all, sizeof(all));
}

void input_options_release(struct input_options *options)
{
    flag_list_release(&options->files);
    flag_list_release(&options->spark_confs);
    flag_list_release(&options->zones);
}

/* Everything wrong was reported to `diag`: go on, to find the rest of it too. */
static int keep_finding(int rc)
{
    return rc == ERR_INVALID ? 0 : rc;
}

static int read_manifests(const struct input_options *options, struct input *input, struct err *err)
{
    struct str standard_input = {NULL, 0};
    int rc = 0;
    for (size_t i = 0; i < options->files.values.len && !rc; i++) {
        const char *path = options->files.values.items[i];
        if (strcmp(path, "-") == 0 && !standard_input.ptr)
            rc = file_read_fd(STDIN_FILENO, DOC_MAX_INPUT_BYTES, &standard_input, err);
        if (rc)
            return err_wrap(err, "standard input");
        rc = keep_finding(objects_read_path(&input->objects, path, standard_input, &input->diag, err));
    }
    file_free(&standard_input);
    return rc;
}

static int read_spark_confs(const struct input_options *options, struct input *input, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; i < options->spark_confs.values.len && !rc; i++) {
        const char *path = options->spark_confs.values.items[i];
        struct str text;
        rc = file_read(path, DOC_MAX_INPUT_BYTES, &text, err);
        if (rc)
            return rc;
        rc = keep_finding(spark_properties_read(&input->objects, text, path, &input->diag, err));
        file_free(&text);
    }
    return rc;
}

/* ERR_INVALID has said what is wrong in `diag` if that is where it is known. */
static int read_catalogue(const struct input_options *options, struct input *input, struct err *err)
{
    int rc = 0;
    if (options->catalog)
        rc = file_read(options->catalog, DOC_MAX_INPUT_BYTES, &input->texts.catalog, err);
    if (!rc && options->prices)
        rc = file_read(options->prices, DOC_MAX_INPUT_BYTES, &input->texts.prices, err);
    if (rc)
        return rc;
    const struct aws_catalogue_source source = {
        .region = options->region,
        .types_tsv = input->texts.catalog,
        .prices_tsv = input->texts.prices,
        .types_name = options->catalog,
        .prices_name = options->prices,
    };
    return aws_catalogue_load(&source, &input->arena, &input->diag, &input->catalogue, err);
}

static bool is_zone(const struct cloud_catalogue *catalogue, const char *name)
{
    for (size_t i = 0; i < catalogue->n_zones; i++)
        if (str_is(catalogue->zones[i], name))
            return true;
    return false;
}

static const char *zone_names(const struct cloud_catalogue *catalogue, struct arena *arena)
{
    const char *names = "";
    for (size_t i = 0; i < catalogue->n_zones && names; i++)
        names = arena_printf(arena, "%s%s%.*s", names, i ? ", " : "", STR_ARG(catalogue->zones[i]));
    return names ? names : "";
}

static int check_zones(const struct input_options *options, struct input *input, struct err *err)
{
    for (size_t i = 0; i < options->zones.values.len; i++)
        if (!is_zone(&input->catalogue, options->zones.values.items[i]))
            return err_set(err, ERR_INVALID, "--zones: %s is not on sale; allowed are %s",
                           options->zones.values.items[i], zone_names(&input->catalogue, &input->arena));
    input->n_zones = options->zones.values.len;
    input->zones = input->n_zones ? (const char *const *)options->zones.values.items : NULL;
    return 0;
}

static int read_overlay(const struct input_options *options, struct input *input, struct err *err)
{
    struct str text;
    if (!options->price_overlay)
        return 0;
    int rc = file_read(options->price_overlay, DOC_MAX_INPUT_BYTES, &text, err);
    if (rc)
        return rc;
    rc = overlay_read(&input->overlay, text, options->price_overlay, &input->diag, err);
    file_free(&text);
    return rc;
}

static void print_findings(const struct diag *diag, FILE *file)
{
    for (size_t i = 0; i < diag->len; i++) {
        const struct diag_finding *finding = &diag->findings[i];
        if (finding->line > 0)
            fprintf(file, "%s:%d: %s\n", finding->file, finding->line, finding->text);
        else
            fprintf(file, "%s: %s\n", finding->file, finding->text);
    }
    if (diag->dropped)
        fprintf(file, "and %zu more\n", diag->dropped);
}

/* The market: prices read by halves would make a wrong plan look right, so --skip-invalid does not reach here. */
static int read_market(const struct input_options *options, struct input *input, struct err *err)
{
    int rc = read_catalogue(options, input, err);
    if (!rc)
        rc = check_zones(options, input, err);
    return rc ? rc : read_overlay(options, input, err);
}

static int read_objects(const struct input_options *options, struct input *input, struct err *err)
{
    int rc = read_manifests(options, input, err);
    if (!rc)
        rc = read_spark_confs(options, input, err);
    return rc ? rc : keep_finding(spark_expand(&input->objects, &input->diag, err));
}

int input_read(const struct input_options *options, struct input *input, struct err *err)
{
    int rc = read_market(options, input, err);
    size_t market_findings = diag_count(&input->diag);
    if (!rc)
        rc = read_objects(options, input, err);
    size_t findings = diag_count(&input->diag);
    print_findings(&input->diag, stderr);
    if (rc)
        return rc;
    if (market_findings || (findings && !options->skip_invalid))
        return err_set(err, ERR_INVALID, "%zu thing%s wrong with the input%s", findings, findings == 1 ? "" : "s",
                       market_findings ? "" : "; --skip-invalid leaves them out");
    if (findings)
        fprintf(stderr, "stoker: --skip-invalid: what is said above was left out\n");
    return 0;
}

static bool template_known(const struct objects *objects, const struct provisioner *provisioner)
{
    if (!provisioner->template_name.len || provisioner->inline_template)
        return true;
    for (size_t i = 0; i < objects->templates.len; i++)
        if (str_eq(objects->templates.items[i].name, provisioner->template_name))
            return true;
    return false;
}

int input_need_provisioner(const struct input *input, struct err *err)
{
    const struct objects *objects = &input->objects;
    for (size_t i = 0; i < objects->provisioners.len; i++) {
        const struct provisioner *provisioner = &objects->provisioners.items[i];
        if (!template_known(objects, provisioner))
            fprintf(stderr, "stoker: Provisioner %.*s: node template %.*s was not read; default disks are assumed\n",
                    STR_ARG(provisioner->name), STR_ARG(provisioner->template_name));
    }
    if (objects->provisioners.len)
        return 0;
    return err_set(err, ERR_INVALID,
                   "no Provisioner was read: nothing says which nodes may be bought; give one with -f (kind: "
                   "Provisioner of karpenter.sh/v1alpha5 or stoker.sh/v1alpha1)");
}

void input_release(struct input *input)
{
    objects_release(&input->objects);
    overlay_release(&input->overlay);
    arena_release(&input->arena);
    file_free(&input->texts.catalog);
    file_free(&input->texts.prices);
    diag_release(&input->diag);
}

int input_fail(const struct err *err)
{
    fprintf(stderr, "stoker: %s\n", err->message);
    return err->code == ERR_INVALID || err->code == ERR_NOT_FOUND || err->code == ERR_AUTH ? CMD_INPUT : CMD_INTERNAL;
}
