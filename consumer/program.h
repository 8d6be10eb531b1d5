/* program: the runner that starts a process for each job: consumer/child, with the job on its standard input (common/report). */
#ifndef CONSUMER_PROGRAM_H
#define CONSUMER_PROGRAM_H

#include "consumer/child.h"
#include "consumer/consumer.h"

struct program {
    struct runner runner;
    struct children *children;
    const struct keys *keys;
    const struct consumer_limits *limits;
    char *const *argv; /* the program and its arguments, NULL at its end */
};

/* What the struct names stays the caller's, and must live as long as it is used. */
struct program program_runner(
    struct children *children, const struct keys *keys, const struct consumer_limits *limits, char *const *argv);

#endif
