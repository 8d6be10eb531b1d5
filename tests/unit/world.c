#include "tests/unit/world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/test.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const crons[] = { "0 3 * * *", "30 2 * * *", "0 0 * * *", "30 1 * * *", "0 * * * *",
    "0 2,14 * * 1-5", "0 4 * * 0", "0 5 1 * *", "30 23 * * 5", "0 0 L * *", "15 */6 * * *", "*/20 2 * * *",
    "0 0 31 4 *" };

/* --- Chance --- */

int64_t
world_below(struct world *world, int64_t limit)
{
    world->random ^= world->random << 13;
    world->random ^= world->random >> 7;
    world->random ^= world->random << 17;
    return (int64_t)((world->random >> 11) % (uint64_t)limit);
}

bool
world_chance(struct world *world, int percent)
{
    return world_below(world, 100) < percent;
}

static int64_t
between(struct world *world, int64_t least, int64_t most)
{
    return least + world_below(world, most - least + 1);
}

int64_t
world_now(const struct world *world)
{
    return world->t + world->offset;
}

/* --- The queue --- */

bool
world_is_at_work(const struct world *world, const struct job *job)
{
    if (job->state == JOB_DELAYED)
        return job->due <= world_now(world);
    return job->state >= JOB_WAITING && job->state <= JOB_RUNNING;
}

static struct job *
find_job(struct world *world, const char *id)
{
    for (size_t i = 0; i < JOBS; i++)
        if (world->jobs[i].state != JOB_NONE && strcmp(world->jobs[i].id, id) == 0)
            return &world->jobs[i];
    return NULL;
}

/* NULL: one of that id is there. */
static struct job *
add_job(struct world *world, struct job job)
{
    if (find_job(world, job.id) != NULL)
        return NULL;
    for (size_t i = 0; i < JOBS; i++)
        if (world->jobs[i].state == JOB_NONE) {
            world->jobs[i] = job;
            return &world->jobs[i];
        }
    fail_msg("more than %d jobs", JOBS);
    return NULL;
}

static struct job
iteration_of(const struct world *world, const struct config *config)
{
    struct job job = {
        .kind = JOB_ITERATION, .state = JOB_DELAYED, .config = (int)(config - world->configs), .due = config->next
    };

    (void)snprintf(job.id, sizeof(job.id), "repeat:%s:%" PRId64, config->scheduler, config->next);
    return job;
}

struct job *
world_pending(struct world *world, const struct config *config)
{
    struct job wanted = iteration_of(world, config);

    return find_job(world, wanted.id);
}

/* As BullMQ makes the next iteration; a schedule that cannot be followed has none. */
static void
make_next(struct world *world, struct config *config, int64_t after)
{
    struct error err;
    struct wall next;
    struct due due;

    if (!due_parse(&due, world->zones, world->dialect, config->scheduled_cron, config->scheduled_zone, &err) ||
        !due_next(&due, (struct wall){ .ms = after }, &next, &err))
        return;
    config->next = next.ms;
    (void)add_job(world, iteration_of(world, config));
}

/* A pending job that nobody has taken is replaced, even if it is due: so do re-registrations lose runs. */
void
world_schedule(struct world *world, struct config *config)
{
    struct job *pending = config->has_scheduler ? world_pending(world, config) : NULL;

    if (pending != NULL && (pending->state == JOB_DELAYED || pending->state == JOB_WAITING))
        pending->state = JOB_NONE;
    config->has_scheduler = true;
    config->scheduled_cron = config->cron;
    config->scheduled_zone = config->zone;
    make_next(world, config, world_now(world));
}

void
world_add_catch_up(struct world *world, int config, int64_t due)
{
    struct job job = { .kind = JOB_CATCH_UP, .state = JOB_WAITING, .config = config, .due = due };

    (void)snprintf(job.id, sizeof(job.id), "catch-up-%s-%" PRId64, world->configs[config].id, due);
    (void)add_job(world, job);
}

