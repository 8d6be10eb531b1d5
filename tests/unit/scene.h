/* scene: a consumer's surroundings for its tests: a loop, a queue, a fake Redis with the command connection up, and a shell as job program. */
#ifndef TESTS_UNIT_SCENE_H
#define TESTS_UNIT_SCENE_H

#include "consumer/consumer.h"
#include "consumer/program.h"
#include "tests/unit/fake_redis.h"

struct scene {
    struct event_base *base;
    struct fake_server *server;
    struct fake_client *client; /* the command connection, as the server sees it */
    struct keys keys;
    struct consumer consumer;
    struct consumer_counters counters;
    struct consumer_limits limits;
    struct program runner;
    char *program[4]; /* sh -c script */
    int ups;
    int downs;
    void (*on_up)(void *owner);   /* may be NULL */
    void (*on_down)(void *owner); /* the same */
    void *owner;
};

void scene_init(struct scene *scene);
void scene_set_script(struct scene *scene, const char *script);
void scene_connect(struct scene *scene); /* waits until the connection is up (again) */
void scene_cut(struct scene *scene);     /* waits until it is down */
void scene_clear(struct scene *scene);

#endif
