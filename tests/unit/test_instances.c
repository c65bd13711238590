/* Tests of provisioner/cmd/instances.h: what is listed, in which order, and how it is printed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cloud/aws/catalogue.h"
#include "provisioner/cmd/instances.h"

/* c5d.xlarge leaves 3920m, 58 pods; m6g.large leaves 1930m, 29 pods. */
static const char types_tsv[] = "instance_type\tarch\tvcpu\tmemory_mib\tenis\tipv4_per_eni\tnvme_total_gb\n"
                                "c5d.xlarge\tamd64\t4\t8192\t4\t15\t100\n"
                                "m6g.large\tarm64\t2\t8192\t3\t10\t0\n";
static const char prices_tsv[] = "instance_type\tzone\ton_demand_usd_hour\tspot_usd_hour\tinterruption_bucket\n"
                                 "c5d.xlarge\tus-west-2a\t0.2\t0.1\t4\nc5d.xlarge\tus-west-2b\t0.2\t0.08\t4\n"
                                 "m6g.large\tus-west-2a\t0.1\t0.06\t0\nm6g.large\tus-west-2b\t0.1\t\t\n";

struct fixture {
    struct arena arena;
    struct diag diag;
    struct err err;
    struct cloud_catalogue catalogue;
    struct objects objects;
    struct instances_query query;
    struct instances found;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    const struct aws_catalogue_source source = {.types_tsv = str_of(types_tsv), .prices_tsv = str_of(prices_tsv)};
    *state = f;
    return f ? aws_catalogue_load(&source, &f->arena, &f->diag, &f->catalogue, &f->err) : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    objects_release(&f->objects);
    flag_list_release(&f->query.arches);
    flag_list_release(&f->query.capacity_types);
    flag_list_release(&f->query.families);
    arena_release(&f->arena);
    diag_release(&f->diag);
    free(f);
    return 0;
}

static int find(struct fixture *f)
{
    return instances_find(&f->objects, &f->catalogue, &f->query, &f->arena, &f->found, &f->err);
}

static void ask(struct fixture *f, const char *fits)
{
    assert_int_equal(instances_pod_set(&f->query.pod, fits, &f->err), 0);
}

static void sort_by(struct fixture *f, const char *key)
{
    assert_int_equal(instances_sort_set(&f->query.sort, key, &f->err), 0);
}

/* The rows as "c5d.xlarge spot, m6g.large on-demand". */
static void assert_rows(const struct fixture *f, const char *expected)
{
    char text[512] = "";
    size_t used = 0;
    for (size_t i = 0; i < f->found.n_rows; i++) {
        const struct instances_row *row = &f->found.rows[i];
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%.*s %s", i ? ", " : "", STR_ARG(row->type->name),
                                 cloud_capacity_type_name(row->capacity_type));
    }
    assert_string_equal(text, expected);
}

static void everything_is_listed_without_a_provisioner(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(find(f), 0);
    assert_rows(f, "m6g.large spot, c5d.xlarge spot, m6g.large on-demand, c5d.xlarge on-demand");
    const struct instances_row *row = &f->found.rows[1];
    assert_int_equal(row->n_zones, 2);
    assert_true(str_is(row->zones[0].name, "us-west-2b")); /* cheapest first */
    assert_int_equal(row->zones[1].price_microusd, 100000);
    assert_int_equal(row->cpu_milli, 3920);
    assert_int_equal(row->pods, 58);
    assert_int_equal(row->fits, 0);
    assert_int_equal(f->found.rows[0].n_zones, 1);
}

static void fits_counts_whole_pods(void **state)
{
    struct fixture *f = *state;
    ask(f, "cpu=900m,memory=1Gi,count=3");
    assert_int_equal(find(f), 0);
    assert_rows(f, "c5d.xlarge spot, c5d.xlarge on-demand"); /* m6g.large holds two */
    assert_int_equal(f->found.rows[0].fits, 4);
    assert_int_equal(f->found.rows[0].zones[0].per_pod_microusd, 20000);
    ask(f, "cpu=0.9,memory=1Gi,count=5");
    assert_int_equal(find(f), 0);
    assert_int_equal(f->found.n_found, 0);
    ask(f, "example.com/fpga=1");
    assert_int_equal(find(f), 0);
    assert_int_equal(f->found.n_found, 0);
}

