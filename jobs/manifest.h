/*
 * manifest: the JSON file beside a dump, and the same object in the row.
 *
 * Keys and their order are the app's; what we add stands behind them. The file is what JSON.stringify(manifest, null, 2) would write.
 */
#ifndef JOBS_MANIFEST_H
#define JOBS_MANIFEST_H

#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/text.h"

struct manifest {
    const char *weavestream_version;
    const char *migration_hash; /* manifest_add_migration_hash() */
    const char *password_key_id;
    const char *database_hostname;
    struct wall generated;
    const char *filename;
    int64_t size_bytes;
    const char *sha256;
    /* ours */
    const char *run_id;
    const char *pg_dump_version;
    const char *server_version;
    int64_t duration_ms; /* of the dump and its proof */
};

void manifest_add_json(const struct manifest *manifest, bool indented, struct text *out);

/*
 * "sha256:<hex>" over the app's migrations: for each directory in `folder`, in code-unit order of its name, the name, a newline, and the
 * bytes of its migration.sql if there is one. "unknown:<why>" where that is not to be had.
 */
void manifest_add_migration_hash(const char *folder, struct text *out);

/* The same for the first of the places where the app keeps its migrations that exists. */
void manifest_add_app_migration_hash(struct text *out);

#endif
