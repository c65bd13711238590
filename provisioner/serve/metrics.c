/* metrics.c - counters, gauges and histograms by their label values, and Prometheus' text format. */
#include "provisioner/serve/metrics.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cc.h"
#include "base/intern.h"
#include "base/vec.h"

/* Stands between label values in a series' key; control characters in values become '?', so it cannot occur there. */
#define SEPARATOR '\x1f'

/* Upper ends of a histogram's buckets in seconds, from a fast pass to a slow boot; beyond them is +Inf. */
static const double BOUNDS[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                                1,     2.5,    5,     10,   30,    60,   120, 300,  600};

enum { BUCKETS = CC_COUNT(BOUNDS), KEY_MAX_BYTES = 1024 };

struct description {
    enum metric_type type;
    const char *name, *help, *labels;
};

#define DESCRIBE(id, type, name, help, labels) {type, name, help, labels},
static const struct description DESCRIPTIONS[METRIC_COUNT] = {METRICS(DESCRIBE)};

struct series {
    double value; /* a histogram's sum */
    uint64_t count, buckets[BUCKETS];
};

struct family {
    struct intern keys;        /* label values, joined */
    VEC(struct series) series; /* by id in keys */
};

struct metrics {
    struct family families[METRIC_COUNT];
    uint64_t dropped; /* samples of series beyond METRICS_MAX_SERIES, or lost to memory */
};

int metrics_open(struct metrics **ret, struct err *err)
{
    struct metrics *metrics = calloc(1, sizeof(*metrics));
    if (!metrics)
        return err_nomem(err);
    *ret = metrics;
    return 0;
}

static void family_release(struct family *family)
{
    intern_release(&family->keys);
    VEC_FREE(&family->series);
}

void metrics_close(struct metrics *metrics)
{
    if (!metrics)
        return;
    for (size_t i = 0; i < METRIC_COUNT; i++)
        family_release(&metrics->families[i]);
    free(metrics);
}

static size_t label_count(enum metric metric)
{
    const char *names = DESCRIPTIONS[metric].labels;
    if (!*names)
        return 0;
    size_t n = 1;
    for (; *names; names++)
        n += *names == ',';
    return n;
}

/* Joins the label values; what does not fit is cut. */
static struct str join(enum metric metric, const struct str *labels, char key[KEY_MAX_BYTES])
{
    size_t len = 0, n = label_count(metric);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < labels[i].len && len < KEY_MAX_BYTES - n; k++) {
            char c = labels[i].ptr[k];
            key[len++] = (unsigned char)c < ' ' || c == '\x7f' ? '?' : c;
        }
        if (i + 1 < n)
            key[len++] = SEPARATOR;
    }
    return (struct str){key, len};
}

/* NULL if there is no room for another series. */
static struct series *series_of(struct metrics *metrics, enum metric metric, const struct str *labels)
{
    struct family *family = &metrics->families[metric];
    char key[KEY_MAX_BYTES];
    struct str joined = join(metric, labels, key);
    uint32_t id = intern_find(&family->keys, joined);
    if (id == INTERN_NONE) {
        /* Room in the array first, so that ids and series cannot part. */
        if (family->series.len >= METRICS_MAX_SERIES || !VEC_PUSH(&family->series, (struct series){0})) {
            metrics->dropped++;
            return NULL;
        }
        if (intern_add(&family->keys, joined, &id, NULL) < 0) {
            family->series.len--;
            metrics->dropped++;
            return NULL;
        }
    }
    return &family->series.items[id];
}

void metrics_add(struct metrics *metrics, enum metric metric, const struct str *labels, double amount)
{
    struct series *series = series_of(metrics, metric, labels);
    if (series)
        series->value += amount;
}

void metrics_set(struct metrics *metrics, enum metric metric, const struct str *labels, double value)
{
    struct series *series = series_of(metrics, metric, labels);
    if (series)
        series->value = value;
}

void metrics_observe(struct metrics *metrics, enum metric metric, const struct str *labels, double value)
{
    struct series *series = series_of(metrics, metric, labels);
    if (!series)
        return;
    series->value += value;
    series->count++;
    for (size_t i = 0; i < BUCKETS; i++)
        series->buckets[i] += value <= BOUNDS[i];
}

void metrics_clear(struct metrics *metrics, enum metric metric)
{
    family_release(&metrics->families[metric]);
}

static void put(struct buf *buf, const char *text)
{
    buf_add(buf, str_of(text));
}

