#include "tests/unit/redis_scene.h"

#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

static void
free_now(struct redis **redis)
{
    redis_free(*redis);
    *redis = NULL;
}

static void
on_reply(const redisReply *reply, const struct error *err, void *owner)
{
    struct caller *caller = owner;
    struct redis_scene *scene = caller->scene;

    if (reply == NULL) {
        assert_int_equal(err->code, ERROR_LOST);
        text_format(&scene->happened, "%s:%s ", caller->name, err->text);
    } else if (reply->type == REDIS_REPLY_INTEGER)
        text_format(&scene->happened, "%s=%lld ", caller->name, reply->integer);
    else if (reply->type == REDIS_REPLY_ARRAY)
        text_format(&scene->happened, "%s=[%zu] ", caller->name, reply->elements);
    else
        text_format(&scene->happened, "%s=%s ", caller->name, reply->str);
    if (scene->free_in_reply != NULL)
        free_now(scene->free_in_reply);
}

void
redis_scene_on_lost(const struct error *err, void *owner)
{
    struct redis_scene *scene = owner;

    assert_int_equal(err->code, ERROR_LOST);
    text_format(&scene->happened, "lost:%s ", err->text);
    if (scene->free_in_lost != NULL)
        free_now(scene->free_in_lost);
}

int
redis_scene_set_up(void **state)
{
    struct redis_scene *scene = calloc(1, sizeof(*scene));
    struct bufferevent *stream;

    assert_non_null(scene);
    scene->base = event_base_new();
    scene->client = fake_pair(scene->base, &stream);
    scene->redis = redis_new(stream, PATIENCE, redis_scene_on_lost, scene);
    *state = scene;
    return 0;
}

int
redis_scene_tear_down(void **state)
{
    struct redis_scene *scene = *state;

    redis_free(scene->redis);
    fake_client_free(scene->client);
    fake_turn(scene->base); /* deferred callbacks, if any, run before the memory is looked over */
    event_base_free(scene->base);
    text_clear(&scene->happened);
    free(scene);
    return 0;
}

void
redis_scene_call(struct redis_scene *scene, struct caller *caller, int64_t patience_ms)
{
    const char *words[] = { "ECHO", caller->name };
    size_t lengths[] = { 4, strlen(caller->name) };

    caller->scene = scene;
    redis_call(scene->redis, 2, words, lengths, patience_ms, on_reply, caller);
}

void
redis_scene_eval(struct redis_scene *scene, struct caller *caller)
{
    const char *words[] = { "key", caller->name, "a\0b" };
    size_t lengths[] = { 3, strlen(caller->name), 3 };

    caller->scene = scene;
    redis_eval(scene->redis, &script_progress, 3, words, lengths, on_reply, caller);
}

void
redis_scene_assert_happens(struct redis_scene *scene, const char *expected)
{
    struct moment give_up = moment_add_ms(moment_now(), FAKE_PATIENCE_MS);

    while (scene->happened.length < strlen(expected) && !moment_is_past(give_up))
        fake_turn(scene->base);
    fake_turn(scene->base);
    assert_string_equal(text_string(&scene->happened), expected);
    text_reset(&scene->happened);
}
