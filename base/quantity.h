/* quantity.h - Kubernetes quantities ("500m", "1.5Gi", "2e3") as exact integers. */
#ifndef STOKER_BASE_QUANTITY_H
#define STOKER_BASE_QUANTITY_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/*
 * Source: k8s.io/apimachinery resource.Quantity: [+-]digits[.digits] and a suffix out of
 * n u m "" k M G T P E | Ki Mi Gi Ti Pi Ei | e<int> E<int>.
 * Both functions round up to the next whole unit, as the scheduler does. Negative values, values beyond int64 and
 * anything else that is not a quantity are ERR_INVALID, with what is allowed in the message.
 */

/* In thousandths: "0.5" gives 500. For cpu. */
CC_MUST_CHECK int quantity_milli(struct str text, int64_t *ret, struct err *err);

/* In whole units (bytes, devices): "1Ki" gives 1024. */
CC_MUST_CHECK int quantity_units(struct str text, int64_t *ret, struct err *err);

enum { QUANTITY_TEXT_MAX = 32 };

/* "3920m" or "4", for people. */
const char *quantity_milli_text(int64_t milli, char text[QUANTITY_TEXT_MAX]);
/* "14.5Gi", "512Mi", "7": the largest binary suffix with at most one decimal, rounded down. */
const char *quantity_bytes_text(int64_t bytes, char text[QUANTITY_TEXT_MAX]);

#endif
