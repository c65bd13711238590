/* member.h - members of our own JSON documents, taken strictly: there, of the right kind, in range. */
#ifndef STOKER_PROVISIONER_CMD_MEMBER_H
#define STOKER_PROVISIONER_CMD_MEMBER_H

#include <stdint.h>

#include "base/doc.h"
#include "base/err.h"

/* ERR_INVALID "line N: KEY: what is wrong" where the member is missing or something else. */
CC_MUST_CHECK int member_list(const struct doc *map, const char *key, const struct doc **ret_list, struct err *err);
CC_MUST_CHECK int member_text(const struct doc *map, const char *key, struct str *ret_text, struct err *err);
CC_MUST_CHECK int member_count(const struct doc *map, const char *key, int64_t *ret, struct err *err); /* >= 0 */
CC_MUST_CHECK int member_money(const struct doc *map, const char *key, int64_t *ret_microusd, struct err *err);

#endif
