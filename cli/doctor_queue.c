#include "cli/doctor_queue.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/queue_look.h"
#include "cli/screen.h"
#include "common/clock.h"

#define RECOMMENDED_VERSION 60200
#define FULL_PERCENT 90

struct patient {
    const struct settings *settings;
    struct queue *queue;      /* NULL: it cannot be asked */
    struct text info;         /* what Redis says about itself */
    struct text *snapshot;    /* the caller's */
    struct text field;        /* of info, for a moment */
    struct overview overview; /* as of the check of the jobs */
    struct overview_workers workers;
};

static const char *
field(struct patient *patient, const char *name)
{
    return info_find(text_string(&patient->info), name, &patient->field) ? text_string(&patient->field) : "";
}

static int64_t
number_field(struct patient *patient, const char *name)
{
    int64_t number = 0;
    const char *value = field(patient, name);

    return text_parse_integer(value, strlen(value), 0, INT64_MAX, &number) ? number : 0;
}

/* --- The server --- */

static bool
read_text(const redisReply *reply, const struct error *lost, void *context, struct error *err)
{
    if (!redis_check_reply(reply, lost, err))
        return false;
    if (reply->str == NULL)
        return error_set(err, ERROR_INPUT, "Redis answered with something that is no text");
    text_add_bytes(context, reply->str, (size_t)reply->len);
    return true;
}

static bool
ask_info(struct patient *patient, int64_t *took_ms, struct error *err)
{
    const char *const words[] = { "INFO" };
    struct moment began;

    patient->queue = queue_open(patient->settings, err);
    if (patient->queue == NULL || !queue_connect(patient->queue, err))
        return false;
    began = moment_now();
    if (!queue_call(patient->queue, 1, words, read_text, &patient->info, err))
        return false;
    *took_ms = moment_ms_between(began, moment_now());
    return true;
}

static void
check_server(struct patient *patient, struct finding *finding)
{
    int64_t took_ms = 0;
    struct error err;

    if (!ask_info(patient, &took_ms, &err)) {
        queue_close(patient->queue);
        patient->queue = NULL;
        finding_bad(finding, "%s", err.text);
        finding_advise(finding, "%s",
            err.code == ERROR_REFUSED || err.code == ERROR_DENIED
                ? "see that REDIS_URL is the app's, with its user and password"
                : "see that Redis is up, and that REDIS_URL leads to it");
    } else if (queue_server(patient->queue)->version < RECOMMENDED_VERSION) {
        finding_warn(finding, "Redis %s is old", field(patient, "redis_version"));
        finding_advise(finding, "6.2.0 or newer is recommended");
    } else
        finding_ok(finding, "Redis %s, answered in %" PRId64 " ms", field(patient, "redis_version"), took_ms);
}

static void
check_memory(struct patient *patient, struct finding *finding)
{
    int64_t most = number_field(patient, "maxmemory");
    int64_t used = number_field(patient, "used_memory");
    const char *policy = field(patient, "maxmemory_policy");
    struct text text = TEXT_EMPTY;

    text_add_size(&text, used);
    text_add(&text, " used");
    if (most > 0) {
        text_add(&text, " of ");
        text_add_size(&text, most);
    }
    if (strncmp(policy, "allkeys-", strlen("allkeys-")) == 0) {
        (most > 0 ? finding_bad : finding_warn)(
            finding, "maxmemory-policy is %s: jobs and schedules can vanish (%s)", policy, text_string(&text));
        finding_advise(finding, "set maxmemory-policy to noeviction");
    } else if (most > 0 && used > most / 100 * FULL_PERCENT) {
        finding_bad(finding, "nearly full, and then nothing can be enqueued: %s", text_string(&text));
        finding_advise(finding, "raise maxmemory, or remove old jobs and other data");
    } else if (strncmp(policy, "volatile-", strlen("volatile-")) == 0) { /* of what BullMQ keeps, locks expire */
        finding_warn(finding,
            "maxmemory-policy is %s: the lock of a job can vanish, so that it is begun a second time (%s)", policy,
            text_string(&text));
        finding_advise(finding, "set maxmemory-policy to noeviction");
    } else
        finding_ok(finding, "%s, nothing is evicted", text_string(&text));
    text_clear(&text);
}

