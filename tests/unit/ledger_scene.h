/*
 * ledger_scene: what a ledger sees in its tests: one config, daily at three, its scheduler, nothing else; it was looked at at noon. Each test
 * changes what it is about.
 */
#ifndef TESTS_UNIT_LEDGER_SCENE_H
#define TESTS_UNIT_LEDGER_SCENE_H

#include "jobs/ledger.h"

#define MINUTE ((int64_t)60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define NOON ((int64_t)1774958400000) /* 2026-03-31T12:00:00Z */
#define DUE (NOON + 15 * HOUR)        /* 2026-04-01T03:00:00Z: what is due next */

#define ID "0a0a0a0a-1111-4222-8333-444444444444"
#define OTHER "0b0b0b0b-1111-4222-8333-444444444444"
#define ROW "0c0c0c0c-1111-4222-8333-444444444444"

struct ledger_scene {
    struct ledger_config configs[2];
    struct ledger_scheduler schedulers[2];
    struct ledger_job jobs[2];
    struct ledger_row rows[2];
    struct ledger_facts facts;
    struct ledger_rules rules;
    struct ledger_memory memory;
    struct timezones *zones;
    struct ledger_decisions decisions;
};

int ledger_scene_set_up(void **state);
int ledger_scene_tear_down(void **state);

void ledger_scene_look(struct ledger_scene *scene, int64_t now_ms);
/* As text: "missed, catch-up". */
void ledger_scene_assert_decided(const struct ledger_scene *scene, const char *expected);

/* It made a backup, and the next one is planned. */
void ledger_scene_run_iteration(struct ledger_scene *scene, int64_t when_ms);
void ledger_scene_add_job(struct ledger_scene *scene, struct ledger_job job);
void ledger_scene_add_row(struct ledger_scene *scene, const char *config_id, bool scheduled, int64_t created_ms);

#endif
