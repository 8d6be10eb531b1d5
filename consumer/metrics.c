#include "consumer/metrics.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/health.h"

#define PREFIX "weavestream_backup_"

enum kind { GAUGE, COUNTER };

enum unit { NUMBER, YES_NO, MS_AS_SECONDS, TIME, PRESENT }; /* of the JSON value; PRESENT: 1 unless it is null */

static void
add_head(struct text *out, const char *name, enum kind kind, const char *help)
{
    text_format(out, "# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n", name, help, name,
        kind == COUNTER ? "counter" : "gauge");
}

static void
add_label(struct text *out, const char *name, const char *value)
{
    text_format(out, "%s=\"", name);
    for (const char *c = value == NULL ? "" : value; *c != '\0'; c++)
        if (*c == '\n')
            text_add(out, "\\n");
        else {
            if (*c == '"' || *c == '\\')
                text_add(out, "\\");
            text_add_bytes(out, c, 1);
        }
    text_add(out, "\"");
}

static void
add_seconds(struct text *out, int64_t ms)
{
    text_format(
        out, "%s%" PRId64 ".%03d\n", ms < 0 ? "-" : "", ms < 0 ? -(ms / 1000) : ms / 1000, abs((int)(ms % 1000)));
}

/* Whether there is a value, which is then written. */
static bool
has_value(const json_t *value, enum unit unit)
{
    if (unit == PRESENT)
        return value != NULL;
    return unit == YES_NO ? json_is_boolean(value) : unit == TIME ? health_time_ms(value) >= 0 : json_is_integer(value);
}

static void
add_value(struct text *out, const json_t *value, enum unit unit)
{
    switch (unit) {
    case NUMBER:
        text_format(out, "%" JSON_INTEGER_FORMAT "\n", json_integer_value(value));
        return;
    case YES_NO:
        text_add(out, json_is_true(value) ? "1\n" : "0\n");
        return;
    case MS_AS_SECONDS:
        add_seconds(out, json_integer_value(value));
        return;
    case TIME:
        add_seconds(out, health_time_ms(value));
        return;
    case PRESENT:
        text_add(out, json_is_null(value) ? "0\n" : "1\n");
        return;
    }
}

/* "redis.connected" */
static const json_t *
find(const json_t *object, const char *path)
{
    char name[32];

    while (object != NULL && *path != '\0') {
        size_t length = strcspn(path, ".");

        memcpy(name, path, length);
        name[length] = '\0';
        object = json_object_get(object, name);
        path += length + (path[length] == '.');
    }
    return object;
}

/* A family of several rows with the same name has them one after the other. */
struct row {
    const char *name;
    enum kind kind;
    enum unit unit;
    const char *path; /* in the health object; in a schedule's, below */
    const char *label;
    const char *value; /* of the label */
    const char *help;  /* of the first row of its family */
};

