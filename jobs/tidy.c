#include "jobs/tidy.h"

#include <string.h>

#include "common/log.h"
#include "common/text.h"
#include "jobs/drill.h"
#include "jobs/published.h"
#include "jobs/store_draft.h"

static void
warn_of_audit(const struct aftermath_row *row, const struct error *err)
{
    log_warn(LOG_EVENT("audit row not written"), LOG_TEXT("run", row->id), LOG_ERROR(err));
}

static bool
succeed(struct database *database, const struct store *store, const struct aftermath_row *row,
    const struct published *published, enum tidy_end *end, struct error *err)
{
    struct text dump_path = TEXT_EMPTY;
    struct text manifest_path = TEXT_EMPTY;
    struct history_success success = { .started = row->started,
        .finished = wall_now(),
        .size_bytes = published->size_bytes,
        .manifest = published->manifest };
    struct error ignored;
    bool changed = false;
    bool ok;

    text_format(&dump_path, "%s/%s", store_directory(store), published->names.dump);
    text_format(&manifest_path, "%s/%s", store_directory(store), published->names.manifest);
    success.dump_path = text_string(&dump_path);
    success.manifest_path = text_string(&manifest_path);
    ok = history_succeed(database, row->id, &success, &changed, err);
    text_clear(&dump_path);
    text_clear(&manifest_path);
    if (!ok || !changed)
        return ok;
    *end = TIDY_SUCCEEDED;
    log_warn(
        LOG_EVENT("row closed from its manifest"), LOG_TEXT("run", row->id), LOG_TEXT("file", published->names.dump));
    if (row->config_id != NULL && !history_touch_config(database, row->config_id, success.finished, &ignored))
        log_warn(LOG_EVENT("config not updated"), LOG_TEXT("config", row->config_id), LOG_ERROR(&ignored));
    if (!history_audit_completed(
            database, row->id, row->config_id, published->size_bytes, published->names.dump, &ignored))
        warn_of_audit(row, &ignored);
    return true;
}

static bool
fail(struct database *database, const struct aftermath_row *row, const char *reason, enum tidy_end *end,
    struct error *err)
{
    struct error ignored;
    bool changed = false;

    if (!aftermath_fail(database, row, reason, &changed, err))
        return false;
    if (!changed)
        return true;
    *end = TIDY_FAILED;
    log_warn(LOG_EVENT("row of a dead run closed"), LOG_TEXT("run", row->id), LOG_TEXT("reason", reason));
    if (!history_audit_failed(database, row->id, row->config_id, reason, &ignored))
        warn_of_audit(row, &ignored);
    return true;
}

/* A manifest without its dump: of an attempt that is known to be dead, or it might be about to publish that. */
static void
remove_lonely_manifest(struct store *store, const struct published *published)
{
    struct error err;

    if (published->manifest == NULL || published->size_bytes != -1)
        return;
    if (store_remove(store, published->names.manifest, &err) && store_sync(store, &err))
        log_warn(LOG_EVENT("manifest without a dump removed"), LOG_TEXT("file", published->names.manifest));
    else
        log_warn(LOG_EVENT("manifest without a dump not removed"), LOG_TEXT("file", published->names.manifest),
            LOG_ERROR(&err));
}

static bool
find_published(const struct store *store, const struct aftermath_row *row, struct published *published, bool *found,
    struct error *err)
{
    *published = (struct published){ .manifest = NULL };
    *found = false;
    return row->status != HISTORY_RUNNING || row->started.ms == 0 ||
           published_find(store, row->id, row->started, published, found, err);
}

bool
tidy_close_published(struct database *database, const struct store *store, const struct aftermath_row *row,
    enum tidy_end *end, struct error *err)
{
    struct published published;
    bool found;
    bool ok;

    *end = TIDY_NONE;
    ok = find_published(store, row, &published, &found, err) &&
         (!found || succeed(database, store, row, &published, end, err));
    published_clear(&published);
    return ok;
}

bool
tidy_close(struct database *database, struct store *store, const struct aftermath_row *row, const char *reason,
    enum tidy_end *end, struct error *err)
{
    struct published published;
    bool found;
    bool ok;

    *end = TIDY_NONE;
    ok = find_published(store, row, &published, &found, err);
    if (ok && found)
        ok = succeed(database, store, row, &published, end, err);
    else if (ok) {
        remove_lonely_manifest(store, &published);
        ok = fail(database, row, reason, end, err);
    }
    published_clear(&published);
    return ok;
}

/* What an attempt that is over has left of its row's run, if that has no dump. */
static bool
clear_away(struct store *store, const struct aftermath_row *row, struct error *err)
{
    struct published published;
    bool found;
    bool ok = published_find(store, row->id, row->started, &published, &found, err);

    if (ok)
        remove_lonely_manifest(store, &published);
    published_clear(&published);
    return ok;
}

/* Of runs that have failed for a directory that could not be written: then they could not remove it either. */
static bool
remove_lonely_manifests(const struct tidy *tidy, struct error *err)
{
    struct aftermath found = { .count = 0 };
    struct text ids = TEXT_EMPTY;
    struct error not_listed;
    bool ok = true;

    text_add(&ids, "{");
    if (!published_add_lonely(tidy->store, &ids, &not_listed))
        log_warn(LOG_EVENT("manifests not looked through"), LOG_ERROR(&not_listed));
    text_add(&ids, "}");
    if (ids.length > 2)
        ok = aftermath_find(tidy->database, text_string(&ids), &found, err);
    for (size_t i = 0; ok && i < found.count; i++) {
        const struct aftermath_row *row = &found.rows[i];
        if (row->status == HISTORY_FAILED && row->started.ms != 0)
            ok = clear_away(tidy->store, row, err);
    }
    aftermath_clear(&found);
    text_clear(&ids);
    return ok;
}

/* What cannot be dropped, or looked for, is no reason to leave anything else undone. */
static void
drop_drills(const struct tidy *tidy)
{
    struct error err;
    size_t dropped = 0;

    if (!drill_remove_leftovers(tidy->settings, tidy->database, &dropped, &err))
        log_warn(LOG_EVENT("drill databases not dropped"), LOG_ERROR(&err));
}

bool
tidy_up(struct tidy *tidy, struct error *err)
{
    struct aftermath running;
    bool ok = aftermath_find_running(tidy->database, &running, err);

    for (size_t i = 0; ok && i < running.count; i++) {
        const struct aftermath_row *row = &running.rows[i];
        enum tidy_end end = TIDY_NONE;

        if (strcmp(row->id, tidy->but_id) == 0)
            ok = row->started.ms == 0 || clear_away(tidy->store, row, err); /* about to be started again */
        else
            ok = tidy_close(tidy->database, tidy->store, row, TIDY_ABANDONED, &end, err);
        if (ok && end != TIDY_NONE)
            tidy->rows++;
    }
    aftermath_clear(&running);
    if (ok)
        store_remove_stale(tidy->store, &tidy->files);
    ok = ok && remove_lonely_manifests(tidy, err);
    if (ok)
        drop_drills(tidy);
    return ok;
}
