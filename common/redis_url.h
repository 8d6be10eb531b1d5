/*
 * redis_url: what REDIS_URL says.
 *
 *     redis://[[user]:password@]host[:6379][/database]        plain TCP
 *     rediss://...                                             TLS
 *     unix://[[user]:password@]/path/to/socket[?db=database]   unix socket; a bare absolute path is the same
 */
#ifndef COMMON_REDIS_URL_H
#define COMMON_REDIS_URL_H

#include <stdbool.h>

#include "common/error.h"
#include "common/secret.h"

struct redis_url {
    bool tls;
    char *host;             /* a name or an address, without brackets; NULL with a unix socket */
    int port;               /* 1 to 65535 */
    char *socket_path;      /* NULL with TCP */
    char *user;             /* NULL: Redis' default user */
    struct secret password; /* not set: no authentication */
    int database;           /* 0 to 1,000,000 */
};

bool redis_url_parse(const char *string, struct redis_url *out, struct error *err) MUST_CHECK;
void redis_url_clear(struct redis_url *url);

#endif
