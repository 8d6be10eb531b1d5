/*
 * json: a JSON text and its parts, as they were written.
 *
 * Values that we only pass on (a job's data, its return value, its progress) must come out as they went in, digit for digit. jansson reads
 * numbers into 64 bits and writes them its own way; so it serves where a value is meant for us, and these functions where it is not.
 */
#ifndef COMMON_JSON_H
#define COMMON_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

#define JSON_DEPTH_MAX 1000 /* objects and arrays inside one another */

struct json_part {
    const char *bytes; /* into the text; NULL: there is none */
    size_t length;
};

/* Whether it is one value, by RFC 8259, in UTF-8, and nothing else. ERROR_INPUT with the place where it is not. */
bool json_check(const char *text, size_t length, struct error *err) MUST_CHECK;

/*
 * An object's members, one after the other; `name` is what stands between its quotes. The text has passed json_check(); anything else than an
 * object has none.
 */
struct json_walk {
    const char *at;
    const char *end;
};
struct json_walk json_walk(const char *text, size_t length);
bool json_walk_next(struct json_walk *walk, struct json_part *name, struct json_part *value);
bool json_part_is(struct json_part part, const char *string);

/* The value of an object's member, the last one of that name. The text has passed json_check(); it may be anything else than an object. */
struct json_part json_member(const char *text, size_t length, const char *name);

#endif
