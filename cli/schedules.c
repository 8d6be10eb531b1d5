#include "cli/schedules.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "cli/answer.h"
#include "cli/command.h"
#include "cli/job_program.h"
#include "cli/queue_look.h"
#include "cli/repair.h"
#include "cli/status_view.h"
#include "cli/table.h"

#define NAME "schedules"
#define SOMETHING_WRONG 1

static const char details[] =
    "States: good; disabled; missing: it is not in the queue; dead: it is, but never fires again; different:\n"
    "the queue has another pattern or zone, save the schedule in the app once more; unusable: its pattern or\n"
    "zone cannot be understood; overdue: a run was due and did not happen. Schedules in the queue that should\n"
    "not be there: of deleted or disabled ones, or legacy: a repeatable job of an older version, which makes a\n"
    "schedule run twice.\n"
    "\n"
    "--repair does what a worker with BACKUP_SCHEDULE_REPAIR=full does every hour: missing and dead ones are\n"
    "made, those of deleted and disabled ones removed, missed runs told and made up for (BACKUP_CATCH_UP), rows\n"
    "that nobody will run closed. What is different, unusable or legacy is left to you.\n"
    "\n"
    "With --json: schedules (id, name, enabled, cron, timezone, state, why, nextDue, nextInQueue,\n"
    "overdueSince), strays (scheduler, state, next), repairs (did, what, error; null without --repair), wrong:\n"
    "how much is.\n"
    "\n"
    "Environment: REDIS_URL, REDIS_TLS_CA, DATABASE_URL, BACKUP_STORAGE_DIR, BACKUP_MISSED_GRACE_MINUTES.\n"
    "\n"
    "Exit status: 0 all is good, or was repaired; 1 something is wrong, 64 wrong usage, 69 Redis or Postgres is\n"
    "away, 75 a worker repairs them at this moment, 77 one of them does not let us in, 78 wrong settings, or no\n"
    "such database or tables.";

struct arguments {
    bool repair;
    bool json;
};

static bool
read_arguments(int argc, char **argv, struct arguments *out, int *status)
{
    const struct command_option options[] = {
        { 'r', "repair", NULL, "make what is missing, remove what should not be there", .flag = &out->repair },
        { 'j', "json", NULL, "print one JSON object", .flag = &out->json },
        COMMAND_END,
    };
    const struct command command = { NAME, "[OPTION]...", "Compare the schedules of the app with those in the queue.",
        options, details, 0, 0 };

    *out = (struct arguments){ .repair = false };
    return command_read(&command, argc, argv, status);
}

/* --- Looking --- */

static bool
take_snapshot(struct queue *queue, struct text *out, int *status)
{
    struct error err;

    if (queue_look_snapshot(queue, out, &err))
        return true;
    *status = queue_complain(NAME, &err);
    return false;
}

/* What the ledger sees in the snapshot. NULL: nothing, which has been said. */
static json_t *
look(const struct text *snapshot, int *status)
{
    struct report verdict;
    json_t *seen = NULL;

    job_program_report(NAME, "schedules", snapshot, NULL, NULL, &verdict);
    if (verdict.type == REPORT_COMPLETED)
        seen = json_loads(verdict.value, 0, NULL);
    if (seen == NULL)
        *status = command_complain(NAME, verdict.code == ERROR_NONE ? EX_UNAVAILABLE : command_status(verdict.code),
            "%s", verdict.text == NULL ? "no answer" : verdict.text);
    report_clear(&verdict);
    return seen;
}

static bool
is_state(const json_t *object, const char *state)
{
    const char *is = json_string_value(json_object_get(object, "state"));

    return is != NULL && strcmp(is, state) == 0;
}

static bool
is_wrong(const json_t *schedule)
{
    return (!is_state(schedule, "good") && !is_state(schedule, "disabled")) ||
           json_is_string(json_object_get(schedule, "overdueSince"));
}

static size_t
count_wrong(const json_t *seen)
{
    size_t count = json_array_size(json_object_get(seen, "strays"));
    const json_t *schedule;
    size_t i;

    json_array_foreach(json_object_get(seen, "schedules"), i, schedule) count += is_wrong(schedule) ? 1 : 0;
    return count;
}

/* --- Showing --- */

static void
add_state(const json_t *schedule, struct table *table)
{
    const json_t *overdue = json_object_get(schedule, "overdueSince");
    struct text cell = TEXT_EMPTY;

    text_add(&cell, json_string_value(json_object_get(schedule, "state")));
    if (json_is_string(overdue)) {
        text_add(&cell, ", overdue since ");
        status_view_add_time(&cell, overdue);
    }
    table_add(table,
        is_wrong(schedule)               ? SCREEN_BAD
        : is_state(schedule, "disabled") ? SCREEN_DIM
                                         : SCREEN_GOOD,
        text_string(&cell));
    text_clear(&cell);
}

static void
add_time(const json_t *object, const char *key, struct table *table)
{
    struct text cell = TEXT_EMPTY;

    status_view_add_time(&cell, json_object_get(object, key));
    table_add(table, SCREEN_PLAIN, text_string(&cell));
    text_clear(&cell);
}

static void
add_strays(const json_t *seen, struct table *table)
{
    const json_t *stray;
    size_t i;

    json_array_foreach(json_object_get(seen, "strays"), i, stray)
    {
        table_add(table, SCREEN_PLAIN, json_string_value(json_object_get(stray, "scheduler")));
        table_add(table, SCREEN_PLAIN, NULL);
        table_add(table, SCREEN_PLAIN, NULL);
        add_time(stray, "next", table);
        table_add(table, SCREEN_BAD,
            is_state(stray, "legacy")     ? "legacy: makes a schedule run twice"
            : is_state(stray, "disabled") ? "orphaned: its schedule is disabled"
                                          : "orphaned: its schedule is deleted");
    }
}

