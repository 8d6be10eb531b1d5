/*
 * weavestream-backup-job: does one job, handed over by a worker or by a person (common/report.h has the protocol).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "cli/doctor_job.h"
#include "cli/drill.h"
#include "cli/enqueue_row.h"
#include "cli/list.h"
#include "cli/prune.h"
#include "cli/restore.h"
#include "cli/run.h"
#include "cli/verify.h"
#include "common/log.h"
#include "common/memory.h"
#include "common/report.h"
#include "common/settings.h"
#include "common/text.h"
#include "jobs/facts.h"
#include "jobs/job.h"
#include "jobs/ledger_look.h"
#include "jobs/ledger_work.h"
#include "jobs/payload.h"
#include "jobs/recover.h"
#include "jobs/reporter.h"
#include "jobs/stop.h"
#include "jobs/verdict.h"

static const char usage[] =
    "Usage: weavestream-backup-job < JOB\n"
    "       weavestream-backup-job ledger < SNAPSHOT\n"
    "       weavestream-backup-job recover < JOB\n"
    "       weavestream-backup-job facts\n"
    "       weavestream-backup-job COMMAND [OPTION]...\n"
    "\n"
    "Does one job of the queue 'backup'. weavestream-backup starts it; by hand:\n"
    "\n"
    "  echo '{\"name\":\"run\",\"data\":{\"configId\":\"<uuid>\"}}' | weavestream-backup-job\n"
    "\n"
    "Reads the job from standard input, as one JSON object. Writes progress and verdict, one JSON object a line,\n"
    "to descriptor 3 (or that in " REPORT_VARIABLE "), else to standard output. The log goes to\n"
    "standard error. Settings come from the environment: DATABASE_URL, BACKUP_STORAGE_DIR and so on.\n"
    "\n"
    "With 'ledger', it compares what should have run with what did: the queue, of which a worker gives it a snapshot\n"
    "as one JSON object, with the schedules and runs in Postgres. It says what is missing in the queue, closes rows\n"
    "that nobody will run, and tells the people of a schedule that a run was missed.\n"
    "\n"
    "With 'recover', it cleans up after an attempt at the job that ended badly: what became of it is written down and\n"
    "told, and temporary files are removed.\n"
    "\n"
    "With 'facts', it says what there is to know in Postgres and in the backup directory, as one JSON object: what "
    "keeps\n"
    "backups from happening, the schedules, their last runs and when they are next due, and the room that is left.\n"
    "\n"
    "The commands are those of weavestream-backup that need Postgres or the backup directory.\n"
    "\n"
    "  --help     this text\n"
    "  --version  the version\n"
    "\n"
    "Exit status: 0 once a verdict was written, 64 for a wrong command line, 75 if the row of a failed run could not "
    "be\n"
    "written, 78 for wrong settings.\n";

/* A standard descriptor that is closed would become the next socket or file, and our lines would go there. */
static void
open_standard_descriptors(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= STDIN_FILENO && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO)
        (void)close(fd);
}

/* The worker's pipe if there is one; a terminal gets the lines to read. Programs that we start must not inherit it. */
static int
find_report_fd(void)
{
    const char *variable = getenv(REPORT_VARIABLE);
    int64_t fd = REPORT_DESCRIPTOR;

    if (variable != NULL && !text_parse_integer(variable, strlen(variable), 0, 65535, &fd))
        fd = REPORT_DESCRIPTOR;
    return fcntl((int)fd, F_SETFD, FD_CLOEXEC) == 0 ? (int)fd : STDOUT_FILENO;
}

/* What the program does with its input. */
struct work {
    void (*perform)(const struct settings *settings, const char *bytes, size_t length, struct report *verdict);
    size_t bytes_max; /* 0: it has none */
    int64_t limit_ms; /* 0: as long as one backup may run */
};

static const struct work job_work = { job_perform, PAYLOAD_BYTES_MAX, 0 };
static const struct work recover_work = { recover_perform, RECOVER_INPUT_MAX, RECOVER_LIMIT_MS };
static const struct work ledger_work = { ledger_perform, LEDGER_SNAPSHOT_MAX, LEDGER_LIMIT_MS };
static const struct work look_work = { ledger_look_perform, LEDGER_SNAPSHOT_MAX, LEDGER_LOOK_LIMIT_MS };
static const struct work facts_work = { facts_perform, FACTS_INPUT_MAX, FACTS_LIMIT_MS };

