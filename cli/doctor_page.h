/*
 * doctor_page: what `doctor` shows: the findings as they come, and how many there were of each kind.
 *
 *     Postgres
 *       ok    server        PostgreSQL 15.18 (Debian ...), connected in 12 ms
 *       bad   row security  row security hides rows from 'backup' in 'public.assets': every dump will fail
 *                           -> ALTER ROLE "backup" BYPASSRLS, or ...
 *
 * Checks in a row that could not be made for the same reason are one line.
 */
#ifndef CLI_DOCTOR_PAGE_H
#define CLI_DOCTOR_PAGE_H

#include <jansson.h>

#include "common/clock.h"
#include "common/finding.h"

struct doctor_page {
    bool json; /* nothing is shown before the end */
    struct moment began;
    json_t *findings;
    size_t counts[FINDING_VERDICTS];
    char about[32]; /* of the last one that was shown */
    struct {
        size_t count; /* 0: none */
        char about[32];
        char check[32];
        struct text text;
    } held; /* unknown ones, not shown yet: the next may be so for the same reason */
};

struct doctor_page doctor_page_new(bool json);
void doctor_page_add(struct doctor_page *page, const struct finding *finding);
/* The end of it. True: nothing is bad. */
bool doctor_page_finish(struct doctor_page *page);

#endif