static void
print_table(const json_t *seen)
{
    static const struct table_column columns[] = { { .title = "SCHEDULE", .cut = true }, { .title = "CRON" },
        { .title = "ZONE" }, { .title = "NEXT IN QUEUE" }, { .title = "STATE" } };
    struct table table = table_new(columns, sizeof(columns) / sizeof(columns[0]));
    const json_t *schedule;
    size_t i;

    json_array_foreach(json_object_get(seen, "schedules"), i, schedule)
    {
        table_add(&table, SCREEN_PLAIN, json_string_value(json_object_get(schedule, "name")));
        table_add(&table, SCREEN_PLAIN, json_string_value(json_object_get(schedule, "cron")));
        table_add(&table, SCREEN_PLAIN, json_string_value(json_object_get(schedule, "timezone")));
        add_time(schedule, "nextInQueue", &table);
        add_state(schedule, &table);
    }
    add_strays(seen, &table);
    if (table.count == 0)
        (void)puts("There are no schedules: make one in the app, under Admin, Backups.");
    table_print(&table);
    table_clear(&table);
}

/* Why, of those that need a person. */
static void
print_reasons(const json_t *seen)
{
    const char *separator = "\n";
    const json_t *schedule;
    size_t i;

    json_array_foreach(json_object_get(seen, "schedules"), i, schedule)
    {
        const char *why = json_string_value(json_object_get(schedule, "why"));
        struct text line = TEXT_EMPTY;

        if (why == NULL)
            continue;
        (void)screen_add_line(&line, json_string_value(json_object_get(schedule, "name")), SCREEN_ENDLESS);
        text_format(&line, " is %s: ", json_string_value(json_object_get(schedule, "state")));
        (void)screen_add_line(&line, why, SCREEN_ENDLESS);
        (void)printf("%s%s\n", separator, text_string(&line));
        separator = "";
        text_clear(&line);
    }
}

/* The schedule's name in quotes, where `what` is the scheduler of one that the app has. */
static void
add_what(const json_t *seen, const char *what, struct text *out)
{
    const json_t *schedule;
    size_t i;

    json_array_foreach(json_object_get(seen, "schedules"), i, schedule)
    {
        const char *id = json_string_value(json_object_get(schedule, "id"));

        if (strncmp(what, QUEUE_SCHEDULER, strlen(QUEUE_SCHEDULER)) == 0 &&
            strcmp(what + strlen(QUEUE_SCHEDULER), id) == 0) {
            text_add(out, "'");
            (void)screen_add_line(out, json_string_value(json_object_get(schedule, "name")), SCREEN_ENDLESS);
            text_add(out, "'");
            return;
        }
    }
    (void)screen_add_line(out, what, SCREEN_ENDLESS);
}

/* Each on a line: "made 'Nightly'" */
static void
print_repairs(const json_t *repairs, const json_t *seen)
{
    const json_t *repair;
    size_t i;

    json_array_foreach(repairs, i, repair)
    {
        const char *error = json_string_value(json_object_get(repair, "error"));
        const char *did = json_string_value(json_object_get(repair, "did"));
        struct text what = TEXT_EMPTY;

        add_what(seen, json_string_value(json_object_get(repair, "what")), &what);
        if (error == NULL)
            (void)printf("%s %s\n", did, text_string(&what));
        else
            (void)command_complain(NAME, SOMETHING_WRONG, "not %s: %s: %s", did, text_string(&what), error);
        text_clear(&what);
    }
    if (json_array_size(repairs) > 0)
        (void)puts("");
}

/* --- All of it --- */

/* The queue is looked at again afterwards, into `snapshot`. */
static bool
repair(struct queue *queue, struct text *snapshot, json_t *repairs, int *status)
{
    struct error err;

    if (!repair_schedules(queue, snapshot, repairs, &err)) {
        if (err.code == ERROR_CONFLICT)
            *status = command_complain(NAME, EX_TEMPFAIL, "nothing was repaired: %s; try again in a minute", err.text);
        else
            *status = command_complain(NAME, command_status(err.code), "not all could be repaired: %s", err.text);
        return false;
    }
    return take_snapshot(queue, snapshot, status);
}

static int
show(struct queue *queue, void *context)
{
    const struct arguments *arguments = context;
    json_t *repairs = arguments->repair ? json_array() : json_null();
    struct text snapshot = TEXT_EMPTY;
    json_t *seen = NULL;
    int status;

    if (take_snapshot(queue, &snapshot, &status) &&
        (!arguments->repair || repair(queue, &snapshot, repairs, &status)) &&
        (seen = look(&snapshot, &status)) != NULL) {
        size_t wrong = count_wrong(seen);

        status = wrong == 0 ? EX_OK : SOMETHING_WRONG;
        (void)json_object_set(seen, "repairs", repairs);
        (void)json_object_set_new(seen, "wrong", json_integer((json_int_t)wrong));
        if (arguments->json)
            answer_print(json_incref(seen));
        else {
            print_repairs(repairs, seen);
            print_table(seen);
            print_reasons(seen);
        }
    }
    json_decref(seen);
    json_decref(repairs);
    text_clear(&snapshot);
    return status;
}

int
cli_schedules(int argc, char **argv)
{
    struct arguments arguments;
    int status;

    return read_arguments(argc, argv, &arguments, &status)
               ? queue_command(NAME, SETTINGS_WORKER | SETTINGS_JOB, show, &arguments)
               : status;
}
