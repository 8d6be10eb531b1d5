#include "jobs/watch.h"

#include "common/log.h"
#include "common/text.h"
#include "jobs/reporter.h"
#include "jobs/space.h"

#define MB ((int64_t)1024 * 1024)
#define REPORT_MS 500

static struct space
space_of(const struct watch *watch, int64_t free_bytes)
{
    return (struct space){
        .directory = watch->directory, .free_bytes = free_bytes, .reserved_bytes = watch->settings->min_free_mb * MB
    };
}

static bool
find_database_size(struct database *database, int64_t *bytes, struct error *err)
{
    struct database_rows *rows = NULL;

    if (!database_query(database, "SELECT pg_database_size(current_database())", 0, NULL, &rows, err))
        return error_add(err, "read the database's size");
    *bytes = database_rows_number(rows, 0, 0);
    database_rows_free(rows);
    return true;
}

bool
watch_start(struct watch *watch, struct error *err)
{
    struct text warning = TEXT_EMPTY;
    struct space space;
    int64_t database_bytes = 0;
    int64_t free_bytes = 0;
    bool ok;

    stall_start(&watch->stall, watch->settings->stall_minutes, moment_now());
    if (!space_look(watch->directory, &free_bytes, err)) {
        log_warn(LOG_EVENT("free space not known"), LOG_TEXT("directory", watch->directory), LOG_ERROR(err));
        reporter_log("Nothing is known of the room for the dump: %s", err->text);
        return true;
    }
    if (watch->previous_bytes == 0 && !find_database_size(watch->database, &database_bytes, err))
        return false;
    space = space_of(watch, free_bytes);
    ok = space_allows_dump(&space, watch->previous_bytes, database_bytes, &warning, err);
    if (warning.length > 0) {
        log_warn(LOG_EVENT("room is short"), LOG_TEXT("directory", watch->directory),
            LOG_NUMBER("freeBytes", free_bytes), LOG_NUMBER("databaseBytes", database_bytes));
        reporter_log("%s", text_string(&warning));
    }
    text_clear(&warning);
    return ok;
}

static void
report_progress(struct watch *watch, int64_t bytes)
{
    int64_t percent = REPORTER_NO_PERCENT;

    if (!moment_is_past(watch->next_report))
        return;
    watch->next_report = moment_add_ms(moment_now(), REPORT_MS);
    if (watch->waits_for.length > 0) {
        reporter_wait("dump", bytes, text_string(&watch->waits_for));
        return;
    }
    if (watch->previous_bytes > 0)
        percent = bytes >= watch->previous_bytes ? 99 : bytes * 100 / watch->previous_bytes;
    reporter_progress("dump", bytes, percent > 99 ? 99 : (int)percent);
}

static void
note_wait(struct watch *watch, const struct stall_view *view)
{
    text_reset(&watch->waits_for);
    if (!view->at_work)
        text_add(&watch->waits_for, text_string(&view->waits_for));
    if (watch->wait_is_told || watch->waits_for.length == 0)
        return;
    watch->wait_is_told = true;
    log_warn(LOG_EVENT("dump waits"), LOG_TEXT("for", text_string(&watch->waits_for)));
    reporter_log("The dump waits for %s", text_string(&watch->waits_for));
}

static bool
check_progress(struct watch *watch, struct error *err)
{
    struct stall_view view = STALL_VIEW_EMPTY;
    bool looked = stall_look(watch->database, DATABASE_APPLICATION " dump", &view, err);
    bool ok;

    if (!looked && err->code == ERROR_STOPPED)
        return false;
    if (looked)
        note_wait(watch, &view);
    ok = stall_judge(&watch->stall, looked ? &view : NULL, moment_now(), err);
    stall_view_clear(&view);
    return ok;
}

bool
watch_tick(int64_t bytes, void *owner, struct error *err)
{
    struct watch *watch = owner;
    struct error unknown; /* told at the start */
    int64_t free_bytes = 0;

    if (bytes != watch->stall.bytes)
        text_reset(&watch->waits_for);
    report_progress(watch, bytes);
    if (space_look(watch->directory, &free_bytes, &unknown)) {
        struct space space = space_of(watch, free_bytes);

        if (!space_is_left(&space, bytes, err))
            return false;
    }
    return !stall_wants_a_look(&watch->stall, bytes, moment_now()) || check_progress(watch, err);
}

void
watch_end(struct watch *watch)
{
    text_clear(&watch->waits_for);
}