/* The second of a pair, as CONFIG GET has it. */
static bool
read_value(const redisReply *reply, const struct error *lost, void *context, struct error *err)
{
    if (!redis_check_reply(reply, lost, err))
        return false;
    if (reply->elements == 2 && reply->element[1]->str != NULL)
        text_add(context, reply->element[1]->str);
    return true;
}

static void
check_persistence(struct patient *patient, struct finding *finding)
{
    const char *const words[] = { "CONFIG", "GET", "save" };
    bool appends = strcmp(field(patient, "aof_enabled"), "1") == 0;
    bool fails = (appends && strcmp(field(patient, "aof_last_write_status"), "err") == 0) ||
                 strcmp(field(patient, "rdb_last_bgsave_status"), "err") == 0;
    struct text save = TEXT_EMPTY;
    struct error err;
    bool known = queue_call(patient->queue, 3, words, read_value, &save, &err);

    if (fails) {
        finding_bad(finding, "Redis cannot write to its disk, and may refuse every change");
        finding_advise(finding, "make room there, or mend its volume: Redis' log says what failed");
    } else if (appends)
        finding_ok(finding, "each change is kept (appendonly yes)");
    else if (!known)
        finding_warn(finding,
            "a restart of Redis loses what happened since its last snapshot, if it makes any: that "
            "cannot be asked (%s)",
            err.text);
    else if (save.length > 0)
        finding_warn(finding, "a restart of Redis loses what happened since its last snapshot");
    else
        finding_warn(finding, "a restart of Redis loses all jobs and schedules");
    if (!fails && !appends)
        finding_advise(finding, "set appendonly to yes");
    text_clear(&save);
}

/* Seconds and microseconds. */
static bool
read_time(const redisReply *reply, const struct error *lost, void *context, struct error *err)
{
    int64_t parts[2] = { 0, 0 };

    if (!redis_check_reply(reply, lost, err))
        return false;
    for (size_t i = 0; i < 2; i++)
        if (reply->elements != 2 || reply->element[i]->str == NULL ||
            !text_parse_integer(reply->element[i]->str, (size_t)reply->element[i]->len, 0, INT64_MAX / 2000, &parts[i]))
            return error_set(err, ERROR_INPUT, "Redis answered TIME with something that is no time");
    *(int64_t *)context = parts[0] * 1000 + parts[1] / 1000;
    return true;
}

static void
check_clock(struct patient *patient, struct finding *finding)
{
    const char *const words[] = { "TIME" };
    int64_t before_ms = wall_now().ms;
    int64_t theirs_ms = 0;
    struct error err;

    if (queue_call(patient->queue, 1, words, read_time, &theirs_ms, &err))
        finding_judge_skew(finding, "Redis", theirs_ms - (before_ms + wall_now().ms) / 2);
    else { /* no worker asks it */
        finding_warn(finding, "its clock cannot be asked: %s", err.text);
        finding_advise(finding, "allow the user in REDIS_URL the command TIME");
    }
}

/* --- The queue --- */

