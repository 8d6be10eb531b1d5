/*
 * webhook: BACKUP_WEBHOOK_URL gets how a run went, as JSON.
 *
 *     {"event":"backup.completed" | "backup.failed" | "backup.missed", "outcome":"success" | "failed" | "missed",
 *      "runId", "configId", "configName", "file", "sizeBytes", "sha256", "durationMs", "verified", "afterSuccess", "error", "at"}
 *
 * What is not known, or does not apply, is null. With BACKUP_WEBHOOK_SECRET, X-Weavestream-Signature is "sha256=" and the hex HMAC-SHA256 of
 * X-Weavestream-Timestamp (Unix seconds), a dot, and the body: so whoever checks it can also refuse what is old.
 */
#ifndef JOBS_WEBHOOK_H
#define JOBS_WEBHOOK_H

#include <stdbool.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/settings.h"
#include "common/text.h"
#include "jobs/news.h"

#define WEBHOOK_MS 10000 /* at most; twice, if the first try failed for a reason that may pass */

/* True also if there is no webhook. */
bool webhook_send(const struct settings *settings, const struct news *news, struct error *err) MUST_CHECK;

void webhook_add_body(const struct news *news, struct wall at, struct text *out);
/* "sha256=..." */
void webhook_add_signature(const struct secret *secret, const char *timestamp, const char *body, struct text *out);

#endif
