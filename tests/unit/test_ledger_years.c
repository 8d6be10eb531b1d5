/*
 * The ledger through two years in twenty zones, with faults thrown in (tests/unit/world). What must hold, whatever happens, is written down
 * here a second time, from what truly happened. WEAVESTREAM_LEDGER_SEED tries another seed.
 */
#include "tests/unit/test.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/world.h"

#define START ((int64_t)1767225600000) /* 2026-01-01T00:00:00Z */
#define YEARS_MS (731 * DAY)
#define GRACE (30 * MINUTE)
#define JITTER INT64_C(2000) /* of a row's age */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const names[] = { "Europe/Berlin", "Europe/London", "Europe/Dublin", "America/New_York",
    "America/St_Johns", "America/Havana", "America/Santiago", "America/Asuncion", "Australia/Lord_Howe",
    "Antarctica/Troll", "Atlantic/Azores", "Asia/Beirut", "Asia/Gaza", "Asia/Kolkata", "Asia/Kathmandu", "Africa/Cairo",
    "Africa/Casablanca", "Pacific/Chatham", "Pacific/Apia", "Etc/UTC" };

/* What is known of a config's schedule, from when the ledger first saw it. */
struct truth {
    const char *cron; /* NULL: not seen */
    const char *zone;
    int64_t seen;
    int64_t chain;   /* the last instant that was gone through */
    int64_t due;     /* the last one of them that is found from just before it, too */
    int64_t excused; /* up to here nothing is asked for: it was, under a clock that was ahead */
    int64_t ran;     /* the last one after which it ran */
    int64_t told;    /* the last one that was told as missed */
    int64_t owed;    /* 0: nothing */
    int64_t owed_t;
    bool unusable;
};

struct complaint {
    char about[160];
    int64_t ms; /* by the clock */
};

struct trial {
    struct world world;
    struct truth truths[CONFIGS];
    struct complaint complaints[64];
    size_t complaint_count;
    int64_t looked; /* by the clock */
    const char *name;
    uint64_t seed;
};

static int64_t counts[LEDGER_COMPLAIN + 1];
static int64_t runs;

static void
fail_at(const struct trial *trial, const char *what, int64_t instant)
{
    char now[WALL_ISO_SIZE];
    char at[WALL_ISO_SIZE];

    wall_format_iso((struct wall){ .ms = world_now(&trial->world) }, now);
    wall_format_iso((struct wall){ .ms = instant }, at);
    fail_msg("%s, seed %" PRIu64 ", at %s: %s (%s)", trial->name, trial->seed, now, what, at);
}

/* --- The facts, as they are --- */

struct picture {
    struct ledger_config configs[CONFIGS];
    struct ledger_scheduler schedulers[CONFIGS];
    struct ledger_job jobs[JOBS];
    struct ledger_row rows[ROWS];
    struct ledger_facts facts;
};

/* By the clock as it is at present. */
static struct wall
dated(struct trial *trial, int64_t t, int64_t jitter)
{
    return (struct wall){ .ms = t == 0 ? 0 : t + trial->world.offset + jitter };
}

static enum ledger_pending
pending_of(struct world *world, const struct config *config)
{
    const struct job *job = world_pending(world, config);

    if (job == NULL)
        return LEDGER_PENDING_GONE;
    if (job->state >= JOB_FAILED)
        return LEDGER_PENDING_OVER;
    return job->state == JOB_DELAYED ? LEDGER_PENDING_DELAYED : LEDGER_PENDING_TAKEN;
}