static void
check_jobs(struct patient *patient, struct finding *finding)
{
    const struct overview *overview = &patient->overview;
    struct error err;

    if (!queue_look_overview(patient->queue, &patient->overview, &err) ||
        !queue_look_snapshot(patient->queue, patient->snapshot, &err)) {
        finding_bad(finding, "the queue cannot be read: %s", err.text);
        finding_advise(finding, "the user in REDIS_URL must be allowed all keys, and to run scripts");
    } else if (overview->is_paused) {
        finding_bad(finding, "the queue is paused: nothing is taken");
        finding_advise(finding, "resume it (Queue.resume(), or a dashboard)");
    } else if (overview->version == NULL) {
        finding_warn(finding, "nothing of the app is in this queue: it has never opened it, or Redis was wiped");
        finding_advise(finding,
            "compare REDIS_URL with the app's, with its database (the number at its end); if it is the "
            "same, Redis was wiped: restart the app, and see 'weavestream-backup schedules'");
    } else
        finding_ok(finding, "%" PRId64 " waiting, %" PRId64 " active, %" PRId64 " delayed; %s",
            overview->counts[OVERVIEW_WAITING] + overview->counts[OVERVIEW_PRIORITIZED],
            overview->counts[OVERVIEW_ACTIVE], overview->counts[OVERVIEW_DELAYED], overview->version);
}

static bool
is_node(const struct overview_worker *worker)
{
    return worker->library != NULL && strncmp(worker->library, "ioredis", strlen("ioredis")) == 0;
}

/* "2 listening: '172.18.0.5:40312 (Node)', ..."; hands back how many are known to be Node's. */
static size_t
list_workers(const struct overview_workers *workers, struct text *out)
{
    struct text one = TEXT_EMPTY;
    size_t nodes = 0;

    text_format(out, "%zu listening: ", workers->count);
    for (size_t i = 0; i < workers->count; i++) {
        const struct overview_worker *worker = &workers->list[i];

        text_reset(&one);
        text_format(&one, "%s%s%s%s", worker->name == NULL ? "" : worker->name, worker->name == NULL ? "" : " at ",
            worker->address, is_node(worker) ? " (Node)" : "");
        finding_add_name(out, i, text_string(&one));
        nodes += is_node(worker) ? 1 : 0;
    }
    finding_end_names(out, workers->count);
    text_clear(&one);
    return nodes;
}

static void
check_workers(struct patient *patient, struct finding *finding)
{
    const struct overview_workers *workers = &patient->workers;
    struct text text = TEXT_EMPTY;
    struct error err;

    if (!queue_look_workers(patient->queue, &patient->workers, &err)) {
        finding_warn(finding, "who works on the queue cannot be asked: %s", err.text);
        finding_advise(finding, "allow the user in REDIS_URL the command CLIENT LIST");
    } else if (workers->count == 0) {
        finding_bad(finding, "nobody takes jobs from the queue");
        finding_advise(finding, "start 'weavestream-backup worker'");
    } else if (list_workers(workers, &text) == workers->count) {
        finding_warn(finding, "only Node workers take jobs from the queue; %s", text_string(&text));
        finding_advise(finding, "start 'weavestream-backup worker'");
    } else
        finding_ok(finding, "%s", text_string(&text));
    text_clear(&text);
}

/* --- All of it --- */

static const struct {
    const char *about;
    const char *check;
    void (*look)(struct patient *patient, struct finding *finding);
} checks[] = {
    { "redis", "server", check_server },
    { "redis", "memory", check_memory },
    { "redis", "persistence", check_persistence },
    { "redis", "clock", check_clock },
    { "queue", "jobs", check_jobs },
    { "queue", "workers", check_workers },
};

void
doctor_queue_look(const struct settings *settings, doctor_queue_found_fn *on_found, void *owner, struct text *snapshot)
{
    struct patient patient = { .settings = settings, .snapshot = snapshot };

    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        struct finding finding = { .about = checks[i].about, .check = checks[i].check };

        if (settings == NULL)
            finding_unknown(&finding, "not checked: the settings are wrong");
        else if (i > 0 && patient.queue == NULL) /* the first one connects */
            finding_unknown(&finding, "not checked: Redis cannot be asked");
        else
            checks[i].look(&patient, &finding);
        on_found(&finding, owner);
        finding_clear(&finding);
    }
    overview_clear(&patient.overview);
    overview_workers_clear(&patient.workers);
    text_clear(&patient.info);
    text_clear(&patient.field);
    queue_close(patient.queue);
}
