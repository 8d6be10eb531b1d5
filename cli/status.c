#include "cli/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "cli/answer.h"
#include "cli/command.h"
#include "cli/job_program.h"
#include "cli/queue_look.h"
#include "cli/screen.h"
#include "cli/status_view.h"

#define NAME "status"
#define WATCH_MS 2000

#define HOME "\x1b[H"
#define ERASE_LINE "\x1b[K"
#define ERASE_BELOW "\x1b[J"

static const char details[] =
    "If Redis or Postgres is away, the other half is shown, and what is away is said.\n"
    "\n"
    "With --json: at, redis (reachable, error, code, server), queue (name, paused, bullmq, counts by state), active\n"
    "(jobs: id, name, scheduleId, schedule, startedAt, attempts, worker, lockMs, progress as the job reports\n"
    "it), workers (name, address, connectedMs), postgres, directory, lock (who holds the backup lock; null:\n"
    "nobody), schedules (each with nextDue by its cron pattern, nextInQueue by its scheduler, overdueSince,\n"
    "lastSuccess, lastFailure, and failedLast: the newer of both is the failure), and problems, for people. What\n"
    "is not known is null. A run that was refused because another was under way (concurrent) is no failure here.\n"
    "\n"
    "Environment: REDIS_URL, REDIS_TLS_CA, DATABASE_URL, BACKUP_STORAGE_DIR, BACKUP_MISSED_GRACE_MINUTES.\n"
    "\n"
    "Exit status: 0 all could be seen ('weavestream-backup health' tells whether it is good), 64 wrong usage,\n"
    "69 Redis or Postgres is away, 77 one of them does not let us in, 78 wrong settings, or no such database or\n"
    "tables, 130 no longer watched.";

struct arguments {
    bool watch;
    bool json;
};

static bool
read_arguments(int argc, char **argv, struct arguments *out, int *status)
{
    const struct command_option options[] = {
        { 'w', "watch", NULL, "show it again every two seconds, until ^C", .flag = &out->watch },
        { 'j', "json", NULL, "print one JSON object", .flag = &out->json },
        COMMAND_END,
    };
    const struct command command = { NAME, "[OPTION]...",
        "Show how things stand: queue, workers, schedules, the backup lock and the disk.", options, details, 0, 0 };

    *out = (struct arguments){ .watch = false };
    if (!command_read(&command, argc, argv, status))
        return false;
    if (out->watch && out->json)
        *status = command_complain(NAME, EX_USAGE, "--watch is for people, --json for programs: one of them");
    return !out->watch || !out->json;
}

/* --- Redis --- */

struct seen {
    struct overview overview;
    struct overview_workers workers;
};

static bool
look(struct queue *queue, struct seen *seen, struct error *err)
{
    return queue_look_overview(queue, &seen->overview, err) && queue_look_workers(queue, &seen->workers, err);
}

/* "bullmq:5.76.2" as "5.76.2" */
static json_t *
describe_queue(const struct overview *overview)
{
    static const char *const names[OVERVIEW_STATES] = { [OVERVIEW_WAITING] = "waiting",
        [OVERVIEW_PRIORITIZED] = "prioritized",
        [OVERVIEW_DELAYED] = "delayed",
        [OVERVIEW_WAITING_CHILDREN] = "waitingChildren",
        [OVERVIEW_ACTIVE] = "active",
        [OVERVIEW_COMPLETED] = "completed",
        [OVERVIEW_FAILED] = "failed" };
    const char *colon = overview->version == NULL ? NULL : strchr(overview->version, ':');
    json_t *counts = json_object();

    for (size_t i = 0; i < OVERVIEW_STATES; i++)
        (void)json_object_set_new(counts, names[i], json_integer(overview->counts[i]));
    return json_pack("{s:s, s:b, s:o, s:o}", "name", QUEUE_NAME, "paused", overview->is_paused, "bullmq",
        answer_text(colon == NULL ? overview->version : colon + 1), "counts", counts);
}

static json_t *
value_of(const char *json)
{
    json_t *value = json == NULL ? NULL : json_loads(json, JSON_DECODE_ANY, NULL);

    return value == NULL ? json_null() : value;
}

static json_t *
describe_job(const struct overview_job *job)
{
    json_t *data = value_of(job->data);
    json_t *object = json_pack("{s:o, s:o, s:o, s:n, s:o, s:o, s:o, s:o, s:o}", "id", answer_text(job->id), "name",
        answer_text(job->name), "scheduleId", answer_text(json_string_value(json_object_get(data, "configId"))),
        "schedule", "startedAt", answer_time(job->started_ms > 0, (struct wall){ .ms = job->started_ms }), "attempts",
        json_integer(job->attempts), "worker", answer_text(job->worker), "lockMs",
        answer_number(job->lock_ms >= 0, job->lock_ms), "progress", value_of(job->progress));

    json_decref(data);
    return object;
}

