#include "jobs/untold.h"

#include "common/log.h"
#include "common/text.h"
#include "jobs/aftermath.h"
#include "jobs/lock.h"
#include "jobs/stop.h"
#include "jobs/transfer.h"

#define LAST_MS 500   /* after a signal; soon after it the worker kills, and it has to be noted */
#define NOTE_MS 30000 /* to note that it was told */

/* Whether it is ours to tell. */
static bool
claim(struct database *database, const char *run_id, const char *ids, bool *ours, struct error *err)
{
    struct aftermath found = { .count = 0 };
    bool ok = lock_try_to_tell(database, run_id, ours, err);

    if (ok && *ours) {
        ok = aftermath_find(database, ids, &found, err);
        *ours = ok && found.count > 0 && found.rows[0].status == HISTORY_FAILED && found.rows[0].is_untold;
    }
    aftermath_clear(&found);
    return ok;
}

/* Beside a mail that took long, the session may have been lost: that must not make two mails of one. */
static bool
take_mark_off(struct database *database, const char *ids, struct error *err)
{
    bool ok;

    stop_shield(moment_add_ms(moment_now(), NOTE_MS));
    ok = database_revive(database, NOTE_MS, err) && aftermath_unmark(database, ids, err);
    stop_unshield();
    return ok;
}

/* What a server is just taking may come to its end: that is noted, and the one who goes on need not say it again. */
static bool
tell(struct database *database, const struct settings *settings, const struct news *news)
{
    bool told;

    transfer_allow_last(LAST_MS);
    told = news_tell(database, settings, news);
    transfer_allow_last(0);
    return told;
}

void
untold_tell(struct database *database, const struct settings *settings, const struct news *news)
{
    struct text ids = TEXT_EMPTY;
    struct error err = ERROR_EMPTY;
    bool ours = false;
    bool told = false; /* by us or by somebody else */

    text_format(&ids, "{%s}", news->run_id);
    if (stop_was_requested())
        (void)error_set(&err, ERROR_STOPPED, "the worker was stopped");
    else if (claim(database, news->run_id, text_string(&ids), &ours, &err) && ours) {
        if (!tell(database, settings, news))
            (void)error_set(&err, ERROR_STOPPED, "the worker was stopped, or the job's time was over");
        else
            told = take_mark_off(database, text_string(&ids), &err);
    } else
        told = err.code == ERROR_NONE;
    if (!told)
        log_warn(LOG_EVENT("failure is told later"), LOG_TEXT("run", news->run_id), LOG_ERROR(&err));
    text_clear(&ids);
}
