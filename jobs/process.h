/*
 * process: an external program, from start to reaping.
 *
 * The program gets a process group of its own, SIGKILL when we die, an empty standard input, an environment built from an allowlist (so
 * that no connection URL or key of ours reaches it) or as the caller decides, and no descriptor but those named. What it prints, on standard
 * output and error alike, is kept: the last 4 KB of its words. They are well-formed UTF-8. With `piped`, standard output is data for the caller
 * instead.
 *
 * process_free() leaves nothing behind: what still runs is stopped and reaped.
 */
#ifndef JOBS_PROCESS_H
#define JOBS_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/text.h"

#define PROCESS_NO_FD (-1)

/* Whether the program gets the variable of that name from our environment. */
typedef bool process_inherit_fn(const char *name, size_t length);

struct process_command {
    const char *const *argv;         /* NULL at its end; argv[0] is looked up in PATH */
    const char *const *environment;  /* "NAME=value", NULL at its end; on top of what it inherits. NULL: nothing */
    process_inherit_fn *may_inherit; /* NULL: what the allowlist has, which is for PostgreSQL's clients */
    int handed_down;                 /* a descriptor that it inherits under the same number; PROCESS_NO_FD: none */
    int input;                       /* a descriptor that is its standard input; 0: that is empty */
    int output;                      /* one that is its standard output; 0: what it prints there is kept */
    bool piped; /* its standard output is a pipe of its own, and process_data() the end to read from */
};

struct process;
typedef bool process_tick_fn(void *owner, struct error *err); /* false: stop the program, for this reason */

struct process *process_start(const struct process_command *command, struct error *err) MUST_CHECK; /* NULL: failed */

/* Reads what it has printed so far, without waiting; whoever works while it runs calls this now and then. */
void process_listen(struct process *process);

/* Non-blocking, and ours until process_free(). A program whose data nobody reads does not end. */
int process_data(const struct process *process);

/* How many bytes it and its children have read so far, from wherever; -1: the system does not tell. */
int64_t process_bytes_read(const struct process *process);

/*
 * Waits for its end; `on_tick` (NULL: none) is called about ten times a second meanwhile. True: exit status 0. ERROR_REFUSED: it ended with
 * another status; ERROR_LOST: a signal killed it; both with its last words. Stopped, by `on_tick` too, or out of time: it is killed first.
 */
bool process_finish(struct process *process, process_tick_fn *on_tick, void *owner, struct error *err) MUST_CHECK;

bool process_has_ended(struct process *process);    /* process_finish() will not wait */
const char *process_words(struct process *process); /* "" if it said nothing; valid until the next call */
void process_free(struct process *process);

/* What a program gets: what `may_inherit` lets through of `environment`, then `more`. NULL at its end. */
char **process_environment(char *const *environment, process_inherit_fn *may_inherit, const char *const *more);
void process_free_list(char **list); /* with its strings */

#endif
