#include "cli/worker.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "cli/command.h"
#include "cli/job_program.h"
#include "cli/misspelt.h"
#include "common/log.h"
#include "common/memory.h"
#include "common/settings.h"
#include "consumer/program.h"
#include "consumer/worker.h"
#include "protocol/tls.h"

static const char details[] =
    "The options from --lock-duration on are as BullMQ's Worker options of these names.\n"
    "\n"
    "Without PROGRAM, backup jobs are run by weavestream-backup-job. With it, any queue can be served by any program:\n"
    "it gets the job as JSON on standard input and reports on descriptor 3, one JSON object a line. So does the "
    "ledger,\n"
    "with a snapshot of the queue: at the start, every hour, after each job, and when schedulers are gone. The "
    "recovery\n"
    "program gets the job whose process died, or that failed without one, and the reason.\n"
    "\n"
    "Environment: REDIS_URL (required), REDIS_TLS_CA, BACKUP_LOCK_SECONDS, BACKUP_STALLED_SECONDS,\n"
    "BACKUP_SHUTDOWN_SECONDS, BACKUP_HTTP_LISTEN, BACKUP_FACTS_SECONDS, LOG_LEVEL; for backup jobs\n"
    "DATABASE_URL (required), BACKUP_STORAGE_DIR and more.\n"
    "\n"
    "Signals: SIGTERM and SIGINT close the worker; a running job may end, or goes back to the queue. A second one "
    "ends\n"
    "it now.\n"
    "\n"
    "Exit status: 0 closed, 1 a job could not be given back in time, 64 wrong usage, 69 no job program, or\n"
    "BACKUP_HTTP_LISTEN is not to be had, 78 wrong settings.";

#define MOST_MS INT64_C(86400000) /* a day: more is a mistake */

struct arguments {
    const char *queue;
    const char *prefix;
    const char *name;
    int64_t concurrency;
    int64_t lock_ms;       /* 0: as the settings say */
    int64_t stalled_ms;    /* 0: as the settings say */
    int64_t drain_seconds; /* 0: as usual */
    bool skip_stalled_check;
    const char *limiter; /* NULL: none */
    int64_t limiter_max;
    int64_t limiter_ms;
    const char *keep_completed; /* NULL: all */
    const char *keep_failed;    /* the same */
    struct consumer_limits limits;
    const char *ledger;   /* NULL: the usual one; "": none */
    const char *recovery; /* the same */
    const char *facts;    /* the same */
    bool check;
    char **program; /* NULL: the backup job program */
};

static bool
take_limiter(struct arguments *out)
{
    const char *slash = out->limiter == NULL ? NULL : strchr(out->limiter, '/');

    if (out->limiter == NULL)
        return true;
    if (slash != NULL &&
        text_parse_integer(out->limiter, (size_t)(slash - out->limiter), 1, MOST_MS, &out->limiter_max) &&
        text_parse_integer(slash + 1, strlen(slash + 1), 1, MOST_MS, &out->limiter_ms))
        return true;
    (void)command_complain(
        "worker", EX_USAGE, "--limiter='%s' is not JOBS/MILLISECONDS, as 10/1000 for ten jobs a second", out->limiter);
    return false;
}

static bool
take_keep(const char *name, const char *value, struct options_keep *out)
{
    struct error err;

    if (value == NULL || options_parse_keep(value, out, &err))
        return true;
    (void)command_complain("worker", EX_USAGE, "--%s: %s", name, err.text);
    return false;
}

/* What follows "--" is another's command line. Returns it, NULL if it is empty, and leaves what is ours. */
static char **
cut_program(int *argc, char **argv)
{
    for (int i = 1; i < *argc; i++)
        if (strcmp(argv[i], "--") == 0) {
            argv[i] = NULL;
            *argc = i;
            return argv[i + 1] == NULL ? NULL : argv + i + 1;
        }
    return NULL;
}

