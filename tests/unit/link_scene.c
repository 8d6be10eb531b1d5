#include "tests/unit/link_scene.h"

#include "tests/unit/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"

struct fake_client *
link_scene_start_silent(struct link_scene *scene)
{
    scene->server->greets = false;
    link_scene_start(scene);
    return fake_accept(scene->server, 1);
}

void
link_scene_free_link(struct link_scene *scene)
{
    link_free(scene->link);
    scene->link = NULL;
}

static void
on_up(void *owner)
{
    struct link_scene *scene = owner;

    scene->ups++;
    assert_non_null(link_redis(scene->link));
    if (scene->free_in_up)
        link_scene_free_link(scene);
}

static void
on_down(void *owner)
{
    struct link_scene *scene = owner;

    scene->downs++;
    assert_null(link_redis(scene->link));
    if (scene->free_in_down)
        link_scene_free_link(scene);
}

int
link_scene_set_up(void **state)
{
    struct link_scene *scene = calloc(1, sizeof(*scene));
    int ends[2];

    (void)signal(SIGPIPE, SIG_IGN); /* as the worker does */
    assert_non_null(scene);
    scene->base = event_base_new();
    scene->server = fake_server_new(scene->base);
    scene->options = (struct link_options){ .base = scene->base,
        .url = &scene->server->url,
        .role = "command",
        .warns = true,
        .on_up = on_up,
        .on_down = on_down,
        .owner = scene };
    scene->was = dup(STDERR_FILENO);
    assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    (void)dup2(ends[1], STDERR_FILENO);
    (void)close(ends[1]);
    scene->log = ends[0];
    *state = scene;
    return 0;
}

int
link_scene_tear_down(void **state)
{
    struct link_scene *scene = *state;

    link_scene_free_link(scene);
    fake_server_free(scene->server);
    if (scene->other != NULL)
        fake_server_free(scene->other);
    event_base_free(scene->base);
    (void)log_flush();
    (void)dup2(scene->was, STDERR_FILENO);
    (void)close(scene->was);
    (void)close(scene->log);
    text_clear(&scene->logged);
    free(scene);
    return 0;
}

bool
link_scene_has_logged(struct link_scene *scene, const char *what)
{
    char piece[4096];
    ssize_t count;

    while ((count = read(scene->log, piece, sizeof(piece))) > 0)
        text_add_bytes(&scene->logged, piece, (size_t)count);
    return strstr(text_string(&scene->logged), what) != NULL;
}

void
link_scene_start(struct link_scene *scene)
{
    scene->link = link_new(&scene->options);
}

void
link_scene_connect(struct link_scene *scene)
{
    link_scene_start(scene);
    RUN_UNTIL(scene->base, scene->ups == 1);
}
