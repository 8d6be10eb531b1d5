/*
 * untold: tells of a failure whose row is marked (jobs/aftermath), once.
 *
 * Whoever comes first takes the row's lock, looks whether the mark is still there, tells (jobs/news), and takes the mark off. If he dies in the middle,
 * or is stopped, the mark stays, and the ledger tells it; so between telling and taking off lies the one moment in which a death makes two of it.
 */
#ifndef JOBS_UNTOLD_H
#define JOBS_UNTOLD_H

#include "jobs/news.h"

/* `news` are of a run with a row. Whatever goes wrong is told in the log. */
void untold_tell(struct database *database, const struct settings *settings, const struct news *news);

#endif
