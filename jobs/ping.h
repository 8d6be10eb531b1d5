/*
 * ping: BACKUP_PING_URL, for services that raise an alarm when nothing comes.
 *
 *     healthchecks.io and its like       URL/start at the start, URL at a success, URL/fail with the reason as the body
 *     Uptime Kuma (/api/push/ in it)     URL?status=up|down&msg=...&ping=<milliseconds>; nothing at the start
 *
 * What the URL has behind a '?' is kept.
 */
#ifndef JOBS_PING_H
#define JOBS_PING_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "common/settings.h"
#include "common/text.h"

#define PING_MS 10000 /* at most */

enum ping_kind { PING_START, PING_SUCCESS, PING_FAILURE };

struct ping {
    enum ping_kind kind;
    const char *reason;  /* of a failure */
    int64_t duration_ms; /* of the run; 0: not known */
};

/* True also if nobody wants to be pinged. */
bool ping_send(const struct settings *settings, const struct ping *ping, struct error *err) MUST_CHECK;

/* Where to ping; nothing: such a service is not told of this. */
void ping_add_url(const char *url, const struct ping *ping, struct text *out);

#endif