static void
take_picture(struct trial *trial, struct picture *picture)
{
    struct world *world = &trial->world;
    int64_t jitter = world_below(world, 2 * JITTER) - JITTER;
    struct ledger_facts *facts = &picture->facts;

    *facts = (struct ledger_facts){ .now = { .ms = world_now(world) },
        .dialect = world->dialect,
        .paused = world->resume_t != 0,
        .complete = true,
        .configs = picture->configs,
        .config_count = CONFIGS,
        .schedulers = picture->schedulers,
        .jobs = picture->jobs,
        .rows = picture->rows };
    for (size_t i = 0; i < CONFIGS; i++) {
        const struct config *config = &world->configs[i];

        picture->configs[i] = (struct ledger_config){ .id = config->id,
            .enabled = config->enabled,
            .cron = config->cron,
            .timezone = config->zone,
            .last_attempt = dated(trial, config->last_attempt_t, jitter),
            .last_good = dated(trial, config->last_good_t, jitter) };
        if (config->has_scheduler)
            picture->schedulers[facts->scheduler_count++] = (struct ledger_scheduler){ .id = config->scheduler,
                .next = { .ms = config->next },
                .pattern = config->scheduled_cron,
                .timezone = config->scheduled_zone,
                .runs_config = true,
                .pending = pending_of(world, config),
                .job_config = config->id };
    }
    for (size_t i = 0; i < JOBS; i++) {
        const struct job *job = &world->jobs[i];

        if (job->state != JOB_NONE && job->state != JOB_COMPLETED)
            picture->jobs[facts->job_count++] = (struct ledger_job){ .id = job->id,
                .config_id = world->configs[job->config].id,
                .run_id = job->kind == JOB_MANUAL ? world->rows[job->row].id : NULL,
                .failed = job->state == JOB_FAILED,
                .delayed = job->state == JOB_DELAYED };
    }
    for (size_t i = 0; i < ROWS; i++) {
        const struct row *row = &world->rows[i];

        if (row->queued)
            picture->rows[facts->row_count++] = (struct ledger_row){ .id = row->id,
                .config_id = world->configs[row->config].id,
                .scheduled = row->scheduled,
                .created = dated(trial, row->created_t, jitter) };
    }
}

/* --- The truth --- */

/* `slack`: how much longer a row counts as young; where jitter makes it uncertain, each check takes the side that it cannot fail on. */
static bool
is_busy(const struct world *world, int config, int64_t slack)
{
    for (size_t i = 0; i < JOBS; i++)
        if (world->jobs[i].config == config && world_is_at_work(world, &world->jobs[i]))
            return true;
    for (size_t i = 0; i < ROWS; i++)
        if (world->rows[i].queued && world->rows[i].config == config &&
            world->rows[i].created_t > world->t - 2 * MINUTE - slack)
            return true;
    return false;
}

/* Step by step, from before the first, as the queue itself would go. */
static bool
go_through_chain(struct trial *trial, struct truth *truth, int64_t until)
{
    struct error err;
    struct wall at;
    struct due due;

    if (!due_parse(&due, trial->world.zones, trial->world.dialect, truth->cron, truth->zone, &err))
        return false;
    if (truth->chain == 0)
        truth->chain = truth->seen - 2 * DAY;
    for (at.ms = truth->chain; due_next(&due, at, &at, &err); truth->chain = at.ms) {
        struct wall again = { .ms = 0 };

        if (at.ms > until)
            return true;
        if (due_next(&due, (struct wall){ .ms = at.ms - 1000 }, &again, &err) && again.ms == at.ms)
            truth->due = at.ms;
    }
    return false; /* it fires no more */
}

static void
learn(struct trial *trial)
{
    struct world *world = &trial->world;
    int64_t now = world_now(world);
    bool forgets = world->memory.length == 0 || trial->looked > now + DAY;

    for (size_t i = 0; i < CONFIGS; i++) {
        const struct config *config = &world->configs[i];
        struct truth *truth = &trial->truths[i];
        bool same = config->enabled && truth->cron == config->cron && truth->zone == config->zone;

        if (!config->enabled || world->memory.length == 0 || truth->owed > now)
            truth->owed = 0;
        if (!config->enabled)
            truth->cron = NULL;
        else if (forgets || !same)
            *truth = (struct truth){
                .cron = config->cron, .zone = config->zone, .seen = now, .owed = truth->owed, .owed_t = truth->owed_t
            };
        else if (trial->looked > now)
            truth->excused = trial->looked;
        if (!is_busy(world, (int)i, -JITTER) && (config->last_attempt_t > truth->owed_t + JITTER ||
                                                    config->last_good_t + world->offset >= truth->owed + JITTER))
            truth->owed = 0;
        if (config->enabled)
            truth->unusable = !go_through_chain(trial, truth, now - GRACE);
    }
    if (world->memory.length == 0)
        trial->complaint_count = 0;
}

