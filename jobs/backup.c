#include "jobs/backup.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "common/log.h"
#include "jobs/drill.h"
#include "jobs/dump.h"
#include "jobs/files.h"
#include "jobs/manifest.h"
#include "jobs/migrations.h"
#include "jobs/reporter.h"
#include "jobs/space.h"
#include "jobs/store_draft.h"
#include "jobs/watch.h"

#define PUBLISH_TRIES 10 /* names that somebody else may snatch */

/* At level `toc` nobody asks what must be in the dump. */
static bool
proves_contents(const struct backup *backup)
{
    return backup->settings->verify != SETTINGS_VERIFY_TOC;
}

/* Only gzip's has: damage to any other archive shows by its SHA-256 alone. */
static bool
has_checksum_inside(const char *compression)
{
    const char *last;

    if (compression == NULL)
        return true; /* pg_dump's default */
    last = compression + strlen(compression) - 1;
    return *last != '0' && (isdigit((unsigned char)*compression) || strncmp(compression, "gzip", 4) == 0);
}

bool
backup_write(struct backup *backup, struct error *err)
{
    struct watch watch = { .settings = backup->settings,
        .database = backup->database,
        .directory = store_directory(backup->store),
        .previous_bytes = backup->previous_bytes };
    struct dump_order order = { .database = backup->database,
        .compression = backup->settings->compression,
        .on_tick = watch_tick,
        .owner = &watch };
    struct moment start = moment_now();
    struct text warnings = TEXT_EMPTY;
    bool ok = false;

    if (!dump_find_version(&backup->pg_dump_version, err) ||
        !dump_check_compression(backup->settings->compression, text_string(&backup->pg_dump_version), err) ||
        !watch_start(&watch, err) || !drill_check(backup->settings, backup->database, &backup->drill_bytes, err))
        return false;
    backup->draft = store_create_draft(backup->store, backup->started, err);
    if (backup->draft == NULL)
        return false;
    if (proves_contents(backup)) {
        if (!snapshot_open(database_url(backup->database), &backup->snapshot, err))
            return false;
        order.snapshot = &backup->snapshot;
    }
    reporter_log("Dumping with pg_dump %s, from server %s, to %s", text_string(&backup->pg_dump_version),
        database_server_version_text(backup->database), store_directory(backup->store));
    if (!has_checksum_inside(backup->settings->compression))
        reporter_log("BACKUP_COMPRESSION=%s: such an archive has no checksum inside; only the SHA-256 in its manifest "
                     "tells whether it was damaged later",
            backup->settings->compression);
    order.path = store_draft_path(backup->draft);
    order.fd = store_draft_fd(backup->draft);
    ok = dump_write(&order, &warnings, err);
    watch_end(&watch);
    snapshot_end(&backup->snapshot);
    if (!ok)
        space_advise(store_directory(backup->store), err);
    ok = ok && store_draft_is_intact(backup->draft, err);
    backup->dump_ms = moment_ms_between(start, moment_now());
    if (warnings.length > 0)
        reporter_log("pg_dump said: %s", text_string(&warnings));
    text_clear(&warnings);
    return ok;
}

static void
on_proof_progress(int64_t bytes, int64_t size_bytes, void *owner)
{
    (void)owner;
    reporter_progress("verify", bytes, bytes >= size_bytes ? 99 : (int)(bytes * 100 / size_bytes));
}

static void
tell_proof(const struct backup *backup)
{
    const struct archive_proof *proof = &backup->proof;

    reporter_log("Dumped %" PRId64 " bytes in %.1f s, synced to disk in %.1f s", proof->size_bytes,
        (double)backup->dump_ms / 1000, (double)backup->sync_ms / 1000);
    if (proves_contents(backup))
        reporter_log("Read back from disk in %.1f s: all %zu tables of the database, with %" PRId64 " rows, %" PRId64
                     " sequences, %" PRId64 " large objects; SHA-256 %s",
            (double)proof->read_ms / 1000, backup->snapshot.contents.count, proof->contents.rows,
            proof->contents.sequences, proof->contents.large_objects, proof->sha256);
    else
        reporter_log("Table of contents readable; SHA-256 %s", proof->sha256);
}

