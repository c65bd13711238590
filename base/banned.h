/* banned.h - included before every file: functions that overflow, lose errors or hide state do not compile here. */
#ifndef STOKER_BASE_BANNED_H
#define STOKER_BASE_BANNED_H

/* Their own declarations first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* With _FORTIFY_SOURCE and clang these two are macros, and a macro cannot be banned. */
#undef sprintf
#undef vsprintf

/* snprintf, memcpy and struct str do what these do, and know the size. */
#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets
/* They cut or read past what is no number: str_to_int64, quantity_units, money_parse. */
#pragma GCC poison atoi atol atoll atof
/* Hidden state: str_cut, and seeded generators of our own. (tools/check-includes has rand: OpenSSL's headers name a
 * parameter so.) */
#pragma GCC poison strtok srand random srandom

#endif
