/*
 * restore_plan: all that can be known before a restore, so that none begins that cannot end well.
 *
 *     checksum    size and SHA-256 are those of the manifest
 *     archive     all of it can be read, and its rows are those that the manifest lists
 *     tables      those that are asked for are in it
 *     server      the target's major version takes what the dump's wrote
 *     target      the database is there, and empty, unless what it holds may be replaced; nothing in it is in the way of single tables
 *     sessions    nobody else is in it
 *     space       there is room for it
 *     migrations  the app that will use it is not older than the dump
 *     passwords   the key of the dump's stored passwords is there
 *
 * Each check is told once it is done, in this order; none follows where there is no file. What cannot be known is a warning. A script (jobs/sql_script) has fewer of them.
 */
#ifndef JOBS_RESTORE_PLAN_H
#define JOBS_RESTORE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/postgres_url.h"
#include "common/text.h"
#include "jobs/archive_contents.h"
#include "jobs/database.h"
#include "jobs/migrations.h"
#include "jobs/sql_script.h"
#include "jobs/verify.h"

enum restore_verdict { RESTORE_OK, RESTORE_WARN, RESTORE_REFUSED };

struct restore_check {
    const char *name; /* as above */
    enum restore_verdict verdict;
    struct text words;
};

typedef void restore_check_fn(const struct restore_check *check, void *owner);

struct restore_order {
    const char *file;
    const struct postgres_url *url; /* the target */
    bool clean;                     /* what the dump has may be dropped in the target first */
    int64_t jobs;                   /* 1: in one transaction */
    const char *const *tables;      /* only these: "name" or "schema.name", without quotes */
    size_t table_count;             /* 0: all */
    const char *migrations;         /* the new host's directory; NULL: not known */
    const char *env_file;           /* the new host's .env; NULL: not known */
    int64_t min_free_bytes;         /* to be left on the server's volume */
    restore_check_fn *on_check;
    verify_progress_fn *on_progress;
    void *owner;
};

#define RESTORE_CHECKS_MAX 9

struct restore_plan {
    struct restore_check checks[RESTORE_CHECKS_MAX];
    size_t count;
    size_t refused;
    bool file_missing;              /* among what was refused */
    enum error_code server_failure; /* why it could not be asked; ERROR_NONE: it could */
    bool client_missing;            /* pg_restore, or what unpacks a script */

    char *path; /* of the dump, absolute */
    int64_t size_bytes;
    bool is_script;
    struct sql_script script;
    struct verify_result dump;
    struct archive_contents wanted;                 /* of its contents, what is restored */
    char server_version[ARCHIVE_HEAD_VERSION_SIZE]; /* where it was dumped; "": not known */

    struct database *session; /* in the target; NULL: there is none */
    bool target_is_empty;
    int64_t migrations_left; /* for `prisma migrate deploy`; -1: not known */
    bool key_is_there;       /* of the passwords */
};

#define RESTORE_PLAN_EMPTY ((struct restore_plan){ .dump = VERIFY_RESULT_EMPTY, .migrations_left = -1 })

/* False: it was stopped. Nothing is changed anywhere. The caller clears `plan` in either case. */
bool restore_plan_make(const struct restore_order *order, struct restore_plan *plan, struct error *err) MUST_CHECK;
void restore_plan_clear(struct restore_plan *plan);

/* For the rooms of the plan: what a check found. */
void restore_plan_add(struct restore_plan *plan, const struct restore_order *order, const char *name,
    enum restore_verdict verdict, const char *format, ...) PRINTF_LIKE(5, 6);
/* Whether that is why a check could not be made: then no other is. */
bool restore_plan_was_stopped(const struct error *err);

#endif
