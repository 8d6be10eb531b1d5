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
void dump_files_clear(struct dump_files *files);

#endif