static bool
prove(struct backup *backup, struct error *err)
{
    struct archive_order order = { .path = store_draft_path(backup->draft),
        .fd = store_draft_fd(backup->draft),
        .level = backup->settings->verify,
        .expected = proves_contents(backup) ? &backup->snapshot.contents : NULL,
        .on_progress = on_proof_progress,
        .owner = backup };
    struct moment start = moment_now();

    if (!files_sync(order.fd, err))
        return error_add(err, "the dump");
    backup->sync_ms = moment_ms_between(start, moment_now());
    if (!archive_prove(&order, &backup->proof, err))
        return false;
    tell_proof(backup);
    if (!drill_prove(backup->settings, backup->drill_bytes, order.path, &backup->proof.contents, err))
        return false;
    backup->verified_level = backup->settings->verify;
    backup->verified = wall_now();
    backup->verified_ms = moment_ms_between(start, moment_now()) - backup->sync_ms;
    return true;
}

static void
keep_rejected(struct backup *backup, struct error *err)
{
    char name[STORE_NAME_SIZE];
    struct error why;

    if (!store_reject_draft(backup->draft, name, &why)) {
        error_also(err, "the dump could not be kept: %s", why.text);
        return;
    }
    error_also(err, "the dump is kept as '%s'", name);
    log_warn(LOG_EVENT("rejected dump kept"), LOG_TEXT("run", backup->run_id), LOG_TEXT("file", name));
}

bool
backup_prove(struct backup *backup, struct error *err)
{
    if (prove(backup, err))
        return true;
    space_advise(store_directory(backup->store), err);
    if (err->code == ERROR_INPUT && backup->settings->keep_rejected)
        keep_rejected(backup, err);
    return false;
}

static void
make_manifest(struct backup *backup, const char *migration_hash, struct text *indented)
{
    struct manifest manifest = { .weavestream_version = backup->settings->weavestream_version,
        .migration_hash = migration_hash,
        .password_key_id = backup->settings->password_key_id,
        .database_hostname = backup->settings->database.hostname,
        .generated = wall_now(),
        .filename = backup->names.dump,
        .size_bytes = backup->proof.size_bytes,
        .sha256 = backup->proof.sha256,
        .run_id = backup->run_id,
        .pg_dump_version = text_string(&backup->pg_dump_version),
        .server_version = database_server_version_text(backup->database),
        .duration_ms = backup->dump_ms + backup->sync_ms + backup->verified_ms,
        .contents = proves_contents(backup) ? &backup->proof.contents : NULL,
        .verified_level = settings_verify_name(backup->verified_level),
        .verified = backup->verified,
        .verified_ms = backup->verified_ms };

    text_reset(&backup->manifest);
    manifest_add_json(&manifest, true, indented);
    manifest_add_json(&manifest, false, &backup->manifest);
}

bool
backup_publish(struct backup *backup, struct error *err)
{
    struct text migration_hash = TEXT_EMPTY;
    struct text indented = TEXT_EMPTY;
    bool ok = false;

    reporter_progress("publish", backup->proof.size_bytes, 100);
    migrations_add_app_hash(&migration_hash);
    for (int i = 0; !ok && i < PUBLISH_TRIES && (i == 0 || err->code == ERROR_CONFLICT); i++) {
        if (!store_choose_names(backup->store, backup->started, &backup->names, err))
            break;
        text_reset(&indented);
        make_manifest(backup, text_string(&migration_hash), &indented);
        ok = store_publish(backup->store, backup->draft, &backup->names, text_string(&indented), err);
    }
    if (ok)
        reporter_log("Published as %s, with its manifest", backup->names.dump);
    text_clear(&migration_hash);
    text_clear(&indented);
    return ok;
}

void
backup_abandon(struct backup *backup)
{
    store_draft_free(backup->draft);
    backup->draft = NULL;
}

void
backup_clear(struct backup *backup)
{
    backup_abandon(backup);
    text_clear(&backup->pg_dump_version);
    snapshot_clear(&backup->snapshot);
    archive_proof_clear(&backup->proof);
    text_clear(&backup->manifest);
}
