#include "common/finding.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {
    [FINDING_OK] = "ok",
    [FINDING_WARN] = "warn",
    [FINDING_BAD] = "bad",
    [FINDING_UNKNOWN] = "unknown",
};

const char *
finding_verdict_name(enum finding_verdict verdict)
{
    return names[verdict];
}

static void add(struct text *out, const char *format, va_list values) PRINTF_LIKE(2, 0);

static void
add(struct text *out, const char *format, va_list values)
{
    char *string = NULL;

    if (vasprintf(&string, format, values) == -1)
        abort(); /* out of memory */
    text_add(out, string);
    free(string);
}

#define ADD(finding, field, format)                                                                                    \
    do {                                                                                                               \
        va_list values;                                                                                                \
        va_start(values, format);                                                                                      \
        add(&(finding)->field, format, values);                                                                        \
        va_end(values);                                                                                                \
    } while (0)

void
finding_ok(struct finding *finding, const char *format, ...)
{
    finding->verdict = FINDING_OK;
    ADD(finding, text, format);
}

void
finding_warn(struct finding *finding, const char *format, ...)
{
    finding->verdict = FINDING_WARN;
    ADD(finding, text, format);
}

void
finding_bad(struct finding *finding, const char *format, ...)
{
    finding->verdict = FINDING_BAD;
    ADD(finding, text, format);
}

void
finding_unknown(struct finding *finding, const char *format, ...)
{
    finding->verdict = FINDING_UNKNOWN;
    ADD(finding, text, format);
}

void
finding_advise(struct finding *finding, const char *format, ...)
{
    ADD(finding, advice, format);
}

void
finding_clear(struct finding *finding)
{
    text_clear(&finding->text);
    text_clear(&finding->advice);
}

void
finding_add_name(struct text *out, size_t place, const char *name)
{
    if (place < FINDING_NAMES_MOST)
        text_format(out, "%s'%s'", place == 0 ? "" : ", ", name);
}

void
finding_end_names(struct text *out, size_t count)
{
    if (count > FINDING_NAMES_MOST)
        text_format(out, " and %zu more", count - FINDING_NAMES_MOST);
}

#define SKEW_MS 2000 /* less is as good as clocks and networks are */
#define SKEW_BAD_MS 60000

void
finding_judge_skew(struct finding *finding, const char *whose, int64_t skew_ms)
{
    int64_t size_ms = skew_ms < 0 ? -skew_ms : skew_ms;
    const char *side = skew_ms < 0 ? "behind" : "ahead of";

    if (size_ms < SKEW_MS)
        finding_ok(finding, "%s' clock and ours agree", whose);
    else if (size_ms < SKEW_BAD_MS)
        finding_warn(finding, "%s' clock is %.1f s %s ours", whose, (double)size_ms / 1000, side);
    else
        finding_bad(finding, "%s' clock is %.0f s %s ours: schedules fire at the wrong time", whose,
            (double)size_ms / 1000, side);
    if (size_ms >= SKEW_MS)
        finding_advise(finding, "have both hosts take their time from NTP");
}

/* --- JSON --- */

/* What is no UTF-8 becomes U+FFFD. */
static json_t *
describe_text(const struct text *text)
{
    struct text clean = TEXT_EMPTY;
    json_t *value;

    if (text->length == 0)
        return json_null();
    text_add_utf8(&clean, text->data, text->length);
    value = json_string(text_string(&clean));
    text_clear(&clean);
    return value;
}

json_t *
finding_describe(const struct finding *finding)
{
    return json_pack("{s:s, s:s, s:s, s:o, s:o}", "about", finding->about, "check", finding->check, "verdict",
        names[finding->verdict], "text", describe_text(&finding->text), "advice", describe_text(&finding->advice));
}

bool
finding_read(const json_t *object, struct finding *out)
{
    const char *verdict = json_string_value(json_object_get(object, "verdict"));
    const char *text = json_string_value(json_object_get(object, "text"));
    const char *advice = json_string_value(json_object_get(object, "advice"));
    unsigned known = 0;

    *out = (struct finding){ .about = json_string_value(json_object_get(object, "about")),
        .check = json_string_value(json_object_get(object, "check")) };
    while (verdict != NULL && known < FINDING_VERDICTS && strcmp(verdict, names[known]) != 0)
        known++;
    if (out->about == NULL || out->check == NULL || verdict == NULL || known == FINDING_VERDICTS || text == NULL)
        return false;
    out->verdict = (enum finding_verdict)known;
    text_add(&out->text, text);
    text_add(&out->advice, advice == NULL ? "" : advice);
    return true;
}
