#include "jobs/ledger_work.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "jobs/aftermath.h"
#include "jobs/history.h"
#include "jobs/ledger.h"
#include "jobs/ledger_file.h"
#include "jobs/ledger_view.h"
#include "jobs/lock.h"
#include "jobs/missing.h"
#include "jobs/news.h"
#include "jobs/reporter.h"
#include "jobs/stop.h"
#include "jobs/store.h"
#include "jobs/tidy.h"
#include "jobs/untold.h"
#include "jobs/verdict.h"

#define MINUTE_MS ((int64_t)60 * 1000)
#define SKEW_MS MINUTE_MS       /* rows may be dated by another clock */
#define ROW_MS (2 * MINUTE_MS)  /* the app makes the row, then the job */
#define SOON_MS (2 * MINUTE_MS) /* to tell what could not be told yet */

/* What the app's queue gives every job. */
#define KEPT "\"removeOnComplete\":{\"age\":86400,\"count\":1000},\"removeOnFail\":{\"age\":604800}"

struct work {
    const struct settings *settings;
    struct report *verdict; /* set: it is over */
    struct ledger_view *view;
    struct database *database;
    struct store *store;
    struct timezones *zones;
    struct ledger_memory memory;
    struct ledger_decisions decisions;
    bool remembers; /* the memory is written */
};

static bool
connect_database(struct work *work, struct error *err)
{
    work->database = database_open(&work->settings->database, DATABASE_APPLICATION " ledger", err);
    return work->database != NULL;
}

static bool
take_lock(struct work *work, struct error *err)
{
    bool taken = false;

    if (!lock_try_for_ledger(work->database, &taken, err))
        return false;
    if (!taken) {
        log_info(LOG_EVENT("another ledger is at work"));
        verdict_wait(work->verdict);
    }
    return true;
}

static bool
read_rows(struct work *work, struct error *err)
{
    return ledger_view_read(work->view, work->database, err);
}

/* Rows that name a dump which is not there; once a day. */
static void
complain_of_missing_dumps(struct work *work)
{
    static const char about[] = "dumps are missing";
    struct database_rows *rows = NULL;
    struct missing missing;
    struct error err;

    if (work->store == NULL || ledger_memory_was_told(&work->memory, about))
        return;
    if (!history_list_dumps(work->database, &rows, &err)) {
        log_warn(LOG_EVENT("dumps not looked for"), LOG_ERROR(&err));
        return;
    }
    missing = missing_find(rows, work->store);
    if (missing.count > 0) {
        const char *slash = strrchr(missing.first, '/');

        log_warn(LOG_EVENT(about), LOG_NUMBER("count", missing.count),
            LOG_TEXT("first", slash == NULL ? missing.first : slash + 1),
            LOG_TEXT("directory", store_directory(work->store)));
        ledger_memory_add_complaint(&work->memory, about, ledger_view_facts(work->view)->now);
    }
    missing_clear(&missing);
    database_rows_free(rows);
}

static bool
judge(struct work *work, struct error *err)
{
    const struct ledger_rules rules = { .rows_only = work->settings->schedule_repair == SETTINGS_REPAIR_OFF,
        .grace_ms = work->settings->missed_grace_minutes * MINUTE_MS,
        .catch_up = work->settings->catch_up == 1,
        .unschedule = work->settings->schedule_repair == SETTINGS_REPAIR_FULL };

    work->store = store_open(work->settings->storage_directory, err);
    if (work->store == NULL)
        log_warn(LOG_EVENT("ledger's memory not read"), LOG_ERROR(err));
    else
        ledger_file_read(store_directory(work->store), &work->memory);
    work->zones = timezones_new(TIMEZONE_FOLDER, getenv("TZ"));
    ledger_judge(ledger_view_facts(work->view), &rules, work->zones, &work->memory, &work->decisions);
    complain_of_missing_dumps(work);
    return true;
}

static bool
remember(struct work *work, struct error *err)
{
    work->remembers = work->store != NULL && ledger_file_write(store_directory(work->store), &work->memory, err);
    if (!work->remembers)
        log_warn(LOG_EVENT("ledger cannot remember"), LOG_ERROR(err),
            LOG_TEXT("consequence", "missed runs are neither told nor made up for"));
    return true;
}

/* --- Decisions, one function each --- */

static void
tell(const struct work *work, const char *config_id, const char *reason)
{
    const struct news news = { .kind = NEWS_MISSED, .config_id = config_id, .error = reason };

    (void)news_tell(work->database, work->settings, &news); /* given up: that is told */
}

