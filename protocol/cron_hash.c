#include "protocol/cron_hash.h"

#include <string.h>

#include "common/compiler.h"

#define MOST_VALUES 256 /* of one field */

/* FNV-1a over UTF-16 units. */
static uint32_t
hash_unit(uint32_t hash, uint32_t unit)
{
    return (hash ^ unit) * UINT32_C(16777619);
}

static uint32_t
code_point(const char *bytes, size_t length)
{
    static const unsigned char first_bits[] = { 0, 0x7F, 0x1F, 0x0F, 0x07 };
    uint32_t point = (unsigned char)bytes[0] & first_bits[length];

    for (size_t i = 1; i < length; i++)
        point = point << 6 | ((unsigned char)bytes[i] & 0x3F);
    return point;
}

uint32_t
cron_hash_seed(const char *seed)
{
    uint32_t hash = UINT32_C(2166136261);
    size_t left = strlen(seed);

    while (left > 0) {
        size_t length = text_utf8_length(seed, left);
        uint32_t point = length > 0 ? code_point(seed, length) : 0xFFFD;

        if (point >= 0x10000) {
            hash = hash_unit(hash, 0xD7C0 + (point >> 10));
            point = 0xDC00 + (point & 0x3FF);
        }
        hash = hash_unit(hash, point);
        seed += length > 0 ? length : 1;
        left -= length > 0 ? length : 1;
    }
    return hash;
}

/* mulberry32. */
double
cron_hash_draw(uint32_t *state)
{
    uint32_t mixed = *state += UINT32_C(0x6D2B79F5);

    mixed = (mixed ^ mixed >> 15) * (mixed | 1);
    mixed ^= mixed + (mixed ^ mixed >> 7) * (mixed | 61);
    return (double)(mixed ^ mixed >> 14) / 4294967296.0;
}

struct hashed {
    bool has_range;
    bool has_step;
    int64_t least;
    int64_t most;
    int64_t step;
};

static bool
read_number(const char **at, int64_t *number)
{
    const char *start = *at;

    *number = 0;
    for (; **at >= '0' && **at <= '9'; (*at)++)
        if (*number < INT32_MAX)
            *number = *number * 10 + (**at - '0');
    return *at > start;
}

/* Reads "H(2-5)/3" at the H; what does not fit is not part of it. Returns what is behind. */
static const char *
read_hashed(const char *at, struct hashed *hashed)
{
    const char *end = at + 1;
    const char *next = end + 1;

    *hashed = (struct hashed){ .has_range = false };
    if (*end == '(' && read_number(&next, &hashed->least) && *next++ == '-' && read_number(&next, &hashed->most) &&
        *next == ')') {
        hashed->has_range = true;
        end = next + 1;
    }
    next = end + 1;
    if (*end == '/' && read_number(&next, &hashed->step)) {
        hashed->has_step = true;
        end = next;
    }
    return end;
}

bool
cron_hash_has_form(const char *field)
{
    struct hashed hashed;

    for (const char *at = strchr(field, 'H'); at != NULL; at = strchr(at + 1, 'H')) {
        (void)read_hashed(at, &hashed);
        if (hashed.has_range || hashed.has_step)
            return true;
    }
    return false;
}

/* The range that can be drawn from: what was written, as far as the field has it. */
static bool
narrow_range(struct hashed *hashed, int least, int most, bool strict, struct error *err)
{
    if (!hashed->has_range) {
        hashed->least = least;
        hashed->most = most;
    }
    if (hashed->least > hashed->most || (strict && (hashed->least < least || hashed->most > most)) ||
        hashed->least > most || hashed->most < least)
        return error_set(err, ERROR_CONFIG, "the range of an H is not within %d-%d", least, most);
    if (hashed->least < least)
        hashed->least = least;
    if (hashed->most > most)
        hashed->most = most;
    return true;
}

static void
add_value(const struct hashed *hashed, double draw, struct text *out)
{
    text_format(out, "%d", (int)(draw * (double)(hashed->most - hashed->least + 1)) + (int)hashed->least);
}

static bool
add_steps(const struct hashed *hashed, double draw, bool strict, struct text *out, struct error *err)
{
    int64_t start = hashed->least / hashed->step * hashed->step + (int64_t)(draw * (double)hashed->step);
    const char *comma = "";

    if (strict && hashed->step > hashed->most - hashed->least + 1)
        return error_set(err, ERROR_CONFIG, "the step of an H is wider than its range");
    for (int64_t value = start; value <= hashed->most; value += hashed->step)
        if (value >= hashed->least) {
            text_format(out, "%s%d", comma, (int)value);
            comma = ",";
        }
    if (*comma == '\0') /* the first one is behind the range already */
        add_value(hashed, draw, out);
    return true;
}

bool
cron_hash_replace(const char *field, int least, int most, double draw, bool strict, struct text *out, struct error *err)
{
    struct hashed hashed;
    int64_t steps = 0;
    const char *at;

    for (; (at = strchr(field, 'H')) != NULL; field = read_hashed(at, &hashed)) {
        text_add_bytes(out, field, (size_t)(at - field));
        (void)read_hashed(at, &hashed);
        if (hashed.has_step && hashed.step == 0)
            return error_set(err, ERROR_CONFIG, "the step of an H is 0");
        if (!narrow_range(&hashed, least, most, strict, err))
            return false;
        if (!hashed.has_step) {
            add_value(&hashed, draw, out);
            continue;
        }
        steps += (hashed.most - hashed.least + hashed.step) / hashed.step;
        if (steps > MOST_VALUES)
            return error_set(err, ERROR_CONFIG, "more than %d values", MOST_VALUES);
        if (!add_steps(&hashed, draw, strict, out, err))
            return false;
    }
    text_add(out, field);
    return true;
}
