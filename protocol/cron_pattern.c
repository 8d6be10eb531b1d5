#include "protocol/cron_pattern.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/memory.h"
#include "common/text.h"
#include "protocol/calendar.h"
#include "protocol/cron_hash.h"

#define LENGTH_MAX_5 1024 /* bytes of a pattern */
#define VALUES_MAX_5 256  /* values of a field */
#define NUMBER_MOST 1000000
#define LAST_FORMS 111 /* L, 0L to 9L, 00L to 99L */

static const struct unit {
    const char *name;
    int least;
    int most;
    const char *letters[2]; /* that a field may have beside digits and ",*-/", by dialect; H is looked for apart */
    const char *names;      /* three letters each, from `least` on; NULL: none */
    const char *foreign;    /* the same, which 5 takes beside */
    int foreign_least;
} units[CRON_UNITS] = {
#define MONTHS "janfebmaraprmayjunjulaugsepoctnovdec"
#define WEEKDAYS "sunmontuewedthufrisat"
    [CRON_SECOND] = { "second", 0, 59, { "", "?H" }, NULL, NULL, 0 },
    [CRON_MINUTE] = { "minute", 0, 59, { "", "?H" }, NULL, NULL, 0 },
    [CRON_HOUR] = { "hour", 0, 23, { "", "?H" }, NULL, NULL, 0 },
    [CRON_DAY] = { "day of month", 1, 31, { "?L", "?LH" }, NULL, NULL, 0 },
    [CRON_MONTH] = { "month", 1, 12, { "", "?H" }, MONTHS, WEEKDAYS, 0 },
    [CRON_WEEKDAY] = { "day of week", 0, 7, { "?L#", "?LH#" }, WEEKDAYS, MONTHS, 1 },
};

static const struct alias {
    const char *name;
    const char *pattern;
    bool only_in_5;
} aliases[] = {
    { "@yearly", "0 0 0 1 1 *", false },
    { "@monthly", "0 0 0 1 * *", false },
    { "@weekly", "0 0 0 * * 0", false },
    { "@daily", "0 0 0 * * *", false },
    { "@hourly", "0 0 * * * *", false },
    { "@annually", "0 0 0 1 1 *", true },
    { "@minutely", "0 * * * * *", true },
    { "@secondly", "* * * * * *", true },
    { "@weekdays", "0 0 0 * * 1-5", true },
    { "@weekends", "0 0 0 * * 0,6", true },
};

/* A field while it is read. */
struct field {
    const struct cron_options *options;
    const struct unit *unit;
    struct cron_pattern *pattern;
    int times[64];  /* how often each value stands there */
    int numbers;    /* all of them together */
    int lasts;      /* values with an L */
    int bare_lasts; /* those that are nothing but L */
    bool last_seen[LAST_FORMS];
};

static bool
is_5(const struct field *field)
{
    return field->options->dialect == CRON_PARSER_5;
}

static bool
refuse(const char *what, struct error *err)
{
    return error_set(err, ERROR_CONFIG, "%s", what);
}

/* --- Numbers --- */

static size_t
digits_of(const char *text, size_t length)
{
    size_t count = 0;

    while (count < length && text[count] >= '0' && text[count] <= '9')
        count++;
    return count;
}

static int
number_of(const char *digits, size_t count)
{
    int number = 0;

    for (size_t i = 0; i < count && number < NUMBER_MOST; i++)
        number = number * 10 + (digits[i] - '0');
    return number;
}

/* 4 takes nothing for 0, and else digits only; 5 takes the digits that the text begins with, one at least. */
static bool
read_number(const struct field *field, const char *text, size_t length, int *number)
{
    size_t count = digits_of(text, length);

    *number = number_of(text, count);
    return is_5(field) ? count > 0 : count == length;
}

/* --- Values --- */

static void
add_number(struct field *field, int number)
{
    field->times[number]++;
    field->numbers++;
}