static void put_number(struct buf *buf, double value)
{
    char text[40];
    snprintf(text, sizeof(text), "%.15g", value);
    put(buf, text);
}

/* Backslash, quote and line end are escaped in label values. */
static void put_escaped(struct buf *buf, struct str value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] == '\\' || value.ptr[i] == '"')
            buf_byte(buf, '\\');
        buf_byte(buf, value.ptr[i]);
    }
}

/* {a="x",b="y"}, with `le` added if it is not NULL; nothing where there are no labels. */
static void put_labels(struct buf *buf, enum metric metric, struct str key, const char *le)
{
    struct str names = str_of(DESCRIPTIONS[metric].labels);
    size_t n = label_count(metric);
    if (!n && !le)
        return;
    buf_byte(buf, '{');
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_byte(buf, ',');
        buf_add(buf, str_cut(&names, ','));
        put(buf, "=\"");
        put_escaped(buf, str_cut(&key, SEPARATOR));
        buf_byte(buf, '"');
    }
    if (le) {
        put(buf, n ? ",le=\"" : "le=\"");
        put(buf, le);
        buf_byte(buf, '"');
    }
    buf_byte(buf, '}');
}

static void put_sample(struct buf *buf, enum metric metric, const char *suffix, struct str key, const char *le,
                       double value)
{
    put(buf, DESCRIPTIONS[metric].name);
    put(buf, suffix);
    put_labels(buf, metric, key, le);
    buf_byte(buf, ' ');
    put_number(buf, value);
    buf_byte(buf, '\n');
}

static void put_histogram(struct buf *buf, enum metric metric, struct str key, const struct series *series)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        char le[40];
        snprintf(le, sizeof(le), "%g", BOUNDS[i]);
        put_sample(buf, metric, "_bucket", key, le, (double)series->buckets[i]);
    }
    put_sample(buf, metric, "_bucket", key, "+Inf", (double)series->count);
    put_sample(buf, metric, "_sum", key, NULL, series->value);
    put_sample(buf, metric, "_count", key, NULL, (double)series->count);
}

static void put_head(struct buf *buf, const char *name, const char *help, enum metric_type type)
{
    static const char *const types[] = {[COUNTER] = "counter", [GAUGE] = "gauge", [HISTOGRAM] = "histogram"};
    put(buf, "# HELP ");
    put(buf, name);
    buf_byte(buf, ' ');
    put(buf, help);
    put(buf, "\n# TYPE ");
    put(buf, name);
    buf_byte(buf, ' ');
    put(buf, types[type]);
    buf_byte(buf, '\n');
}

void metrics_write(const struct metrics *metrics, struct buf *buf)
{
    for (size_t m = 0; m < METRIC_COUNT; m++) {
        const struct family *family = &metrics->families[m];
        put_head(buf, DESCRIPTIONS[m].name, DESCRIPTIONS[m].help, DESCRIPTIONS[m].type);
        for (uint32_t s = 0; s < family->series.len; s++) {
            struct str key = intern_text(&family->keys, s);
            if (DESCRIPTIONS[m].type == HISTOGRAM)
                put_histogram(buf, (enum metric)m, key, &family->series.items[s]);
            else
                put_sample(buf, (enum metric)m, "", key, NULL, family->series.items[s].value);
        }
    }
    static const char dropped[] = "stoker_metric_series_dropped_total";
    put_head(buf, dropped, "Samples lost because a metric had too many series, or memory ran out.", COUNTER);
    put(buf, dropped);
    buf_byte(buf, ' ');
    put_number(buf, (double)metrics->dropped);
    buf_byte(buf, '\n');
}

void metrics_describe(struct buf *buf)
{
    static const char *const types[] = {[COUNTER] = "counter", [GAUGE] = "gauge", [HISTOGRAM] = "histogram"};
    put(buf, "# Metrics\n\nWhat /metrics shows, printed by `stoker crds --metrics`; `make crds` writes this file.\n\n"
             "| metric | type | labels | what |\n|---|---|---|---|\n");
    for (size_t m = 0; m < METRIC_COUNT; m++) {
        put(buf, "| `");
        put(buf, DESCRIPTIONS[m].name);
        put(buf, "` | ");
        put(buf, types[DESCRIPTIONS[m].type]);
        put(buf, " | ");
        put(buf, DESCRIPTIONS[m].labels);
        put(buf, " | ");
        put(buf, DESCRIPTIONS[m].help);
        put(buf, " |\n");
    }
}
