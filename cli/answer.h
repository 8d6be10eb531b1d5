/*
 * answer: what a command tells a program with --json: exactly one JSON object, on standard output.
 *
 * Keys are in camelCase. What is not known is null. Times are ISO 8601 in UTC with milliseconds, sizes are in bytes, durations in
 * milliseconds. tests/schemas/ has the schema of each command's answer.
 */
#ifndef CLI_ANSWER_H
#define CLI_ANSWER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"

json_t *answer_text(const char *string); /* NULL: null; what is no UTF-8 becomes U+FFFD */
json_t *answer_number(bool known, int64_t number);
json_t *answer_time(bool known, struct wall at);

/* With a newline; the object is released. */
void answer_print(json_t *object);

#endif