static bool
add_range(struct field *field, int low, int high, int step, struct error *err)
{
    bool is_weekday = field->unit == &units[CRON_WEEKDAY];
    bool with_sunday = is_weekday && high % 7 == 0 && (!is_5(field) || (high - low) % step == 0);

    if (low < field->unit->least || high > field->unit->most || low > high)
        return error_set(err, ERROR_CONFIG, "the range %d-%d is not an ascending one within %d-%d", low, high,
            field->unit->least, field->unit->most);
    if (with_sunday)
        add_number(field, 0);
    for (int number = low; number <= high; number += step)
        if (number != 0 || !with_sunday)
            add_number(field, number);
    return true;
}

/* "L", "5L": in 4, anything with an L in it. */
static bool
add_last(struct field *field, const char *text, size_t length, struct error *err)
{
    size_t count = digits_of(text, length);
    size_t form = count == 0 ? 0 : (size_t)number_of(text, count) + (count == 1 ? 1 : 11);

    field->lasts++;
    field->bare_lasts += length == 1;
    if (field->unit == &units[CRON_WEEKDAY] && count > 0)
        field->pattern->last_weekdays |= 1U << (text[0] - '0') % 7;
    else if (field->unit == &units[CRON_WEEKDAY])
        field->pattern->lone_last = true;
    if (!is_5(field))
        return true;
    if (count + 1 != length || count > 2)
        return refuse("L has another place", err);
    if (field->pattern->lone_last)
        return refuse("L stands behind the number of a weekday, as in 5L", err);
    if (field->last_seen[form])
        return refuse("a value stands there twice", err);
    field->last_seen[form] = true;
    return true;
}

static bool
add_single(struct field *field, const char *text, size_t length, struct error *err)
{
    size_t minus = !is_5(field) && text[0] == '-'; /* -0 is a number to 4, which 0 is equal to */
    int number = number_of(text + minus, length - minus);

    if (memchr(text, 'L', length) != NULL && minus == 0)
        return add_last(field, text, length, err);
    if (digits_of(text + minus, length - minus) != length - minus || length == minus || (minus > 0 && number > 0) ||
        number < field->unit->least || number > field->unit->most)
        return error_set(
            err, ERROR_CONFIG, "%.*s is not within %d-%d", (int)length, text, field->unit->least, field->unit->most);
    add_number(field, field->unit == &units[CRON_WEEKDAY] ? number % 7 : number);
    return true;
}

/* "5-10" and what comes behind a second dash, which is left out; `end` is the end of the text. */
static bool
add_dashed(struct field *field, const char *text, const char *dash, const char *end, int step, struct error *err)
{
    const char *high = dash + 1;
    const char *second_dash = memchr(high, '-', (size_t)(end - high));
    int numbers[2];

    if (second_dash == NULL)
        second_dash = end;
    if (!read_number(field, text, (size_t)(dash - text), &numbers[0]) ||
        !read_number(field, high, (size_t)(second_dash - high), &numbers[1]))
        return error_set(err, ERROR_CONFIG, "%.*s is no range", (int)(end - text), text);
    return add_range(field, numbers[0], numbers[1], step, err);
}

/* "5/10", "5-20/10". */
static bool
add_stepped(struct field *field, const char *text, const char *slash, const char *end, struct error *err)
{
    size_t length = (size_t)(slash - text);
    const char *dash = memchr(text, '-', length);
    int low;
    int step;

    if (memchr(slash + 1, '/', (size_t)(end - slash - 1)) != NULL)
        return refuse("a second step", err);
    if (!is_5(field) && dash == NULL && digits_of(text, length) < length) /* 4 passes over the step of a value like L */
        return add_single(field, text, length, err);
    if (!read_number(field, slash + 1, (size_t)(end - slash - 1), &step) || step == 0)
        return error_set(err, ERROR_CONFIG, "%.*s is no step", (int)(end - slash - 1), slash + 1);
    if (dash != NULL && dash > text)
        return add_dashed(field, text, dash, slash, step, err);
    if (length == 0 || dash != NULL || !read_number(field, text, length, &low))
        return error_set(err, ERROR_CONFIG, "%.*s cannot be stepped from", (int)length, text);
    return add_range(field, low, field->unit->most, step, err);
}

