/*
 * config_find: the schedule that a person means: by its name, as the app shows it, or by its id.
 *
 * Names need not be unique in the app. ERROR_INPUT: there is none of that name, or more than one; the text lists the candidates.
 */
#ifndef JOBS_CONFIG_FIND_H
#define JOBS_CONFIG_FIND_H

#include <stdbool.h>

#include "common/error.h"
#include "jobs/database.h"
#include "jobs/uuid.h"

struct config_found {
    char id[UUID_SIZE];
    char *name;
};

#define CONFIG_FOUND_EMPTY ((struct config_found){ .name = NULL })

bool config_find(
    struct database *database, const char *name_or_id, struct config_found *out, struct error *err) MUST_CHECK;
void config_found_clear(struct config_found *found);

#endif
