#include "common/json.h"

#include <string.h>

#include "common/text.h"

/* Each scan_…() takes where its part should begin and returns where it ends, or NULL; `end` is that of the text. The place of failure is kept. */
struct scan {
    const char *end;
    const char *failure;
};

static const char *scan_value(struct scan *scan, const char *at, int depth);

static const char *
fail(struct scan *scan, const char *at)
{
    scan->failure = at;
    return NULL;
}

static const char *
scan_blanks(const struct scan *scan, const char *at)
{
    while (at < scan->end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
        at++;
    return at;
}

static bool
is_at(const struct scan *scan, const char *at, char expected)
{
    return at < scan->end && *at == expected;
}

static bool
is_digit(const struct scan *scan, const char *at)
{
    return at < scan->end && *at >= '0' && *at <= '9';
}

static const char *
scan_digits(struct scan *scan, const char *at)
{
    if (!is_digit(scan, at))
        return fail(scan, at);
    while (is_digit(scan, at))
        at++;
    return at;
}

static const char *
scan_number(struct scan *scan, const char *at)
{
    if (is_at(scan, at, '-'))
        at++;
    at = is_at(scan, at, '0') ? at + 1 : scan_digits(scan, at);
    if (at != NULL && is_at(scan, at, '.'))
        at = scan_digits(scan, at + 1);
    if (at != NULL && (is_at(scan, at, 'e') || is_at(scan, at, 'E'))) {
        at++;
        if (is_at(scan, at, '+') || is_at(scan, at, '-'))
            at++;
        at = scan_digits(scan, at);
    }
    return at;
}

/* Behind the backslash. */
static const char *
scan_escape(struct scan *scan, const char *at)
{
    if (at == scan->end || *at == '\0' || strchr("\"\\/bfnrtu", *at) == NULL)
        return fail(scan, at);
    if (*at++ != 'u')
        return at;
    for (int i = 0; i < 4; i++, at++)
        if (at == scan->end || *at == '\0' || strchr("0123456789abcdefABCDEF", *at) == NULL)
            return fail(scan, at);
    return at;
}

static const char *
scan_string(struct scan *scan, const char *at)
{
    if (!is_at(scan, at, '"'))
        return fail(scan, at);
    at++;
    while (at != NULL && at < scan->end && *at != '"') {
        size_t step = text_utf8_length(at, (size_t)(scan->end - at));

        if (*at == '\\')
            at = scan_escape(scan, at + 1);
        else if (step == 0 || (unsigned char)*at < 0x20)
            return fail(scan, at);
        else
            at += step;
    }
    if (at == scan->end)
        return fail(scan, at);
    return at == NULL ? NULL : at + 1;
}

static const char *
scan_word(struct scan *scan, const char *at, const char *word)
{
    size_t length = strlen(word);

    if ((size_t)(scan->end - at) < length || memcmp(at, word, length) != 0)
        return fail(scan, at);
    return at + length;
}

/* Up to the value. */
static const char *
scan_name(struct scan *scan, const char *at)
{
    at = scan_string(scan, at);
    if (at == NULL)
        return NULL;
    at = scan_blanks(scan, at);
    return is_at(scan, at, ':') ? scan_blanks(scan, at + 1) : fail(scan, at);
}

/* The members of an object or the elements of an array, behind its opening bracket. */
static const char *
scan_list(struct scan *scan, const char *at, char close, int depth)
{
    if (depth > JSON_DEPTH_MAX)
        return fail(scan, at);
    at = scan_blanks(scan, at);
    if (is_at(scan, at, close))
        return at + 1;
    for (;;) {
        if (close == '}')
            at = scan_name(scan, at);
        if (at != NULL)
            at = scan_value(scan, at, depth);
        if (at == NULL)
            return NULL;
        at = scan_blanks(scan, at);
        if (is_at(scan, at, close))
            return at + 1;
        if (!is_at(scan, at, ','))
            return fail(scan, at);
        at = scan_blanks(scan, at + 1);
    }
}

static const char *
scan_value(struct scan *scan, const char *at, int depth)
{
    if (at == scan->end)
        return fail(scan, at);
    switch (*at) {
    case '{':
        return scan_list(scan, at + 1, '}', depth + 1);
    case '[':
        return scan_list(scan, at + 1, ']', depth + 1);
    case '"':
        return scan_string(scan, at);
    case 't':
        return scan_word(scan, at, "true");
    case 'f':
        return scan_word(scan, at, "false");
    case 'n':
        return scan_word(scan, at, "null");
    default:
        return scan_number(scan, at);
    }
}

/* The place, and the printable characters there. */
static bool
describe_failure(const struct scan *scan, const char *text, struct error *err)
{
    int shown = 0;

    if (scan->failure == scan->end)
        return error_set(err, ERROR_INPUT, "the JSON text ends too soon");
    while (
        shown < 20 && scan->failure + shown < scan->end && scan->failure[shown] >= ' ' && scan->failure[shown] <= '~')
        shown++;
    return error_set(err, ERROR_INPUT, "no JSON from byte %zu on, at '%.*s'", (size_t)(scan->failure - text) + 1, shown,
        scan->failure);
}

bool
json_check(const char *text, size_t length, struct error *err)
{
    struct scan scan = { .end = text + length };
    const char *at = scan_value(&scan, scan_blanks(&scan, text), 0);

    if (at != NULL) {
        at = scan_blanks(&scan, at);
        if (at == scan.end)
            return true;
        scan.failure = at;
    }
    return describe_failure(&scan, text, err);
}

struct json_walk
json_walk(const char *text, size_t length)
{
    struct scan scan = { .end = text + length };
    struct json_walk walk = { .at = scan_blanks(&scan, text), .end = scan.end };

    walk.at = is_at(&scan, walk.at, '{') ? scan_blanks(&scan, walk.at + 1) : walk.end;
    return walk;
}

bool
json_walk_next(struct json_walk *walk, struct json_part *name, struct json_part *value)
{
    struct scan scan = { .end = walk->end };
    const char *behind;

    if (!is_at(&scan, walk->at, '"'))
        return false;
    *name = (struct json_part){ .bytes = walk->at + 1 };
    name->length = (size_t)(scan_string(&scan, walk->at) - name->bytes) - 1;
    value->bytes = scan_name(&scan, walk->at);
    behind = scan_value(&scan, value->bytes, 1);
    value->length = (size_t)(behind - value->bytes);
    walk->at = scan_blanks(&scan, behind);
    if (is_at(&scan, walk->at, ','))
        walk->at = scan_blanks(&scan, walk->at + 1);
    return true;
}

bool
json_part_is(struct json_part part, const char *string)
{
    return part.length == strlen(string) && memcmp(part.bytes, string, part.length) == 0;
}

struct json_part
json_member(const char *text, size_t length, const char *name)
{
    struct json_walk walk = json_walk(text, length);
    struct json_part found = { .bytes = NULL };
    struct json_part member;
    struct json_part value;

    while (json_walk_next(&walk, &member, &value))
        if (json_part_is(member, name))
            found = value;
    return found;
}
