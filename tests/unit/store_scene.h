/* store_scene: a backup directory in a folder of its own. */
#ifndef TESTS_UNIT_STORE_SCENE_H
#define TESTS_UNIT_STORE_SCENE_H

#include "tests/unit/test.h"

#include "jobs/store.h"
#include "jobs/store_draft.h"
#include "tests/unit/folder.h"

#define DUMP "weavestream-postgres-2026-07-01T00-00-00Z.dump"
#define MANIFEST "weavestream-postgres-2026-07-01T00-00-00Z.manifest.json"
#define DRAFT ".weavestream-postgres-2026-07-01T00-00-00Z-1.dump.tmp"

static const struct wall when = { 1782864000000 }; /* that of these names */

struct store_scene {
    char folder[FOLDER_PATH];
    struct store *store;
    struct error err;
};

int store_scene_set_up(void **state);
int store_scene_tear_down(void **state);

struct store_draft *store_scene_make_draft(struct store_scene *scene, const char *content);

#endif
