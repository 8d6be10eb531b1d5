#include "jobs/outcome.h"

#include <stdlib.h>

#include "common/log.h"
#include "common/memory.h"
#include "jobs/hook.h"
#include "jobs/lock.h"
#include "jobs/news.h"
#include "jobs/ping.h"
#include "jobs/reporter.h"
#include "jobs/stop.h"
#include "jobs/untold.h"
#include "jobs/verdict.h"

#define RELEASE_MS 5000

static bool
has_a_dump(const struct outcome *outcome)
{
    return outcome->verdict->type == REPORT_COMPLETED && outcome->backup->names.dump[0] != '\0';
}

static bool
has_failed_for_good(const struct outcome *outcome)
{
    const struct report *verdict = outcome->verdict;

    return verdict->type == REPORT_FAILED && (!verdict->retry || outcome->payload->is_last) &&
           !(outcome->row->is_lost && outcome->backup->names.dump[0] != '\0'); /* it will turn out a success */
}

static void
send_ping(const struct settings *settings, enum ping_kind kind)
{
    struct error err;

    if (ping_send(settings, &(struct ping){ .kind = kind }, &err))
        return;
    log_warn(LOG_EVENT("ping not sent"), LOG_ERROR(&err));
    reporter_log("No ping was sent: %s", err.text);
}

void
outcome_tell_start(const struct settings *settings)
{
    send_ping(settings, PING_START);
}

/* A text for everybody who is told of the success, to be freed; NULL: all went well. */
static char *
run_hook(const struct settings *settings, const struct outcome *outcome)
{
    const struct backup *backup = outcome->backup;
    const struct hook_facts facts = { .directory = store_directory(backup->store),
        .dump = backup->names.dump,
        .manifest = backup->names.manifest,
        .run_id = outcome->row->id,
        .config_id = outcome->payload->config_id,
        .config_name = outcome->config_name,
        .size_bytes = backup->proof.size_bytes,
        .sha256 = backup->proof.sha256 };
    struct error err;

    if (settings->after_success == NULL)
        return NULL;
    stop_unshield(); /* all is written down: a signal may end it, and it has what is left of the job's time */
    if (hook_run(settings, &facts, &err))
        return NULL;
    log_warn(LOG_EVENT("after-success failed"), LOG_TEXT("run", outcome->row->id), LOG_ERROR(&err));
    reporter_log("The backup is done, but what was to follow it went wrong: %s", err.text);
    return memory_copy_string(err.text);
}

/* Not everything is done that follows a success. Where nobody tries again, it is one all the same. */
static void
hand_back(const struct outcome *outcome)
{
    reporter_log("The backup is done, but was stopped before all was done that follows%s",
        outcome->payload->is_alone ? "" : ": the job goes back to the queue");
    if (outcome->payload->is_alone)
        return;
    report_clear(outcome->verdict);
    verdict_interrupt(outcome->verdict, "the worker was stopped");
}

/* False: it was given up, because the worker was stopped. */
static bool
tell(struct database *database, const struct settings *settings, const struct outcome *outcome,
    const char *after_success)
{
    const struct backup *backup = outcome->backup;
    struct error err;
    bool told;
    struct news news = { .kind = NEWS_FAILED,
        .config_id = outcome->payload->config_id,
        .config_name = outcome->config_name,
        .run_id = outcome->row->id[0] == '\0' ? NULL : outcome->row->id,
        .error = outcome->verdict->text,
        .explanation = outcome->explanation,
        .duration_ms = moment_ms_between(outcome->began, moment_now()) };

    if (has_a_dump(outcome)) {
        news.kind = NEWS_COMPLETED;
        news.error = NULL;
        news.filename = backup->names.dump;
        news.size_bytes = backup->proof.size_bytes;
        news.sha256 = backup->proof.sha256;
        news.verified = outcome->verified;
        news.after_success = after_success;
    }
    stop_shield(moment_add_ms(moment_now(), NEWS_MS)); /* even if the job ran too long: that is worth telling */
    if (news.kind == NEWS_COMPLETED && database != NULL && !database_revive(database, RELEASE_MS, &err))
        database = NULL; /* what came before may have taken hours */
    if (news.kind == NEWS_FAILED && outcome->row->is_untold) {
        untold_tell(database, settings, &news);
        return true;
    }
    told = news_tell(outcome->row->is_lost ? NULL : database, settings, &news);
    outcome->verdict->told = news.kind == NEWS_FAILED && told;
    return told;
}

static void
follow_success(struct database *database, const struct settings *settings, const struct outcome *outcome)
{
    char *after_success = run_hook(settings, outcome);

    if ((after_success != NULL && stop_was_requested()) || !tell(database, settings, outcome, after_success))
        hand_back(outcome);
    free(after_success);
}

void
outcome_tell(struct database *database, const struct settings *settings, const struct outcome *outcome)
{
    struct error err;

    if (outcome->verdict->type != REPORT_COMPLETED && !has_failed_for_good(outcome))
        return;
    stop_shield(moment_add_ms(moment_now(), RELEASE_MS));
    if (database != NULL && (!database_revive(database, RELEASE_MS, &err) || !lock_release(database, &err)))
        log_warn(LOG_EVENT("backup lock not released"), LOG_ERROR(&err));
    if (database != NULL && !outcome->row->is_lost)
        run_row_settle_earlier(outcome->row);
    if (has_a_dump(outcome))
        follow_success(database, settings, outcome);
    else if (outcome->was_done_before)
        send_ping(settings, PING_SUCCESS);
    else if (outcome->verdict->type == REPORT_FAILED && !outcome->row->is_told)
        (void)tell(database, settings, outcome, NULL);
}
