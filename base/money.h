/* money.h - dollars per hour as whole micro-dollars, so that sums are exact. */
#ifndef STOKER_BASE_MONEY_H
#define STOKER_BASE_MONEY_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum { MONEY_TEXT_MAX = 32 };

/* A price of more than this is taken for a mistake (1,000,000 USD per hour). */
#define MONEY_MAX_MICROUSD INT64_C(1000000000000)

/* "0.6121" to 612100. More than six decimals are rounded up. Negative, empty or absurd: ERR_INVALID. */
CC_MUST_CHECK int money_parse(struct str text, int64_t *ret_microusd, struct err *err);

/* 612100 to "0.6121": at least four decimals, six where needed; exact. */
const char *money_text(int64_t microusd, char text[MONEY_TEXT_MAX]);

#endif
