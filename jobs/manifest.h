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
#include "common/error.h"
#include "common/text.h"
#include "jobs/archive_contents.h"
#include "jobs/sha256.h"
#include "jobs/uuid.h"

#define MANIFEST_BYTES_MAX ((size_t)16 * 1024 * 1024) /* a hundred thousand tables with long names */

struct manifest {
    const char *weavestream_version;
    const char *migration_hash; /* jobs/migrations */
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
    int64_t duration_ms;                     /* of the dump and its proof */
    const struct archive_contents *contents; /* what was read back; NULL: nothing but the table of contents */
    const char *verified_level;              /* as settings_verify_name() has it */
    struct wall verified;
    int64_t verified_ms; /* how long the proof took */
};

void manifest_add_json(const struct manifest *manifest, bool indented, struct text *out);

/* What a manifest says about its dump. One that a Node worker wrote has no more than the first three. */
struct manifest_facts {
    char *filename;
    int64_t size_bytes;
    char sha256[SHA256_SIZE];
    char run_id[UUID_SIZE]; /* "": not said */
    int64_t duration_ms;    /* 0: not said */
    struct archive_contents contents;
    bool has_contents;
    char *verified_level; /* NULL: not said; so are the following */
    char *weavestream_version;
    char *migration_hash; /* "sha256:...", or "unknown:<why>" */
    char *password_key_id;
};

#define MANIFEST_FACTS_EMPTY ((struct manifest_facts){ .filename = NULL })

/* ERROR_INPUT: it is no manifest. The caller clears `out` in either case. */
bool manifest_read(const char *text, size_t length, struct manifest_facts *out, struct error *err) MUST_CHECK;
void manifest_facts_clear(struct manifest_facts *facts);

#endif
