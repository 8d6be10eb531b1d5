/*
 * postgres_url: what DATABASE_URL says, in libpq's words.
 *
 * The variable is Prisma's: it may carry parameters that libpq refuses. Those that say how to connect are translated, those that only tune
 * Prisma's pool are dropped, those that cannot work here are refused with advice:
 *
 *     schema                            search path of our own queries; the dump stays whole
 *     sslcert                           in Prisma the server's CA: libpq's sslrootcert
 *     sslaccept=strict                  sslmode=verify-full
 *     sslaccept=accept_invalid_certs    sslmode=require
 *     sslidentity, pgbouncer=true       refused: PKCS#12 is unknown to libpq; session locks need a session of one's own
 *
 * The password is kept apart, so that the rest may be shown and handed on in an argument list.
 */
#ifndef COMMON_POSTGRES_URL_H
#define COMMON_POSTGRES_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"
#include "common/secret.h"
#include "common/text.h"

#define POSTGRES_URL_KEYWORDS 24 /* more than there are different ones */

struct postgres_url {
    /* libpq's connection keywords, each at most once; never `password` */
    char *keywords[POSTGRES_URL_KEYWORDS];
    char *values[POSTGRES_URL_KEYWORDS];
    size_t count;
    struct secret password;
    char *schema;   /* NULL: the server's own search path */
    char *hostname; /* for the manifest: as the URL has it; "" if it names a socket only */
};

bool postgres_url_parse(const char *string, struct postgres_url *out, struct error *err) MUST_CHECK;
const char *postgres_url_value(const struct postgres_url *url, const char *keyword); /* NULL: not given */
void postgres_url_add_conninfo(
    const struct postgres_url *url, struct text *out); /* "host='db' port='5432' ...", no password */
void postgres_url_add_masked(
    const struct postgres_url *url, struct text *out); /* a URL again, with *** for the password */
void postgres_url_clear(struct postgres_url *url);

#endif