static int
add_row(struct world *world, int config, bool scheduled)
{
    for (int i = 0; i < ROWS; i++)
        if (!world->rows[i].queued) {
            struct row *row = &world->rows[i];

            *row = (struct row){ .queued = true, .scheduled = scheduled, .config = config, .created_t = world->t };
            (void)snprintf(
                row->id, sizeof(row->id), "%08" PRIx64 "-0000-4000-8000-000000000000", (uint64_t)++world->rows_made);
            return i;
        }
    fail_msg("more than %d queued rows", ROWS);
    return -1;
}

static void
run_manually(struct world *world, int config, bool job_is_lost)
{
    struct job job = { .kind = JOB_MANUAL, .state = JOB_WAITING, .config = config };

    job.row = add_row(world, config, false);
    (void)snprintf(job.id, sizeof(job.id), "%" PRId64, world->rows_made);
    if (!job_is_lost)
        (void)add_job(world, job);
}

/* --- The worker --- */

static void
is_not_calm(struct world *world)
{
    world->calm_t = world->t;
}

static void
look_soon(struct world *world)
{
    int64_t soon_t = world->t + world_below(world, 2000);

    if (soon_t < world->look_t)
        world->look_t = soon_t;
}

/* Kept for a day, as the job's options say, so that its id is taken as long. */
static void
end_job(struct world *world, struct job *job, enum job_state state)
{
    job->state = state;
    job->change_t = world->t + DAY;
    look_soon(world);
    is_not_calm(world);
}

static void
take_job(struct world *world, struct job *job)
{
    struct config *config = &world->configs[job->config];

    if (job->kind == JOB_ITERATION && config->has_scheduler && config->next == job->due)
        make_next(world, config, world_now(world) > job->due ? world_now(world) : job->due);
    job->state = JOB_TAKEN;
    job->change_t = world->t + (world_chance(world, 5) ? between(world, 0, 20 * MINUTE) : between(world, 0, 3000));
    is_not_calm(world);
}

static void
make_row(struct world *world, struct job *job)
{
    struct config *config = &world->configs[job->config];

    if (world->postgres_back_t != 0 || (job->kind != JOB_MANUAL && !config->enabled)) {
        end_job(world, job, world->postgres_back_t != 0 ? JOB_FAILED : JOB_COMPLETED);
        return;
    }
    if (job->kind != JOB_MANUAL) {
        job->row = add_row(world, job->config, true);
        config->last_attempt_t = world->t;
    }
    job->state = JOB_QUEUED;
    job->change_t = world->t + between(world, 0, 3000);
}

static void
start_run(struct world *world, struct job *job)
{
    struct config *config = &world->configs[job->config];

    if (world_chance(world, 2)) { /* its process dies: taken again, or stalled too often */
        if (world_chance(world, 50))
            job->state = JOB_WAITING;
        else
            end_job(world, job, JOB_FAILED);
        return;
    }
    world->rows[job->row].queued = false;
    world->runs++;
    config->good_before_t = config->last_good_t;
    config->last_good_t = world->t;
    job->state = JOB_RUNNING;
    job->change_t =
        world->t + (world_chance(world, 5) ? between(world, HOUR, 9 * HOUR) : between(world, MINUTE, 20 * MINUTE));
}

static void
end_run(struct world *world, struct job *job)
{
    bool failed = world_chance(world, 5);

    if (failed)
        world->configs[job->config].last_good_t = world->configs[job->config].good_before_t;
    end_job(world, job, failed ? JOB_FAILED : JOB_COMPLETED);
}

static struct job *
active_job(struct world *world)
{
    for (size_t i = 0; i < JOBS; i++)
        if (world->jobs[i].state >= JOB_TAKEN && world->jobs[i].state <= JOB_RUNNING)
            return &world->jobs[i];
    return NULL;
}

