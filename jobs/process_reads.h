/* process_reads: how much another process has read, from wherever: files, pipes, sockets. */
#ifndef JOBS_PROCESS_READS_H
#define JOBS_PROCESS_READS_H

#include <stdint.h>
#include <sys/types.h>

/* In bytes, with what its children have read, dead or alive; -1: the system does not tell. */
int64_t process_reads(pid_t pid);

#endif