static bool
add_item(struct field *field, const char *text, size_t length, struct error *err)
{
    const char *end = text + length;
    const char *slash = memchr(text, '/', length);
    const char *dash = memchr(text, '-', length);

    if (length == 0)
        return refuse("an item of the list is empty", err);
    if (is_5(field) && field->numbers + field->lasts > VALUES_MAX_5)
        return refuse("too many values", err);
    if (slash != NULL)
        return add_stepped(field, text, slash, end, err);
    if (dash == NULL || (dash == text && !is_5(field)))
        return add_single(field, text, length, err);
    return add_dashed(field, text, dash, end, 1, err);
}

/* --- A field's text --- */

/* The number of the name in a list of names, counted from `least`; -1: none. */
static int
find_name(const char *names, int least, const char *name)
{
    for (size_t i = 0; names != NULL && names[i] != '\0'; i += 3)
        if (strncasecmp(names + i, name, 3) == 0)
            return least + (int)(i / 3);
    return -1;
}

static bool
is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Three letters in a row are a name. Months go first in 5, which knows all names in both fields. */
static bool
replace_names(const struct field *field, const char *text, struct text *out, struct error *err)
{
    const struct unit *unit = field->unit;

    while (*text != '\0') {
        int number;

        if (unit->names == NULL || !is_letter(text[0]) || !is_letter(text[1]) || !is_letter(text[2])) {
            text_add_bytes(out, text++, 1);
            continue;
        }
        number = find_name(unit->names, unit->least, text);
        if (number == -1 && is_5(field))
            number = find_name(unit->foreign, unit->foreign_least, text);
        if (number == -1)
            return error_set(err, ERROR_CONFIG, "%.3s is no name", text);
        text_format(out, "%d", number);
        text += 3;
    }
    return true;
}

static bool
check_characters(const struct field *field, const char *text, struct error *err)
{
    const char *letters = field->unit->letters[field->options->dialect];
    bool with_parentheses = is_5(field) && cron_hash_has_form(text);
    const char *at = text;

    while (*at != '\0' && (digits_of(at, 1) == 1 || strchr(",*-/", *at) != NULL || strchr(letters, *at) != NULL ||
                              (with_parentheses && strchr("()", *at) != NULL)))
        at++;
    if (*at != '\0')
        return refuse("a character has no place there", err);
    return *text != '\0' || refuse("nothing stands there", err);
}

/* 4 leaves a `?` alone beside a `*`, and refuses it then. */
static void
replace_any(const struct field *field, const char *text, struct text *out)
{
    bool with_question_marks = is_5(field) || strchr(text, '*') == NULL;

    for (; *text != '\0'; text++)
        if (*text == '*' || (*text == '?' && with_question_marks))
            text_format(out, "%d-%d", field->unit->least, field->unit->most);
        else
            text_add_bytes(out, text, 1);
}

static bool
replace_hashes(const struct field *field, const char *text, double draw, struct text *out, struct error *err)
{
    const char *seed = field->options->hash_seed;

    if (is_5(field) && strchr(text, 'H') != NULL && (seed == NULL || *seed == '\0'))
        return refuse("H needs a seed, else it would be another value each time", err);
    return cron_hash_replace(text, field->unit->least, field->unit->most, draw, field->options->strict, out, err);
}

static bool
add_list(struct field *field, const char *text, struct error *err)
{
    for (;;) {
        size_t length = strcspn(text, ",");

        if (!add_item(field, text, length, err))
            return false;
        if (text[length] == '\0')
            return true;
        text += length + 1;
    }
}

/* "5#2" is a 5 in the second week. Cuts it at the #. */
static bool
cut_nth(const struct field *field, char *text, struct error *err)
{
    char *hash = strchr(text, '#');
    int64_t nth;

    if (field->unit != &units[CRON_WEEKDAY] || hash == NULL)
        return true;
    if (strpbrk(text, ",-/") != NULL)
        return refuse("# has no place in a list, a range or a step", err);
    if (!text_parse_integer(hash + 1, strlen(hash + 1), 1, 5, &nth))
        return refuse("behind the # is no number from 1 to 5", err);
    field->pattern->nth = (int)nth;
    *hash = '\0';
    return true;
}

