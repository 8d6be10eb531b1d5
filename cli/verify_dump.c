#include "cli/verify_dump.h"

#include <stdio.h>
#include <sysexits.h>

#include "cli/answer.h"
#include "cli/command.h"
#include "cli/progress.h"
#include "cli/screen.h"
#include "common/clock.h"
#include "common/log.h"
#include "jobs/stop.h"
#include "jobs/verify.h"

static void
on_progress(const char *phase, int64_t bytes, int64_t whole, void *owner)
{
    progress_tell(owner, phase, bytes, whole);
}

/* `reason` is NULL if all is as it should be. */
static json_t *
make_answer(const struct verify_dump *what, const struct verify_result *result, const char *reason, int64_t duration_ms)
{
    const struct archive_proof *proof = &result->proof;
    bool read = proof->size_bytes > 0;
    bool counted = read && what->level != SETTINGS_VERIFY_TOC;
    bool restored = result->times.restore_ms > 0;

    return json_pack("{s:o, s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I}", "file",
        answer_text(what->file), "level", settings_verify_name(what->level), "proven", reason == NULL && counted,
        "reason", answer_text(reason), "manifest",
        answer_text(result->manifest.length > 0 ? text_string(&result->manifest) : NULL), "sizeBytes",
        answer_number(read, proof->size_bytes), "sha256", answer_text(read ? proof->sha256 : NULL), "tables",
        answer_number(counted, (int64_t)proof->contents.count), "rows", answer_number(counted, proof->contents.rows),
        "largeObjects", answer_number(counted, proof->contents.large_objects), "sequences",
        answer_number(counted, proof->contents.sequences), "restoreMs",
        answer_number(restored, result->times.restore_ms), "countMs", answer_number(restored, result->times.count_ms),
        "durationMs", (json_int_t)duration_ms);
}

static void
add_times(const struct drill_times *times, struct text *out)
{
    if (times->restore_ms == 0)
        return;
    text_add(out, "; restored in ");
    screen_add_duration(out, times->restore_ms);
    text_add(out, ", counted in ");
    screen_add_duration(out, times->count_ms);
}

static void
print_result(const struct verify_dump *what, const struct verify_result *result)
{
    struct text out = TEXT_EMPTY;

    text_format(&out, "%s: ", what->file);
    if (what->level == SETTINGS_VERIFY_TOC)
        text_add(&out, "table of contents readable, size and SHA-256 as in the manifest");
    else {
        text_add(&out, "proven");
        if (what->level == SETTINGS_VERIFY_RESTORE)
            text_add(&out, " by a restore");
        text_add(&out, ": ");
        archive_contents_add_summary(&result->proof.contents, &out);
        text_add(&out, result->facts.has_contents ? ", as in the manifest"
                                                  : "; size and SHA-256 as in the manifest, which lists no tables");
        add_times(&result->times, &out);
    }
    (void)puts(text_string(&out));
    text_clear(&out);
}

/* What was found is worth telling even where it proves nothing. */
static void
add_reason(
    const struct verify_dump *what, const struct verify_result *result, const struct error *err, struct text *out)
{
    if (err->code != ERROR_CONFLICT)
        text_add(out, "not proven: ");
    else if (what->level == SETTINGS_VERIFY_TOC)
        text_add(out, "table of contents readable, but ");
    else {
        text_add(out, what->level == SETTINGS_VERIFY_RESTORE ? "restored (" : "whole and readable (");
        archive_contents_add_summary(&result->proof.contents, out);
        text_add(out, "), but ");
    }
    text_add(out, err->text);
}

/* Then the error names it. */
static bool
is_dump_unopened(const struct verify_result *result)
{
    return result->stage == VERIFY_OPENING && result->manifest.length == 0;
}

/* Whoever is not let in, or not there, has said nothing about the dump. */
static bool
is_about_server(enum error_code code)
{
    return code == ERROR_LOST || code == ERROR_DENIED || code == ERROR_CONFIG;
}

