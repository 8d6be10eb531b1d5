/*
 * mail_text: the mail about a run, as it goes over the wire (RFC 5322 and MIME): CRLF, lines of at most 76 bytes, ASCII only.
 *
 * What people or programs have named, schedules and errors, may hold anything: as one line it goes into headers and body without its line
 * breaks and control characters; outside ASCII it is encoded (RFC 2047 in headers, quoted-printable in the body). Addresses go in as they are,
 * so whoever calls has checked them.
 */
#ifndef JOBS_MAIL_TEXT_H
#define JOBS_MAIL_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/clock.h"
#include "common/text.h"
#include "jobs/mail.h"

struct mail_text {
    const char *id;        /* unique in the world, for the Message-ID */
    const char *from_name; /* NULL or empty: Weavestream */
    const char *from;
    const char *reply_to; /* NULL: none */
    const char *const *recipients;
    size_t recipient_count; /* 1 at least */
    const char *schedule;   /* its name */
    struct wall date;
    const struct mail *mail;
};

void mail_text_add(const struct mail_text *mail, struct text *out);

/* local@domain in ASCII, without quotes, comments or brackets: nothing that could end a header, a command or another address. */
bool mail_text_is_address(const char *string);

#endif