/* clang-format off */
static const struct row rows[] = {
    { "ready", GAUGE, YES_NO, "ready", NULL, NULL, "Whether a job that came now would be taken, and nothing is known that would make it fail." },
    { "start_time_seconds", GAUGE, TIME, "startedAt", NULL, NULL, "When the worker started." },
    { "redis_connected", GAUGE, YES_NO, "redis.connected", NULL, NULL, "Whether the worker is connected to Redis." },
    { "redis_waiting", GAUGE, YES_NO, "redis.waiting", NULL, NULL, "Whether the worker takes jobs, or waits for them." },
    { "redis_connects_total", COUNTER, NUMBER, "redis.connects", "connection", "command", "Connections to Redis that were made; all but the first are reconnects." },
    { "redis_connects_total", COUNTER, NUMBER, "redis.waitingConnects", "connection", "waiting", NULL },
    { "loop_lag_seconds", GAUGE, MS_AS_SECONDS, "loop.lagMs", NULL, NULL, "How late the event loop's last tick was." },
    { "lock_renewals_total", COUNTER, NUMBER, "locks.renewals", NULL, NULL, "Renewals of the locks of the active jobs." },
    { "lock_renewal_failures_total", COUNTER, NUMBER, "locks.failures", NULL, NULL, "Renewals that Redis refused." },
    { "locks_lost_total", COUNTER, NUMBER, "locks.lost", NULL, NULL, "Locks that turned out to be somebody else's." },
    { "lock_renewal_lag_seconds", GAUGE, MS_AS_SECONDS, "locks.lateMs", NULL, NULL, "How long after its time the last renewal was sent." },
    { "lock_renewal_answer_seconds", GAUGE, MS_AS_SECONDS, "locks.answerMs", NULL, NULL, "How long Redis took to answer the last renewal." },
    { "attempts_total", COUNTER, NUMBER, "attempts.completed", "outcome", "completed", "Attempts at jobs by this worker; returned: to the queue, for later." },
    { "attempts_total", COUNTER, NUMBER, "attempts.failed", "outcome", "failed", NULL },
    { "attempts_total", COUNTER, NUMBER, "attempts.returned", "outcome", "returned", NULL },
    { "queue_paused", GAUGE, YES_NO, "paused", NULL, NULL, "Whether the queue is paused." },
    { "facts_age_seconds", GAUGE, MS_AS_SECONDS, "factsAgeMs", NULL, NULL, "How long ago Postgres and the backup directory were looked at." },
    { "facts_looks_total", COUNTER, NUMBER, "factsLooks", NULL, NULL, "How often it was done, or tried." },
    { "postgres_up", GAUGE, YES_NO, "facts.postgres.reachable", NULL, NULL, "Whether Postgres could be reached." },
    { "postgres_response_seconds", GAUGE, MS_AS_SECONDS, "facts.postgres.responseMs", NULL, NULL, "How long it took to connect to Postgres." },
    { "directory_writable", GAUGE, YES_NO, "facts.directory.writable", NULL, NULL, "Whether the backup directory can be written to." },
    { "directory_free_bytes", GAUGE, NUMBER, "facts.directory.freeBytes", NULL, NULL, "Free space on the volume of the backup directory." },
    { "directory_size_bytes", GAUGE, NUMBER, "facts.directory.totalBytes", NULL, NULL, "Size of the volume of the backup directory." },
    { "directory_reserved_bytes", GAUGE, NUMBER, "facts.directory.reservedBytes", NULL, NULL, "Free space that a dump has to leave." },
    { "dumps", GAUGE, NUMBER, "facts.directory.dumps", NULL, NULL, "Dumps in the backup directory." },
    { "dump_bytes", GAUGE, NUMBER, "facts.directory.dumpBytes", NULL, NULL, "Their size." },
    { "missing_dumps", GAUGE, NUMBER, "facts.directory.missingDumps", NULL, NULL, "Successful runs whose dump is not there." },
};

static const struct row of_schedules[] = {
    { "schedule_enabled", GAUGE, YES_NO, "enabled", NULL, NULL, "Whether the schedule is enabled." },
    { "schedule_next_due_timestamp_seconds", GAUGE, TIME, "nextDue", NULL, NULL, "When the schedule is next due." },
    { "schedule_overdue", GAUGE, PRESENT, "overdueSince", NULL, NULL, "Whether a run was due that has not happened." },
    { "schedule_unusable", GAUGE, PRESENT, "problem", NULL, NULL, "Whether the schedule cannot be followed." },
    { "schedule_last_success_timestamp_seconds", GAUGE, TIME, "lastSuccess.finishedAt", NULL, NULL, "When the last successful run ended." },
    { "schedule_last_failure_timestamp_seconds", GAUGE, TIME, "lastFailure.finishedAt", NULL, NULL, "When the last failed run ended." },
    { "schedule_last_success_size_bytes", GAUGE, NUMBER, "lastSuccess.sizeBytes", NULL, NULL, "Size of the last successful dump." },
    { "schedule_last_success_duration_seconds", GAUGE, MS_AS_SECONDS, "lastSuccess.durationMs", "phase", "all", "How long the last successful run took; verify: its proof, dump: pg_dump." },
    { "schedule_last_success_duration_seconds", GAUGE, MS_AS_SECONDS, "lastSuccess.dumpMs", "phase", "dump", NULL },
    { "schedule_last_success_duration_seconds", GAUGE, MS_AS_SECONDS, "lastSuccess.verifyMs", "phase", "verify", NULL },
    { "schedule_runs", GAUGE, NUMBER, "runs.queued", "status", "queued", "Runs in Postgres, by their status." },
    { "schedule_runs", GAUGE, NUMBER, "runs.running", "status", "running", NULL },
    { "schedule_runs", GAUGE, NUMBER, "runs.success", "status", "success", NULL },
    { "schedule_runs", GAUGE, NUMBER, "runs.failed", "status", "failed", NULL },
};

static const char *const abouts[] = { "redis", "facts", "postgres", "directory", "space", "schedule" };
/* clang-format on */

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void
add_sample(struct text *out, const struct row *row, const json_t *object, const json_t *schedule)
{
    const json_t *value = find(object, row->path);

    if (!has_value(value, row->unit))
        return;
    text_format(out, PREFIX "%s", row->name);
    if (row->label != NULL || schedule != NULL)
        text_add(out, "{");
    if (schedule != NULL) {
        add_label(out, "schedule", json_string_value(json_object_get(schedule, "name")));
        text_add(out, ",");
        add_label(out, "id", json_string_value(json_object_get(schedule, "id")));
    }
    if (row->label != NULL) {
        text_add(out, schedule != NULL ? "," : "");
        add_label(out, row->label, row->value);
    }
    text_add(out, row->label != NULL || schedule != NULL ? "} " : " ");
    add_value(out, value, row->unit);
}

