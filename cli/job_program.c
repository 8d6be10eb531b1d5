#include "cli/job_program.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/memory.h"
#include "common/text.h"

char *
job_program_find(const char *command)
{
    char self[4096];
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
    struct text path = TEXT_EMPTY;

    if (length > 0) {
        self[length] = '\0';
        *strrchr(self, '/') = '\0';
        text_format(&path, "%s/%s", self, JOB_PROGRAM);
        if (access(path.data, X_OK) == 0)
            return text_take(&path);
        text_reset(&path);
    }
    text_format(&path, "%s/%s", WEAVESTREAM_LIBEXEC_DIR, JOB_PROGRAM);
    if (access(path.data, X_OK) == 0)
        return text_take(&path);
    text_clear(&path);
    (void)fprintf(stderr, "weavestream-backup %s: %s is neither beside this program nor in %s\n", command, JOB_PROGRAM,
        WEAVESTREAM_LIBEXEC_DIR);
    return NULL;
}

int
job_program_become(int argc, char **argv)
{
    char *program = job_program_find(argv[0]);
    char **arguments;

    if (program == NULL)
        return EX_UNAVAILABLE;
    arguments = memory_new(((size_t)argc + 2) * sizeof(*arguments));
    arguments[0] = program;
    memcpy(arguments + 1, argv, (size_t)argc * sizeof(*argv));
    (void)execv(program, arguments);
    (void)fprintf(stderr, "weavestream-backup %s: start '%s': %s\n", argv[0], program, strerrordesc_np(errno));
    free(arguments);
    free(program);
    return EX_UNAVAILABLE;
}
