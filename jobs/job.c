#include "jobs/job.h"

#include "common/log.h"
#include "jobs/payload.h"
#include "jobs/prune.h"
#include "jobs/run.h"
#include "jobs/verdict.h"

typedef void perform_fn(const struct settings *settings, const struct payload *payload, struct report *verdict);

static perform_fn *const performers[] = {
    [PAYLOAD_RUN] = run_perform,
    [PAYLOAD_PRUNE] = prune_perform,
};

void
job_perform(const struct settings *settings, const char *bytes, size_t length, struct report *verdict)
{
    struct payload payload;
    struct error err;

    if (payload_parse(bytes, length, &payload, &err)) {
        performers[payload.kind](settings, &payload, verdict);
        return;
    }
    log_warn(LOG_EVENT("invalid payload"), LOG_ERROR(&err));
    verdict_fail(verdict, err.text, false);
}
