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

/* `whole`: of how many bytes; 0: nobody knows. */
typedef void verify_progress_fn(const char *phase, int64_t bytes, int64_t whole, void *owner);

struct verify_order {
    const char *file;
    const char *manifest; /* NULL: the one beside the file */
    enum settings_verify level;
    const struct settings *settings; /* where to restore, if it comes to that */
    verify_progress_fn *on_progress;
    void *owner;
};

struct verify_result {
    bool opened; /* the dump, and the manifest if there is one */
    struct archive_proof proof;
    struct text manifest; /* its path; empty: there is none */
    bool lists_tables;    /* it says which tables there are, with their rows */
};

#define VERIFY_RESULT_EMPTY ((struct verify_result){ .manifest = TEXT_EMPTY })

/*
 * True: all that the level asks for was found, and the manifest says the same. False with ERROR_CONFLICT: it was found, but there is no manifest to
 * prove it. The caller clears `result` in either case.
 */
bool verify_file(const struct verify_order *order, struct verify_result *result, struct error *err) MUST_CHECK;
void verify_result_clear(struct verify_result *result);

#endif
