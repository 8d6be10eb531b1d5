/*
 * stall: whether a dump still makes progress, and what it waits for if it does not.
 *
 * Signs of progress: its file grows; its session on the server is at work, as during a long sort before the first row; or the session has
 * begun or ended something, as while pg_dump reads the catalog. A session that waits for a lock, or for pg_dump, is not at work. The server is
 * asked only while the file does not grow: after five seconds, then ever more seldom, every minute at least.
 */
#ifndef JOBS_STALL_H
#define JOBS_STALL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/text.h"
#include "jobs/database.h"

/* What the server says about a program's session; if it has several, about one that is blocked. */
struct stall_view {
    int64_t pid;           /* of its Postgres process; 0: there is none */
    bool at_work;          /* on a query, and neither for a lock nor for pg_dump does it wait */
    int64_t unchanged_ms;  /* since it last began or ended something */
    struct text waits_for; /* the lock, and who is in the way; empty: it waits for none */
    bool is_blocked;       /* somebody is in the way who is no session of the same program */
    int64_t blocker;       /* the Postgres process that is, the first if there are more; 0: not known */
};

#define STALL_VIEW_EMPTY ((struct stall_view){ .pid = 0 })

/* `application` is the name of the program's sessions. `view` is empty before; the caller clears it in either case. */
bool stall_look(
    struct database *database, const char *application, struct stall_view *view, struct error *err) MUST_CHECK;
void stall_view_clear(struct stall_view *view);

struct stall {
    int64_t limit_minutes;
    int64_t bytes;          /* of the file, as last seen */
    struct moment progress; /* its last sign */
    struct moment next;     /* look at the server */
};

void stall_start(struct stall *stall, int64_t limit_minutes, struct moment now);

/* Whether it is time to look at the server. Takes notice of the file's growth. */
bool stall_wants_a_look(struct stall *stall, int64_t bytes, struct moment now);

/*
 * After a look. `view` is NULL if the server could not be asked, for the reason in `err`. ERROR_TIMEOUT: there was no sign of progress for
 * too long.
 */
bool stall_judge(struct stall *stall, const struct stall_view *view, struct moment now, struct error *err) MUST_CHECK;

#endif
