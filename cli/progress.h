/*
 * progress: one line on a terminal, drawn over and over: what is done, how much of it, how fast, how long it will take.
 *
 *     reading back [=========>          ]  47 %  212.40 MiB/s, 0:31 left
 *
 * Draws nothing where standard error is no terminal.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/text.h"

#define PROGRESS_NONE (-1) /* there is nothing to count */

struct progress {
    bool drawn;
    const char *phase; /* since `since`; NULL: none yet */
    struct moment since;
    int64_t bytes;        /* as last told */
    struct moment change; /* when they became that */
};

/*
 * `whole`: of how many bytes; 0: nobody knows, and only the size and the time so far are told. `bytes` PROGRESS_NONE, or 0 of nobody knows how
 * many: only the time. A new phase counts its time anew.
 */
void progress_tell(struct progress *progress, const char *phase, int64_t bytes, int64_t whole);
/* What a backup job reports of its progress (jobs/reporter.h), JSON text; NULL: nothing yet. */
void progress_tell_report(struct progress *progress, const char *report);
void progress_erase(struct progress *progress);

/* The line, without what moves the cursor. `growth_ms`: how long it took to come to `bytes`; the rate is of that, and stays while nothing is added. */
void progress_format(
    const char *phase, int64_t bytes, int64_t whole, int64_t elapsed_ms, int64_t growth_ms, struct text *out);

#endif
