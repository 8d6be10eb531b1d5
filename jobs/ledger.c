#include "jobs/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/text.h"

#define MINUTE_MS ((int64_t)60 * 1000)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)

#define SKEW_MS MINUTE_MS           /* rows are dated by another clock */
#define ROW_MS (2 * MINUTE_MS)      /* the app makes the row, then the job */
#define DEAD_MS (5 * MINUTE_MS)     /* for the next iteration to be made after one is over */
#define SETTLING_MS (2 * MINUTE_MS) /* the app changes the config, then the scheduler */

#define GONE "the job is gone from the queue (wiped, drained or removed)"
#define INTERRUPTED "interrupted before the backup began, and no job in the queue goes on with it"

struct judge {
    const struct ledger_facts *facts;
    const struct ledger_rules *rules;
    struct timezones *zones;
    struct ledger_memory after;
    struct ledger_decisions *out;
};

static struct ledger_decision *
decide(struct judge *judge, enum ledger_act act)
{
    struct ledger_decisions *out = judge->out;

    out->list = memory_resize(out->list, (out->count + 1) * sizeof(*out->list));
    out->list[out->count] = (struct ledger_decision){ .act = act };
    return &out->list[out->count++];
}

static void
look_again_at(struct judge *judge, int64_t ms)
{
    if (ms < judge->out->again.ms)
        judge->out->again.ms = ms;
}

/* Once a day. */
static void
complain(struct judge *judge, const struct ledger_scheduler *scheduler, const char *event)
{
    struct ledger_decision *decision;
    struct text about = TEXT_EMPTY;

    text_format(&about, "%s: %s", event, scheduler == NULL ? "all" : scheduler->id);
    if (!ledger_memory_was_told(&judge->after, text_string(&about))) {
        ledger_memory_add_complaint(&judge->after, text_string(&about), judge->facts->now);
        decision = decide(judge, LEDGER_COMPLAIN);
        decision->scheduler = scheduler;
        decision->text = memory_copy_string(event);
    }
    text_clear(&about);
}

static const struct ledger_config *
find_config(const struct ledger_facts *facts, const char *id)
{
    for (size_t i = 0; i < facts->config_count; i++)
        if (strcmp(facts->configs[i].id, id) == 0)
            return &facts->configs[i];
    return NULL;
}

static const struct ledger_scheduler *
find_scheduler(const struct ledger_facts *facts, const char *config_id)
{
    char id[LEDGER_SCHEDULER_SIZE];

    (void)snprintf(id, sizeof(id), LEDGER_SCHEDULER "%s", config_id);
    for (size_t i = 0; i < facts->scheduler_count; i++)
        if (strcmp(facts->schedulers[i].id, id) == 0)
            return &facts->schedulers[i];
    return NULL;
}

static const char *
zone_of(const struct ledger_config *config)
{
    return config->timezone == NULL ? DUE_ZONE : config->timezone;
}

/* --- Memory --- */

static bool
is_same_schedule(const struct ledger_known *known, const struct ledger_config *config)
{
    return strcmp(known->cron, config->cron) == 0 && strcmp(known->timezone, zone_of(config)) == 0;
}

/*
 * A clock that was ahead of this one has had what was due up to then, and that does not happen again. If it was ahead for days, what it
 * remembered is worth nothing.
 */
static void
remember_config(struct judge *judge, const struct ledger_memory *before, const struct ledger_config *config)
{
    const struct ledger_known *known = ledger_memory_find(before, config->id);
    struct ledger_known *now = ledger_memory_add(&judge->after, config->id, config->cron, zone_of(config));
    int64_t now_ms = judge->facts->now.ms;

    now->seen.ms = now_ms;
    now->settled.ms = now_ms;
    if (known == NULL)
        return;
    if (known->owed.ms <= now_ms)
        now->owed = known->owed;
    if (before->looked.ms > now_ms + DAY_MS || !is_same_schedule(known, config))
        return;
    now->seen = known->seen;
    now->settled = before->looked.ms > now_ms ? before->looked : known->settled;
    now->unusable = known->unusable;
}

