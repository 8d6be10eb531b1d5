#include "protocol/cron_pattern.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/memory.h"
#include "common/text.h"
#include "protocol/calendar.h"
#include "protocol/cron_hash.h"
#include "protocol/cron_list.h"

#define LENGTH_MAX_5 1024 /* bytes of a pattern */

#define MONTHS "janfebmaraprmayjunjulaugsepoctnovdec"
#define WEEKDAYS "sunmontuewedthufrisat"

static const struct unit {
    const char *name;
    int least;
    int most;
    const char *letters[2]; /* that it may have beside digits and ",*-/", by dialect */
    const char *names;      /* three letters each, from `least` on; NULL: none */
    const char *foreign;    /* the same, which 5 takes beside */
    int foreign_least;
} units[CRON_UNITS] = {
    [CRON_SECOND] = { "second", 0, 59, { "", "?H" }, NULL, NULL, 0 },
    [CRON_MINUTE] = { "minute", 0, 59, { "", "?H" }, NULL, NULL, 0 },
    [CRON_HOUR] = { "hour", 0, 23, { "", "?H" }, NULL, NULL, 0 },
    [CRON_DAY] = { "day of month", 1, 31, { "?L", "?LH" }, NULL, NULL, 0 },
    [CRON_MONTH] = { "month", 1, 12, { "", "?H" }, MONTHS, WEEKDAYS, 0 },
    [CRON_WEEKDAY] = { "day of week", 0, 7, { "?L", "?LH" }, WEEKDAYS, MONTHS, 1 },
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
    int nth; /* as in struct cron_pattern */
    struct cron_list list;
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

    while (*at != '\0' && ((*at >= '0' && *at <= '9') || strchr(",*-/", *at) != NULL || strchr(letters, *at) != NULL ||
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

/* "5#2" is a 5 in the second week. Cuts it at the #. */
static bool
cut_nth(struct field *field, char *text, struct error *err)
{
    char *hash = strchr(text, '#');
    int64_t nth;

    if (field->unit != &units[CRON_WEEKDAY] || hash == NULL)
        return true;
    if (strpbrk(text, ",-/") != NULL)
        return refuse("# has no place in a list, a range or a step", err);
    if (!text_parse_integer(hash + 1, strlen(hash + 1), 1, 5, &nth))
        return refuse("behind the # is no number from 1 to 5", err);
    field->nth = (int)nth;
    *hash = '\0';
    return true;
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
    replace_any(field, text_string(&named), &ranged);
    if (!replace_hashes(field, text_string(&ranged), draw, &plain, err) ||
        !cron_list_read(&field->list, text_string(&plain), err))
        goto out;
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

static int
first_number(const struct cron_list *list)
{
    int number = 0;

    while (number < list->most && list->times[number] == 0)
        number++;
    return number;
}

/* Days that a single month never has go. 4 refuses if there is no other, and takes a "5L" for one; 5 if no weekday will help. */
static bool
fit_days(struct cron_list *days, const struct cron_list *months, bool any_weekday, struct error *err)
{
    int most = months->numbers == 1 ? calendar_month_days(2000, first_number(months)) : 31; /* with 29 February */
    bool as_5 = days->dialect == CRON_PARSER_5;
    bool none_fits = days->numbers > 0 && first_number(days) > most;

    if (none_fits && (!as_5 || (any_weekday && days->lasts == 0)))
        return error_set(err, ERROR_CONFIG, "day of month '%d': the month never has it", first_number(days));
    if (months->numbers != 1 || (none_fits && days->lasts == 0))
        return true;
    for (int number = most + 1; number <= 31; number++) {
        days->numbers -= days->times[number];
        days->times[number] = 0;
    }
    if (!as_5)
        days->lasts = days->bare_lasts;
    return true;
}

static bool
take_values(const struct field *field, const char *text, uint64_t *values, struct error *err)
{
    for (int number = 0; number <= field->unit->most; number++) {
        if (field->list.times[number] > 1 && is_5(field))
            return error_set(err, ERROR_CONFIG, "%s '%s': %d stands there twice", field->unit->name, text, number);
        if (field->list.times[number] > 0)
            *values |= UINT64_C(1) << number;
    }
    return true;
}

static bool
is_any(const char *text)
{
    return strcmp(text, "*") == 0 || strcmp(text, "?") == 0;
}

/* What the fields say together. */
static bool
join_fields(
    struct field fields[CRON_UNITS], const char *const texts[CRON_UNITS], struct cron_pattern *out, struct error *err)
{
    /* to 5 an L that is cut off, as in 5L-9, says it all the same */
    bool has_l = is_5(&fields[CRON_DAY]) && strchr(texts[CRON_DAY], 'L') != NULL;

    out->any_day = is_any(texts[CRON_DAY]);
    out->any_weekday = is_any(texts[CRON_WEEKDAY]);
    out->nth = fields[CRON_WEEKDAY].nth;
    out->last_weekdays = fields[CRON_WEEKDAY].list.last_weekdays;
    out->lone_last = fields[CRON_WEEKDAY].list.lone_last;
    if (!fit_days(&fields[CRON_DAY].list, &fields[CRON_MONTH].list, out->any_weekday && !has_l, err))
        return false;
    out->last_day = has_l || fields[CRON_DAY].list.lasts > 0;
    for (size_t i = 0; i < CRON_UNITS; i++) {
        if (!take_values(&fields[i], texts[i], &out->values[i], err))
            return false;
        out->counts[i] = fields[i].list.numbers + fields[i].list.lasts;
    }
    return true;
}

static bool
read_fields(const char *const texts[CRON_UNITS], const struct cron_options *options, struct cron_pattern *out,
    struct error *err)
{
    /* in this order they draw for H */
    static const enum cron_unit order[] = { CRON_SECOND, CRON_MINUTE, CRON_HOUR, CRON_MONTH, CRON_DAY, CRON_WEEKDAY };
    struct field fields[CRON_UNITS];
    uint32_t random = options->hash_seed != NULL ? cron_hash_seed(options->hash_seed) : 0;

    *out = (struct cron_pattern){ .dialect = options->dialect };
    for (size_t i = 0; i < CRON_UNITS; i++) {
        enum cron_unit unit = order[i];

        fields[unit] = (struct field){ .options = options, .unit = &units[unit] };
        cron_list_init(&fields[unit].list, options->dialect, unit, units[unit].least, units[unit].most);
        if (!read_field(&fields[unit], texts[unit], cron_hash_draw(&random), err))
            return false;
    }
    return join_fields(fields, texts, out, err);
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

/* Then it is the likelier mistake. */
static bool
add_too_few(size_t count, struct error *err)
{
    return error_add(err, "%zu field%s where 5 or 6 are usual", count, count == 1 ? "" : "s");
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
    if (!read_fields(fields, options, out, err))
        return count >= CRON_FIELDS_LEAST || *text == '@' ? false : add_too_few(count, err);
    out->written = count;
    return true;
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
