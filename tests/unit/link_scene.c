#include "tests/unit/link_scene.h"

#include "tests/unit/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"

void
link_scene_free_link(struct link_scene *fixture)
{
    link_free(fixture->link);
    fixture->link = NULL;
}

static void
on_up(void *owner)
{
    struct link_scene *fixture = owner;

    fixture->ups++;
    assert_non_null(link_redis(fixture->link));
    if (fixture->free_in_up)
        link_scene_free_link(fixture);
}

static void
on_down(void *owner)
{
    struct link_scene *fixture = owner;

    fixture->downs++;
    assert_null(link_redis(fixture->link));
    if (fixture->free_in_down)
        link_scene_free_link(fixture);
}

int
link_scene_set_up(void **state)
{
    struct link_scene *fixture = calloc(1, sizeof(*fixture));
    int ends[2];

    (void)signal(SIGPIPE, SIG_IGN); /* as the worker does */
    assert_non_null(fixture);
    fixture->base = event_base_new();
    fixture->server = fake_server_new(fixture->base);
    fixture->options = (struct link_options){ .base = fixture->base,
        .url = &fixture->server->url,
        .role = "command",
        .warns = true,
        .on_up = on_up,
        .on_down = on_down,
        .owner = fixture };
    fixture->was = dup(STDERR_FILENO);
    assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    (void)dup2(ends[1], STDERR_FILENO);
    (void)close(ends[1]);
    fixture->log = ends[0];
    *state = fixture;
    return 0;
}

int
link_scene_tear_down(void **state)
{
    struct link_scene *fixture = *state;

    link_scene_free_link(fixture);
    fake_server_free(fixture->server);
    if (fixture->other != NULL)
        fake_server_free(fixture->other);
    event_base_free(fixture->base);
    (void)log_flush();
    (void)dup2(fixture->was, STDERR_FILENO);
    (void)close(fixture->was);
    (void)close(fixture->log);
    text_clear(&fixture->logged);
    free(fixture);
    return 0;
}

bool
link_scene_has_logged(struct link_scene *fixture, const char *what)
{
    char piece[4096];
    ssize_t count;

    while ((count = read(fixture->log, piece, sizeof(piece))) > 0)
        text_add_bytes(&fixture->logged, piece, (size_t)count);
    return strstr(text_string(&fixture->logged), what) != NULL;
}

void
link_scene_start(struct link_scene *fixture)
{
    fixture->link = link_new(&fixture->options);
}

void
link_scene_connect(struct link_scene *fixture)
{
    link_scene_start(fixture);
    RUN_UNTIL(fixture->base, fixture->ups == 1);
}
