/*
 * secret: a password or key, in a type that nothing prints.
 *
 * There is no way from a secret into a log line, an error text or an argument list but secret_reveal(), which is called only where the
 * value is handed to the other side. Cleared memory is overwritten.
 */
#ifndef COMMON_SECRET_H
#define COMMON_SECRET_H

#include <stdbool.h>
#include <stddef.h>

struct secret {
    char *value; /* NULL: none. A C string of our own. */
};

#define SECRET_EMPTY ((struct secret){ .value = NULL })

void secret_set(struct secret *secret, const char *bytes, size_t length);
bool secret_is_set(const struct secret *secret);
const char *secret_reveal(const struct secret *secret); /* NULL: none */
void secret_clear(struct secret *secret);

#endif
