/*
 * The fleet's job as a program for our worker; node_worker.mjs does the same for BullMQ's. Writes to the file named in FLEET_RECORD that it
 * started and that it ended: "started|ended JOB ATTEMPTS-MADE".
 */
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define REPORT_DESCRIPTOR 3

static int record;

static void
note(const char *what, const char *job, int attempts_made)
{
    /* One write to a file opened to append: lines of several processes do not mix. */
    (void)dprintf(record, "%s %s %d\n", what, job, attempts_made);
}

static void
wait_ms(json_int_t ms)
{
    struct timespec time = { .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000 };

    (void)nanosleep(&time, NULL);
}

int
main(void)
{
    const char *file = getenv("FLEET_RECORD");
    json_t *job = json_loadf(stdin, 0, NULL);
    const char *id;
    const char *failures;
    int number;
    json_int_t ms;
    int made;

    record = file == NULL ? -1 : open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (record == -1 || json_unpack(job, "{s:s, s:i, s:{s:i, s:I, s:s}}", "id", &id, "attemptsMade", &made, "data",
                            "number", &number, "ms", &ms, "failures", &failures) == -1)
        return EXIT_FAILURE;

    note("started", id, made);
    wait_ms(ms);
    note("ended", id, made);
    if ((size_t)made < strlen(failures))
        (void)dprintf(REPORT_DESCRIPTOR, "{\"type\":\"failed\",\"reason\":\"failure %d\",\"retry\":%s}\n", made + 1,
            failures[made] == 'u' ? "false" : "true");
    else
        (void)dprintf(REPORT_DESCRIPTOR, "{\"type\":\"completed\",\"returnvalue\":%d}\n", number);
    json_decref(job);
    return EXIT_SUCCESS;
}