/* --- What must hold --- */

static void
check_missed(struct trial *trial, int i, int64_t due)
{
    const struct world *world = &trial->world;
    struct truth *truth = &trial->truths[i];
    int64_t now = world_now(world);

    if (due != truth->due)
        fail_at(trial, "told as missed, but not due", due);
    if (due <= truth->seen)
        fail_at(trial, "told as missed, but due before it was seen", due);
    if (due <= truth->told || due <= truth->ran || due <= truth->excused)
        fail_at(trial, "told as missed, but that was decided", due);
    if (due > now - GRACE)
        fail_at(trial, "told as missed too early", due);
    if (world->configs[i].last_attempt_t + world->offset >= due - MINUTE + JITTER)
        fail_at(trial, "told as missed, but it ran", due);
    if (world->resume_t != 0 || is_busy(world, i, -JITTER))
        fail_at(trial, "told as missed, but it may still run", due);
    if (world->calm_t + world->offset < due && now > due + GRACE + 1000)
        fail_at(trial, "told as missed too late", due);
    truth->told = due;
}

static void
check_schedule(struct trial *trial, const struct ledger_config *decided)
{
    struct world *world = &trial->world;
    struct config *config = &world->configs[decided->id[7] - '0'];
    enum ledger_pending pending = pending_of(world, config);
    int64_t now = world_now(world);

    if (!config->enabled)
        fail_at(trial, "scheduled, but disabled", config->next);
    if (config->has_scheduler && pending == LEDGER_PENDING_TAKEN)
        fail_at(trial, "scheduled again, but its job is there", config->next);
    if (config->has_scheduler && pending == LEDGER_PENDING_OVER && config->next > now)
        fail_at(trial, "scheduled again, but its time has not come", config->next);
    if (config->has_scheduler && pending == LEDGER_PENDING_DELAYED && world->stepped_back == 0)
        fail_at(trial, "scheduled again, but its job is there, delayed", config->next);
    world_schedule(world, config);
}

static void
check_close(struct trial *trial, const struct ledger_decision *decision)
{
    struct world *world = &trial->world;

    for (size_t i = 0; i < ROWS; i++) {
        struct row *row = &world->rows[i];
        struct truth *truth = &trial->truths[row->config];

        if (!row->queued || strcmp(row->id, decision->row->id) != 0)
            continue;
        for (size_t j = 0; j < JOBS; j++) {
            const struct job *job = &world->jobs[j];

            if (world_is_at_work(world, job) && job->config == row->config &&
                (row->scheduled ? job->kind != JOB_MANUAL : job->kind == JOB_MANUAL && job->row == (int)i))
                fail_at(trial, "row closed, but its job is there", row->created_t);
        }
        if (row->created_t > world->t - 2 * MINUTE + JITTER)
            fail_at(trial, "row closed, but it is young", row->created_t);
        row->queued = false;
        if (row->scheduled && !decision->made_up_for && world->configs[row->config].enabled &&
            truth->owed < decision->row->created.ms) {
            truth->owed = decision->row->created.ms;
            truth->owed_t = world->t;
        }
        return;
    }
    fail_at(trial, "a row closed that is not queued", 0);
}

static void
check_complaint(struct trial *trial, const struct ledger_decision *decision)
{
    struct complaint complaint = { .ms = world_now(&trial->world) };

    (void)snprintf(complaint.about, sizeof(complaint.about), "%s %s", decision->text, decision->scheduler->id);
    for (size_t i = 0; i < trial->complaint_count; i++)
        if (strcmp(trial->complaints[i].about, complaint.about) == 0) {
            if (trial->complaints[i].ms > complaint.ms - DAY && trial->world.stepped_back == 0)
                fail_at(trial, "complained a second time within a day", 0);
            trial->complaints[i] = complaint;
            return;
        }
    assert_true(trial->complaint_count < COUNT(trial->complaints));
    trial->complaints[trial->complaint_count++] = complaint;
}