static int
exit_status(bool ok, const struct verify_result *result, const struct error *err)
{
    if (ok)
        return EX_OK;
    if (result->stage == VERIFY_OPENING)
        return EX_NOINPUT;
    if (result->stage == VERIFY_RESTORE && is_about_server(err->code))
        return command_status(err->code);
    if (err->code == ERROR_CONFIG) /* no pg_restore */
        return EX_UNAVAILABLE;
    return VERIFY_DUMP_NOT_PROVEN;
}

static void
complain(const struct verify_dump *what, int status, const struct verify_result *result, const struct error *err,
    struct text *reason)
{
    if (is_dump_unopened(result)) {
        text_add(reason, err->text);
        (void)command_complain(what->command, status, "%s", err->text);
    } else {
        add_reason(what, result, err, reason);
        (void)command_complain(what->command, status, "%s: %s", what->file, text_string(reason));
    }
}

static int
tell_interruption(const struct verify_dump *what, const struct verify_result *result)
{
    const int status = 128 + stop_signal();

    if (result->database == DRILL_DATABASE_DROPPED)
        (void)command_complain(what->command, status, "interrupted; its throw-away database is dropped");
    if (result->database == DRILL_DATABASE_LEFT)
        (void)command_complain(
            what->command, status, "interrupted; its throw-away database may be left: the next drill drops it");
    return status;
}

int
verify_dump(const struct verify_dump *what, json_t **answer)
{
    struct progress progress = { .drawn = false };
    struct verify_order order = { .file = what->file,
        .manifest = what->manifest,
        .level = what->level,
        .settings = what->settings,
        .on_progress = on_progress,
        .owner = &progress };
    struct verify_result result = VERIFY_RESULT_EMPTY;
    struct moment start = moment_now();
    struct text reason = TEXT_EMPTY;
    struct error err = ERROR_EMPTY;
    bool ok = verify_file(&order, &result, &err);
    int status = exit_status(ok, &result, &err);

    progress_erase(&progress);
    if (stop_signal() != 0)
        status = tell_interruption(what, &result);
    else {
        if (ok && answer == NULL)
            print_result(what, &result);
        if (!ok)
            complain(what, status, &result, &err, &reason);
        if (answer != NULL)
            *answer =
                make_answer(what, &result, ok ? NULL : text_string(&reason), moment_ms_between(start, moment_now()));
    }
    text_clear(&reason);
    verify_result_clear(&result);
    return status;
}

int
verify_dump_print(const struct verify_dump *what, bool json)
{
    json_t *answer = NULL;
    int status = verify_dump(what, json ? &answer : NULL);

    if (answer != NULL)
        answer_print(answer);
    return status;
}

bool
verify_dump_list(const char *command, const struct settings *settings, struct dump_files *files, int *status)
{
    struct error err;

    if (!dump_files_list(settings->storage_directory, files, &err))
        *status = command_complain(command, EX_NOINPUT, "%s", err.text);
    else if (files->count == 0)
        *status = command_complain(
            command, EX_NOINPUT, "there is no dump in '%s': is BACKUP_STORAGE_DIR right?", files->directory);
    return files->count > 0;
}

int
verify_dump_command(const char *command, unsigned scopes, verify_dump_work_fn *work, const void *context)
{
    struct settings settings;
    struct text problems = TEXT_EMPTY;
    struct error err;
    int status;

    log_start("weavestream-backup-job", LOG_LEVEL_WARN);
    if (!settings_load(&settings, scopes, &problems))
        status = command_complain_of_settings(command, &problems);
    else if ((scopes & SETTINGS_DRILL) != 0 && settings.drill.count == 0 && settings.database.count == 0)
        status = command_complain(command, EX_CONFIG, "a restore needs a server: set BACKUP_DRILL_URL or DATABASE_URL");
    else if (!stop_start((struct moment){ .ns = STOP_NEVER_NS }, &err))
        status = command_complain(command, EX_OSERR, "%s", err.text);
    else
        status = work(&settings, context);
    text_clear(&problems);
    settings_clear(&settings);
    return status == EX_OK ? command_finish(command) : status;
}
