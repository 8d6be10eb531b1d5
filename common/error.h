/*
 * error: what went wrong, to what, and why.
 *
 * A function that can fail returns bool, takes `struct error *err` last, and fills it exactly when it returns false. The caller owns the
 * struct, usually on its stack; nothing in it is allocated. The code says what the caller can do; the text is for a person: lower case,
 * names in quotes, the system's reason last, no full stop. A text that does not fit is cut at the end.
 */
#ifndef COMMON_ERROR_H
#define COMMON_ERROR_H

#include <stdbool.h>

#include "common/compiler.h"

enum error_code {
    ERROR_NONE = 0,
    ERROR_CONFIG,   /* a setting is missing or wrong; trying again cannot help */
    ERROR_INPUT,    /* bytes from outside break their format: a job, a reply, an archive */
    ERROR_REFUSED,  /* the other side understood and said no */
    ERROR_DENIED,   /* the other side does not let us in, or not do that: credentials or rights */
    ERROR_LOST,     /* a connection or process went away; try again */
    ERROR_TIMEOUT,  /* a deadline passed; try again */
    ERROR_CONFLICT, /* somebody else holds the lock */
    ERROR_STOPPED,  /* we were told to stop, and did */
    ERROR_SYSTEM,   /* a system call failed; see sys_errno */
    ERROR_BUG,      /* cannot happen */
};

struct error {
    enum error_code code;
    int sys_errno; /* with ERROR_SYSTEM, else 0 */
    char text[1024];
};

#define ERROR_EMPTY ((struct error){ .code = ERROR_NONE })

/* "denied" and so on: how a code is written where another program reads it. */
const char *error_code_name(enum error_code code);
enum error_code error_code_named(const char *name); /* ERROR_NONE: nothing has that name; NULL is fine */

/* All three return false, so that failing is one statement. */
bool error_set(struct error *err, enum error_code code, const char *format, ...) PRINTF_LIKE(3, 4);
bool error_set_errno(struct error *err, int errnum, const char *format, ...) PRINTF_LIKE(3, 4); /* adds ": <reason>" */
bool error_add(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3); /* context, put in front with ": " */

/* A second failure on the way out, put behind as " (also: ...)"; the first stays the headline. */
void error_also(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* What a person can do about it, put behind as "; ...". */
void error_advise(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
