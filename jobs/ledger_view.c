#include "jobs/ledger_view.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/text.h"
#include "jobs/history.h"
#include "jobs/payload.h"

#define NEWER_MAJOR 6 /* of BullMQ, which has cron-parser 5 from there on */

struct ledger_view {
    struct moment began;
    json_t *snapshot;
    struct database_rows *schedules;
    struct database_rows *queued;
    struct ledger_config *configs;
    struct ledger_scheduler *schedulers;
    struct payload *pending; /* of the schedulers' jobs */
    struct ledger_job *jobs;
    struct payload *payloads; /* of the jobs */
    struct ledger_row *rows;
    struct ledger_facts facts;
};

static const char *
string_of(const json_t *object, const char *member)
{
    return json_string_value(json_object_get(object, member));
}

static void *
new_array(size_t count, size_t size)
{
    return memory_new((count == 0 ? 1 : count) * size);
}

/* --- The queue --- */

/* Whether this name and data are those of a `run`. `data` is only borrowed; NULL: there is none. */
static bool
read_run(const char *name, json_t *data, struct payload *out)
{
    json_t *envelope = json_pack("{s:s*, s:O*}", "name", name, "data", data);
    char *text = json_dumps(envelope, JSON_COMPACT);
    struct error none; /* other jobs are none of ours */
    bool ok = text != NULL && payload_parse(text, strlen(text), out, &none) && out->kind == PAYLOAD_RUN;

    free(text);
    json_decref(envelope);
    return ok;
}

static enum ledger_pending
pending_of(const char *state)
{
    if (state == NULL)
        return LEDGER_PENDING_GONE;
    if (strcmp(state, "delayed") == 0)
        return LEDGER_PENDING_DELAYED;
    if (strcmp(state, "completed") == 0 || strcmp(state, "failed") == 0 || strcmp(state, "unknown") == 0)
        return LEDGER_PENDING_OVER;
    return LEDGER_PENDING_TAKEN;
}

/* The template that the scheduler makes its jobs of. */
static bool
runs_config(const char *id, const json_t *fields)
{
    const char *text = string_of(fields, "data");
    json_t *data = text == NULL ? NULL : json_loads(text, JSON_DECODE_ANY, NULL);
    struct payload payload;
    bool runs = read_run(string_of(fields, "name"), data, &payload) && payload.run_id[0] == '\0' &&
                strncmp(id, LEDGER_SCHEDULER, strlen(LEDGER_SCHEDULER)) == 0 &&
                strcmp(id + strlen(LEDGER_SCHEDULER), payload.config_id) == 0;

    json_decref(data);
    return runs;
}

static void
read_scheduler(const json_t *object, struct payload *pending, struct ledger_scheduler *out)
{
    const json_t *fields = json_object_get(object, "fields");
    const json_t *job = json_object_get(object, "job");

    *out = (struct ledger_scheduler){ .id = string_of(object, "id"),
        .next = { .ms = json_integer_value(json_object_get(object, "next")) },
        .pattern = string_of(fields, "pattern"),
        .timezone = string_of(fields, "tz"),
        .pending = pending_of(string_of(job, "state")) };
    out->runs_config = out->id != NULL && runs_config(out->id, fields);
    if (read_run(string_of(fields, "name"), json_object_get(job, "data"), pending))
        out->job_config = pending->config_id;
}

static bool
read_job(const json_t *object, struct payload *payload, struct ledger_job *out)
{
    const char *state = string_of(object, "state");

    *out = (struct ledger_job){ .id = string_of(object, "id"), .failed_reason = string_of(object, "failedReason") };
    if (state == NULL || out->id == NULL ||
        !read_run(string_of(object, "name"), json_object_get(object, "data"), payload))
        return false;
    out->config_id = payload->config_id;
    out->run_id = payload->run_id[0] == '\0' ? NULL : payload->run_id;
    out->delayed = strcmp(state, "delayed") == 0;
    out->failed = strcmp(state, "failed") == 0;
    return true;
}

static void
read_queue(struct ledger_view *view)
{
    const json_t *schedulers = json_object_get(view->snapshot, "schedulers");
    const json_t *jobs = json_object_get(view->snapshot, "jobs");
    struct ledger_facts *facts = &view->facts;
    const json_t *object;
    size_t i;

    view->schedulers = new_array(json_array_size(schedulers), sizeof(*view->schedulers));
    view->pending = new_array(json_array_size(schedulers), sizeof(*view->pending));
    json_array_foreach(schedulers, i, object)
    {
        size_t at = facts->scheduler_count;

        read_scheduler(object, &view->pending[at], &view->schedulers[at]);
        if (view->schedulers[at].id != NULL)
            facts->scheduler_count++;
    }
    view->jobs = new_array(json_array_size(jobs), sizeof(*view->jobs));
    view->payloads = new_array(json_array_size(jobs), sizeof(*view->payloads));
    json_array_foreach(jobs, i, object) if (read_job(object, &view->payloads[facts->job_count],
                                                &view->jobs[facts->job_count])) facts->job_count++;
    facts->schedulers = view->schedulers;
    facts->jobs = view->jobs;
}

