/* What doctor makes of the schedules: whether the queue has them, and whether backups come of them. */
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "jobs/doctor_checks.h"
#include "jobs/due.h"
#include "jobs/ledger_look.h"

static const char *
text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* --- In the queue --- */

/* Names of schedules and schedulers, by what is wrong with them. */
struct complaints {
    struct text silent; /* not in the queue, or never firing again */
    size_t silent_count;
    struct text different; /* with what the queue has */
    size_t different_count;
    struct text strays; /* with why they should not be there */
    size_t stray_count;
};

static void
note_schedule_of_queue(const json_t *schedule, struct complaints *out)
{
    const char *name = text_of(schedule, "name");
    const char *state = text_of(schedule, "state");
    struct text text = TEXT_EMPTY;

    if (strcmp(state, "missing") == 0 || strcmp(state, "dead") == 0)
        finding_add_name(&out->silent, out->silent_count++, name);
    if (strcmp(state, "different") == 0) {
        text_format(&text, "%s: %s", name, text_of(schedule, "why"));
        finding_add_name(&out->different, out->different_count++, text_string(&text));
    }
    text_clear(&text);
}

static void
note_all(const json_t *seen, struct complaints *out)
{
    const json_t *object;
    size_t i;

    json_array_foreach(json_object_get(seen, "schedules"), i, object)
    {
        note_schedule_of_queue(object, out);
    }
    json_array_foreach(json_object_get(seen, "strays"), i, object)
    {
        struct text text = TEXT_EMPTY;

        text_format(&text, "%s: %s", text_of(object, "state"), text_of(object, "scheduler"));
        finding_add_name(&out->strays, out->stray_count++, text_string(&text));
        text_clear(&text);
    }
    finding_end_names(&out->silent, out->silent_count);
    finding_end_names(&out->different, out->different_count);
    finding_end_names(&out->strays, out->stray_count);
}

static void
tell_complaints(const struct complaints *complaints, size_t schedules, struct finding *finding)
{
    if (complaints->silent_count > 0) {
        finding_bad(finding, "not in the queue, so they never run: %s", text_string(&complaints->silent));
        finding_advise(finding, "run 'weavestream-backup schedules --repair', or save the schedule again in the app");
    } else if (complaints->different_count > 0) {
        finding_bad(
            finding, "the queue runs them otherwise than the app says: %s", text_string(&complaints->different));
        finding_advise(finding, "save the schedule again in the app");
    } else if (complaints->stray_count > 0) {
        finding_warn(finding, "the queue has schedules that the app has not: %s", text_string(&complaints->strays));
        finding_advise(finding, "run 'weavestream-backup schedules --repair'");
    } else
        finding_ok(finding, "the queue has what the app's schedules ask for (%zu)", schedules);
}

void
doctor_check_schedulers(struct doctor *doctor, struct finding *finding)
{
    struct complaints complaints = { .silent = TEXT_EMPTY };
    struct report verdict = REPORT_EMPTY;
    json_t *seen = NULL;

    ledger_look_perform(doctor->settings, doctor->order->snapshot, doctor->order->length, &verdict);
    if (verdict.type == REPORT_COMPLETED)
        seen = json_loads(verdict.value, 0, NULL);
    if (seen == NULL)
        finding_bad(finding, "the queue and the schedules cannot be compared: %s", verdict.text);
    else {
        note_all(seen, &complaints);
        tell_complaints(&complaints, json_array_size(json_object_get(seen, "schedules")), finding);
    }
    text_clear(&complaints.silent);
    text_clear(&complaints.different);
    text_clear(&complaints.strays);
    json_decref(seen);
    report_clear(&verdict);
}

/* --- Backups --- */

#define MINUTE_MS INT64_C(60000)
#define SKEW_MS MINUTE_MS /* rows may be dated by another clock */

/* One of the facts' schedules. */
struct schedule {
    const char *name;
    const char *problem;
    const char *overdue; /* since when; NULL: it is not */
    struct wall due;     /* when it was, the last time; 0: never, or it is at work on that */
    const json_t *success;
    const json_t *failure;
    bool failed_last;
};

/* Without the ledger's memory nobody knows since when the schedule has been what it is; so this need not be a run that was missed. */
static bool
has_lapsed(const struct schedule *schedule)
{
    char due[WALL_ISO_SIZE];

    if (schedule->due.ms == 0)
        return false;
    wall_format_iso((struct wall){ .ms = schedule->due.ms - SKEW_MS }, due);
    return strcmp(text_of(schedule->success, "createdAt"), due) < 0;
}

/* Adds what is wrong with it, if anything is. `is_bad` false: that may be as it should. */
static void
judge_schedule(const struct schedule *schedule, struct text *out, bool *is_bad)
{
    const char *reason = text_of(schedule->failure, "error");

    *is_bad = true;
    if (schedule->problem != NULL)
        text_format(out, "'%s' cannot be followed: %s", schedule->name, schedule->problem);
    else if (schedule->failed_last)
        text_format(out, "'%s' failed last: %s", schedule->name, reason == NULL ? "no reason given" : reason);
    else if (schedule->overdue != NULL)
        text_format(out, "'%s' has not run since it was due at %s", schedule->name, schedule->overdue);
    else if (json_is_null(schedule->success)) {
        text_format(out, "'%s' has never run", schedule->name);
        *is_bad = false;
    } else if (has_lapsed(schedule)) {
        char due[WALL_ISO_SIZE];

        wall_format_iso(schedule->due, due);
        text_format(out, "'%s' was due at %s, and its last success is of %s", schedule->name, due,
            text_of(schedule->success, "createdAt"));
        *is_bad = false;
    }
}

