#include "consumer/html.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#define UNKNOWN "–"

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)

void
html_add(struct text *out, const char *string)
{
    if (string == NULL)
        string = UNKNOWN;
    while (*string != '\0') {
        size_t plain = strcspn(string, "&<>\"'");

        text_add_bytes(out, string, plain);
        string += plain;
        if (*string != '\0')
            text_format(out, "&#%d;", *string++);
    }
}

void
html_add_duration(struct text *out, int64_t duration_ms)
{
    int64_t minutes = duration_ms / MINUTE_MS + (duration_ms % MINUTE_MS >= MINUTE_MS / 2);

    if (duration_ms < 0)
        text_add(out, UNKNOWN);
    else if (duration_ms < SECOND_MS)
        text_format(out, "%" PRId64 " ms", duration_ms);
    else if (duration_ms < 10 * SECOND_MS)
        text_format(out, "%" PRId64 ".%" PRId64 " s", duration_ms / SECOND_MS, duration_ms % SECOND_MS / 100);
    else if (duration_ms < MINUTE_MS)
        text_format(out, "%" PRId64 " s", duration_ms / SECOND_MS);
    else if (duration_ms < 10 * MINUTE_MS && duration_ms % MINUTE_MS >= SECOND_MS)
        text_format(out, "%" PRId64 " min %" PRId64 " s", duration_ms / MINUTE_MS, duration_ms % MINUTE_MS / SECOND_MS);
    else if (minutes < 60)
        text_format(out, "%" PRId64 " min", minutes);
    else if (minutes < 600 /* ten hours */ && minutes % 60 != 0)
        text_format(out, "%" PRId64 " h %" PRId64 " min", minutes / 60, minutes % 60);
    else if (minutes < 2880) /* two days */
        text_format(out, "%" PRId64 " h", minutes / 60);
    else
        text_format(out, "%" PRId64 " d", duration_ms / DAY_MS);
}

void
html_add_ago(struct text *out, struct wall now, int64_t ms)
{
    int64_t past_ms = now.ms - ms;
    int64_t distance_ms = past_ms < 0 ? -past_ms : past_ms;

    if (ms < 0)
        text_add(out, UNKNOWN);
    else if (distance_ms < 5 * SECOND_MS)
        text_add(out, "just now");
    else {
        text_add(out, past_ms < 0 ? "in " : "");
        if (distance_ms < MINUTE_MS)
            text_format(out, "%" PRId64 " s", distance_ms / SECOND_MS);
        else
            html_add_duration(out, distance_ms / MINUTE_MS * MINUTE_MS);
        text_add(out, past_ms < 0 ? "" : " ago");
    }
}

void
html_add_time(struct text *out, int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    char text[64];
    struct tm parts;

    if (ms < 0 || gmtime_r(&seconds, &parts) == NULL ||
        strftime(text, sizeof(text), "%e %b %Y, %H:%M UTC", &parts) == 0)
        text_add(out, UNKNOWN);
    else
        text_add(out, text[0] == ' ' ? text + 1 : text);
}

void
html_add_size(struct text *out, int64_t bytes)
{
    if (bytes < 0)
        text_add(out, UNKNOWN);
    else
        text_add_size(out, bytes);
}