static void
remember(struct judge *judge, const struct ledger_memory *before)
{
    int64_t now_ms = judge->facts->now.ms;

    for (size_t i = 0; i < judge->facts->config_count; i++)
        if (judge->facts->configs[i].enabled)
            remember_config(judge, before, &judge->facts->configs[i]);
    for (size_t i = 0; i < before->complaint_count; i++) {
        const struct ledger_complaint *complaint = &before->complaints[i];

        if (complaint->told.ms > now_ms - DAY_MS && complaint->told.ms <= now_ms)
            ledger_memory_add_complaint(&judge->after, complaint->about, complaint->told);
    }
}

/* --- What is going on --- */

/* The next iteration of a schedule: "repeat:<schedule>:<its instant>". */
static bool
is_yet_to_come(const struct ledger_facts *facts, const struct ledger_job *job)
{
    const char *last = strrchr(job->id, ':');
    int64_t instant_ms;

    return job->delayed && strncmp(job->id, "repeat:", strlen("repeat:")) == 0 &&
           text_parse_integer(last + 1, strlen(last + 1), 0, INT64_MAX, &instant_ms) && instant_ms > facts->now.ms;
}

static bool
is_at_work(const struct ledger_facts *facts, const struct ledger_job *job)
{
    return !job->failed && !is_yet_to_come(facts, job);
}

static bool
is_about(const struct ledger_job *job, const struct ledger_row *row)
{
    if (job->run_id != NULL)
        return strcmp(job->run_id, row->id) == 0;
    return row->scheduled && row->config_id != NULL && strcmp(job->config_id, row->config_id) == 0;
}

bool
ledger_goes_on(const struct ledger_facts *facts, const struct ledger_row *row)
{
    for (size_t i = 0; i < facts->job_count; i++)
        if (is_at_work(facts, &facts->jobs[i]) && is_about(&facts->jobs[i], row))
            return true;
    return false;
}

/* The job of such a row may be one that is just being enqueued. */
static bool
is_young(const struct ledger_facts *facts, const struct ledger_row *row)
{
    return row->created.ms > facts->now.ms - ROW_MS;
}

bool
ledger_is_busy(const struct ledger_facts *facts, const struct ledger_config *config)
{
    for (size_t i = 0; i < facts->job_count; i++)
        if (is_at_work(facts, &facts->jobs[i]) && strcmp(facts->jobs[i].config_id, config->id) == 0)
            return true;
    for (size_t i = 0; i < facts->row_count; i++) {
        const struct ledger_row *row = &facts->rows[i];

        if (row->config_id != NULL && strcmp(row->config_id, config->id) == 0 && is_young(facts, row))
            return true;
    }
    return false;
}

/* --- Rows --- */

static const char *
reason_of(const struct ledger_facts *facts, const struct ledger_row *row)
{
    for (size_t i = 0; i < facts->job_count; i++) {
        const struct ledger_job *job = &facts->jobs[i];

        if (job->failed && job->run_id != NULL && is_about(job, row) && job->failed_reason != NULL)
            return job->failed_reason;
    }
    return row->scheduled ? INTERRUPTED : GONE;
}

static bool
is_made_up_for(const struct ledger_config *config, struct wall since)
{
    return config != NULL && (config->last_good.ms >= since.ms || config->last_attempt.ms > since.ms + SKEW_MS);
}

static void
judge_row(struct judge *judge, const struct ledger_row *row)
{
    const struct ledger_config *config = row->config_id == NULL ? NULL : find_config(judge->facts, row->config_id);
    struct ledger_known *known = config == NULL ? NULL : ledger_memory_find(&judge->after, config->id);
    struct ledger_decision *decision;

    if (ledger_goes_on(judge->facts, row))
        return;
    if (is_young(judge->facts, row)) {
        look_again_at(judge, row->created.ms + ROW_MS);
        return;
    }
    decision = decide(judge, LEDGER_CLOSE);
    decision->row = row;
    decision->made_up_for = row->scheduled && is_made_up_for(config, row->created);
    decision->text = memory_copy_string(reason_of(judge->facts, row));
    if (row->scheduled && known != NULL && known->owed.ms < row->created.ms)
        known->owed = row->created;
}

/* --- Schedules --- */

static bool
is_like_config(const struct ledger_scheduler *scheduler, const struct ledger_config *config)
{
    return scheduler->runs_config && scheduler->pattern != NULL && strcmp(scheduler->pattern, config->cron) == 0 &&
           scheduler->timezone != NULL && strcmp(scheduler->timezone, zone_of(config)) == 0;
}

