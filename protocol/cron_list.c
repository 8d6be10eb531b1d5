#include "protocol/cron_list.h"

#include <string.h>

#define VALUES_MAX_5 256 /* of a field */
#define NUMBER_MOST 1000000

void
cron_list_init(struct cron_list *list, enum cron_dialect dialect, enum cron_unit unit, int least, int most)
{
    *list = (struct cron_list){ .dialect = dialect, .is_weekday = unit == CRON_WEEKDAY, .least = least, .most = most };
}

static bool
is_5(const struct cron_list *list)
{
    return list->dialect == CRON_PARSER_5;
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
read_number(const struct cron_list *list, const char *text, size_t length, int *number)
{
    size_t count = digits_of(text, length);

    *number = number_of(text, count);
    return is_5(list) ? count > 0 : count == length;
}

/* --- Values --- */

static void
add_number(struct cron_list *list, int number)
{
    list->times[number]++;
    list->numbers++;
}

static bool
add_range(struct cron_list *list, int low, int high, int step, struct error *err)
{
    bool with_sunday = list->is_weekday && high % 7 == 0 && (!is_5(list) || (high - low) % step == 0);

    if (low < list->least || high > list->most || low > high)
        return error_set(err, ERROR_CONFIG, "the range %d-%d is not an ascending one within %d-%d", low, high,
            list->least, list->most);
    if (with_sunday)
        add_number(list, 0);
    for (int number = low; number <= high; number += step)
        if (number != 0 || !with_sunday)
            add_number(list, number);
    return true;
}

/* "L", "5L": in 4, anything with an L in it. */
static bool
add_last(struct cron_list *list, const char *text, size_t length, struct error *err)
{
    size_t count = digits_of(text, length);
    size_t form = count == 0 ? 0 : (size_t)number_of(text, count) + (count == 1 ? 1 : 11);

    list->lasts++;
    list->bare_lasts += length == 1;
    if (list->is_weekday && count > 0)
        list->last_weekdays |= 1U << (text[0] - '0') % 7;
    else if (list->is_weekday)
        list->lone_last = true;
    if (!is_5(list))
        return true;
    if (count + 1 != length || count > 2)
        return refuse("L has another place", err);
    if (list->lone_last)
        return refuse("L stands behind the number of a weekday, as in 5L", err);
    if (list->last_seen[form])
        return refuse("it stands there twice", err);
    list->last_seen[form] = true;
    return true;
}

static bool
add_single(struct cron_list *list, const char *text, size_t length, struct error *err)
{
    size_t minus = !is_5(list) && text[0] == '-'; /* -0 is a number to 4, which 0 is equal to */
    size_t digits = digits_of(text + minus, length - minus);
    int number = number_of(text + minus, digits);

    if (memchr(text, 'L', length) != NULL && minus == 0)
        return add_last(list, text, length, err);
    if (digits == 0 || minus + digits < length || (minus > 0 && number > 0) || number < list->least ||
        number > list->most)
        return error_set(err, ERROR_CONFIG, "%.*s is not within %d-%d", (int)length, text, list->least, list->most);
    add_number(list, list->is_weekday ? number % 7 : number);
    return true;
}

/* "5-10" and what comes behind a second dash, which is left out; `end` is the end of the text. */
static bool
add_dashed(struct cron_list *list, const char *text, const char *dash, const char *end, int step, struct error *err)
{
    const char *high = dash + 1;
    const char *second_dash = memchr(high, '-', (size_t)(end - high));
    int numbers[2];

    if (second_dash == NULL)
        second_dash = end;
    if (!read_number(list, text, (size_t)(dash - text), &numbers[0]) ||
        !read_number(list, high, (size_t)(second_dash - high), &numbers[1]))
        return error_set(err, ERROR_CONFIG, "%.*s is no range", (int)(end - text), text);
    return add_range(list, numbers[0], numbers[1], step, err);
}

/* "5/10", "5-20/10". */
static bool
add_stepped(struct cron_list *list, const char *text, const char *slash, const char *end, struct error *err)
{
    size_t length = (size_t)(slash - text);
    const char *dash = memchr(text, '-', length);
    int low;
    int step;

    if (memchr(slash + 1, '/', (size_t)(end - slash - 1)) != NULL)
        return refuse("a second step", err);
    if (!is_5(list) && dash == NULL && digits_of(text, length) < length) /* 4 passes over the step of a value like L */
        return add_single(list, text, length, err);
    if (!read_number(list, slash + 1, (size_t)(end - slash - 1), &step) || step == 0)
        return error_set(err, ERROR_CONFIG, "%.*s is no step", (int)(end - slash - 1), slash + 1);
    if (dash != NULL && dash > text)
        return add_dashed(list, text, dash, slash, step, err);
    if (length == 0 || dash != NULL || !read_number(list, text, length, &low))
        return error_set(err, ERROR_CONFIG, "%.*s cannot be stepped from", (int)length, text);
    return add_range(list, low, list->most, step, err);
}

static bool
add_item(struct cron_list *list, const char *text, size_t length, struct error *err)
{
    const char *end = text + length;
    const char *slash = memchr(text, '/', length);
    const char *dash = memchr(text, '-', length);

    if (length == 0)
        return refuse("an item of the list is empty", err);
    if (is_5(list) && list->numbers + list->lasts > VALUES_MAX_5)
        return refuse("too many values", err);
    if (slash != NULL)
        return add_stepped(list, text, slash, end, err);
    if (dash == NULL || (dash == text && !is_5(list)))
        return add_single(list, text, length, err);
    return add_dashed(list, text, dash, end, 1, err);
}

bool
cron_list_read(struct cron_list *list, const char *text, struct error *err)
{
    for (;;) {
        size_t length = strcspn(text, ",");

        if (!add_item(list, text, length, err))
            return false;
        if (text[length] == '\0')
            return true;
        text += length + 1;
    }
}
