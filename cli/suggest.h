/*
 * suggest: what somebody may have meant who has mistyped a word.
 */
#ifndef CLI_SUGGEST_H
#define CLI_SUGGEST_H

#include <stddef.h>

#define SUGGEST_LENGTH_MAX 32 /* longer ones are nobody's typing errors */

/* The word of the list that `typed` is with one or two letters mistyped, of the nearest the first; NULL: none is. */
const char *suggest_closest(const char *typed, const char *const *words, size_t count);

#endif
