/* plot: bars over time, as SVG: one for each run, the newest on the right, with its value above its time as a tooltip. */
#ifndef CONSUMER_PLOT_H
#define CONSUMER_PLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/text.h"

struct plot_bar {
    int64_t value; /* below 0: there is none, and it has no bar */
    int64_t at_ms;
    bool failed;
};

struct plot {
    const char *class; /* of the bars, for their colour */
    const char *title; /* for those who do not see it */
    void (*add_value)(struct text *out, int64_t value);
    const struct plot_bar *bars; /* the oldest first */
    size_t count;
};

void plot_add(struct text *out, const struct plot *plot);

#endif
