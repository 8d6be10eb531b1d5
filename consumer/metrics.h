/*
 * metrics: how a worker is (consumer/health), as Prometheus reads it.
 *
 * The one place where the loop's floor knows what facts about backups are called: a table of names, each with where its value is found. What is not
 * known is left out, but for what an alert asks: weavestream_backup_ready and _problems are always there.
 */
#ifndef CONSUMER_METRICS_H
#define CONSUMER_METRICS_H

#include <jansson.h>

#include "common/text.h"

void metrics_add(const json_t *health, struct text *out);

#endif
