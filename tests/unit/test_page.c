#include "tests/unit/test.h"

#include <inttypes.h>
#include <string.h>

#include "consumer/health.h"
#include "consumer/page.h"
#include "consumer/plot.h"

static const struct wall now = { .ms = 1795382600905 };

static struct text
page_of(const char *json)
{
    json_t *health = json_loads(json, 0, NULL);
    struct text out = TEXT_EMPTY;

    assert_non_null(health);
    page_add(health, now, &out);
    json_decref(health);
    return out;
}

static void
assert_shows(const struct text *page, const char *words)
{
    if (strstr(text_string(page), words) == NULL)
        fail_msg("no '%s' in:\n%s", words, text_string(page));
}

static void
times_are_read_as_they_are_written(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } times[] = { { "2026-11-22T21:23:20.905Z", 1795382600905 }, { "1970-01-01T00:00:00.000Z", 0 },
        { "2026-11-22T21:23:20Z", 1795382600000 }, { "2026-11-22T21:23:20.", -1 }, { "2026-11-22T21:23:20.9", -1 },
        { "2026-11-22", -1 }, { "", -1 } };

    (void)state;
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        json_t *time = json_string(times[i].text);

        assert_int_equal(health_time_ms(time), times[i].ms);
        json_decref(time);
    }
    assert_int_equal(health_time_ms(NULL), -1);
}

static void
a_worker_that_knows_nothing_yet_says_so(void **state)
{
    struct text page =
        page_of("{\"ready\":false,\"problems\":[{\"about\":\"facts\",\"text\":\"nobody has looked yet\"}]}");

    (void)state;
    assert_shows(&page, "<span class=\"pill bad\">Not ready</span>");
    assert_shows(&page, "<li><b>facts</b> nobody has looked yet</li>");
    assert_shows(&page, "Last good backup</div><div class=\"value\">–</div>");
    text_clear(&page);
}

static void
an_installation_without_schedules_or_runs_is_no_riddle(void **state)
{
    struct text page = page_of("{\"ready\":true,\"problems\":[],\"facts\":{\"schedules\":[],\"runs\":[]}}");

    (void)state;
    assert_shows(&page, "<span class=\"pill good\">Ready</span>");
    assert_shows(&page, "Last good backup</div><div class=\"value\">None yet</div>");
    assert_shows(&page, "no schedule is enabled");
    assert_null(strstr(text_string(&page), "<table"));
    text_clear(&page);
}

static void
a_run_whose_schedule_is_gone_or_has_no_name_is_listed(void **state)
{
    struct text page = page_of("{\"facts\":{\"schedules\":[{}],\"runs\":[{\"scheduleId\":\"1\",\"status\":\"success\","
                               "\"durationMs\":9223372036854775807,\"sizeBytes\":9223372036854775807},{}]}}");

    (void)state;
    assert_shows(&page, "deleted schedule");
    assert_shows(&page, "<td class=\"number wide\">106751991167 d</td>");
    text_clear(&page);
}

static void
names_are_words_and_no_tags(void **state)
{
    struct text page = page_of("{\"active\":[{\"name\":\"<b>\",\"id\":\"'\",\"startedAt\":\"2026-11-22T21:23:15Z\","
                               "\"progress\":{\"phase\":\"<i>\"}}],\"facts\":"
                               "{\"schedules\":[{\"name\":\"<script>\",\"cron\":\"\\\"&\",\"enabled\":true}]}}");

    (void)state;
    assert_shows(&page, "Running: &#60;b&#62; <span class=\"quiet\">· job &#39;, since 5.9 s<");
    assert_shows(&page, "&#60;script&#62;<small><code>&#34;&#38;</code>");
    assert_null(strstr(text_string(&page), "<script>"));
    text_clear(&page);
}

static void
add_number(struct text *out, int64_t number)
{
    text_format(out, "%" PRId64 " things", number);
}

static struct text
plot_of(const struct plot_bar *bars, size_t count)
{
    const struct plot plot = {
        .class = "size", .title = "Things & more", .add_value = add_number, .bars = bars, .count = count
    };
    struct text out = TEXT_EMPTY;

    plot_add(&out, &plot);
    return out;
}

static void
the_greatest_value_is_as_high_as_the_plot_and_none_has_no_bar(void **state)
{
    const struct plot_bar bars[] = { { .value = 50, .at_ms = 0 }, { .value = -1 }, { .value = 100, .at_ms = 60000 },
        { .value = -1, .at_ms = 120000, .failed = true }, { .value = 0, .at_ms = -1 } };
    struct text plot = plot_of(bars, 5);

    (void)state;
    assert_shows(&plot, "aria-label=\"Things &#38; more\"");
    assert_shows(
        &plot, "y=\"78.0\" width=\"17.6\" height=\"66.0\" rx=\"1.5\"><title>1 Jan 1970, 00:00 UTC: 50 things<");
    assert_shows(
        &plot, "y=\"12.0\" width=\"17.6\" height=\"132.0\" rx=\"1.5\"><title>1 Jan 1970, 00:01 UTC: 100 things<");
    assert_shows(&plot, "<rect class=\"failed\" ");
    assert_shows(&plot, "00:02 UTC: failed</title>");
    assert_shows(&plot, "height=\"1.0\" rx=\"1.5\"><title>–: 0 things<");
    text_clear(&plot);
}

static void
a_plot_of_nothing_or_of_zeros_is_a_line(void **state)
{
    const struct plot_bar zero = { .value = 0, .at_ms = 0 };
    struct text plot = plot_of(NULL, 0);

    (void)state;
    assert_shows(&plot, "<line ");
    assert_null(strstr(text_string(&plot), "<rect"));
    text_clear(&plot);
    plot = plot_of(&zero, 1);
    assert_shows(&plot, "height=\"1.0\"");
    assert_null(strstr(text_string(&plot), "nan"));
    text_clear(&plot);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_read_as_they_are_written),
        cmocka_unit_test(a_worker_that_knows_nothing_yet_says_so),
        cmocka_unit_test(an_installation_without_schedules_or_runs_is_no_riddle),
        cmocka_unit_test(a_run_whose_schedule_is_gone_or_has_no_name_is_listed),
        cmocka_unit_test(names_are_words_and_no_tags),
        cmocka_unit_test(the_greatest_value_is_as_high_as_the_plot_and_none_has_no_bar),
        cmocka_unit_test(a_plot_of_nothing_or_of_zeros_is_a_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
