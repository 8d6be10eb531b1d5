/*
 * cron_list: the values of one field of a cron pattern, whose names, wildcards and hashes have been replaced by numbers: "1,5-20/5,L".
 *
 * How often each value was written is kept, because both dialects ask for that in their ways. A plain value; nothing to free.
 */
#ifndef PROTOCOL_CRON_LIST_H
#define PROTOCOL_CRON_LIST_H

#include "protocol/cron_pattern.h"

#define CRON_LAST_FORMS 111 /* L, 0L to 9L, 00L to 99L */

struct cron_list {
    enum cron_dialect dialect;
    bool is_weekday; /* 7 is 0 */
    int least;
    int most;
    int times[60];  /* how often each number stands there */
    int numbers;    /* all of them together */
    int lasts;      /* values with an L */
    int bare_lasts; /* those that are nothing but L */
    bool last_seen[CRON_LAST_FORMS];
    unsigned last_weekdays; /* as in struct cron_pattern */
    bool lone_last;         /* the same */
};

void cron_list_init(struct cron_list *list, enum cron_dialect dialect, enum cron_unit unit, int least, int most);

/* ERROR_CONFIG: something in it is no value. The text does not name the field. */
bool cron_list_read(struct cron_list *list, const char *text, struct error *err) MUST_CHECK;

#endif
