/*
 * smtp: one mail to one server, or only its greeting, by libcurl.
 *
 * Certificates and the end of it are the business of jobs/transfer. Lines of the server are repeated in errors, but of what it says to a log-in
 * only the status: there are servers that repeat the command, with the password in it.
 */
#ifndef JOBS_SMTP_H
#define JOBS_SMTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/secret.h"

enum smtp_security {
    SMTP_STARTTLS, /* insisted on: nothing but the greeting is said without TLS */
    SMTP_TLS,      /* from the first byte */
    SMTP_NONE,     /* never */
};

struct smtp_server {
    const char *host;
    int port;
    enum smtp_security security;
    const char *username;          /* NULL: no log-in */
    const struct secret *password; /* with a user name */
    const char *extra_ca_file;     /* NULL: none */
};

struct smtp_mail {
    const char *from;
    const char *const *recipients;
    size_t recipient_count;
    const char *bytes;
    size_t length;
};

#define SMTP_REPLY_SIZE 256

/* Who was refused, while others were not. */
struct smtp_refusals {
    size_t count;
    size_t first; /* the recipient's number */
    char reply[SMTP_REPLY_SIZE];
};

/* True: the server has taken the mail, for one recipient at least. */
bool smtp_send(const struct smtp_server *server, const struct smtp_mail *mail, int64_t timeout_ms,
    struct smtp_refusals *refusals, struct error *err) MUST_CHECK;

/* All but the mail: connects, secures, logs in if there is a user name, and says goodbye. */
bool smtp_greet(const struct smtp_server *server, int64_t timeout_ms, struct error *err) MUST_CHECK;

#endif
