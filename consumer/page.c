#include "consumer/page.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "consumer/health.h"
#include "consumer/html.h"
#include "consumer/plot.h"

#define RUNS_LISTED 12

static const char style[] =
#include "page.css.inc"
    ;

static const char head[] = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
                           "<meta http-equiv=\"refresh\" content=\"30\"><meta name=\"robots\" content=\"noindex\">"
                           "<title>Backups</title><style>\n";

struct page {
    struct text *out;
    struct wall now;
    const json_t *health;
    const json_t *facts; /* NULL: not known */
};

static const char *
string_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

/* -1: there is none. */
static int64_t
number_of(const json_t *object, const char *name)
{
    const json_t *number = json_object_get(object, name);

    return json_is_integer(number) ? json_integer_value(number) : -1;
}

static int64_t
time_of(const json_t *object, const char *name)
{
    return health_time_ms(json_object_get(object, name));
}

/* --- The top --- */

static void
add_header(const struct page *page)
{
    bool ready = json_is_true(json_object_get(page->health, "ready"));

    text_add(page->out, "<header><h1>Backups</h1>");
    text_format(page->out, "<span class=\"pill %s\">%s</span>", ready ? "good" : "bad", ready ? "Ready" : "Not ready");
    if (json_is_true(json_object_get(page->health, "paused")))
        text_add(page->out, "<span class=\"pill plain\">Queue paused</span>");
    text_add(page->out, "<p class=\"quiet about\">Queue <code>");
    html_add(page->out, string_of(page->health, "queue"));
    text_add(page->out, "</code> · worker started ");
    html_add_ago(page->out, page->now, time_of(page->health, "startedAt"));
    text_add(page->out, "</p></header>");
}

static void
add_problems(const struct page *page)
{
    const json_t *problems = json_object_get(page->health, "problems");
    const json_t *problem;
    size_t i;

    if (json_array_size(problems) == 0)
        return;
    text_add(page->out, "<section class=\"card problems\"><h2>What is wrong</h2><ul>");
    json_array_foreach(problems, i, problem)
    {
        text_add(page->out, "<li><b>");
        html_add(page->out, string_of(problem, "about"));
        text_add(page->out, "</b> ");
        html_add(page->out, string_of(problem, "text"));
        text_add(page->out, "</li>");
    }
    text_add(page->out, "</ul></section>");
}

/* --- Tiles --- */

static void
begin_tile(const struct page *page, const char *label)
{
    text_format(page->out, "<div class=\"card tile\"><div class=\"label\">%s</div><div class=\"value\">", label);
}

static void
add_success_tile(const struct page *page, const json_t *last)
{
    begin_tile(page, "Last good backup");
    if (last == NULL) {
        text_add(page->out, page->facts == NULL ? "–</div>" : "None yet</div>");
        return;
    }
    html_add_ago(page->out, page->now, time_of(last, "finishedAt"));
    text_add(page->out, "</div><div class=\"more\">");
    html_add_size(page->out, number_of(last, "sizeBytes"));
    text_add(page->out, " in ");
    html_add_duration(page->out, number_of(last, "durationMs"));
    text_add(page->out, "</div>");
}

static void
add_due_tile(const struct page *page, const json_t *next)
{
    begin_tile(page, "Next due");
    html_add_ago(page->out, page->now, time_of(next, "nextDue"));
    text_add(page->out, "</div><div class=\"more\">");
    if (next == NULL)
        text_add(page->out, page->facts == NULL ? "not known" : "no schedule is enabled");
    else
        html_add(page->out, string_of(next, "name"));
    text_add(page->out, "</div>");
}

