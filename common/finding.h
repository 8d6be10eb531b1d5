/*
 * finding: what one check of the installation has found (`weavestream-backup doctor`), for a person, and as a line of JSON:
 *
 *     {"about":"postgres","check":"rights","verdict":"bad","text":"no right to read 'public.secrets'","advice":"grant SELECT on it to 'backup'"}
 *
 * `about` and `check` name the check, in small letters, and are constants. `advice` is null unless there is something to do.
 */
#ifndef COMMON_FINDING_H
#define COMMON_FINDING_H

#include <jansson.h>
#include <stdbool.h>

#include "common/compiler.h"
#include "common/text.h"

enum finding_verdict {
    FINDING_OK,
    FINDING_WARN,    /* backups are made, but something may harm them, or whoever needs them */
    FINDING_BAD,     /* backups are not made, or not whole, or nobody will learn of it */
    FINDING_UNKNOWN, /* not checked, because of something else that is bad */
    FINDING_VERDICTS,
};

struct finding {
    const char *about;
    const char *check;
    enum finding_verdict verdict;
    struct text text;
    struct text advice; /* empty: none */
};

/* Each sets the verdict and adds to the text. */
void finding_ok(struct finding *finding, const char *format, ...) PRINTF_LIKE(2, 3);
void finding_warn(struct finding *finding, const char *format, ...) PRINTF_LIKE(2, 3);
void finding_bad(struct finding *finding, const char *format, ...) PRINTF_LIKE(2, 3);
void finding_unknown(struct finding *finding, const char *format, ...) PRINTF_LIKE(2, 3);
void finding_advise(struct finding *finding, const char *format, ...) PRINTF_LIKE(2, 3);
void finding_clear(struct finding *finding);

/* Names in a sentence: "'a', 'b', 'c' and 4 more". */
#define FINDING_NAMES_MOST 5
void finding_add_name(struct text *out, size_t place, const char *name); /* `place`: how many were added before */
void finding_end_names(struct text *out, size_t count);                  /* how many there were in all */

/* By how much another clock is ahead of ours, or behind it. */
void finding_judge_skew(struct finding *finding, const char *whose, int64_t skew_ms);

const char *finding_verdict_name(enum finding_verdict verdict); /* "ok", "warn", "bad", "unknown" */

json_t *finding_describe(const struct finding *finding);
/* The other way round; `about` and `check` belong to `object`. False: it is no finding. The caller clears `out` in either case. */
bool finding_read(const json_t *object, struct finding *out) MUST_CHECK;

#endif