static void daemon_pods_are_taken_off_first(void **state)
{
    struct fixture *f = *state;
    static const struct cloud_resource agent[] = {{{"cpu", 3}, 500}};
    const struct pod_spec spec = {.requests = {agent, 1}};
    const struct daemon_set set = {.name = STR("agent")};
    assert_true(VEC_PUSH(&f->objects.specs, &spec));
    assert_true(VEC_PUSH(&f->objects.daemon_sets, set));
    ask(f, "cpu=900m");
    assert_int_equal(find(f), 0);
    assert_rows(f, "c5d.xlarge spot, m6g.large spot, c5d.xlarge on-demand, m6g.large on-demand");
    assert_int_equal(f->found.rows[0].fits, 3);
    assert_int_equal(f->found.rows[0].cpu_milli, 3420);
    assert_int_equal(f->found.rows[0].pods, 57);
}

static void orders(void **state)
{
    struct fixture *f = *state;
    ask(f, "cpu=900m");
    sort_by(f, "usd");
    assert_int_equal(find(f), 0);
    assert_rows(f, "m6g.large spot, c5d.xlarge spot, m6g.large on-demand, c5d.xlarge on-demand");
    sort_by(f, "usd-per-pod"); /* 0.02, 0.03, 0.05, 0.05 */
    assert_int_equal(find(f), 0);
    assert_rows(f, "c5d.xlarge spot, m6g.large spot, m6g.large on-demand, c5d.xlarge on-demand");
    sort_by(f, "usd-per-vcpu"); /* 0.02, 0.03, 0.05, 0.05 */
    assert_int_equal(find(f), 0);
    assert_rows(f, "c5d.xlarge spot, m6g.large spot, m6g.large on-demand, c5d.xlarge on-demand");
    sort_by(f, "usd-per-gib");
    assert_int_equal(find(f), 0);
    assert_rows(f, "m6g.large spot, c5d.xlarge spot, m6g.large on-demand, c5d.xlarge on-demand");
    sort_by(f, "name");
    assert_int_equal(find(f), 0);
    assert_rows(f, "c5d.xlarge on-demand, c5d.xlarge spot, m6g.large on-demand, m6g.large spot");
    sort_by(f, "interruption");
    assert_int_equal(find(f), 0);
    assert_rows(f, "m6g.large on-demand, c5d.xlarge on-demand, m6g.large spot, c5d.xlarge spot");
}

static void usd_per_pod_needs_a_pod(void **state)
{
    struct fixture *f = *state;
    sort_by(f, "usd-per-pod");
    assert_int_equal(find(f), ERR_INVALID);
}

static void filters_narrow_and_refuse_what_is_not_there(void **state)
{
    struct fixture *f = *state;
    static const char *const zone_b[] = {"us-west-2b"};
    assert_int_equal(flag_append_cut(&f->query.arches, "amd64", &f->err), 0);
    assert_int_equal(flag_append_cut(&f->query.capacity_types, "spot,on-demand", &f->err), 0);
    f->query.max_rows = 1;
    assert_int_equal(find(f), 0);
    assert_rows(f, "c5d.xlarge spot");
    assert_int_equal(f->found.n_found, 2);
    f->query.zones = zone_b;
    f->query.n_zones = 1;
    assert_int_equal(find(f), 0);
    assert_int_equal(f->found.rows[0].n_zones, 1);
    assert_int_equal(flag_append_cut(&f->query.families, "m6g", &f->err), 0);
    assert_int_equal(find(f), 0);
    assert_int_equal(f->found.n_found, 0); /* no amd64 among them */
    assert_int_equal(flag_append_cut(&f->query.families, "m66", &f->err), 0);
    assert_int_equal(find(f), ERR_INVALID);
    assert_non_null(strstr(f->err.message, "m66"));
}

