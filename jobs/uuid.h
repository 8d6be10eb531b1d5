/* uuid: made, and checked before they reach SQL. */
#ifndef JOBS_UUID_H
#define JOBS_UUID_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

#define UUID_SIZE 37 /* bytes, with the final NUL */

/* The 36 characters, of any version; `out` gets them in lower case, as Postgres shows them. */
bool uuid_parse(const char *string, size_t length, char out[UUID_SIZE]) MUST_CHECK;
bool uuid_make(char out[UUID_SIZE], struct error *err) MUST_CHECK; /* a random one (version 4) */
void uuid_of(const char *text, char out[UUID_SIZE]); /* the same text, the same one; looks like a random one */

#endif
