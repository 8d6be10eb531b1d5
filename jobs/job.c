#include "jobs/job.h"

#include "common/log.h"
#include "jobs/payload.h"
#include "jobs/prune.h"
#include "jobs/run.h"
#include "jobs/verdict.h"

void
job_perform(const struct settings *settings, const char *bytes, size_t length, struct report *verdict)
{
    struct payload payload;
    struct error err;

    if (!payload_parse(bytes, length, &payload, &err)) {
        log_warn(LOG_EVENT("invalid payload"), LOG_ERROR(&err));
        verdict_fail(verdict, err.text, false);
        return;
    }
    switch (payload.kind) {
    case PAYLOAD_RUN:
        run_perform(settings, &payload, verdict);
        break;
    case PAYLOAD_PRUNE:
        prune_perform(settings, &payload, verdict);
        break;
    }
}