static void pods_that_make_no_sense_are_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const wrong[] = {"",        "cpu",     "cpu=",        "=4",           "cpu=-1",
                                        "cpu=4,,", "count=3", "cpu=1,cpu=1", "cpu=1,count=0"};
    for (size_t i = 0; i < CC_COUNT(wrong); i++)
        assert_int_equal(instances_pod_set(&f->query.pod, wrong[i], &f->err), ERR_INVALID);
    assert_int_equal(f->query.pod.n, 0);
    assert_int_equal(instances_sort_set(&f->query.sort, "price", &f->err), ERR_INVALID);
}

static char *printed(struct fixture *f, int form)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    assert_non_null(file);
    int rc = form < 2 ? instances_table(&f->found, form == 1, (struct terminal){0}, file, &f->err)
                      : instances_json(&f->found, EMIT_JSON, file, &f->err);
    assert_int_equal(rc, 0);
    assert_int_equal(fclose(file), 0);
    return text;
}

static void tables_have_a_line_a_row_and_wide_ones_a_line_a_zone(void **state)
{
    struct fixture *f = *state;
    ask(f, "cpu=900m,count=3");
    f->query.max_rows = 1;
    f->catalogue.price_note = "Say this.";
    assert_int_equal(find(f), 0);
    char *text = printed(f, 0);
    assert_string_equal(text, "TYPE        CAPACITY  ZONES         VCPU  MEMORY  CPU FREE  MEM FREE  PODS    NVME  GPU "
                              " FITS     $/H    $/POD  INTERRUPTED\n"
                              "c5d.xlarge  spot      us-west-2b,a     4     8Gi     3920m     6.4Gi    58  100 GB  -   "
                              "    4  0.0800  0.02000         >20%\n"
                              "\n1 more, see --max\n\nSay this.\n");
    free(text);
    text = printed(f, 1);
    assert_non_null(strstr(text, "us-west-2b "));
    assert_non_null(strstr(text, "us-west-2a "));
    assert_non_null(strstr(text, "0.02000  0.01000  -\n")); /* a vCPU, a GiB, no Provisioner's name */
    free(text);
}

static void json_holds_exact_prices_by_zone(void **state)
{
    struct fixture *f = *state;
    ask(f, "cpu=1300m,count=3");
    f->query.max_rows = 1;
    assert_int_equal(find(f), 0);
    char *text = printed(f, 2);
    assert_non_null(strstr(text, "\"found\": 2"));
    assert_non_null(strstr(text, "\"nvmeGb\": 100"));
    assert_non_null(strstr(text, "\"fits\": 3"));
    assert_non_null(strstr(text, "{\"zone\": \"us-west-2b\", \"usdPerHour\": 0.0800, \"usdPerPod\": 0.026667, "
                                 "\"interruption\": \">20%\"}"));
    assert_null(strstr(text, "provisioner"));
    free(text);
}

static void buckets_have_words(void **state)
{
    (void)state;
    assert_string_equal(instances_interruption(0), "<5%");
    assert_string_equal(instances_interruption(4), ">20%");
    assert_string_equal(instances_interruption(-1), "-");
    assert_string_equal(instances_interruption(5), "-");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(everything_is_listed_without_a_provisioner),
        TEST(fits_counts_whole_pods),
        TEST(daemon_pods_are_taken_off_first),
        TEST(orders),
        TEST(usd_per_pod_needs_a_pod),
        TEST(filters_narrow_and_refuse_what_is_not_there),
        TEST(pods_that_make_no_sense_are_refused),
        TEST(tables_have_a_line_a_row_and_wide_ones_a_line_a_zone),
        TEST(json_holds_exact_prices_by_zone),
        TEST(buckets_have_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