static void
add_queue(const struct seen *seen, json_t *out)
{
    json_t *active = json_array();
    json_t *workers = json_array();

    for (size_t i = 0; i < seen->overview.job_count; i++)
        (void)json_array_append_new(active, describe_job(&seen->overview.jobs[i]));
    for (size_t i = 0; i < seen->workers.count; i++) {
        const struct overview_worker *worker = &seen->workers.list[i];

        (void)json_array_append_new(
            workers, json_pack("{s:o, s:o, s:o}", "name", answer_text(worker->name), "address",
                         answer_text(worker->address), "connectedMs", json_integer(worker->age_ms)));
    }
    (void)json_object_set_new(out, "queue", describe_queue(&seen->overview));
    (void)json_object_set_new(out, "active", active);
    (void)json_object_set_new(out, "workers", workers);
}

static json_t *
describe_redis(const struct queue *queue, bool reachable, const struct error *err)
{
    int version = queue_server(queue)->version;
    char server[32];

    (void)snprintf(server, sizeof(server), "%d.%d.%d", version / 10000, version / 100 % 100, version % 100);
    return json_pack("{s:b, s:o, s:o, s:o}", "reachable", reachable, "error", answer_text(reachable ? NULL : err->text),
        "code", answer_text(reachable ? NULL : error_code_name(err->code)), "server",
        answer_text(version == 0 ? NULL : server));
}

/* --- The job program's facts --- */

/* NULL: there are none, and why has been said. */
static json_t *
ask_for_facts(struct queue *queue)
{
    struct report verdict;
    json_t *facts = NULL;
    struct error stopped;

    job_program_report(NAME, "facts", &TEXT_EMPTY, NULL, NULL, &verdict);
    if (verdict.type == REPORT_COMPLETED)
        facts = json_loads(verdict.value, 0, NULL);
    else if (queue_rest(queue, 0, &stopped)) /* else ^C has stopped it as well */
        (void)command_complain(NAME, EX_UNAVAILABLE, "what Postgres and the disk say is not known: %s",
            verdict.text == NULL ? "no answer" : verdict.text);
    report_clear(&verdict);
    return facts;
}

static void
add_facts(json_t *facts, json_t *out)
{
    static const char *const keys[] = { "postgres", "directory", "lock", "schedules", "problems" };

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        json_t *value = json_object_get(facts, keys[i]);

        (void)json_object_set_new(out, keys[i], value == NULL ? json_null() : json_incref(value));
    }
}

/* --- Both --- */

/* NULL: its scheduler is not in the queue, or nobody knows. */
static const struct overview_scheduler *
find_scheduler(const struct overview *overview, const char *config_id)
{
    char id[128];

    (void)snprintf(id, sizeof(id), QUEUE_SCHEDULER "%s", config_id == NULL ? "" : config_id);
    for (size_t i = 0; i < overview->scheduler_count; i++)
        if (overview->schedulers[i].id != NULL && strcmp(overview->schedulers[i].id, id) == 0)
            return &overview->schedulers[i];
    return NULL;
}

/* Each schedule gets its next instant in the queue, each active job the name of its schedule. */
static void
connect_both(const struct overview *overview, json_t *out)
{
    json_t *schedules = json_object_get(out, "schedules");
    const json_t *active = json_object_get(out, "active");
    json_t *schedule;
    json_t *job;
    size_t i;
    size_t j;

    json_array_foreach(schedules, i, schedule)
    {
        const char *id = json_string_value(json_object_get(schedule, "id"));
        const struct overview_scheduler *scheduler = find_scheduler(overview, id);
        struct wall next = { .ms = scheduler == NULL ? 0 : scheduler->next_ms };

        (void)json_object_set_new(schedule, "nextInQueue", answer_time(scheduler != NULL, next));
        (void)json_object_del(schedule, "runs");
        json_array_foreach(active, j, job)
        {
            const char *of = json_string_value(json_object_get(job, "scheduleId"));

            if (of != NULL && id != NULL && strcmp(of, id) == 0)
                (void)json_object_set(job, "schedule", json_object_get(schedule, "name"));
        }
    }
}

static void
add_problem(json_t *out, const char *about, const char *text)
{
    json_t *problems = json_object_get(out, "problems");

    if (!json_is_array(problems)) {
        problems = json_array();
        (void)json_object_set_new(out, "problems", problems);
    }
    (void)json_array_append_new(problems, json_pack("{s:s, s:o}", "about", about, "text", answer_text(text)));
}

