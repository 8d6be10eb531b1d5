/*
 * verify: a dump that lies somewhere, judged by itself and by its manifest.
 *
 * The manifest says what was proven when the dump was made: size, SHA-256 and the rows of each table. It is the one that is named, or else the
 * one beside the file: X.manifest.json for X.dump, where a symbolic link may lead to both. Without one, a dump may be whole and readable,
 * and even restore; that nothing is missing in it, nobody can prove then.
 */
#ifndef JOBS_VERIFY_H
#define JOBS_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "common/settings.h"
#include "common/text.h"
#include "jobs/archive.h"
#include "jobs/drill.h"
#include "jobs/manifest.h"

/* `whole`: of how many bytes; 0: nobody knows. `bytes` -1: neither is known. */
typedef void verify_progress_fn(const char *phase, int64_t bytes, int64_t whole, void *owner);

struct verify_order {
    const char *file;
    const char *manifest; /* NULL: the one beside the file */
    enum settings_verify level;
    const struct settings *settings; /* where to restore, if it comes to that */
    verify_progress_fn *on_progress;
    void *owner;
};

/* In this order; what failed, if it failed. */
enum verify_stage {
    VERIFY_OPENING,  /* the dump, and the manifest if there is one */
    VERIFY_MANIFEST, /* it is one */
    VERIFY_SIZE,     /* the manifest's */
    VERIFY_READING,  /* all that the level asks for */
    VERIFY_CHECKSUM, /* the manifest's */
    VERIFY_CONTENTS, /* the rows that the manifest lists */
    VERIFY_RESTORE,
    VERIFY_DONE,
};

struct verify_result {
    enum verify_stage stage;
    struct archive_proof proof;
    struct text manifest;              /* its path; empty: there is none */
    struct manifest_facts facts;       /* what it says; has_contents: it lists the tables with their rows */
    struct drill_times times;          /* of a restore; 0: there was none */
    enum drill_database_fate database; /* where it was restored into; one that is left is logged */
};

#define VERIFY_RESULT_EMPTY ((struct verify_result){ .manifest = TEXT_EMPTY })

/*
 * True: all that the level asks for was found, and the manifest says the same. False with ERROR_CONFLICT: it was found, but there is no manifest to
 * prove it. The caller clears `result` in either case.
 */
bool verify_file(const struct verify_order *order, struct verify_result *result, struct error *err) MUST_CHECK;
void verify_result_clear(struct verify_result *result);

#endif
