#include "consumer/schedules.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/memory.h"

#define TOLD_MAX 256 /* beyond, the oldest is forgotten, and may be told again */

struct schedules {
    struct timezones *zones; /* the caller's */
    char *told[TOLD_MAX];
    size_t next;
};

struct schedules *
schedules_new(struct timezones *zones)
{
    struct schedules *schedules = memory_new(sizeof(*schedules));

    schedules->zones = zones;
    return schedules;
}

static bool
is_told(const struct schedules *schedules, const char *what)
{
    for (size_t i = 0; i < TOLD_MAX; i++)
        if (schedules->told[i] != NULL && strcmp(schedules->told[i], what) == 0)
            return true;
    return false;
}

/* The text of the error names scheduler, pattern and zone. */
static void
schedules_tell(struct schedules *schedules, const struct job *job, const struct error *err)
{
    if (is_told(schedules, err->text))
        return;
    free(schedules->told[schedules->next]);
    schedules->told[schedules->next] = memory_copy_string(err->text);
    schedules->next = (schedules->next + 1) % TOLD_MAX;
    log_error(LOG_EVENT("schedule broken"), LOG_TEXT("job", job->id), LOG_TEXT("scheduler", job->repeat_key),
        LOG_ERROR(err), LOG_TEXT("consequence", "this job is run, and none follows it"));
}

void
schedules_next(struct schedules *schedules, const struct job *job, struct repeat *out)
{
    struct error err;

    if (!repeat_next(job, schedules->zones, wall_now(), out, &err))
        schedules_tell(schedules, job, &err);
}

void
schedules_free(struct schedules *schedules)
{
    if (schedules == NULL)
        return;
    for (size_t i = 0; i < TOLD_MAX; i++)
        free(schedules->told[i]);
    free(schedules);
}
