/* spark.h - what a Spark application will ask for before its pods exist. Rules: docs/spark.md, Spark's own docs. */
#ifndef STOKER_PROVISIONER_SPARK_SPARK_H
#define STOKER_PROVISIONER_SPARK_SPARK_H

#include "base/diag.h"
#include "base/doc.h"
#include "base/err.h"
#include "provisioner/api/objects.h"

/*
 * Reads a SparkApplication or ScheduledSparkApplication document (sparkoperator.k8s.io/v1beta2, spark.apache.org/v1),
 * to be expanded once everything is read. Applications that have ended, or are suspended, ask for nothing. Findings go
 * to `diag`, and the application is left out then; only ERR_NOMEM is an error.
 */
CC_MUST_CHECK int spark_application_decode(struct objects *objects, const struct doc *object, const char *file,
                                           struct diag *diag, struct err *err);

/* A Java properties file, the same. The application's name is spark.app.name, else the file's base name. */
CC_MUST_CHECK int spark_properties_read(struct objects *objects, struct str bytes, const char *file, struct diag *diag,
                                        struct err *err);

/*
 * Call once, when everything is read: gives each application its driver pod `<app>-driver` and its first executors
 * `<app>-exec-<n>` in objects->pods with planned = true, all executors with one spec. What is there as a real pod of
 * the same application is not planned again, in whatever order things were read. Two applications with the same
 * namespace and name are a finding.
 */
CC_MUST_CHECK int spark_expand(struct objects *objects, struct diag *diag, struct err *err);

#endif
