/*
 * settings: the environment, read and checked once, into one struct.
 *
 * Every variable is a row of one table in settings.c: name, who needs it, default, what is allowed. An empty variable counts as not set, as
 * compose files pass them. Each program asks for its scopes; variables outside them are neither required nor checked.
 */
#ifndef COMMON_SETTINGS_H
#define COMMON_SETTINGS_H

#include <stdbool.h>

#include "common/listen_address.h"
#include "common/log.h"
#include "common/postgres_url.h"
#include "common/redis_url.h"
#include "common/secret.h"
#include "common/text.h"

enum settings_scope {
    SETTINGS_WORKER = 1, /* Redis and the loop */
    SETTINGS_JOB = 2,    /* Postgres, the backup directory, mail */
    SETTINGS_DRILL = 4,  /* where to restore */
    SETTINGS_HEALTH = 8, /* where the worker tells how it is */
    SETTINGS_STORE = 16, /* where the backup directory is */
};

/* What the ledger may do about schedules that are not as they should be. */
enum settings_repair {
    SETTINGS_REPAIR_OFF,     /* nothing: it is not run */
    SETTINGS_REPAIR_MISSING, /* make those that are missing */
    SETTINGS_REPAIR_FULL,    /* and remove those that should not be there */
};

/* How far a dump is proven before it counts. */
enum settings_verify {
    SETTINGS_VERIFY_TOC,     /* its table of contents can be read, no more */
    SETTINGS_VERIFY_FULL,    /* all of it was read back, and every table is in it */
    SETTINGS_VERIFY_RESTORE, /* and it was restored into a throw-away database */
};

struct settings {
    /* both */
    enum log_level log_level;             /* LOG_LEVEL */
    int64_t job_lock_minutes;             /* BACKUP_JOB_LOCK_MINUTES, 5 to 1440: longest that one backup may run */
    enum settings_repair schedule_repair; /* BACKUP_SCHEDULE_REPAIR */
    char *extra_ca_file;                  /* NODE_EXTRA_CA_CERTS: trusted as well; NULL: none */

    /* SETTINGS_WORKER */
    struct redis_url redis; /* REDIS_URL */
    char
        *redis_ca_file; /* REDIS_TLS_CA: trusted instead of the system's store; NULL: the system's (or SSL_CERT_FILE) */
    int64_t lock_seconds;     /* BACKUP_LOCK_SECONDS, 5 to 3600: life of a job's lock, renewed at half */
    int64_t stalled_seconds;  /* BACKUP_STALLED_SECONDS, 1 to 3600: between two looks for stalled jobs */
    int64_t shutdown_seconds; /* BACKUP_SHUTDOWN_SECONDS, 1 to 3600: from SIGTERM to the end of everything */
    struct listen_address
        http_listen;       /* BACKUP_HTTP_LISTEN, SETTINGS_HEALTH too: where health and metrics are served; unset
                                          (length 0): nowhere */
    int64_t facts_seconds; /* BACKUP_FACTS_SECONDS, 1 to 3600: between two looks at Postgres and the disk */

    /* SETTINGS_JOB */
    struct postgres_url database; /* DATABASE_URL */
    char *storage_directory;      /* BACKUP_STORAGE_DIR, as given; jobs/store makes it absolute */
    int64_t app_user;             /* BACKUP_UID, BACKUP_GID: as whom the app reads it */
    int64_t app_group;
    enum settings_verify verify;  /* BACKUP_VERIFY */
    struct postgres_url drill;    /* BACKUP_DRILL_URL: where to restore for a proof; unset (count 0): `database` */
    int64_t keep_rejected;        /* BACKUP_KEEP_REJECTED, 1 or 0: whether a dump that is not proven is kept aside */
    char *compression;            /* BACKUP_COMPRESSION, for pg_dump's --compress; NULL: its default */
    int64_t min_free_mb;          /* BACKUP_MIN_FREE_MB: a dump leaves at least so much of the volume free */
    int64_t stall_minutes;        /* BACKUP_STALL_MINUTES, 1 to 1440: longest that a dump may make no progress */
    int64_t prune_orphans;        /* BACKUP_PRUNE_ORPHANS, 1 or 0: prune dumps of deleted schedules too */
    struct secret ping_url;       /* BACKUP_PING_URL: its path is a secret; may be unset */
    struct secret webhook_url;    /* BACKUP_WEBHOOK_URL; may be unset */
    struct secret webhook_secret; /* BACKUP_WEBHOOK_SECRET: signs what the webhook gets; may be unset */
    char *after_success;          /* BACKUP_AFTER_SUCCESS: a shell command; NULL: none */
    int64_t catch_up;             /* BACKUP_CATCH_UP, 1 or 0: whether a missed run is made up for */
    int64_t missed_grace_minutes; /* BACKUP_MISSED_GRACE_MINUTES, 1 to 1440: how late a run may begin */
    char *weavestream_version;    /* WEAVESTREAM_VERSION, for the manifest */
    char *password_key_id;        /* PASSWORD_ENCRYPTION_KEY_KID, for the manifest */
    struct secret smtp_key;       /* SMTP_SECRET_KEY: base64 of 32 bytes; may be unset */
    char *smtp_key_id;            /* SMTP_SECRET_KEY_KID */
    struct secret smtp_previous_keys; /* SMTP_PREVIOUS_KEYS: "kid:base64,kid:base64"; may be unset */
};

/*
 * Fills `out` from the environment; the caller clears it in either case. False: something is missing or wrong, and `problems` has one line
 * per variable: its name, its value unless that may be secret, and what is allowed.
 */
bool settings_load(struct settings *out, unsigned scopes, struct text *problems) MUST_CHECK;

/* One line per variable of the scopes, "NAME=value", defaults marked, secrets masked. */
void settings_print(const struct settings *settings, unsigned scopes, struct text *out);
void settings_clear(struct settings *settings);

/* The names one by one, from 0 on, and who needs each; NULL: there are no more. */
const char *settings_name(size_t place, unsigned *scopes);

/* Whether the value of the environment variable of that name is a secret of ours. */
bool settings_is_secret(const char *name, size_t length);

const char *settings_verify_name(enum settings_verify level); /* as BACKUP_VERIFY has it */

#endif
