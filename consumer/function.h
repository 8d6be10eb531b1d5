/* function: the runner that calls a function of this process, which must not wait. For tests and benchmarks. */
#ifndef CONSUMER_FUNCTION_H
#define CONSUMER_FUNCTION_H

#include "consumer/runner.h"

/* Does the job and returns its verdict. Reports on its way go to events->on_report. */
typedef struct report function_work(const struct job *job, const struct runner_events *events, void *owner);

struct function {
    struct runner runner;
    function_work *work;
    void *owner;
};

struct function function_runner(function_work *work, void *owner);

#endif
