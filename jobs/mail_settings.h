/*
 * mail_settings: what the app's tables say about mail: the server and the sender (the row of email_settings), and who wants to know of a
 * schedule (its row of backup_config).
 */
#ifndef JOBS_MAIL_SETTINGS_H
#define JOBS_MAIL_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/secret.h"
#include "common/settings.h"
#include "jobs/database.h"
#include "jobs/smtp.h"

#define MAIL_RECIPIENTS_MAX 100

struct mail_settings {
    char *host;
    int port;
    enum smtp_security security;
    char *username; /* NULL: no log-in */
    struct secret password;
    char *from_name; /* NULL: none */
    char *from;
    char *reply_to; /* NULL: none */
};

/* ERROR_CONFIG or ERROR_INPUT: mail is not set up, or wrongly. The caller clears `out` in either case. */
bool mail_settings_read(struct database *database, const struct settings *settings, struct mail_settings *out,
    struct error *err) MUST_CHECK;
void mail_settings_clear(struct mail_settings *settings);

struct mail_audience {
    char *schedule; /* its name */
    bool wants_success;
    char *recipients[MAIL_RECIPIENTS_MAX]; /* addresses, checked */
    size_t count;
    size_t left_out; /* because there were too many */
    size_t wrong;    /* no addresses */
};

/* A config that does not exist has no audience. The caller clears `out` in either case. */
bool mail_audience_read(
    struct database *database, const char *config_id, struct mail_audience *out, struct error *err) MUST_CHECK;
void mail_audience_clear(struct mail_audience *audience);

#endif
