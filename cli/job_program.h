/* job_program: where weavestream-backup-job is, and how its commands are reached from the front door. */
#ifndef CLI_JOB_PROGRAM_H
#define CLI_JOB_PROGRAM_H

#define JOB_PROGRAM "weavestream-backup-job"

/* Beside our own file, else where it is installed. NULL: nowhere, and that has been said. The caller frees it. */
char *job_program_find(const char *command);

/* Becomes the job program with the same arguments. Comes back only if that failed, with the exit status. */
int job_program_become(int argc, char **argv);

#endif