static void
schedule(const struct work *work, const struct ledger_decision *decision)
{
    const struct ledger_config *config = decision->config;
    const char *zone = config->timezone == NULL ? DUE_ZONE : config->timezone;
    struct text id = TEXT_EMPTY;
    struct text data = TEXT_EMPTY;

    (void)work;
    text_format(&id, LEDGER_SCHEDULER "%s", config->id);
    text_format(&data, "{\"kind\":\"run\",\"configId\":\"%s\"}", config->id);
    log_warn(LOG_EVENT("schedule repaired"), LOG_TEXT("config", config->id), LOG_TEXT("cron", config->cron),
        LOG_TEXT("timezone", zone), LOG_YES_NO("wasMissing", decision->scheduler == NULL));
    reporter_schedule(text_string(&id), config->cron, zone, text_string(&data), "{" KEPT "}");
    text_clear(&id);
    text_clear(&data);
}

static void
unschedule(const struct work *work, const struct ledger_decision *decision)
{
    (void)work;
    log_warn(LOG_EVENT("schedule removed"), LOG_TEXT("scheduler", decision->scheduler->id));
    reporter_unschedule(decision->scheduler->id);
}

/* Somebody may have started or deleted the row meanwhile: then it is his. Otherwise it is told among all that are untold. */
static void
close_row(const struct work *work, const struct ledger_decision *decision)
{
    const struct ledger_row *row = decision->row;
    struct error err;
    bool changed = false;

    if (!history_close_queued(work->database, row->id, decision->text, !decision->made_up_for, &changed, &err)) {
        log_warn(LOG_EVENT("row not closed"), LOG_TEXT("run", row->id), LOG_ERROR(&err));
        return;
    }
    if (!changed)
        return;
    log_warn(LOG_EVENT("row without a job closed"), LOG_TEXT("run", row->id), LOG_TEXT("config", row->config_id),
        LOG_TEXT("reason", decision->text));
    if (!history_audit_failed(work->database, row->id, row->config_id, decision->text, &err))
        log_warn(LOG_EVENT("audit row not written"), LOG_TEXT("run", row->id), LOG_ERROR(&err));
}

static void
tell_missed(const struct work *work, const struct ledger_decision *decision)
{
    char due[WALL_ISO_SIZE];
    struct text reason = TEXT_EMPTY;

    wall_format_iso(decision->due, due);
    text_format(&reason, "missed: the run due at %s did not happen within %" PRId64 " minutes", due,
        work->settings->missed_grace_minutes);
    log_error(LOG_EVENT("run missed"), LOG_TEXT("config", decision->config->id), LOG_TEXT("due", due));
    tell(work, decision->config->id, text_string(&reason));
    text_clear(&reason);
}

static void
tell_unusable(const struct work *work, const struct ledger_decision *decision)
{
    struct text reason = TEXT_EMPTY;

    text_format(&reason, "missed: no run is ever due: %s", decision->text);
    log_error(LOG_EVENT("schedule cannot be followed"), LOG_TEXT("config", decision->config->id),
        LOG_TEXT("cron", decision->config->cron), LOG_TEXT("timezone", decision->config->timezone),
        LOG_TEXT("error", decision->text));
    tell(work, decision->config->id, text_string(&reason));
    text_clear(&reason);
}

static void
catch_up(const struct work *work, const struct ledger_decision *decision)
{
    const char *config_id = decision->config->id;
    struct text data = TEXT_EMPTY;
    struct text options = TEXT_EMPTY;
    char due[WALL_ISO_SIZE];

    (void)work;
    wall_format_iso(decision->due, due);
    text_format(&data, "{\"kind\":\"run\",\"configId\":\"%s\"}", config_id);
    text_format(&options, "{\"jobId\":\"catch-up-%s-%" PRId64 "\"," KEPT "}", config_id, decision->due.ms);
    log_info(LOG_EVENT("run is made up for"), LOG_TEXT("config", config_id), LOG_TEXT("due", due));
    reporter_add("run", text_string(&data), text_string(&options));
    text_clear(&data);
    text_clear(&options);
}

static void
complain(const struct work *work, const struct ledger_decision *decision)
{
    (void)work;
    log_warn(
        LOG_EVENT(decision->text), LOG_TEXT("scheduler", decision->scheduler == NULL ? NULL : decision->scheduler->id));
}

/* --- All of it --- */

/* Jobs before mails: those may take their time. */
enum phase { PHASE_SCHEDULES, PHASE_JOBS, PHASE_TELLING };

static const struct {
    void (*perform)(const struct work *work, const struct ledger_decision *decision);
    enum phase phase;
    bool needs_memory;
} acts[] = {
    [LEDGER_SCHEDULE] = { schedule, PHASE_SCHEDULES, false },
    [LEDGER_UNSCHEDULE] = { unschedule, PHASE_SCHEDULES, false },
    [LEDGER_CATCH_UP] = { catch_up, PHASE_JOBS, true },
    [LEDGER_CLOSE] = { close_row, PHASE_TELLING, false },
    [LEDGER_MISSED] = { tell_missed, PHASE_TELLING, true },
    [LEDGER_UNUSABLE] = { tell_unusable, PHASE_TELLING, true },
    [LEDGER_COMPLAIN] = { complain, PHASE_TELLING, false },
};