/* The last time it was due and must have been done by now. */
static struct wall
find_due(const json_t *schedule, struct timezones *zones, int64_t grace_ms)
{
    const struct wall until = { .ms = wall_now().ms - grace_ms };
    const json_t *runs = json_object_get(schedule, "runs");
    struct wall latest = { .ms = 0 };
    struct due due;
    struct error none; /* that it cannot be followed, the facts tell */

    if (json_integer_value(json_object_get(runs, "queued")) + json_integer_value(json_object_get(runs, "running")) ==
            0 &&
        due_parse(&due, zones, CRON_PARSER_4, text_of(schedule, "cron"), text_of(schedule, "timezone"), &none))
        (void)due_latest(&due, (struct wall){ .ms = 0 }, until, &latest);
    return latest;
}

struct tally {
    struct timezones *zones;
    int64_t grace_ms;
    size_t enabled;
    struct text bad;
    size_t bad_count;
    struct text untried;
    size_t untried_count;
    const char *first_bad; /* names */
    const char *first_untried;
    const char *newest; /* when the last success was finished; NULL: there is none */
};

static void
note_schedule(const json_t *object, struct tally *tally)
{
    const struct schedule schedule = { .name = text_of(object, "name"),
        .problem = text_of(object, "problem"),
        .overdue = text_of(object, "overdueSince"),
        .due = find_due(object, tally->zones, tally->grace_ms),
        .success = json_object_get(object, "lastSuccess"),
        .failure = json_object_get(object, "lastFailure"),
        .failed_last = json_is_true(json_object_get(object, "failedLast")) };
    const char *finished = text_of(schedule.success, "finishedAt");
    struct text wrong = TEXT_EMPTY;
    bool is_bad;

    judge_schedule(&schedule, &wrong, &is_bad);
    tally->enabled++;
    if (finished != NULL && (tally->newest == NULL || strcmp(finished, tally->newest) > 0))
        tally->newest = finished;
    if (wrong.length > 0) {
        struct text *out = is_bad ? &tally->bad : &tally->untried;
        size_t *count = is_bad ? &tally->bad_count : &tally->untried_count;
        const char **first = is_bad ? &tally->first_bad : &tally->first_untried;

        *first = *count == 0 ? schedule.name : *first;
        if ((*count)++ < FINDING_NAMES_MOST)
            text_format(out, "%s%s", out->length == 0 ? "" : "; ", text_string(&wrong));
    }
    text_clear(&wrong);
}

static void
tell_tally(const struct tally *tally, struct finding *finding)
{
    if (tally->enabled == 0) {
        finding_bad(finding, "no schedule is enabled: nothing is backed up by itself");
        finding_advise(finding, "make one in the app, under Admin, Backups");
    } else if (tally->bad_count > 0) {
        finding_bad(finding, "%zu of %zu schedules: %s", tally->bad_count, tally->enabled, text_string(&tally->bad));
        finding_advise(finding, "mend that, then see a 'Run now' succeed (weavestream-backup enqueue --config '%s')",
            tally->first_bad);
    } else if (tally->untried_count > 0) {
        finding_warn(
            finding, "%zu of %zu schedules: %s", tally->untried_count, tally->enabled, text_string(&tally->untried));
        finding_advise(
            finding, "see a 'Run now' succeed (weavestream-backup enqueue --config '%s')", tally->first_untried);
    } else
        finding_ok(finding, "each of %zu has succeeded when it was last due; newest backup: %s", tally->enabled,
            tally->newest == NULL ? "of a time that is not known" : tally->newest);
}

void
doctor_check_backups(struct doctor *doctor, struct finding *finding)
{
    const json_t *schedules = json_object_get(doctor->facts, "schedules");
    const char *why = text_of(json_object_get(doctor->facts, "postgres"), "error");
    struct tally tally = { .zones = timezones_new(TIMEZONE_FOLDER, getenv("TZ")),
        .grace_ms = doctor->settings->missed_grace_minutes * MINUTE_MS };
    const json_t *schedule;
    size_t i;

    json_array_foreach(schedules, i, schedule)
    {
        if (json_is_true(json_object_get(schedule, "enabled")))
            note_schedule(schedule, &tally);
    }
    if (tally.bad_count > FINDING_NAMES_MOST)
        text_add(&tally.bad, "; and others");
    if (json_is_array(schedules))
        tell_tally(&tally, finding);
    else
        finding_bad(finding, "the schedules cannot be read: %s", why == NULL ? "no facts" : why);
    timezones_free(tally.zones);
    text_clear(&tally.bad);
    text_clear(&tally.untried);
}
