/* server_space: room where a Postgres server keeps its data, if that can be seen from here: it is on this host, and the user may ask. */
#ifndef JOBS_SERVER_SPACE_H
#define JOBS_SERVER_SPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/text.h"
#include "jobs/database.h"

/* False: it cannot be seen, and `directory` stays empty. */
bool server_space_look(struct database *session, struct text *directory, int64_t *free_bytes);

#endif