static void
perform(const struct work *work, enum phase phase)
{
    for (size_t i = 0; i < work->decisions.count; i++) {
        const struct ledger_decision *decision = &work->decisions.list[i];

        if (acts[decision->act].phase == phase && (work->remembers || !acts[decision->act].needs_memory))
            acts[decision->act].perform(work, decision);
    }
}

static bool
repair_schedules(struct work *work, struct error *err)
{
    (void)err; /* what is said may be said to nobody: that is no failure */
    perform(work, PHASE_SCHEDULES);
    return true;
}

static bool
do_the_rest(struct work *work, struct error *err)
{
    (void)err; /* each failure is told, and the next one is tried */
    perform(work, PHASE_JOBS);
    perform(work, PHASE_TELLING);
    return true;
}

/* What dead runs have left. Whoever has the lock has tidied up already, or is somebody who is soon gone. */
static bool
tidy(struct work *work, struct error *err)
{
    struct tidy tidy = { .settings = work->settings, .database = work->database, .store = work->store, .but_id = "" };
    bool taken = false;
    bool ok = work->store == NULL || lock_try(work->database, &taken, err);

    if (ok && taken)
        ok = tidy_up(&tidy, err) && lock_release(work->database, err);
    return ok;
}

/*
 * Whether its job, if there is one, was in the queue when that was looked at: the run had begun or ended, or the row was old enough to have a
 * job. If the run began since then, its job was tried again, and may be tried once more.
 */
static bool
is_known(const struct ledger_facts *facts, const struct aftermath_row *row)
{
    int64_t made_ms = wall_now().ms - row->age_ms;
    int64_t known_ms = facts->now.ms - SKEW_MS;

    if (!facts->complete)
        return false;
    if (row->started.ms != 0)
        return row->started.ms < known_ms;
    return made_ms < facts->now.ms - ROW_MS || row->finished.ms < known_ms;
}

/* Of a failure that no job goes on with, and that nothing has made good. */
static void
tell_untold_row(const struct work *work, const struct aftermath_row *row)
{
    struct text ids = TEXT_EMPTY;
    struct error err;

    text_format(&ids, "{%s}", row->id);
    if (row->config_id != NULL && !row->is_made_good)
        untold_tell(work->database, work->settings,
            &(struct news){ .kind = NEWS_FAILED, .config_id = row->config_id, .run_id = row->id, .error = row->error });
    else if (!aftermath_unmark(work->database, text_string(&ids), &err))
        log_warn(LOG_EVENT("failure is told later"), LOG_TEXT("run", row->id), LOG_ERROR(&err));
    text_clear(&ids);
}

static bool
tell_untold(struct work *work, struct error *err)
{
    const struct ledger_facts *facts = ledger_view_facts(work->view);
    const struct wall soon = { .ms = wall_now().ms + SOON_MS };
    struct wall again = work->decisions.again;
    struct aftermath untold;
    bool ok = aftermath_find_untold(work->database, &untold, err);

    for (size_t i = 0; ok && i < untold.count && stop_check(err); i++) {
        const struct aftermath_row *row = &untold.rows[i];
        const struct ledger_row judged = { .id = row->id, .config_id = row->config_id, .scheduled = row->is_scheduled };

        if (ledger_goes_on(facts, &judged))
            continue;
        if (is_known(facts, row) && !news_are_held_up())
            tell_untold_row(work, row);
        else if (soon.ms < again.ms)
            again = soon;
    }
    aftermath_clear(&untold);
    if (ok)
        verdict_delay(work->verdict, again);
    return ok;
}

/* In this order; the first that fails, or that sets a verdict, is the last. */
static bool (*const steps[])(struct work *work, struct error *err) = { connect_database, take_lock, read_rows, judge,
    repair_schedules, remember, do_the_rest, tidy, tell_untold };

void
ledger_perform(const struct settings *settings, const char *bytes, size_t length, struct report *verdict)
{
    struct work work = { .settings = settings, .verdict = verdict };
    struct error err = ERROR_EMPTY;

    work.view = ledger_view_new(bytes, length, &err);
    for (size_t i = 0; work.view != NULL && i < sizeof(steps) / sizeof(steps[0]) && verdict->type == REPORT_NONE; i++)
        if (!stop_check(&err) || !steps[i](&work, &err))
            break;
    if (verdict->type == REPORT_NONE && err.code == ERROR_STOPPED)
        verdict_interrupt(verdict, err.text);
    else if (verdict->type == REPORT_NONE) {
        log_error(LOG_EVENT("ledger failed"), LOG_ERROR(&err));
        verdict_fail_with(verdict, &err, true);
    }
    ledger_decisions_clear(&work.decisions);
    ledger_memory_clear(&work.memory);
    timezones_free(work.zones);
    store_close(work.store);
    database_close(work.database);
    ledger_view_free(work.view);
}