static bool
has_doubles(const struct field *field)
{
    for (int i = 0; i <= field->unit->most; i++)
        if (field->times[i] > 1)
            return true;
    return false;
}

static bool
read_field(struct field *field, const char *text, double draw, struct error *err)
{
    struct text named = TEXT_EMPTY;
    struct text ranged = TEXT_EMPTY;
    struct text plain = TEXT_EMPTY;
    char *head = memory_copy_string(text);
    bool ok = false;

    if (!cut_nth(field, head, err) || !replace_names(field, head, &named, err) ||
        !check_characters(field, text_string(&named), err))
        goto out;
    replace_any(field, named.data, &ranged);
    if (!replace_hashes(field, ranged.data, draw, &plain, err) || !add_list(field, text_string(&plain), err))
        goto out;
    if (is_5(field) && has_doubles(field)) {
        (void)refuse("a value stands there twice", err);
        goto out;
    }
    ok = true;
out:
    if (!ok)
        (void)error_add(err, "%s '%s'", field->unit->name, text);
    text_clear(&named);
    text_clear(&ranged);
    text_clear(&plain);
    free(head);
    return ok;
}

/* --- The fields together --- */

/* Days that the only month never has go. 4 refuses if the first one is such a day, and takes a "5L" for one; 5 if all are. */
static bool
fit_days(struct field *day, const struct field *month, bool any_weekday, struct error *err)
{
    int first = 1;
    int most = 31;

    if (month->numbers != 1)
        return true;
    while (first <= 12 && month->times[first] == 0)
        first++;
    most = calendar_month_days(2000, first); /* with 29 February */
    for (first = 1; first < 31 && day->times[first] == 0;)
        first++;
    if (day->numbers > 0 && first > most && (!is_5(day) || (any_weekday && day->lasts == 0)))
        return error_set(err, ERROR_CONFIG, "day of month '%d' is in none of the months", first);
    for (int i = most + 1; i <= 31; i++) {
        day->numbers -= day->times[i];
        day->times[i] = 0;
    }
    if (!is_5(day))
        day->lasts = day->bare_lasts;
    return true;
}

static void
take_field(const struct field *field, enum cron_unit unit, struct cron_pattern *out)
{
    for (int i = 0; i <= units[unit].most; i++)
        if (field->times[i] > 0)
            out->values[unit] |= UINT64_C(1) << i;
    out->counts[unit] = field->numbers + field->lasts;
}

static bool
is_any(const char *text)
{
    return strcmp(text, "*") == 0 || strcmp(text, "?") == 0;
}

static bool
read_fields(const char *const texts[CRON_UNITS], const struct cron_options *options, struct cron_pattern *out,
    struct error *err)
{
    /* in this order they draw for H */
    static const enum cron_unit order[] = { CRON_SECOND, CRON_MINUTE, CRON_HOUR, CRON_MONTH, CRON_DAY, CRON_WEEKDAY };
    struct field fields[CRON_UNITS];
    uint32_t random = options->hash_seed != NULL ? cron_hash_seed(options->hash_seed) : 0;
    bool day_has_l = strchr(texts[CRON_DAY], 'L') != NULL;

    *out = (struct cron_pattern){ .dialect = options->dialect };
    out->any_day = is_any(texts[CRON_DAY]);
    out->any_weekday = is_any(texts[CRON_WEEKDAY]);
    for (size_t i = 0; i < CRON_UNITS; i++) {
        struct field *field = &fields[order[i]];

        *field = (struct field){ .options = options, .unit = &units[order[i]], .pattern = out };
        if (!read_field(field, texts[order[i]], cron_hash_draw(&random), err))
            return false;
    }
    if (is_5(&fields[CRON_DAY]) && day_has_l && fields[CRON_DAY].lasts == 0)
        out->last_day = true; /* an L that is cut off ("5L-9") says it all the same */
    if (!fit_days(&fields[CRON_DAY], &fields[CRON_MONTH], out->any_weekday && !out->last_day, err))
        return false;
    out->last_day = out->last_day || fields[CRON_DAY].lasts > 0;
    for (enum cron_unit unit = CRON_SECOND; unit < CRON_UNITS; unit++)
        take_field(&fields[unit], unit, out);
    return true;
}

