/*
 * memory: allocation that cannot fail.
 *
 * Our own small things either get their memory or the program ends with a line on standard error: locks and stalled checks bring the job
 * back. Sizes that come from outside are checked against a limit by the caller before they get here.
 */
#ifndef COMMON_MEMORY_H
#define COMMON_MEMORY_H

#include <stddef.h>

void *memory_new(size_t size);                       /* zeroed; free() it */
void *memory_resize(void *block, size_t size);       /* like realloc */
char *memory_copy(const char *bytes, size_t length); /* a C string of its own; free() it */
char *memory_copy_string(const char *string);        /* the same; NULL for NULL */

#endif
