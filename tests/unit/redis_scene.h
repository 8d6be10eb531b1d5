/*
 * redis_scene: a connection, and what happened to it, in order, as text: "a=OK " for a reply, "a:reason " for an error, "lost:reason " at the end.
 */
#ifndef TESTS_UNIT_REDIS_SCENE_H
#define TESTS_UNIT_REDIS_SCENE_H

#include "common/text.h"
#include "protocol/redis.h"
#include "tests/unit/fake_redis.h"

#define PATIENCE 20000

struct redis_scene {
    struct event_base *base;
    struct fake_client *client;
    struct redis *redis;
    struct text happened;
    struct redis **free_in_reply; /* freed inside the next on_reply */
    struct redis **free_in_lost;
};

struct caller {
    struct redis_scene *scene;
    const char *name;
};

int redis_scene_set_up(void **state);
int redis_scene_tear_down(void **state);
void redis_scene_on_lost(const struct error *err, void *owner); /* for a connection of its own */

void redis_scene_call(struct redis_scene *scene, struct caller *caller, int64_t patience_ms); /* ECHO, and its name */
void redis_scene_eval(struct redis_scene *scene, struct caller *caller);

/* Waits for this, and sees that no more comes. */
void redis_scene_assert_happens(struct redis_scene *scene, const char *expected);

#endif
