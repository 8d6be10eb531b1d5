/*
 * ledger_view: the facts that the ledger judges, read from a snapshot of the queue (protocol/snapshot.h shows it) and from Postgres.
 *
 * The strings among the facts are the view's.
 */
#ifndef JOBS_LEDGER_VIEW_H
#define JOBS_LEDGER_VIEW_H

#include "common/error.h"
#include "jobs/database.h"
#include "jobs/ledger.h"

struct ledger_view;

/* ERROR_INPUT: it is no snapshot. */
struct ledger_view *ledger_view_new(const char *snapshot, size_t length, struct error *err) MUST_CHECK;
/* After which ledger_view_facts() has them. */
bool ledger_view_read(struct ledger_view *view, struct database *database, struct error *err) MUST_CHECK;
const struct ledger_facts *ledger_view_facts(const struct ledger_view *view);
void ledger_view_free(struct ledger_view *view); /* NULL is fine */

#endif
