/* html: the words of a page: text that is safe in HTML, and times, durations and sizes as people say them. A number below 0 is unknown: "–". */
#ifndef CONSUMER_HTML_H
#define CONSUMER_HTML_H

#include <stdint.h>

#include "common/clock.h"
#include "common/text.h"

void html_add(struct text *out, const char *string);              /* escaped; NULL: "–" */
void html_add_ago(struct text *out, struct wall now, int64_t ms); /* "3 h ago", "in 25 min" */
void html_add_time(struct text *out, int64_t ms);                 /* "24 Nov 2026, 03:00 UTC" */
void html_add_duration(struct text *out, int64_t duration_ms);    /* "1.2 s", "4 min", "3 h 20 min", "5 d" */
void html_add_size(struct text *out, int64_t bytes);

#endif
