/* status_view: what `weavestream-backup status --json` prints, for people. */
#ifndef CLI_STATUS_VIEW_H
#define CLI_STATUS_VIEW_H

#include <jansson.h>

#include "common/text.h"

void status_view(const json_t *status, struct text *out);

/* A time as an answer has it, "2026-11-24T15:00:00.000Z", as people read it: "2026-11-24 15:00:00Z"; "" for null. */
void status_view_add_time(struct text *out, const json_t *time);

#endif