/* At most one byte more than there may be: enough to see that it is too large. */
static bool
read_input(size_t bytes_max, struct text *input, struct error *err)
{
    char bytes[16384];

    while (bytes_max > 0 && input->length <= bytes_max) {
        size_t room = bytes_max + 1 - input->length;
        ssize_t count = read(STDIN_FILENO, bytes, room < sizeof(bytes) ? room : sizeof(bytes));

        if (count == -1 && errno == EINTR)
            continue;
        if (count == -1)
            return error_set_errno(err, errno, "read standard input");
        if (count == 0)
            break;
        text_add_bytes(input, bytes, (size_t)count);
    }
    return true;
}

/* One line per variable on standard error; the same lines, joined, as the reason of the failed job. */
static void
tell_problems(struct text *problems, struct report *verdict)
{
    (void)fputs(text_string(problems), stderr);
    for (size_t i = 0; i + 1 < problems->length; i++)
        if (problems->data[i] == '\n')
            problems->data[i] = ';';
    if (problems->length > 0)
        problems->data[problems->length - 1] = '\0';
    verdict_fail(verdict, text_string(problems), false);
}

static void
perform(const struct work *work, const struct settings *settings, struct report *verdict)
{
    int64_t limit_ms = work->limit_ms != 0 ? work->limit_ms : settings->job_lock_minutes * 60 * 1000;
    struct text input = TEXT_EMPTY;
    struct error err;

    if (stop_start(moment_add_ms(moment_now(), limit_ms), &err) && read_input(work->bytes_max, &input, &err))
        work->perform(settings, text_string(&input), input.length, verdict);
    else {
        log_error(LOG_EVENT("job not started"), LOG_ERROR(&err));
        verdict_fail(verdict, err.text, true);
    }
    text_clear(&input);
}

static int
run_program(const struct work *work)
{
    struct report verdict = REPORT_EMPTY;
    struct text problems = TEXT_EMPTY;
    struct settings settings;
    int status = EX_OK;

    open_standard_descriptors();
    reporter_start(find_report_fd()); /* before anything else is opened: it looks for what is open already */
    if (settings_load(&settings, SETTINGS_JOB, &problems)) {
        log_start("weavestream-backup-job", settings.log_level);
        perform(work, &settings, &verdict);
        status = verdict.unclean ? EX_TEMPFAIL : EX_OK;
    } else {
        tell_problems(&problems, &verdict);
        status = EX_CONFIG;
    }
    reporter_verdict(&verdict);
    report_clear(&verdict);
    settings_clear(&settings);
    text_clear(&problems);
    (void)log_flush();
    return status;
}

/* What people call through the front door (cli/job_program). */
static const struct {
    const char *name;
    int (*run)(int argc, char **argv); /* returns the exit status */
} commands[] = {
    { "run", cli_run },
    { "list", cli_list },
    { "prune", cli_prune },
    { "verify", cli_verify },
    { "restore", cli_restore },
    { "drill", cli_drill },
    { "enqueue-row", cli_enqueue_row },
    { "doctor", cli_doctor_job },
};

int
main(int argc, char **argv)
{
    if (argc == 1)
        return run_program(&job_work);
    if (argc == 2 && strcmp(argv[1], "ledger") == 0)
        return run_program(&ledger_work);
    if (argc == 2 && strcmp(argv[1], "recover") == 0)
        return run_program(&recover_work);
    if (argc == 2 && strcmp(argv[1], "schedules") == 0)
        return run_program(&look_work);
    if (argc == 2 && strcmp(argv[1], "facts") == 0)
        return run_program(&facts_work);
    for (size_t i = 0; argc >= 2 && i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(argv[1], commands[i].name) == 0) {
            open_standard_descriptors();
            return commands[i].run(argc - 1, argv + 1);
        }
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        (void)fputs(usage, stdout);
        return EX_OK;
    }
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        (void)puts("weavestream-backup-job " WEAVESTREAM_VERSION_TEXT);
        return EX_OK;
    }
    (void)fputs(usage, stderr);
    return EX_USAGE;
}
