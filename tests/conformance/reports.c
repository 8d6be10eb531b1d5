/*
 * reports: writes what a job program could say to a queue, as a worker would, but runs no jobs.
 *
 *     reports REDIS_URL PREFIX QUEUE < LINES
 *
 * Ends well once all of it is written or refused; what is refused is in the log.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "common/log.h"
#include "consumer/outbox.h"

struct writer {
    struct consumer consumer;
    struct outbox *outbox;
};

static void
end_if_done(void *owner)
{
    struct writer *writer = owner;

    if (outbox_is_empty(writer->outbox))
        (void)event_base_loopexit(writer->consumer.base, NULL);
}

static void
on_up(void *owner)
{
    struct writer *writer = owner;

    outbox_send(writer->outbox);
    end_if_done(writer);
}

static void
on_down(void *owner)
{
    (void)owner;
}

static void
put_lines(struct writer *writer)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t length;

    while ((length = getline(&line, &room, stdin)) > 0) {
        struct report report = REPORT_EMPTY;
        struct error err;

        if (!report_parse(line, (size_t)length - 1, &report, &err)) {
            (void)fprintf(stderr, "reports: %s\n", err.text);
            exit(EX_DATAERR);
        }
        outbox_put(writer->outbox, &report);
    }
    free(line);
}

int
main(int argc, char **argv)
{
    static const struct job no_job;
    struct link_options options = { .role = "command", .on_up = on_up, .on_down = on_down };
    struct writer writer = { .consumer = { .base = event_base_new(), .zones = timezones_new(TIMEZONE_FOLDER, NULL) } };
    struct redis_url url = { .port = 0 };
    struct keys keys;
    struct error err;

    if (argc != 4 || !redis_url_parse(argv[1], &url, &err) || !keys_init(&keys, argv[2], argv[3], NULL, &err)) {
        (void)fputs("usage: reports REDIS_URL PREFIX QUEUE < LINES\n", stderr);
        return EX_USAGE;
    }
    log_start("reports", LOG_LEVEL_INFO);
    writer.consumer.keys = &keys;
    options.base = writer.consumer.base;
    options.url = &url;
    options.owner = &writer;
    writer.consumer.command = link_new(&options);
    writer.outbox = outbox_new(&writer.consumer, end_if_done, &writer);
    outbox_open(writer.outbox, &no_job);
    put_lines(&writer);
    (void)event_base_dispatch(writer.consumer.base);
    outbox_free(writer.outbox);
    link_free(writer.consumer.command);
    timezones_free(writer.consumer.zones);
    event_base_free(writer.consumer.base);
    keys_clear(&keys);
    redis_url_clear(&url);
    return EX_OK;
}