/* Further ahead than the next instant but one. */
static bool
is_far_ahead(const struct ledger_scheduler *scheduler, const struct due *due, struct wall next)
{
    struct wall second;
    struct error none; /* no second one: nothing is too far */

    return scheduler->pending == LEDGER_PENDING_DELAYED && due_next(due, next, &second, &none) &&
           scheduler->next.ms > second.ms;
}

enum ledger_fit
ledger_fit_of(const struct ledger_facts *facts, const struct ledger_config *config, const struct due *due,
    struct wall next, const struct ledger_scheduler **scheduler)
{
    const struct ledger_scheduler *found = find_scheduler(facts, config->id);
    bool is_like;

    *scheduler = found;
    if (found == NULL)
        return LEDGER_MISSING;
    is_like = is_like_config(found, config);
    if (found->pending == LEDGER_PENDING_GONE ||
        (found->pending == LEDGER_PENDING_OVER && found->next.ms < facts->now.ms - DEAD_MS) ||
        (is_like && is_far_ahead(found, due, next)))
        return LEDGER_DEAD;
    return is_like ? LEDGER_FITS : LEDGER_DIFFERS;
}

static void
repair_schedule(struct judge *judge, const struct ledger_config *config, const struct ledger_known *known,
    const struct due *due, struct wall next)
{
    const struct ledger_scheduler *scheduler;
    struct ledger_decision *decision;

    switch (ledger_fit_of(judge->facts, config, due, next, &scheduler)) {
    case LEDGER_FITS:
        break;
    case LEDGER_DIFFERS:
        if (known->seen.ms <= judge->facts->now.ms - SETTLING_MS)
            complain(judge, scheduler, "schedule differs from its config");
        break;
    case LEDGER_MISSING:
    case LEDGER_DEAD:
        decision = decide(judge, LEDGER_SCHEDULE);
        decision->config = config;
        decision->scheduler = scheduler;
        break;
    }
}

static bool
is_enabled(const struct ledger_facts *facts, const char *config_id)
{
    const struct ledger_config *config = config_id == NULL ? NULL : find_config(facts, config_id);

    return config != NULL && config->enabled;
}

enum ledger_stray
ledger_stray_of(const struct ledger_facts *facts, const struct ledger_scheduler *scheduler)
{
    const char *rest = scheduler->id + strlen(LEDGER_SCHEDULER);
    char id[UUID_SIZE];

    if (strncmp(scheduler->id, LEDGER_SCHEDULER, strlen(LEDGER_SCHEDULER)) != 0 || !uuid_parse(rest, strlen(rest), id))
        return is_enabled(facts, scheduler->job_config) ? LEDGER_STRAY_LEGACY : LEDGER_NO_STRAY;
    if (find_config(facts, id) == NULL)
        return LEDGER_STRAY_DELETED;
    return is_enabled(facts, id) ? LEDGER_NO_STRAY : LEDGER_STRAY_DISABLED;
}

static void
judge_scheduler(struct judge *judge, const struct ledger_scheduler *scheduler)
{
    static const char *const complaints[] = { [LEDGER_STRAY_LEGACY] = "legacy repeatable beside a schedule",
        [LEDGER_STRAY_DELETED] = "schedule of a deleted config",
        [LEDGER_STRAY_DISABLED] = "schedule of a disabled config" };
    enum ledger_stray stray = ledger_stray_of(judge->facts, scheduler);

    if (stray == LEDGER_NO_STRAY)
        return;
    if (stray != LEDGER_STRAY_LEGACY && judge->rules->unschedule)
        decide(judge, LEDGER_UNSCHEDULE)->scheduler = scheduler;
    else
        complain(judge, scheduler, complaints[stray]);
}

/* --- Runs --- */

static void
judge_due(struct judge *judge, const struct ledger_config *config, struct ledger_known *known, const struct due *due)
{
    struct wall until = { .ms = judge->facts->now.ms - judge->rules->grace_ms };
    struct ledger_decision *decision;
    struct wall latest;

    if (judge->facts->paused || ledger_is_busy(judge->facts, config) || until.ms <= known->settled.ms)
        return;
    if (due_latest(due, known->settled, until, &latest) && config->last_attempt.ms < latest.ms - SKEW_MS) {
        decision = decide(judge, LEDGER_MISSED);
        decision->config = config;
        decision->due = latest;
        known->owed = latest;
    }
    known->settled = until;
}

