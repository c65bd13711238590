/* spark.h - what a Spark application will ask for before its pods exist. Rules: docs/spark.md, Spark's own docs. */
#ifndef STOKER_PROVISIONER_SPARK_SPARK_H
#define STOKER_PROVISIONER_SPARK_SPARK_H

#include "base/diag.h"
#include "base/doc.h"
#include "base/err.h"
#include "provisioner/api/objects.h"

/*
 * A SparkApplication or ScheduledSparkApplication document (sparkoperator.k8s.io/v1beta2, spark.apache.org/v1) to its
 * driver pod `<name>-driver` and its first executors `<name>-exec-<n>`, added to objects->pods with planned = true.
 * Executors that are already there as real pods (same app) are not planned again. Findings go to `diag`.
 */
CC_MUST_CHECK int spark_application_decode(struct objects *objects, const struct doc *object, const char *file,
                                           struct diag *diag, struct err *err);

/* A Java properties file, the same. The application's name is spark.app.name, else the file's base name. */
CC_MUST_CHECK int spark_properties_read(struct objects *objects, struct str bytes, const char *file, struct diag *diag,
                                        struct err *err);

#endif