/* "bullmq:5.76.2"; of a queue that nobody has opened yet, the older one. */
static enum cron_dialect
dialect_of(const char *version)
{
    const char *number = version == NULL ? NULL : strchr(version, ':');
    int64_t major = 0;

    if (number == NULL || !text_parse_integer(number + 1, strcspn(number + 1, "."), 0, INT32_MAX, &major))
        return CRON_PARSER_4;
    return major >= NEWER_MAJOR ? CRON_PARSER_5 : CRON_PARSER_4;
}

struct ledger_view *
ledger_view_new(const char *snapshot, size_t length, struct error *err)
{
    struct ledger_view *view = memory_new(sizeof(*view));
    json_error_t why;

    view->began = moment_now();
    view->snapshot = json_loadb(snapshot, length, JSON_ALLOW_NUL, &why);
    if (view->snapshot == NULL || !json_is_integer(json_object_get(view->snapshot, "now"))) {
        (void)error_set(err, ERROR_INPUT, "standard input is no snapshot of a queue: %s",
            view->snapshot == NULL ? why.text : "'now' is missing");
        ledger_view_free(view);
        return NULL;
    }
    view->facts = (struct ledger_facts){ .now = { .ms = json_integer_value(json_object_get(view->snapshot, "now")) },
        .dialect = dialect_of(string_of(view->snapshot, "version")),
        .paused = json_is_true(json_object_get(view->snapshot, "paused")),
        .complete = json_is_true(json_object_get(view->snapshot, "complete")) };
    read_queue(view);
    return view;
}

/* --- Postgres --- */

/* By the clock of `now`: Postgres' own may be another. */
static struct wall
dated(const struct ledger_view *view, const struct database_rows *rows, size_t row, int column)
{
    int64_t since_ms = moment_ms_between(view->began, moment_now());

    if (database_rows_value(rows, row, column) == NULL)
        return (struct wall){ .ms = 0 };
    return (struct wall){ .ms = view->facts.now.ms + since_ms - database_rows_number(rows, row, column) };
}

static bool
is_true(const struct database_rows *rows, size_t row, int column)
{
    return strcmp(database_rows_value(rows, row, column), "t") == 0;
}

static void
take_configs(struct ledger_view *view)
{
    size_t count = database_rows_count(view->schedules);

    view->configs = new_array(count, sizeof(*view->configs));
    for (size_t i = 0; i < count; i++)
        view->configs[i] = (struct ledger_config){ .id = database_rows_value(view->schedules, i, 0),
            .name = database_rows_value(view->schedules, i, 6),
            .enabled = is_true(view->schedules, i, 1),
            .cron = database_rows_value(view->schedules, i, 2),
            .timezone = database_rows_value(view->schedules, i, 3),
            .last_attempt = dated(view, view->schedules, i, 4),
            .last_good = dated(view, view->schedules, i, 5) };
    view->facts.configs = view->configs;
    view->facts.config_count = count;
}

static void
take_rows(struct ledger_view *view)
{
    size_t count = database_rows_count(view->queued);

    view->rows = new_array(count, sizeof(*view->rows));
    for (size_t i = 0; i < count; i++)
        view->rows[i] = (struct ledger_row){ .id = database_rows_value(view->queued, i, 0),
            .config_id = database_rows_value(view->queued, i, 1),
            .scheduled = is_true(view->queued, i, 2),
            .created = dated(view, view->queued, i, 3) };
    view->facts.rows = view->rows;
    view->facts.row_count = count;
}

bool
ledger_view_read(struct ledger_view *view, struct database *database, struct error *err)
{
    if (!history_list_schedules(database, &view->schedules, err))
        return false;
    take_configs(view);
    if (!history_list_queued(database, &view->queued, err))
        return false;
    take_rows(view);
    return true;
}

const struct ledger_facts *
ledger_view_facts(const struct ledger_view *view)
{
    return &view->facts;
}

void
ledger_view_free(struct ledger_view *view)
{
    if (view == NULL)
        return;
    json_decref(view->snapshot);
    database_rows_free(view->schedules);
    database_rows_free(view->queued);
    free(view->configs);
    free(view->schedulers);
    free(view->pending);
    free(view->jobs);
    free(view->payloads);
    free(view->rows);
    free(view);
}