static bool
read_options(int argc, char **argv, struct arguments *out, int *status)
{
    const struct command_option options[] = {
        { 'q', "queue", "NAME", "the queue (default: backup)", .text = &out->queue },
        { 'p', "prefix", "PREFIX", "BullMQ's key prefix (default: bull)", .text = &out->prefix },
        { 'c', "concurrency", "N", "jobs at a time, 1 to 1000 (default: 1)", .number = &out->concurrency, .least = 1,
            .most = WORKER_CONCURRENCY_MAX },
        { 'n', "name", "NAME", "the worker's name, as dashboards show it (default: none)", .text = &out->name },
        { 'l', "ledger", "COMMAND",
            "shell command that compares what should be in the queue with what is\n"
            "there (default: the job program's 'ledger'; none with a PROGRAM of\n"
            "your own). Empty: none",
            .text = &out->ledger },
        { 'R', "recovery", "COMMAND",
            "the same for what is started when a job process died (default: its\n"
            "'recover')",
            .text = &out->recovery },
        { 'F', "facts", "COMMAND",
            "the same for what looks at Postgres and the disk, with\n"
            "BACKUP_HTTP_LISTEN only (default: its 'facts')",
            .text = &out->facts },
        { 0, "check", NULL, "print the settings that would be used, secrets masked, and exit", .flag = &out->check },
        { 0, "lock-duration", "MS", "life of a job's lock (default: BACKUP_LOCK_SECONDS)", .number = &out->lock_ms,
            .least = 100, .most = MOST_MS },
        { 0, "skip-lock-renewal", NULL, "let locks expire", .flag = &out->limits.skip_lock_renewal },
        { 0, "stalled-interval", "MS",
            "between two looks for jobs of dead workers (default:\n"
            "BACKUP_STALLED_SECONDS)",
            .number = &out->stalled_ms, .least = 100, .most = MOST_MS },
        { 0, "skip-stalled-check", NULL, "never look for them", .flag = &out->skip_stalled_check },
        { 0, "max-stalled-count", "N", "fail a job that has stalled more often (default: 1)",
            .number = &out->limits.max_stalled, .least = 0, .most = INT32_MAX },
        { 0, "max-started-attempts", "N", "fail a job that was taken more often (default: no limit)",
            .number = &out->limits.max_started_attempts, .least = 1, .most = INT32_MAX },
        { 0, "limiter", "MAX/MS", "take at most MAX jobs in MS milliseconds (default: no limit)",
            .text = &out->limiter },
        { 0, "maximum-rate-limit-delay", "MS", "longest rest for a rate limit (default: 30000)",
            .number = &out->limits.rate_limit_ms, .least = 1, .most = MOST_MS },
        { 0, "drain-delay", "SECONDS", "longest wait while the queue is empty (default: 10)",
            .number = &out->drain_seconds, .least = 1, .most = 3600 },
        { 0, "metrics", "POINTS", "count jobs per minute, for so many minutes (default: no metrics)",
            .number = &out->limits.metrics_points, .least = 1, .most = INT32_MAX },
        { 0, "remove-on-complete", "JSON",
            "which completed jobs to keep if their options do not say, as\n"
            "'{\"age\":3600,\"count\":100}' (default: all)",
            .text = &out->keep_completed },
        { 0, "remove-on-fail", "JSON", "the same for failed ones", .text = &out->keep_failed },
        COMMAND_END,
    };
    const struct command command = { "worker", "[OPTION]... [-- PROGRAM [ARGUMENT]...]",
        "Take the jobs of a BullMQ queue and run each one in a process of its own.", options, details, 0,
        COMMAND_OPERANDS_MANY };

    return command_read(&command, argc, argv, status);
}

static bool
read_arguments(int argc, char **argv, struct arguments *out, int *status)
{
    *out = (struct arguments){ .queue = "backup", .prefix = "bull", .concurrency = 1, .limits = CONSUMER_LIMITS };
    out->program = cut_program(&argc, argv);
    if (!read_options(argc, argv, out, status))
        return false;
    *status = EX_USAGE;
    if (optind < argc) {
        (void)command_complain(
            "worker", EX_USAGE, "'%s' is no option; a job program is given after '--'", argv[optind]);
        return false;
    }
    return take_limiter(out) && take_keep("remove-on-complete", out->keep_completed, &out->limits.on_complete) &&
           take_keep("remove-on-fail", out->keep_failed, &out->limits.on_fail);
}

/* Options on the command line go before settings. */
static struct worker_options
worker_options(const struct arguments *arguments, const struct settings *settings)
{
    struct worker_options out = { .name = arguments->name,
        .redis = &settings->redis,
        .concurrency = (size_t)arguments->concurrency,
        .lock_ms = arguments->lock_ms > 0 ? arguments->lock_ms : settings->lock_seconds * 1000,
        .limiter_max = arguments->limiter_max,
        .limiter_ms = arguments->limiter_ms,
        .limits = arguments->limits,
        .listen = settings->http_listen.length > 0 ? &settings->http_listen : NULL,
        .facts_ms = settings->facts_seconds * 1000,
        .version = WEAVESTREAM_VERSION_TEXT,
        .shutdown_ms = settings->shutdown_seconds * 1000 };

    out.limits.stalled_ms = arguments->stalled_ms > 0 ? arguments->stalled_ms : settings->stalled_seconds * 1000;
    if (arguments->skip_stalled_check)
        out.limits.stalled_ms = 0;
    if (arguments->drain_seconds > 0)
        out.limits.block_ms = arguments->drain_seconds * 1000;
    return out;
}

/* The command lines that the worker is given. */
struct programs {
    char *const *job;
    char *const *ledger;   /* NULL: none */
    char *const *recovery; /* the same */
    char *const *facts;    /* the same */
};

