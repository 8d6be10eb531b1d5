/*
 * world: a queue, its worker, the app and Postgres, as far as the ledger sees them, in simulated time.
 *
 * One worker with one slot. A job of the schedule makes the next one when it is taken; a run makes its row a while after that, and then succeeds,
 * fails, or leaves something behind. What befalls the world (world_strike) is drawn from a seeded generator. `t` is true time; the
 * clock of the worker's machine may be off by `offset`, and Postgres' clock does not know of that.
 */
#ifndef TESTS_UNIT_WORLD_H
#define TESTS_UNIT_WORLD_H

#include "jobs/ledger.h"

#define MINUTE ((int64_t)60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define NEVER INT64_MAX

#define CONFIGS 2
#define JOBS 128
#define ROWS 48
#define STALLED_MS (40 * INT64_C(1000)) /* until a dead worker's job is taken again */

enum job_kind { JOB_ITERATION, JOB_MANUAL, JOB_CATCH_UP };
enum job_state { JOB_NONE, JOB_DELAYED, JOB_WAITING, JOB_TAKEN, JOB_QUEUED, JOB_RUNNING, JOB_FAILED, JOB_COMPLETED };

/* QUEUED and RUNNING are active jobs whose row is so. */
struct job {
    enum job_kind kind;
    enum job_state state;
    int config;
    int64_t due;      /* by the clock: the iteration's, or what is caught up with */
    int64_t change_t; /* of an active job: what comes next; of one that is over: when it is removed */
    int row;          /* of MANUAL */
    char id[128];
};

struct row {
    bool queued;
    bool scheduled;
    int config;
    int64_t created_t;
    char id[UUID_SIZE];
};

struct config {
    char id[UUID_SIZE];
    char scheduler[LEDGER_SCHEDULER_SIZE];
    bool enabled;
    const char *cron;
    const char *zone;
    int64_t last_attempt_t;
    int64_t last_good_t;
    int64_t good_before_t; /* last_good_t, if the run at hand fails */
    /* in the queue */
    bool has_scheduler;
    const char *scheduled_cron;
    const char *scheduled_zone;
    int64_t next;
};

struct world {
    uint64_t random;
    struct timezones *zones;
    enum cron_dialect dialect;
    int64_t t;
    int64_t offset;
    int64_t worker_back_t;   /* while it is down; else 0 */
    int64_t resume_t;        /* while the queue is paused; else 0 */
    int64_t postgres_back_t; /* while it is away; else 0 */
    int64_t strike_t;
    int64_t look_t; /* when the worker starts the ledger next */
    struct config configs[CONFIGS];
    struct job jobs[JOBS];
    struct row rows[ROWS];
    struct text memory; /* the ledger's file */
    int64_t looked_t;   /* when the ledger did last, to its end */
    int64_t calm_t;     /* since when nothing special has been going on */
    int64_t rows_made;
    int64_t runs;
    int64_t stepped_back; /* how often the clock went back */
};

void world_init(struct world *world, uint64_t seed, struct timezones *zones, const char *zone, int64_t t);
void world_clear(struct world *world);
int64_t world_now(const struct world *world); /* by the clock */
int64_t world_below(struct world *world, int64_t limit);
bool world_chance(struct world *world, int percent);

/* On to the next thing that happens, and lets it happen. True: the worker starts the ledger; look_t is for the caller to set anew. */
bool world_go_on(struct world *world);

bool world_is_at_work(const struct world *world, const struct job *job);
struct job *world_pending(
    struct world *world, const struct config *config); /* the job of `next`; NULL: there is none */

/* What the ledger's decisions come to. */
void world_schedule(struct world *world, struct config *config);
void world_add_catch_up(struct world *world, int config, int64_t due);

#endif
