/* time_text.h - wall time as RFC 3339 text, as Kubernetes and AWS write it: "2026-11-21T06:18:42Z". */
#ifndef STOKER_BASE_TIME_TEXT_H
#define STOKER_BASE_TIME_TEXT_H

#include <stdbool.h>

#include "base/clock.h"
#include "base/str.h"

enum { TIME_TEXT_MAX = 40 };

/* In UTC; a fraction of a second only where there is one, without trailing zeros. */
const char *time_text(struct clock_wall time, char text[TIME_TEXT_MAX]);

/*
 * Date, T, time, any fraction (cut to ns), Z or an offset. False, and *ret as it was, for all else: what is no date of
 * the calendar, and what is outside of 1678 to 2261 (ns since 1970 in 64 bits). A leap second is the second after it.
 */
bool time_parse(struct str text, struct clock_wall *ret);

#endif