static bool
has_catch_up(const struct ledger_decisions *decisions, const char *config_id)
{
    for (size_t i = 0; i < decisions->count; i++)
        if (decisions->list[i].act == LEDGER_CATCH_UP && strcmp(decisions->list[i].config->id, config_id) == 0)
            return true;
    return false;
}

/* Once it ran, it ran, whatever the clock says later. */
static void
check_last_due(struct trial *trial, int i)
{
    const struct world *world = &trial->world;
    struct truth *truth = &trial->truths[i];
    int64_t due = truth->due;

    if (due <= truth->seen || due <= truth->excused || due <= truth->told || due <= truth->ran)
        return;
    if (world->configs[i].last_attempt_t + world->offset < due - MINUTE - JITTER)
        fail_at(trial, "missed, and nobody was told", due);
    truth->ran = due;
}

/* Further ahead than the next but one, because a wrong clock put it there. */
static bool
is_far_ahead(struct trial *trial, const struct config *config)
{
    struct wall next;
    struct wall second;
    struct error err;
    struct due due;

    if (pending_of(&trial->world, config) != LEDGER_PENDING_DELAYED || config->scheduled_cron != config->cron ||
        !due_parse(&due, trial->world.zones, trial->world.dialect, config->cron, config->zone, &err))
        return false;
    return due_next(&due, (struct wall){ .ms = world_now(&trial->world) }, &next, &err) &&
           due_next(&due, next, &second, &err) && config->next > second.ms;
}

/* After the ledger has looked, nothing is left open. */
static void
check_nothing_is_left(struct trial *trial, const struct ledger_decisions *decisions)
{
    struct world *world = &trial->world;
    int64_t now = world_now(world);

    for (int i = 0; i < CONFIGS; i++) {
        const struct config *config = &world->configs[i];
        const struct truth *truth = &trial->truths[i];
        bool may_run = world->resume_t != 0 || is_busy(world, i, JITTER);

        if (!config->enabled)
            continue;
        if (!is_busy(world, i, JITTER) && truth->owed != 0 && !has_catch_up(decisions, config->id))
            fail_at(trial, "owed, and not caught up with", truth->owed);
        if (is_busy(world, i, -JITTER) && has_catch_up(decisions, config->id))
            fail_at(trial, "caught up with, but it may still run", 0);
        if (truth->owed == 0 && has_catch_up(decisions, config->id))
            fail_at(trial, "caught up with, and not owed", 0);
        if (truth->unusable)
            continue;
        if (!config->has_scheduler || pending_of(world, config) == LEDGER_PENDING_GONE)
            fail_at(trial, "its schedule does not go on", config->next);
        if (is_far_ahead(trial, config))
            fail_at(trial, "its schedule goes on too late", config->next);
        if (!may_run)
            check_last_due(trial, i);
    }
    for (size_t i = 0; i < ROWS; i++)
        if (world->rows[i].queued && world->rows[i].created_t < world->t - 2 * MINUTE - JITTER &&
            !is_busy(world, world->rows[i].config, JITTER))
            fail_at(trial, "a row is left queued", world->rows[i].created_t);
    if (decisions->again.ms <= now || decisions->again.ms > now + HOUR)
        fail_at(trial, "it does not come back within the hour", decisions->again.ms);
}

/* --- A look, as the program has it --- */