static void
add_space_tile(const struct page *page)
{
    const json_t *directory = json_object_get(page->facts, "directory");
    int64_t free_bytes = number_of(directory, "freeBytes");
    int64_t total_bytes = number_of(directory, "totalBytes");
    int64_t dumps = number_of(directory, "dumps");
    bool low = free_bytes < number_of(directory, "reservedBytes");

    begin_tile(page, "Room left");
    html_add_size(page->out, free_bytes);
    text_add(page->out, "</div>");
    if (free_bytes >= 0 && total_bytes > 0)
        text_format(page->out, "<div class=\"bar%s\"><i style=\"width:%.1f%%\"></i></div>", low ? " low" : "",
            100.0 - (double)free_bytes / (double)total_bytes * 100);
    text_add(page->out, "<div class=\"more\">");
    if (dumps < 0)
        text_add(page->out, "not known");
    else {
        text_add(page->out, "of ");
        html_add_size(page->out, total_bytes);
        text_format(page->out, dumps == 1 ? "; %" PRId64 " dump, " : "; %" PRId64 " dumps, ", dumps);
        html_add_size(page->out, number_of(directory, "dumpBytes"));
    }
    text_add(page->out, "</div>");
}

static void
add_queue_tile(const struct page *page)
{
    const json_t *jobs = json_object_get(page->health, "queueJobs");
    int64_t waiting = number_of(jobs, "waiting");

    begin_tile(page, "Queue");
    if (waiting < 0) {
        text_add(page->out, "–</div><div class=\"more\">not known</div>");
        return;
    }
    text_format(page->out,
        "%" PRId64 " waiting</div><div class=\"more\">%" PRId64 " active, %" PRId64 " delayed, %" PRId64
        " failed</div>",
        waiting + number_of(jobs, "prioritized"), number_of(jobs, "active"), number_of(jobs, "delayed"),
        number_of(jobs, "failed"));
}

static void
add_tiles(const struct page *page)
{
    const json_t *schedules = json_object_get(page->facts, "schedules");
    const json_t *last = NULL;
    const json_t *next = NULL;
    const json_t *schedule;
    size_t i;

    json_array_foreach(schedules, i, schedule)
    {
        const json_t *success = json_object_get(schedule, "lastSuccess");
        int64_t due_ms = time_of(schedule, "nextDue");

        if (json_is_object(success) && time_of(success, "finishedAt") > time_of(last, "finishedAt"))
            last = success;
        if (due_ms >= 0 && (next == NULL || due_ms < time_of(next, "nextDue")))
            next = schedule;
    }
    text_add(page->out, "<div class=\"grid tiles\">");
    add_success_tile(page, last);
    text_add(page->out, "</div>");
    add_due_tile(page, next);
    text_add(page->out, "</div>");
    add_space_tile(page);
    text_add(page->out, "</div>");
    add_queue_tile(page);
    text_add(page->out, "</div></div>");
}

/* --- What runs --- */

static void
add_job(const struct page *page, const json_t *job)
{
    const json_t *progress = json_object_get(job, "progress");
    const char *phase = string_of(progress, "phase");
    int64_t percent = number_of(progress, "percent");

    text_add(page->out, "<section class=\"card\"><h2>Running: ");
    html_add(page->out, string_of(job, "name"));
    text_add(page->out, " <span class=\"quiet\">· job ");
    html_add(page->out, string_of(job, "id"));
    text_add(page->out, ", since ");
    html_add_duration(page->out, page->now.ms - time_of(job, "startedAt"));
    text_add(page->out, "</span></h2>");
    if (percent >= 0 && percent <= 100)
        text_format(page->out, "<div class=\"bar\"><i style=\"width:%" PRId64 "%%\"></i></div>", percent);
    text_add(page->out, "<p class=\"quiet\">");
    html_add(page->out, phase == NULL ? "no progress reported yet" : phase);
    if (percent >= 0)
        text_format(page->out, ", %" PRId64 " %%", percent);
    if (number_of(progress, "bytes") > 0) {
        text_add(page->out, ", ");
        html_add_size(page->out, number_of(progress, "bytes"));
    }
    text_add(page->out, "</p></section>");
}

static void
add_active(const struct page *page)
{
    const json_t *active = json_object_get(page->health, "active");
    const json_t *job;
    size_t i;

    json_array_foreach(active, i, job) add_job(page, job);
}

/* --- Plots --- */

