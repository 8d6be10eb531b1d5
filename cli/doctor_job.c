#include "cli/doctor_job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "cli/command.h"
#include "common/log.h"
#include "jobs/doctor.h"
#include "jobs/stop.h"

#define NAME "doctor" /* the command that people know */

/* One line at once: somebody is watching. */
static void
on_found(const struct finding *finding, void *owner)
{
    json_t *object = finding_describe(finding);
    char *line = json_dumps(object, JSON_COMPACT);

    (void)owner;
    if (line != NULL)
        (void)puts(line);
    (void)fflush(stdout); /* command_finish() tells */
    free(line);
    json_decref(object);
}

static void
read_snapshot(struct text *out)
{
    char bytes[16384];
    size_t count;

    while (out->length < DOCTOR_INPUT_MAX && (count = fread(bytes, 1, sizeof(bytes), stdin)) > 0)
        text_add_bytes(out, bytes, count);
}

static int
look(const struct settings *settings, bool are_good)
{
    struct text snapshot = TEXT_EMPTY;
    struct doctor_order order = { .settings = settings, .settings_are_good = are_good, .on_found = on_found };
    struct error err;

    if (!stop_start(moment_add_ms(moment_now(), DOCTOR_LIMIT_MS), &err))
        return command_complain(NAME, EX_OSERR, "%s", err.text);
    stop_name_deadline("there was no answer within the minute that doctor takes for all of it");
    read_snapshot(&snapshot);
    order.snapshot = text_string(&snapshot);
    order.length = snapshot.length;
    doctor_look(&order);
    text_clear(&snapshot);
    return stop_signal() != 0 ? 128 + stop_signal() : command_finish(NAME);
}

int
cli_doctor_job(int argc, char **argv)
{
    const struct command_option options[] = { COMMAND_END };
    const struct command command = { NAME, "< SNAPSHOT",
        "Say what Postgres, the backup directory and the mail server say.", options,
        "One JSON object a line for each check. weavestream-backup doctor starts this.", 0, 0 };
    struct text problems = TEXT_EMPTY; /* the front door tells them */
    struct settings settings;
    bool good;
    int status;

    if (!command_read(&command, argc, argv, &status))
        return status;
    log_start("weavestream-backup-job", LOG_LEVEL_FATAL); /* what is wrong is among the findings */
    good = settings_load(&settings, SETTINGS_JOB, &problems);
    status = look(&settings, good);
    text_clear(&problems);
    settings_clear(&settings);
    return status;
}