static int
run_worker(const struct arguments *arguments, const struct settings *settings, const struct programs *programs)
{
    struct worker_options run = worker_options(arguments, settings);
    struct children *children = NULL;
    struct program program;
    struct keys keys;
    struct error err;
    int status = EX_CONFIG;

    if (!keys_init(&keys, arguments->prefix, arguments->queue, arguments->name, &err))
        return command_complain("worker", EX_USAGE, "%s", err.text);
    if (settings->redis.tls) {
        run.tls = tls_context_new(settings->redis_ca_file, settings->extra_ca_file, &err);
        if (run.tls == NULL) {
            (void)command_complain("worker", EX_CONFIG, "%s", err.text);
            goto out;
        }
    }
    run.base = event_base_new();
    if (run.base == NULL)
        abort(); /* out of memory */
    children = children_new(run.base);
    program = program_runner(children, &keys, &run.limits, programs->job);
    run.keys = &keys;
    run.runner = &program.runner;
    run.children = children;
    run.ledger = programs->ledger;
    run.recovery = programs->recovery;
    run.facts = programs->facts;
    status = worker_run(&run);
out:
    children_free(children);
    if (run.base != NULL)
        event_base_free(run.base);
    SSL_CTX_free(run.tls);
    keys_clear(&keys);
    return status;
}

/* A program beside the jobs: the command that was given, else what the backup job program has for it; NULL: none. */
struct beside {
    char *given; /* a copy */
    char *argv[4];
};

static char *const *
beside_argv(struct beside *beside, const char *given, char *backup_program, char *subcommand)
{
    static char shell[] = "sh";
    static char option[] = "-c";

    if (given == NULL ? backup_program == NULL : given[0] == '\0')
        return NULL;
    beside->given = memory_copy_string(given);
    if (given == NULL)
        memcpy(beside->argv, (char *[]){ backup_program, subcommand, NULL }, 3 * sizeof(char *));
    else
        memcpy(beside->argv, (char *[]){ shell, option, beside->given, NULL }, 4 * sizeof(char *));
    return beside->argv;
}

static int
find_programs_and_run(const struct arguments *arguments, const struct settings *settings)
{
    char ledger_word[] = "ledger";
    char recover_word[] = "recover";
    char facts_word[] = "facts";
    char *backup_program[] = { NULL, NULL };
    struct beside ledger = { .given = NULL };
    struct beside recovery = { .given = NULL };
    struct beside facts = { .given = NULL };
    struct programs programs = { .job = arguments->program };
    int status;

    if (programs.job == NULL) {
        backup_program[0] = job_program_find("worker");
        programs.job = backup_program;
        if (backup_program[0] == NULL)
            return EX_UNAVAILABLE;
    }
    programs.ledger = beside_argv(&ledger, arguments->ledger, backup_program[0], ledger_word);
    programs.recovery = beside_argv(&recovery, arguments->recovery, backup_program[0], recover_word);
    programs.facts = beside_argv(&facts, arguments->facts, backup_program[0], facts_word);
    status = run_worker(arguments, settings, &programs);
    free(ledger.given);
    free(recovery.given);
    free(facts.given);
    free(backup_program[0]);
    return status;
}

static void
log_misspelt(const char *name, const char *meant, void *owner)
{
    (void)owner;
    log_warn(LOG_EVENT("misspelt setting"), LOG_TEXT("variable", name), LOG_TEXT("meant", meant));
}

static void
complain_of_misspelt(const char *name, const char *meant, void *owner)
{
    (void)owner;
    (void)command_complain("worker", EX_OK, MISSPELT_WORDS, name, meant);
}

static int
check(const struct settings *settings, unsigned scopes)
{
    struct text out = TEXT_EMPTY;

    misspelt_find(scopes, complain_of_misspelt, NULL);
    settings_print(settings, scopes, &out);
    (void)fputs(text_string(&out), stdout);
    text_clear(&out);
    return command_finish("worker");
}

int
cli_worker(int argc, char **argv)
{
    struct arguments arguments;
    struct settings settings;
    struct text problems = TEXT_EMPTY;
    unsigned scopes;
    int status;

    if (!read_arguments(argc, argv, &arguments, &status))
        return status;
    scopes = arguments.program == NULL ? SETTINGS_WORKER | SETTINGS_JOB : SETTINGS_WORKER;
    if (settings_load(&settings, scopes, &problems)) {
        log_start("weavestream-backup", settings.log_level);
        if (!arguments.check)
            misspelt_find(scopes, log_misspelt, NULL);
        status = arguments.check ? check(&settings, scopes) : find_programs_and_run(&arguments, &settings);
    } else {
        status = command_complain_of_settings("worker", &problems);
    }
    text_clear(&problems);
    settings_clear(&settings);
    return status;
}
