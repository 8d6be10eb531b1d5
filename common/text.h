/*
 * text: a string that grows, and the strict reading of numbers.
 *
 * `data` is NULL while empty and a C string after the first addition; text_string() is a C string always. The owner clears it. Additions
 * cannot fail (common/memory).
 */
#ifndef COMMON_TEXT_H
#define COMMON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/compiler.h"

struct text {
    char *data;
    size_t length; /* bytes, without the final NUL */
    size_t capacity;
};

#define TEXT_EMPTY ((struct text){ .data = NULL })

void text_add(struct text *text, const char *string);
void text_add_bytes(struct text *text, const char *bytes, size_t length);
void text_format(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3); /* appends */

void text_add_size(struct text *text, int64_t bytes);                    /* 1234567 as "1.18 MiB" */
void text_add_app_size(struct text *text, int64_t bytes);                /* the same as the app writes it: "1.18 MB" */
void text_add_count(struct text *text, int64_t count, const char *what); /* "1 table", "2 tables" */

/* A JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD. */
void text_add_json(struct text *text, const char *bytes, size_t length);

/* The bytes as well-formed UTF-8 without NUL, as Postgres insists: what is none becomes U+FFFD. */
void text_add_utf8(struct text *text, const char *bytes, size_t length);

/* How many bytes the character takes that the string begins with; 0: it is no well-formed UTF-8. `left` is 1 at least. */
size_t text_utf8_length(const char *string, size_t left);

const char *text_string(const struct text *text);
char *text_take(struct text *text); /* the string, now the caller's to free; the text is empty again */
void text_reset(struct text *text); /* empty, memory kept */
void text_clear(struct text *text); /* empty, memory freed */

/* The number in decimal, at most TEXT_INTEGER_SIZE bytes, without a NUL; returns how many. */
#define TEXT_INTEGER_SIZE 20
size_t text_put_integer(char *out, int64_t number);

/* A decimal integer and nothing else: no sign but '-', no blanks, within [least, most]. False if it is not one. */
bool text_parse_integer(const char *bytes, size_t length, int64_t least, int64_t most, int64_t *number) MUST_CHECK;

#endif
