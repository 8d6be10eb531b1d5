/* page: how a worker is (consumer/health), as a page for people: one file, no script, nothing from elsewhere; it comes anew every half minute. */
#ifndef CONSUMER_PAGE_H
#define CONSUMER_PAGE_H

#include <jansson.h>

#include "common/clock.h"
#include "common/text.h"

void page_add(const json_t *health, struct wall now, struct text *out);

#endif
