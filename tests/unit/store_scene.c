#include "tests/unit/store_scene.h"

#include <stdlib.h>
#include <string.h>

int
store_scene_set_up(void **state)
{
    struct store_scene *scene = calloc(1, sizeof(*scene));

    assert_non_null(scene);
    folder_make(scene->folder);
    scene->store = store_open(scene->folder, &scene->err);
    assert_non_null(scene->store);
    *state = scene;
    return 0;
}

int
store_scene_tear_down(void **state)
{
    struct store_scene *scene = *state;

    store_close(scene->store);
    folder_remove(scene->folder);
    free(scene);
    return 0;
}

struct store_draft *
store_scene_make_draft(struct store_scene *scene, const char *content)
{
    struct store_draft *draft = store_create_draft(scene->store, when, &scene->err);

    assert_non_null(draft);
    assert_int_equal(write(store_draft_fd(draft), content, strlen(content)), (ssize_t)strlen(content));
    return draft;
}