static void
add_plot(const struct page *page, const char *heading, const char *member, const struct plot *plot)
{
    const json_t *runs = json_object_get(page->facts, "runs");
    struct plot_bar *bars = memory_new((json_array_size(runs) + 1) * sizeof(*bars));
    struct plot filled = *plot;

    filled.bars = bars;
    for (size_t i = json_array_size(runs); i > 0; i--) {
        const json_t *run = json_array_get(runs, i - 1);
        const char *status = string_of(run, "status");
        bool failed = status != NULL && strcmp(status, "failed") == 0;

        if (failed || number_of(run, member) >= 0)
            bars[filled.count++] = (struct plot_bar){
                .value = number_of(run, member), .at_ms = time_of(run, "createdAt"), .failed = failed
            };
    }
    text_format(page->out, "<section class=\"card\"><h2>%s</h2>", heading);
    plot_add(page->out, &filled);
    text_add(page->out, "</section>");
    free(bars);
}

static void
add_plots(const struct page *page)
{
    if (json_array_size(json_object_get(page->facts, "runs")) == 0)
        return;
    text_add(page->out, "<div class=\"grid plots\">");
    add_plot(page, "Size of the last runs", "sizeBytes",
        &(struct plot){ .class = "size", .title = "Size of the dumps of the last runs", .add_value = html_add_size });
    add_plot(page, "Duration of the last runs", "durationMs",
        &(struct plot){ .class = "time", .title = "Duration of the last runs", .add_value = html_add_duration });
    text_add(page->out, "</div>");
}

/* --- Tables --- */

static void
add_state_of_schedule(const struct page *page, const json_t *schedule)
{
    const json_t *success = json_object_get(schedule, "lastSuccess");
    bool failing = time_of(json_object_get(schedule, "lastFailure"), "finishedAt") > time_of(success, "finishedAt");

    if (!json_is_true(json_object_get(schedule, "enabled")))
        text_add(page->out, "<span class=\"pill plain\">Disabled</span>");
    else if (string_of(schedule, "problem") != NULL)
        text_add(page->out, "<span class=\"pill bad\">Unusable</span>");
    else if (string_of(schedule, "overdueSince") != NULL)
        text_add(page->out, "<span class=\"pill bad\">Overdue</span>");
    else if (failing)
        text_add(page->out, "<span class=\"pill bad\">Last run failed</span>");
    else if (json_is_object(success))
        text_add(page->out, "<span class=\"pill good\">Good</span>");
    else
        text_add(page->out, "<span class=\"pill plain\">No run yet</span>");
}

static void
add_schedule(const struct page *page, const json_t *schedule)
{
    text_add(page->out, "<tr><td class=\"name\">");
    html_add(page->out, string_of(schedule, "name"));
    text_add(page->out, "<small><code>");
    html_add(page->out, string_of(schedule, "cron"));
    text_add(page->out, "</code> ");
    html_add(page->out, string_of(schedule, "timezone"));
    text_add(page->out, "</small></td><td>");
    add_state_of_schedule(page, schedule);
    text_add(page->out, "</td><td class=\"nowrap wide\">");
    html_add_ago(page->out, page->now, time_of(json_object_get(schedule, "lastSuccess"), "finishedAt"));
    text_add(page->out, "</td><td class=\"nowrap\">");
    html_add_ago(page->out, page->now, time_of(schedule, "nextDue"));
    if (time_of(schedule, "nextDue") >= 0) {
        text_add(page->out, "<small class=\"wide\">");
        html_add_time(page->out, time_of(schedule, "nextDue"));
        text_add(page->out, "</small>");
    }
    text_add(page->out, "</td></tr>");
}

static void
add_schedules(const struct page *page)
{
    const json_t *schedules = json_object_get(page->facts, "schedules");
    const json_t *schedule;
    size_t i;

    if (json_array_size(schedules) == 0)
        return;
    text_add(page->out, "<section class=\"card\"><h2>Schedules</h2><div class=\"table\"><table><thead><tr><th>Name"
                        "<th>State<th class=\"wide\">Last good<th>Next due</thead><tbody>");
    json_array_foreach(schedules, i, schedule) add_schedule(page, schedule);
    text_add(page->out, "</tbody></table></div></section>");
}