static void
work(struct world *world)
{
    struct job *active = active_job(world);

    for (size_t i = 0; i < JOBS; i++) {
        struct job *job = &world->jobs[i];

        if (job->state >= JOB_FAILED && job->change_t <= world->t)
            job->state = JOB_NONE;
        if (world->worker_back_t == 0 && job->state == JOB_DELAYED && job->due <= world_now(world))
            job->state = JOB_WAITING;
    }
    if (world->worker_back_t != 0)
        return;
    if (active != NULL && active->change_t <= world->t) {
        if (active->state == JOB_TAKEN)
            make_row(world, active);
        else if (active->state == JOB_QUEUED)
            start_run(world, active);
        else
            end_run(world, active);
        active = active_job(world);
    }
    for (size_t i = 0; i < JOBS && active == NULL && world->resume_t == 0; i++)
        if (world->jobs[i].state == JOB_WAITING)
            take_job(world, active = &world->jobs[i]);
}

/* SIGKILL. What it ran is taken again once it is back; its row, if it was running, is closed then. */
static void
stop_worker(struct world *world, int64_t ms)
{
    struct job *active = active_job(world);

    if (active != NULL) {
        if (active->state == JOB_RUNNING)
            world->configs[active->config].last_good_t = world->configs[active->config].good_before_t;
        if (active->state == JOB_RUNNING && active->kind == JOB_MANUAL)
            active->row = add_row(world, active->config, false); /* as if it were the same one, back in the queue */
        active->state = JOB_WAITING;
    }
    world->worker_back_t = world->t + ms + STALLED_MS;
    world->look_t = NEVER;
}

/* --- What befalls it --- */

static void
wipe_redis(struct world *world)
{
    for (size_t i = 0; i < JOBS; i++) {
        if (world->jobs[i].state == JOB_RUNNING) /* its lock is lost, it is stopped */
            world->configs[world->jobs[i].config].last_good_t = world->configs[world->jobs[i].config].good_before_t;
        world->jobs[i].state = JOB_NONE;
    }
    for (size_t i = 0; i < CONFIGS; i++)
        world->configs[i].has_scheduler = false;
    if (world->worker_back_t == 0)
        look_soon(world);
}

static void
drain(struct world *world)
{
    for (size_t i = 0; i < JOBS; i++)
        if (world->jobs[i].state == JOB_WAITING || world->jobs[i].state == JOB_DELAYED)
            world->jobs[i].state = JOB_NONE;
}

static void
start_app(struct world *world)
{
    for (size_t i = 0; i < CONFIGS; i++)
        if (world->configs[i].enabled)
            world_schedule(world, &world->configs[i]);
        else
            world->configs[i].has_scheduler = false;
}

static void
unschedule(struct world *world, struct config *config)
{
    struct job *pending = config->has_scheduler ? world_pending(world, config) : NULL;

    if (pending != NULL && (pending->state == JOB_DELAYED || pending->state == JOB_WAITING))
        pending->state = JOB_NONE;
    config->has_scheduler = false;
}

/* In one time of five the app does not get as far as Redis. */
static void
change_config(struct world *world, struct config *config)
{
    bool reaches_redis = !world_chance(world, 20);

    if (world_chance(world, 40))
        config->enabled = !config->enabled;
    else
        config->cron = crons[world_below(world, COUNT(crons))];
    if (reaches_redis && config->enabled)
        world_schedule(world, config);
    else if (reaches_redis)
        unschedule(world, config);
}

/* Only once the ledger has seen what the old clock had: a run that only that clock knows of may well be taken for none. */
static void
step_clock(struct world *world)
{
    int64_t wanted = world_chance(world, 50) ? 0 : between(world, -6 * HOUR, 6 * HOUR);

    if (world->looked_t < world->calm_t || active_job(world) != NULL)
        return;
    if (world->offset == 0 && world_chance(world, 10))
        wanted = 400 * DAY;
    if (world->offset == 400 * DAY)
        wanted = 0;
    if (wanted < world->offset)
        world->stepped_back++;
    world->offset = wanted;
    look_soon(world);
}

