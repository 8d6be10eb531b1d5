/* link_scene: a link and the Redis that it goes to. Standard error is a pipe meanwhile, so that what is logged can be read. */
#ifndef TESTS_UNIT_LINK_SCENE_H
#define TESTS_UNIT_LINK_SCENE_H

#include "protocol/link.h"
#include "tests/unit/fake_redis.h"

struct link_scene {
    struct event_base *base;
    struct fake_server *server;
    struct fake_server *other; /* NULL: none */
    struct link_options options;
    struct link *link;
    int ups;
    int downs;
    bool free_in_up;
    bool free_in_down;
    struct text logged;
    int was;
    int log;
};

int link_scene_set_up(void **state);
int link_scene_tear_down(void **state);

void link_scene_start(struct link_scene *scene);   /* as its options say */
void link_scene_connect(struct link_scene *scene); /* the same, and waits until it is up */
/* Over a server that does not greet by itself; hands back the link's first connection. */
struct fake_client *link_scene_start_silent(struct link_scene *scene);
void link_scene_free_link(struct link_scene *scene);
bool link_scene_has_logged(struct link_scene *scene, const char *what); /* so far */

#endif
