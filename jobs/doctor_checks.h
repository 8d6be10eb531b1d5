/* doctor_checks: the checks of jobs/doctor, each a small function, and what they have in common. */
#ifndef JOBS_DOCTOR_CHECKS_H
#define JOBS_DOCTOR_CHECKS_H

#include <jansson.h>

#include "jobs/database.h"
#include "jobs/doctor.h"
#include "jobs/mail_settings.h"
#include "jobs/store.h"

struct doctor {
    const struct doctor_order *order;
    const struct settings *settings;
    struct database *database; /* NULL: not reachable */
    char *role;                /* as whom we are there; with the database */
    bool has_tables;           /* the app's */
    struct store *store;       /* NULL: the backup directory cannot be used */
    json_t *facts;             /* jobs/facts; NULL without the database */
    struct mail_settings mail; /* host NULL: not set up, or nobody gets any */
};

typedef void doctor_check_fn(struct doctor *doctor, struct finding *finding);

/* Postgres, in doctor_postgres.c and doctor_rights.c */
doctor_check_fn doctor_check_server; /* opens the database */
doctor_check_fn doctor_check_session;
doctor_check_fn doctor_check_lock;
doctor_check_fn doctor_check_clock;
doctor_check_fn doctor_check_pg_dump;
doctor_check_fn doctor_check_drill;
doctor_check_fn doctor_check_tables; /* sets has_tables */
doctor_check_fn doctor_check_rights;
doctor_check_fn doctor_check_row_security;

/* The backup directory, in doctor_directory.c */
doctor_check_fn doctor_check_writable; /* opens the store */
doctor_check_fn doctor_check_readable;
doctor_check_fn doctor_check_space;
doctor_check_fn doctor_check_files;

/* Schedules, in doctor_schedules.c */
doctor_check_fn doctor_check_schedulers;
doctor_check_fn doctor_check_backups;

/* Mail, in doctor_mail.c */
doctor_check_fn doctor_check_mail_settings; /* reads the mail settings */
doctor_check_fn doctor_check_mail_server;

#endif
