/*
 * spawn: the one place where the worker forks.
 *
 * The program gets a process group of its own, SIGTERM when the worker dies, default signals, and two pipes: its standard input, and its report
 * (common/report). Standard output and error are ours; no other descriptor of ours is open in it.
 */
#ifndef CONSUMER_SPAWN_H
#define CONSUMER_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/error.h"

struct spawned {
    pid_t pid;
    int input; /* our ends of its pipes, non-blocking; the caller's */
    int report;
};

/*
 * `argv[0]` is searched in PATH if it has no slash. If it cannot be executed, there is a process all the same, whose report says so: this never waits
 * to see it. False: not even a process could be made.
 */
bool spawn(char *const *argv, struct spawned *out, struct error *err) MUST_CHECK;

#endif
