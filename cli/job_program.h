/* job_program: where weavestream-backup-job is, and how its commands are reached from the front door. */
#ifndef CLI_JOB_PROGRAM_H
#define CLI_JOB_PROGRAM_H

#include <stdbool.h>

#include "common/compiler.h"
#include "common/report.h"
#include "common/text.h"

#define JOB_PROGRAM "weavestream-backup-job"

/* Beside our own file, else where it is installed. NULL: nowhere, and that has been said. The caller frees it. */
char *job_program_find(const char *command);

/* Becomes the job program with the same arguments. Comes back only if that failed, with the exit status. */
int job_program_become(int argc, char **argv);

/*
 * Runs it to its end on behalf of `command`, with `words` (NULL ends them) as its arguments. `output` gets what it writes on standard output;
 * standard error is ours. `status` is its exit status; 128 and the signal's number if one killed it. False: it could not be run, that has been
 * said, and `status` is what to exit with.
 */
bool job_program_ask(const char *command, const char *const *words, struct text *output, int *status) MUST_CHECK;

typedef void job_program_report_fn(const struct report *report, void *owner);

/*
 * The same with a word of it that answers by the child protocol (common/report.h): `input` is its standard input; on_report, unless NULL, gets what it
 * reports before its verdict, which is the caller's to clear. If it could not be run, the verdict is `failed` with the reason.
 */
void job_program_report(const char *command, const char *word, const struct text *input,
    job_program_report_fn *on_report, void *owner, struct report *verdict);

typedef void job_program_line_fn(const char *line, void *owner);

/* As job_program_ask(), with an input; each line that it writes is handed over at once, without its end. What ends in none is left out. */
bool job_program_listen(const char *command, const char *word, const struct text *input, job_program_line_fn *on_line,
    void *owner, int *status) MUST_CHECK;

#endif