static void
world_strike(struct world *world)
{
    int config = (int)world_below(world, CONFIGS);

    switch (world_below(world, 12)) {
    case 0:
        wipe_redis(world);
        break;
    case 1:
        stop_worker(world, between(world, 0, 10 * MINUTE));
        break;
    case 2:
        stop_worker(world, between(world, HOUR, 4 * DAY));
        break;
    case 3:
        start_app(world);
        break;
    case 4:
        world->resume_t = world->t + between(world, MINUTE, 3 * DAY);
        break;
    case 5:
    case 6:
        change_config(world, &world->configs[config]);
        break;
    case 7:
        world->postgres_back_t = world->t + between(world, MINUTE, 2 * DAY);
        break;
    case 8:
        step_clock(world);
        break;
    case 9:
        drain(world);
        break;
    case 10:
        text_reset(&world->memory);
        break;
    default:
        run_manually(world, config, world_chance(world, 30));
    }
    is_not_calm(world);
    world->strike_t =
        world->t + (world->offset == 0 ? between(world, HOUR, 6 * DAY) : between(world, 2 * HOUR, 12 * HOUR));
}

/* --- Time --- */

static int64_t
earliest(const struct world *world)
{
    int64_t t = world->strike_t;
    const int64_t ends[] = { world->look_t, world->worker_back_t, world->resume_t, world->postgres_back_t };

    for (size_t i = 0; i < COUNT(ends); i++)
        if (ends[i] != 0 && ends[i] < t)
            t = ends[i];
    for (size_t i = 0; i < JOBS; i++) {
        const struct job *job = &world->jobs[i];
        int64_t job_t = NEVER;

        if (job->state == JOB_DELAYED)
            job_t = job->due - world->offset;
        else if (job->state >= JOB_TAKEN)
            job_t = job->change_t;
        if (job_t > world->t && job_t < t)
            t = job_t;
    }
    return t > world->t ? t : world->t + 1;
}

static bool
passes(const struct world *world, int64_t *end_t)
{
    if (*end_t == 0 || *end_t > world->t)
        return false;
    *end_t = 0;
    return true;
}

bool
world_go_on(struct world *world)
{
    world->t = earliest(world);
    if (world->strike_t <= world->t)
        world_strike(world);
    if (passes(world, &world->worker_back_t)) {
        is_not_calm(world);
        look_soon(world);
    }
    if (passes(world, &world->resume_t) || passes(world, &world->postgres_back_t))
        is_not_calm(world);
    work(world);
    if (world->look_t > world->t || world->worker_back_t != 0)
        return false;
    world->look_t = world->t + 10 * MINUTE; /* if it fails */
    return world->postgres_back_t == 0;
}

void
world_init(struct world *world, uint64_t seed, struct timezones *zones, const char *zone, int64_t t)
{
    *world = (struct world){ .random = seed * UINT64_C(0x9E3779B97F4A7C15) + 1, .zones = zones, .t = t, .calm_t = t };
    world->dialect = seed % 2 == 0 ? CRON_PARSER_4 : CRON_PARSER_5;
    world->strike_t = t + DAY;
    world->look_t = t + MINUTE;
    for (int i = 0; i < CONFIGS; i++) {
        struct config *config = &world->configs[i];

        (void)snprintf(config->id, sizeof(config->id), "0000000%d-1111-4222-8333-444444444444", i);
        (void)snprintf(
            config->scheduler, sizeof(config->scheduler), LEDGER_SCHEDULER "0000000%d-1111-4222-8333-444444444444", i);
        config->enabled = true;
        config->zone = zone;
        config->cron = crons[world_below(world, COUNT(crons) - 1)];
        world_schedule(world, config);
    }
}

void
world_clear(struct world *world)
{
    text_clear(&world->memory);
}
