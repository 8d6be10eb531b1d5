#include "cli/enqueue_job.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cli/progress.h"
#include "cli/queue_look.h"
#include "common/clock.h"
#include "common/memory.h"
#include "protocol/commands.h"

/* What the app gives the job of "Run now": its own, over what it gives every job. */
#define OPTIONS "{\"removeOnComplete\":{\"age\":86400},\"removeOnFail\":{\"age\":86400},\"attempts\":1}"

#define PAUSE_MS 500 /* between two looks */

/* --- Adding --- */

struct adding {
    const char *config_id;
    const char *run_id;
    bool is_sent;
    char *job_id;
};

static void
send_add(struct redis *redis, const struct keys *keys, redis_reply_fn *on_reply, void *owner, void *context)
{
    struct adding *adding = context;
    struct options options;
    struct text data = TEXT_EMPTY;

    (void)options_parse(OPTIONS, strlen(OPTIONS), &options);
    text_format(
        &data, "{\"kind\":\"run\",\"configId\":\"%s\",\"backupRunId\":\"%s\"}", adding->config_id, adding->run_id);
    commands_add(redis, keys, "run", text_string(&data), OPTIONS, &options, on_reply, owner);
    adding->is_sent = true;
    options_clear(&options);
    text_clear(&data);
}

static bool
read_added(const redisReply *reply, const struct error *lost, void *context, struct error *err)
{
    struct adding *adding = context;

    if (!redis_check_reply(reply, lost, err))
        return false;
    if (reply->type != REDIS_REPLY_STRING)
        return error_set(err, ERROR_INPUT, "a script answered with something that is no job's id");
    adding->job_id = memory_copy(reply->str, (size_t)reply->len);
    return true;
}

/* --- Looking for it --- */

static const char *
text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static enum enqueue_job
find_in(const json_t *snapshot, struct adding *adding, struct error *err)
{
    const json_t *job;
    size_t i;

    json_array_foreach(json_object_get(snapshot, "jobs"), i, job)
    {
        const char *run_id = text_of(json_object_get(job, "data"), "backupRunId");

        if (run_id != NULL && strcmp(run_id, adding->run_id) == 0) {
            adding->job_id = memory_copy_string(text_of(job, "id"));
            return ENQUEUE_JOB_ADDED;
        }
    }
    if (json_is_true(json_object_get(snapshot, "complete")))
        return ENQUEUE_JOB_ABSENT;
    error_also(err, "the queue has too many jobs to find this one");
    return ENQUEUE_JOB_UNKNOWN;
}

/* `err` is why there was no answer, and stays it. */
static enum enqueue_job
find_job(struct queue *queue, struct adding *adding, struct error *err)
{
    const struct moment end = moment_add_ms(moment_now(), ENQUEUE_JOB_PATIENCE_MS);
    enum enqueue_job found = ENQUEUE_JOB_UNKNOWN;
    struct progress progress = { .drawn = false };
    struct text text = TEXT_EMPTY;
    struct error why;
    bool ok;

    while (!(ok = queue_look_snapshot(queue, &text, &why)) && !moment_is_past(end) && queue_rest(queue, PAUSE_MS, &why))
        progress_tell(&progress, "waiting for Redis", PROGRESS_NONE, 0);
    progress_erase(&progress);
    if (ok) {
        json_t *snapshot = json_loads(text_string(&text), 0, NULL);

        found = find_in(snapshot, adding, err);
        json_decref(snapshot);
    } else if (why.code == ERROR_STOPPED)
        *err = why;
    text_clear(&text);
    return found;
}

enum enqueue_job
enqueue_job_add(struct queue *queue, const char *config_id, const char *run_id, char **job_id, struct error *err)
{
    struct adding adding = { .config_id = config_id, .run_id = run_id };
    enum enqueue_job end = ENQUEUE_JOB_REFUSED;

    if (queue_rest(queue, 0, err) && queue_ask(queue, send_add, read_added, &adding, err))
        end = ENQUEUE_JOB_ADDED;
    else if (adding.is_sent && (err->code == ERROR_LOST || err->code == ERROR_STOPPED))
        end = find_job(queue, &adding, err);
    *job_id = adding.job_id;
    return end;
}