static void
tell(struct trial *trial, const struct ledger_decision *decision)
{
    int config = decision->config == NULL ? -1 : decision->config->id[7] - '0';

    switch (decision->act) {
    case LEDGER_MISSED:
        check_missed(trial, config, decision->due.ms);
        trial->truths[config].owed = decision->due.ms;
        trial->truths[config].owed_t = trial->world.t;
        if (trial->world.configs[config].last_good_t + trial->world.offset >= decision->due.ms)
            trial->truths[config].owed = 0;
        break;
    case LEDGER_CLOSE:
        check_close(trial, decision);
        break;
    case LEDGER_COMPLAIN:
        check_complaint(trial, decision);
        break;
    default:
        break;
    }
}

/* In the program's order: schedules, memory, the rest. In one look of fifty it dies before the memory is written, or after. */
static void
look(struct trial *trial)
{
    struct ledger_rules rules = { .grace_ms = GRACE, .catch_up = true, .unschedule = trial->seed % 3 == 0 };
    struct world *world = &trial->world;
    struct ledger_decisions decisions;
    struct ledger_memory memory;
    struct picture picture;
    bool dies = world_chance(world, 2);
    bool writes = !dies || world_chance(world, 50);

    take_picture(trial, &picture);
    ledger_memory_parse(text_string(&world->memory), world->memory.length, &memory);
    ledger_judge(&picture.facts, &rules, world->zones, &memory, &decisions);
    if (writes)
        learn(trial);
    for (size_t i = 0; i < decisions.count; i++) {
        const struct ledger_decision *decision = &decisions.list[i];

        counts[decision->act]++;
        if (decision->act == LEDGER_SCHEDULE)
            check_schedule(trial, decision->config);
        else if (decision->act == LEDGER_UNSCHEDULE)
            world->configs[decision->scheduler->id[strlen(LEDGER_SCHEDULER) + 7] - '0'].has_scheduler = false;
        else if (writes)
            tell(trial, decision);
    }
    if (writes) {
        text_reset(&world->memory);
        ledger_memory_add_json(&memory, &world->memory);
        trial->looked = world_now(world);
        check_nothing_is_left(trial, &decisions);
    }
    for (size_t i = 0; i < decisions.count && !dies; i++)
        if (decisions.list[i].act == LEDGER_CATCH_UP)
            world_add_catch_up(world, decisions.list[i].config->id[7] - '0', decisions.list[i].due.ms);
    if (dies) {
        world->calm_t = world->t;
        world->look_t = world->t + MINUTE;
    } else {
        world->looked_t = world->t;
        world->look_t = decisions.again.ms - world->offset;
    }
    ledger_decisions_clear(&decisions);
    ledger_memory_clear(&memory);
}

static void
live(const char *name, uint64_t seed, struct timezones *zones)
{
    struct trial trial = { .name = name, .seed = seed };

    world_init(&trial.world, seed, zones, name, START);
    while (trial.world.t < START + YEARS_MS)
        if (world_go_on(&trial.world))
            look(&trial);
    runs += trial.world.runs;
    world_clear(&trial.world);
}

static void
two_years_in_twenty_zones_leave_nothing_out_and_blame_nobody(void **state)
{
    const char *seed = getenv("WEAVESTREAM_LEDGER_SEED");
    struct timezones *zones = timezones_new(TIMEZONE_FOLDER, "UTC");

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++)
        live(names[i], (seed == NULL ? 1 : strtoull(seed, NULL, 10)) * COUNT(names) + i, zones);
    timezones_free(zones);
    print_message("%" PRId64 " runs, %" PRId64 " missed, %" PRId64 " caught up with, %" PRId64 " rows closed, %" PRId64
                  " schedules made, %" PRId64 " removed, %" PRId64 " complaints, %" PRId64 " unusable\n",
        runs, counts[LEDGER_MISSED], counts[LEDGER_CATCH_UP], counts[LEDGER_CLOSE], counts[LEDGER_SCHEDULE],
        counts[LEDGER_UNSCHEDULE], counts[LEDGER_COMPLAIN], counts[LEDGER_UNUSABLE]);
    for (size_t i = 0; i < COUNT(counts); i++)
        assert_true(counts[i] > 0); /* each of them was put to the test */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_years_in_twenty_zones_leave_nothing_out_and_blame_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
