/* dump_files: the dumps in the backup directory, for reading: whatever rows say of them. Nothing is made or locked there. */
#ifndef JOBS_DUMP_FILES_H
#define JOBS_DUMP_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

struct dump_files {
    char *directory; /* absolute */
    char **paths;    /* absolute; the oldest first, by the times in their names */
    size_t count;
};

#define DUMP_FILES_EMPTY ((struct dump_files){ .paths = NULL })

/* `setting` as BACKUP_STORAGE_DIR has it. The caller clears `out` in either case. */
bool dump_files_list(const char *setting, struct dump_files *out, struct error *err) MUST_CHECK;
/*
 * Which file is meant: `given` itself; or, if that is a bare name that is not in the current folder, the file of that name in the backup
 * directory, as `list` shows it. The caller frees it.
 */
char *dump_files_resolve(const char *setting, const char *given);
void dump_files_clear(struct dump_files *files);

#endif