static const char *
name_of_schedule(const struct page *page, const char *id)
{
    const json_t *schedules = json_object_get(page->facts, "schedules");
    const json_t *schedule;
    size_t i;

    json_array_foreach(schedules, i, schedule)
    {
        const char *its_id = string_of(schedule, "id");

        if (id != NULL && its_id != NULL && strcmp(its_id, id) == 0)
            return string_of(schedule, "name");
    }
    return "deleted schedule";
}

static void
add_run(const struct page *page, const json_t *run)
{
    const char *status = string_of(run, "status");
    bool failed = status != NULL && strcmp(status, "failed") == 0;
    bool good = status != NULL && strcmp(status, "success") == 0;

    text_add(page->out, "<tr><td class=\"nowrap\">");
    html_add_ago(page->out, page->now, time_of(run, "createdAt"));
    text_add(page->out, "<small class=\"wide\">");
    html_add_time(page->out, time_of(run, "createdAt"));
    text_format(page->out, "</small></td><td><span class=\"pill %s\">", good ? "good" : failed ? "bad" : "plain");
    html_add(page->out, status);
    text_add(page->out, "</span></td><td class=\"name\">");
    html_add(page->out, name_of_schedule(page, string_of(run, "scheduleId")));
    if (string_of(run, "file") != NULL) {
        text_add(page->out, "<small class=\"wide\"><code>");
        html_add(page->out, string_of(run, "file"));
        text_add(page->out, "</code></small>");
    }
    text_add(page->out, "</td><td class=\"number\">");
    html_add_size(page->out, number_of(run, "sizeBytes"));
    text_add(page->out, "</td><td class=\"number wide\">");
    html_add_duration(page->out, number_of(run, "durationMs"));
    text_add(page->out, "</td><td class=\"wide\">");
    html_add(page->out, string_of(run, "verified"));
    text_add(page->out, "</td></tr>");
    if (string_of(run, "error") == NULL)
        return;
    text_add(page->out, "<tr><td class=\"why\" colspan=\"6\">");
    html_add(page->out, string_of(run, "error"));
    text_add(page->out, "</td></tr>");
}

static void
add_runs(const struct page *page)
{
    const json_t *runs = json_object_get(page->facts, "runs");
    const json_t *run;
    size_t i;

    if (json_array_size(runs) == 0)
        return;
    text_add(page->out,
        "<section class=\"card\"><h2>Last runs</h2><div class=\"table\"><table><thead><tr><th>When<th>Outcome"
        "<th>Schedule<th class=\"number\">Size<th class=\"number wide\">Took<th class=\"wide\">Verified"
        "</thead><tbody>");
    json_array_foreach(runs, i, run) if (i < RUNS_LISTED) add_run(page, run);
    text_add(page->out, "</tbody></table></div></section>");
}

static void
add_footer(const struct page *page)
{
    text_add(page->out, "<footer><span>weavestream-backup ");
    html_add(page->out, string_of(page->health, "version"));
    text_add(page->out, "</span><span>Redis ");
    html_add(page->out, string_of(json_object_get(page->health, "redis"), "server"));
    text_add(page->out, "</span><span>Postgres ");
    html_add(page->out, string_of(json_object_get(page->facts, "postgres"), "server"));
    text_add(page->out, "</span><span>Postgres and disk were looked at ");
    html_add_duration(page->out, number_of(page->health, "factsAgeMs"));
    text_add(
        page->out, " ago</span><span><a href=\"/readyz\">readyz</a> <a href=\"/metrics\">metrics</a></span></footer>");
}

void
page_add(const json_t *health, struct wall now, struct text *out)
{
    const json_t *facts = json_object_get(health, "facts");
    const struct page page = { out, now, health, json_is_object(facts) ? facts : NULL };

    text_add(out, head);
    text_add(out, style);
    text_add(out, "</style></head><body><main>");
    add_header(&page);
    add_problems(&page);
    add_tiles(&page);
    add_active(&page);
    add_plots(&page);
    add_schedules(&page);
    add_runs(&page);
    add_footer(&page);
    text_add(out, "</main></body></html>\n");
}
