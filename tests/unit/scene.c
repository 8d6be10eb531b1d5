#include "tests/unit/test.h"

#include <signal.h>
#include <stdlib.h>

#include "common/log.h"
#include "common/memory.h"
#include "consumer/finisher.h"
#include "consumer/schedules.h"
#include "tests/unit/scene.h"

static void
on_up(void *owner)
{
    struct scene *scene = owner;

    scene->ups++;
    if (scene->on_up != NULL)
        scene->on_up(scene->owner);
}

static void
on_down(void *owner)
{
    struct scene *scene = owner;

    scene->downs++;
    if (scene->on_down != NULL)
        scene->on_down(scene->owner);
}

/* Its timers never come early: those of others count from the beginning of the loop's turn, on a coarse clock. */
static struct event_base *
exact_base(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base;

    assert_non_null(config);
    assert_int_equal(event_config_set_flag(config, EVENT_BASE_FLAG_NO_CACHE_TIME | EVENT_BASE_FLAG_PRECISE_TIMER), 0);
    base = event_base_new_with_config(config);
    assert_non_null(base);
    event_config_free(config);
    return base;
}

void
scene_init(struct scene *scene)
{
    struct link_options options = { .role = "command", .on_up = on_up, .on_down = on_down, .owner = scene };
    struct error err;

    (void)signal(SIGPIPE, SIG_IGN); /* as the worker does */
    log_start("test", LOG_LEVEL_FATAL);
    *scene = (struct scene){ .base = exact_base() };
    scene->server = fake_server_new(scene->base);
    assert_true(keys_init(&scene->keys, "bull", "backup", NULL, &err));
    options.base = scene->base;
    options.url = &scene->server->url;
    scene->program[0] = memory_copy_string("sh");
    scene->program[1] = memory_copy_string("-c");
    scene->program[2] = memory_copy_string("exit 1");
    scene->consumer = (struct consumer){ .base = scene->base,
        .keys = &scene->keys,
        .runner = &scene->runner.runner,
        .counters = &scene->counters,
        .taking = { .lock_ms = 30000 },
        .limits = &scene->limits,
        .zones = timezones_new(TIMEZONE_FOLDER, "") };
    scene->limits = CONSUMER_LIMITS;
    scene->consumer.finisher = finisher_new(&scene->consumer);
    scene->consumer.schedules = schedules_new(scene->consumer.zones);
    scene->runner = program_runner(children_new(scene->base), &scene->keys, &scene->limits, scene->program);
    scene->consumer.command = link_new(&options);
    scene_connect(scene);
}

void
scene_set_script(struct scene *scene, const char *script)
{
    free(scene->program[2]);
    scene->program[2] = memory_copy_string(script);
}

void
scene_connect(struct scene *scene)
{
    RUN_UNTIL(scene->base, link_redis(scene->consumer.command) != NULL);
    scene->client = fake_accept(scene->server, scene->server->count);
}

void
scene_cut(struct scene *scene)
{
    int downs = scene->downs;

    fake_cut(scene->client);
    RUN_UNTIL(scene->base, scene->downs > downs);
}

void
scene_clear(struct scene *scene)
{
    children_free(scene->runner.children);
    schedules_free(scene->consumer.schedules);
    finisher_free(scene->consumer.finisher);
    link_free(scene->consumer.command);
    fake_server_free(scene->server);
    keys_clear(&scene->keys);
    timezones_free(scene->consumer.zones);
    event_base_free(scene->base);
    for (size_t i = 0; i < 3; i++)
        free(scene->program[i]);
}
