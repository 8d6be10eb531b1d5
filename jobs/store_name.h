/*
 * store_name: what the names in the backup directory mean (jobs/store shows them).
 */
#ifndef JOBS_STORE_NAME_H
#define JOBS_STORE_NAME_H

#include <stdbool.h>

#include "common/text.h"

#define STORE_NAME_PREFIX "weavestream-postgres-"
#define STORE_NAME_DUMP_SUFFIX ".dump"
#define STORE_NAME_MANIFEST_SUFFIX ".manifest.json"
#define STORE_NAME_DRAFT_SUFFIX ".tmp"         /* behind one of those, and a dot in front of all */
#define STORE_NAME_REJECTED_SUFFIX ".rejected" /* and a dot in front of all */

bool store_name_is_dump(const char *name);
bool store_name_is_published(const char *name);         /* of a dump, or of a manifest */
bool store_name_is_draft(const char *name, bool *ours); /* `ours`: it has a counter behind the time's Z */
bool store_name_is_rejected(const char *name);

bool store_name_add_dump(const char *manifest, struct text *out); /* that beside it; false: it is no manifest's name */

#endif
