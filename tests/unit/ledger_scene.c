#include "tests/unit/ledger_scene.h"

#include "tests/unit/test.h"

int
ledger_scene_set_up(void **state)
{
    static struct ledger_scene scene;

    scene = (struct ledger_scene){ .rules = { .grace_ms = 30 * MINUTE, .catch_up = true } };
    scene.configs[0] = (struct ledger_config){ .id = ID, .enabled = true, .cron = "0 3 * * *" };
    scene.configs[1] = (struct ledger_config){ .id = OTHER, .enabled = true, .cron = "0 3 * * *" };
    scene.schedulers[0] = (struct ledger_scheduler){ .id = LEDGER_SCHEDULER ID,
        .next = { .ms = DUE },
        .pattern = "0 3 * * *",
        .timezone = "Etc/UTC",
        .runs_config = true,
        .pending = LEDGER_PENDING_DELAYED,
        .job_config = ID };
    scene.facts = (struct ledger_facts){ .complete = true,
        .configs = scene.configs,
        .config_count = 1,
        .schedulers = scene.schedulers,
        .scheduler_count = 1,
        .jobs = scene.jobs,
        .rows = scene.rows };
    scene.zones = timezones_new(TIMEZONE_FOLDER, "UTC");
    ledger_scene_look(&scene, NOON);
    assert_int_equal(scene.decisions.count, 0);
    *state = &scene;
    return 0;
}

int
ledger_scene_tear_down(void **state)
{
    struct ledger_scene *scene = *state;

    ledger_decisions_clear(&scene->decisions);
    ledger_memory_clear(&scene->memory);
    timezones_free(scene->zones);
    return 0;
}

void
ledger_scene_look(struct ledger_scene *scene, int64_t now_ms)
{
    ledger_decisions_clear(&scene->decisions);
    scene->facts.now.ms = now_ms;
    ledger_judge(&scene->facts, &scene->rules, scene->zones, &scene->memory, &scene->decisions);
}

void
ledger_scene_assert_decided(const struct ledger_scene *scene, const char *expected)
{
    static const char *const names[] = { [LEDGER_SCHEDULE] = "schedule",
        [LEDGER_UNSCHEDULE] = "unschedule",
        [LEDGER_CLOSE] = "close",
        [LEDGER_MISSED] = "missed",
        [LEDGER_UNUSABLE] = "unusable",
        [LEDGER_CATCH_UP] = "catch-up",
        [LEDGER_COMPLAIN] = "complain" };
    struct text text = TEXT_EMPTY;

    for (size_t i = 0; i < scene->decisions.count; i++)
        text_format(&text, "%s%s", i == 0 ? "" : ", ", names[scene->decisions.list[i].act]);
    assert_string_equal(text_string(&text), expected);
    text_clear(&text);
}

void
ledger_scene_run_iteration(struct ledger_scene *scene, int64_t when_ms)
{
    scene->configs[0].last_attempt.ms = when_ms;
    scene->configs[0].last_good.ms = when_ms;
    scene->schedulers[0].next.ms = DUE + DAY;
}

void
ledger_scene_add_job(struct ledger_scene *scene, struct ledger_job job)
{
    scene->jobs[scene->facts.job_count++] = job;
}

void
ledger_scene_add_row(struct ledger_scene *scene, const char *config_id, bool scheduled, int64_t created_ms)
{
    scene->rows[scene->facts.row_count++] = (struct ledger_row){
        .id = ROW, .config_id = config_id, .scheduled = scheduled, .created = { .ms = created_ms }
    };
}
