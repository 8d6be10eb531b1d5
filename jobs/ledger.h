/*
 * ledger: compares what should have run with what did.
 *
 * Pure: facts, rules and what was remembered go in, decisions and what to remember come out; the time is among the facts. The facts are of one
 * moment: the queue first, Postgres after it, so that a row whose job is not in the queue may be one that is just being enqueued.
 *
 * Schedules. An enabled config whose scheduler is not in the queue gets it, exactly as the app registers it; so does one whose chain is broken:
 * each iteration is made when the one before is taken, so a scheduler without a pending job never fires again, and neither does one whose
 * pending job a wrong clock has put years ahead. One that differs from its config is reported, never touched; one without an
 * enabled config is reported, or removed if the rules say so.
 *
 * Missed runs. An instant is due from `seen` on, when this schedule (cron, zone, enabled) was first looked at. What was due before `settled` is
 * decided. The latest instant that is a grace time old has happened if a SCHEDULED row was made since; it may still happen while a job
 * of the config waits or works, or the queue is paused; else it is missed: told once, for all that were due before it as well, and
 * `owed` until a later run makes up for it. The catch-up job's id is the instant's, so it can be added again and again.
 *
 * Rows. One that is `queued` for a while, and that no job in the queue is about, is closed; it is owed if it was scheduled.
 *
 * Everything in facts and rules belongs to the caller and must outlive the decisions.
 */
#ifndef JOBS_LEDGER_H
#define JOBS_LEDGER_H

#include <stdbool.h>
#include <stddef.h>

#include "common/clock.h"
#include "jobs/due.h"
#include "jobs/ledger_memory.h"
#include "jobs/uuid.h"

#define LEDGER_SCHEDULER "backup-config-" /* and the config's id: the only schedulers that are ever touched */
#define LEDGER_SCHEDULER_SIZE (sizeof(LEDGER_SCHEDULER) + UUID_SIZE)

struct ledger_config {
    const char *id;
    const char *name;
    bool enabled;
    const char *cron;
    const char *timezone; /* NULL: DUE_ZONE */
    struct wall
        last_attempt; /* when its last SCHEDULED row was made; 0: never. By the clock of `now`, as all times here */
    struct wall last_good; /* when its last successful or running run began, of whatever kind; 0: never */
};

enum ledger_pending { LEDGER_PENDING_GONE, LEDGER_PENDING_OVER, LEDGER_PENDING_DELAYED, LEDGER_PENDING_TAKEN };

/* A member of the queue's `repeat`. */
struct ledger_scheduler {
    const char *id;
    struct wall next;
    const char *pattern;         /* NULL: none */
    const char *timezone;        /* NULL: none */
    bool runs_config;            /* its jobs are runs of the config in its id */
    enum ledger_pending pending; /* the job of `next` */
    const char *job_config;      /* the config that this job is about; NULL: none */
};

/* A `run` that is not over, or has failed. */
struct ledger_job {
    const char *id;
    const char *config_id;
    const char *run_id; /* NULL: it makes a row of its own */
    bool delayed;
    bool failed;
    const char *failed_reason; /* NULL: none */
};

/* A `queued` row. */
struct ledger_row {
    const char *id;
    const char *config_id; /* NULL: the config is deleted */
    bool scheduled;
    struct wall created;
};

struct ledger_facts {
    struct wall now;
    enum cron_dialect dialect; /* of the BullMQ whose queue it is */
    bool paused;
    bool complete; /* nothing of the queue was left out */
    const struct ledger_config *configs;
    size_t config_count;
    const struct ledger_scheduler *schedulers;
    size_t scheduler_count;
    const struct ledger_job *jobs;
    size_t job_count;
    const struct ledger_row *rows;
    size_t row_count;
};

struct ledger_rules {
    bool rows_only; /* schedules and missed runs are none of its business */
    int64_t grace_ms;
    bool catch_up;
    bool unschedule;
};

enum ledger_act {
    LEDGER_SCHEDULE,   /* config */
    LEDGER_UNSCHEDULE, /* scheduler */
    LEDGER_CLOSE,      /* row, as failed, for the reason `text` */
    LEDGER_MISSED,     /* config, due */
    LEDGER_UNUSABLE,   /* config: its schedule cannot be followed, for the reason `text` */
    LEDGER_CATCH_UP,   /* config, due */
    LEDGER_COMPLAIN,   /* about scheduler (NULL: the queue), the event `text` */
};

struct ledger_decision {
    enum ledger_act act;
    const struct ledger_config *config;
    const struct ledger_scheduler *scheduler;
    const struct ledger_row *row;
    struct wall due;
    bool made_up_for; /* CLOSE: a later run has done what this one should have */
    char *text;
};

struct ledger_decisions {
    struct ledger_decision *list;
    size_t count;
    struct wall again; /* when to look again; an hour at most */
};

/* `memory` comes as it was remembered, and leaves as it is to be. */
void ledger_judge(const struct ledger_facts *facts, const struct ledger_rules *rules, struct timezones *zones,
    struct ledger_memory *memory, struct ledger_decisions *out);
void ledger_decisions_clear(struct ledger_decisions *decisions);

/* Whether a job that is not over is about this row, which may be in whatever state. */
bool ledger_goes_on(const struct ledger_facts *facts, const struct ledger_row *row);

/* --- What is judged, one by one --- */

/* How the scheduler of an enabled config is. */
enum ledger_fit {
    LEDGER_FITS,
    LEDGER_DIFFERS, /* from its config */
    LEDGER_MISSING,
    LEDGER_DEAD, /* it never fires again */
};
/* `next`: when the schedule, `due`, is due next. */
enum ledger_fit ledger_fit_of(const struct ledger_facts *facts, const struct ledger_config *config,
    const struct due *due, struct wall next, const struct ledger_scheduler **scheduler);

/* Why a scheduler should not be there. */
enum ledger_stray {
    LEDGER_NO_STRAY,
    LEDGER_STRAY_LEGACY, /* a repeatable job of BullMQ 5 and before, beside the scheduler of the same config */
    LEDGER_STRAY_DELETED,
    LEDGER_STRAY_DISABLED,
};
enum ledger_stray ledger_stray_of(const struct ledger_facts *facts, const struct ledger_scheduler *scheduler);

/* Whether a run was due, since the ledger first saw this schedule, that has not happened within the grace time, nor any backup since. */
bool ledger_is_overdue(const struct ledger_config *config, const struct ledger_memory *memory, const struct due *due,
    struct wall now, int64_t grace_ms, struct wall *since);

/* Something of this config may still come to a backup by itself. */
bool ledger_is_busy(const struct ledger_facts *facts, const struct ledger_config *config);

#endif
