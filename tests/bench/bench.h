/* bench: what the C programs of the benchmarks share: a stretch of work, measured in time and in our own CPU. */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include <stdio.h>
#include <sys/resource.h>

#include "common/clock.h"

struct stretch {
    struct moment start;
    struct rusage before;
};

static inline void
stretch_start(struct stretch *stretch)
{
    (void)getrusage(RUSAGE_SELF, &stretch->before);
    stretch->start = moment_now();
}

static inline double
cpu_seconds_between(const struct timeval *from, const struct timeval *to)
{
    return (double)(to->tv_sec - from->tv_sec) + (double)(to->tv_usec - from->tv_usec) / 1e6;
}

/* One line of JSON on standard output. */
static inline void
stretch_print(const struct stretch *stretch, long jobs)
{
    struct rusage after;
    double seconds = (double)(moment_now().ns - stretch->start.ns) / 1e9;

    (void)getrusage(RUSAGE_SELF, &after);
    (void)printf("{\"jobs\":%ld,\"seconds\":%.6f,\"cpuSeconds\":%.6f}\n", jobs, seconds,
        cpu_seconds_between(&stretch->before.ru_utime, &after.ru_utime) +
            cpu_seconds_between(&stretch->before.ru_stime, &after.ru_stime));
}

#endif
