#include "consumer/program.h"

#include "common/log.h"

/* A run is a child, and nothing more. */
static struct child *
child_of(struct run *run)
{
    return (struct child *)run;
}

static void
describe_job(const struct job *job, const struct keys *keys, struct text *out)
{
    struct report_job description = { .queue = keys->queue,
        .prefix = keys->prefix,
        .id = job->id,
        .name = job->name,
        .name_length = job->name_length,
        .data = job->data,
        .data_length = job->data_length,
        .options = job->options_text,
        .attempts_made = job->attempts_made,
        .attempts_started = job->attempts_started,
        .stalled_counter = job->stalled_counter,
        .timestamp_ms = job->timestamp_ms };

    report_add_job(&description, out);
}

static bool
program_start(struct runner *runner, const struct job *job, const struct runner_events *events, struct run **out,
    struct error *err)
{
    const struct program *program = (const struct program *)runner;
    struct child *child;
    struct text input = TEXT_EMPTY;
    bool ok;

    describe_job(job, program->keys, &input);
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
program_runner(struct children *children, const struct keys *keys, char *const *argv)
{
    return (struct program){
        .runner = { .start = program_start, .stop = program_stop, .set_reading = program_set_reading },
        .children = children,
        .keys = keys,
        .argv = argv,
    };
}