static void
add_build(const json_t *health, struct text *out)
{
    add_head(out, "build_info", GAUGE, "The program and the queue that it serves.");
    text_add(out, PREFIX "build_info{");
    add_label(out, "version", json_string_value(json_object_get(health, "version")));
    text_add(out, ",");
    add_label(out, "queue", json_string_value(json_object_get(health, "queue")));
    text_add(out, "} 1\n");
}

/* Where in `abouts` a problem is counted; behind them is what only another facts program knows. */
static size_t
about_of(const json_t *problem)
{
    const char *about = json_string_value(json_object_get(problem, "about"));
    size_t i = 0;

    while (i < COUNT(abouts) && (about == NULL || strcmp(about, abouts[i]) != 0))
        i++;
    return i;
}

static void
add_problems(const json_t *health, struct text *out)
{
    const json_t *problems = json_object_get(health, "problems");
    size_t counts[COUNT(abouts) + 1] = { 0 };
    const json_t *problem;
    size_t at;

    add_head(out, "problems", GAUGE, "What speaks against being ready, by what it is about.");
    json_array_foreach(problems, at, problem) counts[about_of(problem)]++;
    for (size_t i = 0; i <= COUNT(abouts); i++)
        text_format(out, PREFIX "problems{about=\"%s\"} %zu\n", i < COUNT(abouts) ? abouts[i] : "other", counts[i]);
}

/* Without Postgres, nobody knows. */
static void
add_lock(const json_t *health, struct text *out)
{
    add_head(out, "lock_held", GAUGE,
        "Whether somebody holds the advisory lock: a backup, a prune or a recovery is under way.");
    if (json_is_true(find(health, "facts.postgres.reachable")))
        text_format(out, PREFIX "lock_held %d\n", json_is_object(find(health, "facts.lock")));
}

static void
add_queue(const json_t *health, struct text *out)
{
    json_t *states = json_object_get(health, "queueJobs");
    const char *state;
    json_t *count;

    add_head(out, "queue_jobs", GAUGE, "Jobs in the queue, by their state.");
    json_object_foreach(states, state, count) text_format(
        out, PREFIX "queue_jobs{state=\"%s\"} %" JSON_INTEGER_FORMAT "\n", state, json_integer_value(count));
}

/* By the phase that the job is in; what reports no phase is counted, but has no bytes. */
static void
add_active(const json_t *health, struct text *out)
{
    const json_t *active = json_object_get(health, "active");
    const json_t *job;
    size_t i;

    add_head(out, "active_jobs", GAUGE, "Jobs that this worker is running.");
    text_format(out, PREFIX "active_jobs %zu\n", json_array_size(active));
    add_head(out, "active_job_bytes", GAUGE, "How far a running job is in its phase.");
    json_array_foreach(active, i, job)
    {
        const json_t *progress = json_object_get(job, "progress");
        const char *phase = json_string_value(json_object_get(progress, "phase"));

        if (phase == NULL || !json_is_integer(json_object_get(progress, "bytes")))
            continue;
        text_add(out, PREFIX "active_job_bytes{");
        add_label(out, "id", json_string_value(json_object_get(job, "id"))); /* "job" is Prometheus's own word */
        text_add(out, ",");
        add_label(out, "phase", phase);
        text_format(out, "} %" JSON_INTEGER_FORMAT "\n", json_integer_value(json_object_get(progress, "bytes")));
    }
}

void
metrics_add(const json_t *health, struct text *out)
{
    const json_t *schedules = find(health, "facts.schedules");
    const json_t *schedule;
    size_t at;

    add_build(health, out);
    add_problems(health, out);
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (rows[i].help != NULL)
            add_head(out, rows[i].name, rows[i].kind, rows[i].help);
        add_sample(out, &rows[i], health, NULL);
    }
    add_lock(health, out);
    add_queue(health, out);
    add_active(health, out);
    for (size_t i = 0; i < COUNT(of_schedules); i++) {
        if (of_schedules[i].help != NULL)
            add_head(out, of_schedules[i].name, of_schedules[i].kind, of_schedules[i].help);
        json_array_foreach(schedules, at, schedule) add_sample(out, &of_schedules[i], schedule, schedule);
    }
}
