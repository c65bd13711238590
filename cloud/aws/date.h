/* date.h - times as HTTP writes them, and AWS Health too. */
#ifndef STOKER_CLOUD_AWS_DATE_H
#define STOKER_CLOUD_AWS_DATE_H

#include <stdbool.h>

#include "base/clock.h"
#include "base/str.h"

/* "Tue, 15 Nov 1994 08:12:31 GMT", years 1970 to 2200; false for anything else. Source: RFC 9110, IMF-fixdate. */
bool aws_date_read(struct str text, struct clock_wall *ret);

#endif
