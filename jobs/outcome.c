#include "jobs/outcome.h"

#include "common/clock.h"
#include "common/log.h"
#include "jobs/lock.h"
#include "jobs/mail.h"
#include "jobs/reporter.h"
#include "jobs/stop.h"

#define ROOM_MS 5000 /* for the queries around a mail */

static bool
is_worth_a_mail(const struct outcome *outcome)
{
    const struct report *verdict = outcome->verdict;

    if (verdict->type == REPORT_COMPLETED)
        return outcome->filename[0] != '\0';
    return verdict->type == REPORT_FAILED && !(verdict->retry && payload_has_attempts_left(outcome->payload));
}

void
outcome_tell(struct database *database, const struct settings *settings, const struct outcome *outcome)
{
    const struct report *verdict = outcome->verdict;
    struct mail mail = { .config_id = outcome->payload->config_id,
        .error = verdict->type == REPORT_FAILED ? verdict->text : NULL,
        .filename = outcome->filename,
        .size_bytes = outcome->size_bytes };
    struct error err;

    if (!is_worth_a_mail(outcome))
        return;
    if (stop_was_requested())
        (void)error_set(&err, ERROR_STOPPED, "the worker was stopped");
    else if (database == NULL)
        (void)error_set(&err, ERROR_LOST, "there is no session with Postgres to ask whom to tell");
    else {
        stop_shield(
            moment_add_ms(moment_now(), MAIL_MS + ROOM_MS)); /* even if the job ran too long: that is worth telling */
        if (lock_release(database, &err) && mail_send(database, settings, &mail, &err))
            return;
    }
    log_warn(LOG_EVENT("mail not sent"), LOG_TEXT("config", mail.config_id), LOG_ERROR(&err));
    reporter_log("No mail was sent: %s", err.text);
}
