#include "consumer/program.h"

#include "common/log.h"
#include "consumer/attempt.h"

/* A run is a child, and nothing more. */
static struct child *
child_of(struct run *run)
{
    return (struct child *)run;
}

static bool
program_start(struct runner *runner, const struct job *job, const struct runner_events *events, struct run **out,
    struct error *err)
{
    const struct program *program = (const struct program *)runner;
    struct child *child;
    struct text input = TEXT_EMPTY;
    bool ok;

    attempt_describe(job, program->keys, program->limits, NULL, &input);
    ok = child_start(program->children, program->argv, input.data, input.length, events, &child, err);
    text_clear(&input);
    if (!ok)
        return false;
    log_info(LOG_EVENT("job started"), LOG_TEXT("job", job->id), LOG_BYTES("name", job->name, job->name_length),
        LOG_NUMBER("attempt", job->attempts_started), LOG_NUMBER("child", child_pid(child)));
    *out = (struct run *)child;
    return true;
}

static void
program_stop(struct run *run, int64_t grace_ms)
{
    child_stop(child_of(run), grace_ms);
}

static void
program_set_reading(struct run *run, bool reading)
{
    child_set_reading(child_of(run), reading);
}

struct program
program_runner(
    struct children *children, const struct keys *keys, const struct consumer_limits *limits, char *const *argv)
{
    return (struct program){
        .runner = { .start = program_start, .stop = program_stop, .set_reading = program_set_reading },
        .children = children,
        .keys = keys,
        .limits = limits,
        .argv = argv,
    };
}
