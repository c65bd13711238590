/* cc.h - the compiler attributes we use, spelled once so that gcc and clang agree. */
#ifndef STOKER_BASE_CC_H
#define STOKER_BASE_CC_H

/* The result carries an error: looking away is a bug. */
#define CC_MUST_CHECK        __attribute__((warn_unused_result))
#define CC_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define CC_NORETURN          __attribute__((noreturn))
#define CC_UNUSED            __attribute__((unused))
/* Run `fn(&variable)` when the variable leaves its scope. */
#define CC_CLEANUP(fn) __attribute__((cleanup(fn)))

#define CC_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