/* What only a look at both, or at the past, tells. */
static void
add_problems(json_t *out)
{
    const json_t *workers = json_object_get(out, "workers");
    const json_t *schedule;
    size_t i;

    if (json_is_array(workers) && json_array_size(workers) == 0)
        add_problem(out, "workers", "no worker is connected: nothing is taken from the queue");
    json_array_foreach(json_object_get(out, "schedules"), i, schedule)
    {
        const char *error = json_string_value(json_object_get(json_object_get(schedule, "lastFailure"), "error"));
        struct text text = TEXT_EMPTY;

        if (!json_is_true(json_object_get(schedule, "enabled")) ||
            !json_is_true(json_object_get(schedule, "failedLast")))
            continue;
        text_format(&text, "'%s' failed last: %s", json_string_value(json_object_get(schedule, "name")),
            error == NULL ? "no reason given" : error);
        add_problem(out, "schedule", text_string(&text));
        text_clear(&text);
    }
}

/* Whether all could be seen; if not, why, Redis first. */
static int
exit_status(bool reachable, const struct error *redis, const json_t *postgres)
{
    const char *code = json_string_value(json_object_get(postgres, "code"));

    if (!reachable)
        return queue_status(redis);
    if (!json_is_object(postgres))
        return EX_UNAVAILABLE;
    return code == NULL ? EX_OK : command_status(error_code_named(code));
}

/* What is shown. */
static json_t *
gather(struct queue *queue, int *status)
{
    struct seen seen = { .overview = OVERVIEW_EMPTY, .workers = OVERVIEW_WORKERS_EMPTY };
    json_t *out = json_object();
    struct error err = ERROR_EMPTY;
    bool reachable = look(queue, &seen, &err);
    json_t *facts = ask_for_facts(queue);

    (void)json_object_set_new(out, "at", answer_time(true, wall_now()));
    (void)json_object_set_new(out, "redis", describe_redis(queue, reachable, &err));
    if (reachable)
        add_queue(&seen, out);
    else {
        (void)json_object_set_new(out, "queue", json_null());
        (void)json_object_set_new(out, "active", json_null());
        (void)json_object_set_new(out, "workers", json_null());
    }
    add_facts(facts, out);
    connect_both(&seen.overview, out);
    add_problems(out);
    *status = exit_status(reachable, &err, json_object_get(facts, "postgres"));
    json_decref(facts);
    overview_clear(&seen.overview);
    overview_workers_clear(&seen.workers);
    return out;
}

/* On a terminal over what was there before, without a flicker. */
static void
draw(const struct text *view)
{
    const char *line = text_string(view);

    if (!screen_is_terminal()) {
        (void)printf("%s\n", line);
        return;
    }
    (void)fputs(HOME, stdout);
    while (*line != '\0') {
        size_t length = strcspn(line, "\n");

        (void)printf("%.*s" ERASE_LINE "\n", (int)length, line);
        line += length + (line[length] == '\n');
    }
    (void)fputs(ERASE_BELOW, stdout);
    (void)fflush(stdout);
}

static int
watch(struct queue *queue)
{
    struct error err = ERROR_EMPTY;
    bool goes_on = true;
    int status;

    queue_take_signals(queue);
    if (screen_is_terminal())
        (void)fputs(HOME ERASE_BELOW, stdout);
    while (goes_on) {
        json_t *answer = gather(queue, &status);
        struct text view = TEXT_EMPTY;

        goes_on = queue_rest(queue, 0, &err);
        if (goes_on) {
            status_view(answer, &view);
            draw(&view);
            goes_on = queue_rest(queue, WATCH_MS, &err);
        }
        text_clear(&view);
        json_decref(answer);
    }
    return 128 + queue_signal(queue);
}

static int
show(struct queue *queue, void *context)
{
    const struct arguments *arguments = context;
    struct text view = TEXT_EMPTY;
    json_t *answer;
    int status;

    if (arguments->watch)
        return watch(queue);
    answer = gather(queue, &status);
    if (arguments->json)
        answer_print(answer);
    else {
        status_view(answer, &view);
        (void)fputs(text_string(&view), stdout);
        json_decref(answer);
    }
    text_clear(&view);
    return status;
}

int
cli_status(int argc, char **argv)
{
    struct arguments arguments;
    int status;

    return read_arguments(argc, argv, &arguments, &status)
               ? queue_command(NAME, SETTINGS_WORKER | SETTINGS_JOB, show, &arguments)
               : status;
}
