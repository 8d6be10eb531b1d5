/*
 * What the facts program says, and how far jobs are, as metrics and as a page: whatever it is, each line of the metrics is one that Prometheus
 * reads, and the page has no tag but its own.
 */
#include "tests/fuzz/fuzz.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/metrics.h"
#include "consumer/page.h"

/* Past a word of that kind, which has a character at least. */
static const char *
skip_name(const char *at)
{
    size_t length = strspn(at, "abcdefghijklmnopqrstuvwxyz_");

    assert(length > 0);
    return at + length;
}

/* name="value", where the value's quotes, backslashes and line ends are escaped */
static const char *
skip_label(const char *at)
{
    at = skip_name(at);
    assert(at[0] == '=' && at[1] == '"');
    for (at += 2; *at != '"'; at++) {
        assert(*at != '\0' && *at != '\n');
        if (*at == '\\') {
            at++;
            assert(*at == '\\' || *at == '"' || *at == 'n');
        }
    }
    return at + 1;
}

/* name{labels} number */
static const char *
skip_sample(const char *at)
{
    char *end;

    at = skip_name(at);
    if (*at == '{') {
        do
            at = skip_label(at + 1);
        while (*at == ',');
        assert(*at++ == '}');
    }
    assert(at[0] == ' ' && (isdigit((unsigned char)at[1]) || at[1] == '-'));
    (void)strtod(at + 1, &end);
    assert(*end == '\n');
    return end + 1;
}

static void
check_metrics(const json_t *health)
{
    struct text out = TEXT_EMPTY;
    const char *at;

    metrics_add(health, &out);
    assert(out.length == strlen(out.data));
    for (at = out.data; *at != '\0';)
        at = strncmp(at, "# ", 2) == 0 ? strchr(at, '\n') + 1 : skip_sample(at);
    text_clear(&out);
}

static void
check_page(const json_t *health)
{
    static const char *const tags[] = { "a", "b", "body", "code", "div", "footer", "h1", "h2", "head", "header", "html",
        "i", "li", "line", "main", "meta", "p", "rect", "section", "small", "span", "style", "svg", "table", "tbody",
        "td", "text", "th", "thead", "title", "tr", "ul", "!DOCTYPE" };
    struct text out = TEXT_EMPTY;

    page_add(health, (struct wall){ .ms = 1795382600905 }, &out);
    assert(out.length == strlen(out.data));
    for (const char *at = strchr(out.data, '<'); at != NULL; at = strchr(at, '<')) {
        size_t length = strcspn(at += at[1] == '/' ? 2 : 1, " >");
        size_t i = 0;

        while (i < sizeof(tags) / sizeof(tags[0]) && (strlen(tags[i]) != length || strncmp(at, tags[i], length) != 0))
            i++;
        assert(i < sizeof(tags) / sizeof(tags[0]));
    }
    text_clear(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *facts = json_loadb((const char *)data, size, 0, NULL);
    json_t *health;

    if (facts == NULL)
        return 0;
    health = json_pack("{s:b, s:O?, s:O?, s:O}", "ready", 0, "problems", json_object_get(facts, "problems"), "active",
        json_object_get(facts, "active"), "facts", facts);
    assert(health != NULL);
    check_metrics(health);
    check_page(health);
    json_decref(health);
    json_decref(facts);
    return 0;
}
