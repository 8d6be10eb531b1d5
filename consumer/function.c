#include "consumer/function.h"

/* It is over before it could be stopped or held up: there is never a run. */
static bool
function_start(struct runner *runner, const struct job *job, const struct runner_events *events, struct run **out,
    struct error *err)
{
    const struct function *function = (const struct function *)runner;
    struct report verdict = function->work(job, events, function->owner);

    (void)err;
    *out = NULL;
    events->on_done(&verdict, events->owner);
    report_clear(&verdict);
    return true;
}

static void
function_stop(struct run *run, int64_t grace_ms)
{
    (void)run;
    (void)grace_ms;
}

static void
function_set_reading(struct run *run, bool reading)
{
    (void)run;
    (void)reading;
}

struct function
function_runner(function_work *work, void *owner)
{
    return (struct function){
        .runner = { .start = function_start, .stop = function_stop, .set_reading = function_set_reading },
        .work = work,
        .owner = owner,
    };
}
