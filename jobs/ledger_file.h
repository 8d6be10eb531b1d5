/*
 * ledger_file: what the ledger remembers (jobs/ledger_memory), in the backup directory.
 *
 * A file of our own, 0600, replaced whole and synced: a crash leaves the old memory or the new one. Whoever writes holds the ledger's lock.
 */
#ifndef JOBS_LEDGER_FILE_H
#define JOBS_LEDGER_FILE_H

#include "common/error.h"
#include "jobs/ledger_memory.h"

#define LEDGER_FILE ".weavestream-backup-ledger.json"

/* No file, or one that makes no sense: no memory. */
void ledger_file_read(const char *directory, struct ledger_memory *out);
bool ledger_file_write(const char *directory, const struct ledger_memory *memory, struct error *err) MUST_CHECK;

#endif
