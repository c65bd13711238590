/* base64.h - standard base64 (RFC 4648, section 4), read and written. */
#ifndef STOKER_BASE_BASE64_H
#define STOKER_BASE_BASE64_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/*
 * The bytes in `arena`, a NUL behind them. Line ends are passed over, as Go does; the padding must be there. Anything
 * else is ERR_INVALID, and the message does not quote it; ERR_NOMEM.
 */
CC_MUST_CHECK int base64_decode(struct str text, struct arena *arena, struct str *ret, struct err *err);

/* With its padding, in one line. ERR_NOMEM. */
CC_MUST_CHECK int base64_encode(struct str bytes, struct arena *arena, struct str *ret, struct err *err);

#endif
