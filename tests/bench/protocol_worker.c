/*
 * Our loop with jobs that do nothing, in this process:  protocol_worker REDIS_URL QUEUE CONCURRENCY WARM_UP JOBS
 *
 * After WARM_UP jobs it measures the next JOBS ones, prints the figures (bench.h), and closes.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/memory.h"
#include "consumer/function.h"
#include "consumer/worker.h"
#include "tests/bench/bench.h"

struct count {
    long warm_up;
    long jobs;
    long done;
    struct stretch stretch;
};

static struct report
work(const struct job *job, const struct runner_events *events, void *owner)
{
    struct count *count = owner;

    (void)job;
    (void)events;
    if (count->done == count->warm_up)
        stretch_start(&count->stretch);
    if (count->done == count->warm_up + count->jobs) {
        stretch_print(&count->stretch, count->jobs);
        (void)raise(SIGTERM);
    }
    count->done++;
    return (struct report){ .type = REPORT_COMPLETED, .value = memory_copy_string("null") };
}

int
main(int argc, char **argv)
{
    struct count count = { .done = 0 };
    struct function function = function_runner(work, &count);
    struct redis_url redis;
    struct keys keys;
    struct error err;
    struct worker_options options = { .keys = &keys,
        .redis = &redis,
        .runner = &function.runner,
        .lock_ms = 30000,
        .limits = CONSUMER_LIMITS,
        .shutdown_ms = 5000 };
    int status;

    if (argc != 6) {
        (void)fprintf(stderr, "usage: %s REDIS_URL QUEUE CONCURRENCY WARM_UP JOBS\n", argv[0]);
        return 64;
    }
    if (!redis_url_parse(argv[1], &redis, &err) || !keys_init(&keys, "bull", argv[2], NULL, &err)) {
        (void)fprintf(stderr, "%s\n", err.text);
        return 64;
    }
    log_start("protocol_worker", LOG_LEVEL_WARN);
    options.concurrency = strtoul(argv[3], NULL, 10);
    count.warm_up = strtol(argv[4], NULL, 10);
    count.jobs = strtol(argv[5], NULL, 10);
    options.base = event_base_new();
    status = worker_run(&options);
    event_base_free(options.base);
    keys_clear(&keys);
    redis_url_clear(&redis);
    return status;
}