bool
ledger_is_overdue(const struct ledger_config *config, const struct ledger_memory *memory, const struct due *due,
    struct wall now, int64_t grace_ms, struct wall *since)
{
    const struct ledger_known *known = ledger_memory_find(memory, config->id);
    struct wall until = { .ms = now.ms - grace_ms };

    return known != NULL && is_same_schedule(known, config) && until.ms > known->seen.ms &&
           due_latest(due, known->seen, until, since) && config->last_attempt.ms < since->ms - SKEW_MS &&
           config->last_good.ms < since->ms;
}

static void
catch_up(struct judge *judge, const struct ledger_config *config, struct ledger_known *known)
{
    struct ledger_decision *decision;

    if (known->owed.ms == 0 || ledger_is_busy(judge->facts, config))
        return;
    if (!judge->rules->catch_up || is_made_up_for(config, known->owed)) {
        known->owed.ms = 0;
        return;
    }
    decision = decide(judge, LEDGER_CATCH_UP);
    decision->config = config;
    decision->due = known->owed;
}

static void
find_unusable(struct judge *judge, const struct ledger_config *config, struct ledger_known *known, const char *why)
{
    if (!known->unusable) {
        struct ledger_decision *decision = decide(judge, LEDGER_UNUSABLE);

        decision->config = config;
        decision->text = memory_copy_string(why);
    }
    known->unusable = true;
    known->settled = judge->facts->now;
}

/* When the first instant that nothing has happened for yet is a grace time old. */
static void
look_again_when_due(struct judge *judge, const struct ledger_config *config, const struct due *due)
{
    struct wall from = { .ms = judge->facts->now.ms - judge->rules->grace_ms };
    struct wall next;
    struct error none; /* it fires no more */

    if (config->last_attempt.ms > from.ms)
        from = config->last_attempt;
    if (due_next(due, from, &next, &none))
        look_again_at(judge, next.ms + judge->rules->grace_ms);
}

static void
judge_config(struct judge *judge, const struct ledger_config *config)
{
    struct ledger_known *known = ledger_memory_find(&judge->after, config->id);
    struct error err = ERROR_EMPTY;
    struct wall next;
    struct due due;

    if (!due_parse(&due, judge->zones, judge->facts->dialect, config->cron, config->timezone, &err) ||
        !due_next(&due, judge->facts->now, &next, &err))
        find_unusable(judge, config, known, err.text);
    else {
        known->unusable = false;
        look_again_when_due(judge, config, &due);
        if (judge->facts->complete) {
            repair_schedule(judge, config, known, &due, next);
            judge_due(judge, config, known, &due);
        }
    }
    if (judge->facts->complete)
        catch_up(judge, config, known);
}

void
ledger_judge(const struct ledger_facts *facts, const struct ledger_rules *rules, struct timezones *zones,
    struct ledger_memory *memory, struct ledger_decisions *out)
{
    struct judge judge = {
        .facts = facts, .rules = rules, .zones = zones, .after = { .looked = facts->now }, .out = out
    };

    *out = (struct ledger_decisions){ .again = { .ms = facts->now.ms + HOUR_MS } };
    remember(&judge, memory);
    if (!facts->complete)
        complain(&judge, NULL, "queue too large to be judged");
    for (size_t i = 0; i < facts->row_count && facts->complete; i++)
        judge_row(&judge, &facts->rows[i]);
    for (size_t i = 0; i < facts->config_count && !rules->rows_only; i++)
        if (facts->configs[i].enabled)
            judge_config(&judge, &facts->configs[i]);
    for (size_t i = 0; i < facts->scheduler_count && !rules->rows_only; i++)
        judge_scheduler(&judge, &facts->schedulers[i]);
    ledger_memory_clear(memory);
    *memory = judge.after;
}

void
ledger_decisions_clear(struct ledger_decisions *decisions)
{
    for (size_t i = 0; i < decisions->count; i++)
        free(decisions->list[i].text);
    free(decisions->list);
    *decisions = (struct ledger_decisions){ .list = NULL };
}