/* --- The pattern --- */

/* What JavaScript takes for white space. */
static size_t
blank_length(const char *text)
{
    static const char *const blanks[] = { " ", "\t", "\n", "\v", "\f", "\r", "\xC2\xA0", "\xE1\x9A\x80", "\xE2\x80\x80",
        "\xE2\x80\x81", "\xE2\x80\x82", "\xE2\x80\x83", "\xE2\x80\x84", "\xE2\x80\x85", "\xE2\x80\x86", "\xE2\x80\x87",
        "\xE2\x80\x88", "\xE2\x80\x89", "\xE2\x80\x8A", "\xE2\x80\xA8", "\xE2\x80\xA9", "\xE2\x80\xAF", "\xE2\x81\x9F",
        "\xE3\x80\x80", "\xEF\xBB\xBF" };

    for (size_t i = 0; i < sizeof(blanks) / sizeof(blanks[0]); i++)
        if (strncmp(text, blanks[i], strlen(blanks[i])) == 0)
            return strlen(blanks[i]);
    return 0;
}

/* Cuts the text into words in place. Returns how many there are, at most one more than asked for. */
static size_t
split(char *text, const char *words[], size_t most)
{
    size_t count = 0;
    size_t blank;

    while (*text != '\0') {
        if ((blank = blank_length(text)) > 0) {
            text += blank;
            continue;
        }
        if (count < most)
            words[count] = text;
        if (count++ == most)
            return count;
        while (*text != '\0' && (blank = blank_length(text)) == 0)
            text++;
        if (*text != '\0') {
            *text = '\0';
            text += blank;
        }
    }
    return count;
}

static const char *
resolve_alias(const char *pattern, enum cron_dialect dialect)
{
    for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
        if (strcmp(pattern, aliases[i].name) == 0 && (dialect == CRON_PARSER_5 || !aliases[i].only_in_5))
            return aliases[i].pattern;
    return pattern;
}

static bool
read_words(char *text, const struct cron_options *options, struct cron_pattern *out, struct error *err)
{
    static const char *const defaults[CRON_UNITS] = { "0", "*", "*", "*", "*", "*" };
    bool strict = options->strict && options->dialect == CRON_PARSER_5;
    const char *words[CRON_UNITS];
    const char *fields[CRON_UNITS];
    bool is_empty = *text == '\0';
    size_t count = split(text, words, CRON_UNITS);

    if (count > CRON_UNITS)
        return refuse("more than 6 fields", err);
    if (strict && count < CRON_UNITS)
        return refuse("fewer than 6 fields", err);
    if (count == 0 && !is_empty && options->dialect == CRON_PARSER_5)
        return refuse("nothing but blanks", err);
    for (size_t i = 0; i < CRON_UNITS; i++)
        fields[i] = i < CRON_UNITS - count ? defaults[i] : words[i - (CRON_UNITS - count)];
    if (strict && strcmp(fields[CRON_DAY], "*") != 0 && strcmp(fields[CRON_WEEKDAY], "*") != 0)
        return refuse("both days of the month and days of the week", err);
    return read_fields(fields, options, out, err);
}

bool
cron_pattern_parse(
    const char *pattern, size_t length, const struct cron_options *options, struct cron_pattern *out, struct error *err)
{
    char *whole = memory_copy(pattern, length);
    char *text = memory_copy_string(resolve_alias(whole, options->dialect));
    bool ok;

    if (strlen(whole) != length)
        ok = refuse("a NUL byte", err);
    else if (length > LENGTH_MAX_5 && options->dialect == CRON_PARSER_5)
        ok = refuse("longer than 1024 bytes", err);
    else
        ok = read_words(text, options, out, err);
    if (!ok)
        (void)error_add(err, "cron pattern '%.200s'", whole);
    free(text);
    free(whole);
    return ok;
}
