#include "cli/doctor_page.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cli/answer.h"
#include "cli/screen.h"

#define VERDICT_COLUMNS 6
#define CHECK_COLUMNS 14
#define INDENT (2 + VERDICT_COLUMNS + CHECK_COLUMNS)
#define LEAST_COLUMNS 24 /* for the text; a terminal that is narrower than all this wraps by itself */
#define ARROW "\xE2\x86\x92 "

static const struct {
    const char *label;
    enum screen_style style;
} verdicts[] = {
    [FINDING_OK] = { "ok", SCREEN_GOOD },
    [FINDING_WARN] = { "warn", SCREEN_WARN },
    [FINDING_BAD] = { "bad", SCREEN_BAD },
    [FINDING_UNKNOWN] = { "?", SCREEN_DIM },
};

struct doctor_page
doctor_page_new(bool json)
{
    return (struct doctor_page){ .json = json, .began = moment_now(), .findings = json_array() };
}

/* --- Text --- */

/* "rowSecurity" as "row security". */
static void
add_label(const char *check, struct text *out)
{
    for (const char *c = check; *c != '\0'; c++)
        if (isupper((unsigned char)*c))
            text_format(out, " %c", tolower((unsigned char)*c));
        else
            text_add_bytes(out, c, 1);
}

/* Words in lines of `width` columns, each but the first behind `indent` blanks. */
static void
add_wrapped(const char *string, size_t indent, size_t width, struct text *out)
{
    struct text word = TEXT_EMPTY;
    size_t used = 0;

    while (*string != '\0') {
        size_t length = strcspn(string, " ");
        struct text bytes = TEXT_EMPTY;
        size_t columns;

        text_reset(&word);
        text_add_bytes(&bytes, string, length);
        columns = screen_add_line(&word, text_string(&bytes), SCREEN_ENDLESS);
        text_clear(&bytes);
        if (used > 0 && width - used < columns + 1) {
            text_format(out, "\n%*s", (int)indent, "");
            used = 0;
        } else if (used > 0) {
            text_add(out, " ");
            used++;
        }
        text_add(out, text_string(&word));
        used = columns < width - used ? used + columns : width; /* a word may be longer than the line */
        string += length + strspn(string + length, " ");
    }
    text_add(out, "\n");
    text_clear(&word);
}

static void
add_finding(const struct finding *finding, size_t width, bool coloured, struct text *out)
{
    enum screen_style style = verdicts[finding->verdict].style;
    size_t room = width == SCREEN_ENDLESS || width < INDENT + LEAST_COLUMNS ? SCREEN_ENDLESS : width - INDENT;
    size_t arrow = 2;
    struct text label = TEXT_EMPTY;

    add_label(finding->check, &label);
    text_format(out, "  %s%-*s%s%-*s", coloured ? screen_style_start(style) : "", VERDICT_COLUMNS,
        verdicts[finding->verdict].label, coloured ? screen_style_end(style) : "", CHECK_COLUMNS, text_string(&label));
    add_wrapped(text_string(&finding->text), INDENT, room, out);
    if (finding->advice.length > 0) {
        text_format(out, "%*s" ARROW, INDENT, "");
        add_wrapped(text_string(&finding->advice), INDENT + arrow, room == SCREEN_ENDLESS ? room : room - arrow, out);
    }
    text_clear(&label);
}

static void
show(struct doctor_page *page, const struct finding *finding)
{
    struct text out = TEXT_EMPTY;

    if (strcmp(page->about, finding->about) != 0) {
        (void)snprintf(page->about, sizeof(page->about), "%s", finding->about);
        page->about[0] = (char)toupper((unsigned char)page->about[0]);
        screen_add_styled(&out, SCREEN_BOLD, page->about);
        text_add(&out, "\n");
        page->about[0] = finding->about[0];
    }
    add_finding(finding, screen_width(), screen_has_colours(), &out);
    (void)fputs(text_string(&out), stdout);
    (void)fflush(stdout); /* command_finish() tells if that failed */
    text_clear(&out);
}

/* Shows what was held back. */
static void
let_go(struct doctor_page *page)
{
    struct finding finding = { .about = page->held.about, .check = page->held.check };

    if (page->held.count > 1)
        (void)snprintf(page->held.check, sizeof(page->held.check), "%zu checks", page->held.count);
    if (page->held.count > 0) {
        finding_unknown(&finding, "%s", text_string(&page->held.text));
        show(page, &finding);
    }
    page->held.count = 0;
    text_clear(&page->held.text);
    finding_clear(&finding);
}

static void
hold(struct doctor_page *page, const struct finding *finding)
{
    if (strcmp(page->held.about, finding->about) != 0 ||
        strcmp(text_string(&page->held.text), text_string(&finding->text)) != 0)
        let_go(page);
    if (page->held.count++ > 0)
        return;
    (void)snprintf(page->held.about, sizeof(page->held.about), "%s", finding->about);
    (void)snprintf(page->held.check, sizeof(page->held.check), "%s", finding->check);
    text_add(&page->held.text, text_string(&finding->text));
}

void
doctor_page_add(struct doctor_page *page, const struct finding *finding)
{
    page->counts[finding->verdict]++;
    if (page->json)
        (void)json_array_append_new(page->findings, finding_describe(finding));
    else if (finding->verdict == FINDING_UNKNOWN)
        hold(page, finding);
    else {
        let_go(page);
        show(page, finding);
    }
}

/* --- The end --- */

static void
print_json(struct doctor_page *page)
{
    json_t *object = json_pack("{s:o, s:I}", "at", answer_time(true, wall_now()), "tookMs",
        (json_int_t)moment_ms_between(page->began, moment_now()));

    for (unsigned i = 0; i < FINDING_VERDICTS; i++)
        (void)json_object_set_new(object, finding_verdict_name(i), json_integer((json_int_t)page->counts[i]));
    (void)json_object_set(object, "findings", page->findings);
    answer_print(object);
}

static void
print_summary(const struct doctor_page *page)
{
    static const char *const words[] = { [FINDING_OK] = "ok",
        [FINDING_WARN] = "to be looked at",
        [FINDING_BAD] = "bad",
        [FINDING_UNKNOWN] = "not checked" };
    struct text out = TEXT_EMPTY;
    struct text part = TEXT_EMPTY;

    for (unsigned i = 0; i < FINDING_VERDICTS; i++)
        if (page->counts[i] > 0) {
            text_reset(&part);
            text_format(&part, "%zu %s", page->counts[i], words[i]);
            text_add(&out, out.length == 0 ? "\n" : ", ");
            screen_add_styled(&out, verdicts[i].style, text_string(&part));
        }
    (void)puts(text_string(&out));
    text_clear(&part);
    text_clear(&out);
}

bool
doctor_page_finish(struct doctor_page *page)
{
    if (page->json)
        print_json(page);
    else {
        let_go(page);
        print_summary(page);
    }
    json_decref(page->findings);
    return page->counts[FINDING_BAD] == 0;
}
