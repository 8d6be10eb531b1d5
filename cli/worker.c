#include "cli/worker.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "cli/job_program.h"
#include "common/log.h"
#include "common/memory.h"
#include "common/settings.h"
#include "consumer/program.h"
#include "consumer/worker.h"
#include "protocol/tls.h"

static const char usage[] =
    "Usage: weavestream-backup worker [OPTION]... [-- PROGRAM [ARGUMENT]...]\n"
    "Take the jobs of a BullMQ queue and run each one in a process of its own.\n"
    "\n"
    "  -q, --queue=NAME         the queue (default: backup)\n"
    "  -p, --prefix=PREFIX      BullMQ's key prefix (default: bull)\n"
    "  -c, --concurrency=N      jobs at a time, 1 to 1000 (default: 1)\n"
    "  -n, --name=NAME          the worker's name, as dashboards show it (default: none)\n"
    "  -l, --ledger=COMMAND     shell command that compares what should be in the queue with what is there (default: "
    "the\n"
    "                           job program's 'ledger'; none with a PROGRAM of your own). Empty: none\n"
    "  -R, --recovery=COMMAND   the same for what is started when a job process died (default: its 'recover')\n"
    "  -F, --facts=COMMAND      the same for what looks at Postgres and the disk, with BACKUP_HTTP_LISTEN only "
    "(default:\n"
    "                           its 'facts')\n"
    "      --check              print the settings that would be used, secrets masked, and exit\n"
    "  -h, --help               print this help and exit\n"
    "\n"
    "As BullMQ's Worker options of these names:\n"
    "      --lock-duration=MS             life of a job's lock (default: BACKUP_LOCK_SECONDS)\n"
    "      --skip-lock-renewal            let locks expire\n"
    "      --stalled-interval=MS          between two looks for jobs of dead workers (default: "
    "BACKUP_STALLED_SECONDS)\n"
    "      --skip-stalled-check           never look for them\n"
    "      --max-stalled-count=N          fail a job that has stalled more often (default: 1)\n"
    "      --max-started-attempts=N       fail a job that was taken more often (default: no limit)\n"
    "      --limiter=MAX/MS               take at most MAX jobs in MS milliseconds (default: no limit)\n"
    "      --maximum-rate-limit-delay=MS  longest rest for a rate limit (default: 30000)\n"
    "      --drain-delay=SECONDS          longest wait while the queue is empty (default: 10)\n"
    "      --metrics=POINTS               count jobs per minute, for so many minutes (default: no metrics)\n"
    "      --remove-on-complete=JSON      which completed jobs to keep if their options do not say, as\n"
    "                                     '{\"age\":3600,\"count\":100}' (default: all)\n"
    "      --remove-on-fail=JSON          the same for failed ones\n"
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
    "Exit status: 0 closed, 1 a job could not be given back in time, 64 wrong usage, 69 no job program, or\n"
    "BACKUP_HTTP_LISTEN is not to be had, 78 wrong "
    "settings.\n";

struct arguments {
    const char *queue;
    const char *prefix;
    const char *name;
    int64_t concurrency;
    int64_t lock_ms;       /* 0: as the settings say */
    int64_t stalled_ms;    /* 0: as the settings say */
    int64_t drain_seconds; /* 0: as usual */
    bool skip_stalled_check;
    int64_t limiter_max;
    int64_t limiter_ms;
    struct consumer_limits limits;
    const char *ledger;   /* NULL: the usual one; "": none */
    const char *recovery; /* the same */
    const char *facts;    /* the same */
    bool check;
    char **program; /* NULL: the backup job program */
};

enum { /* the long options that have no letter */
    OPTION_CHECK = 256,
    OPTION_LOCK_DURATION,
    OPTION_SKIP_LOCK_RENEWAL,
    OPTION_STALLED_INTERVAL,
    OPTION_SKIP_STALLED_CHECK,
    OPTION_MAX_STALLED_COUNT,
    OPTION_MAX_STARTED_ATTEMPTS,
    OPTION_LIMITER,
    OPTION_MAXIMUM_RATE_LIMIT_DELAY,
    OPTION_DRAIN_DELAY,
    OPTION_METRICS,
    OPTION_REMOVE_ON_COMPLETE,
    OPTION_REMOVE_ON_FAIL,
};

static const struct option options[] = {
    { "queue", required_argument, NULL, 'q' },
    { "prefix", required_argument, NULL, 'p' },
    { "concurrency", required_argument, NULL, 'c' },
    { "name", required_argument, NULL, 'n' },
    { "ledger", required_argument, NULL, 'l' },
    { "recovery", required_argument, NULL, 'R' },
    { "facts", required_argument, NULL, 'F' },
    { "check", no_argument, NULL, OPTION_CHECK },
    { "help", no_argument, NULL, 'h' },
    { "lock-duration", required_argument, NULL, OPTION_LOCK_DURATION },
    { "skip-lock-renewal", no_argument, NULL, OPTION_SKIP_LOCK_RENEWAL },
    { "stalled-interval", required_argument, NULL, OPTION_STALLED_INTERVAL },
    { "skip-stalled-check", no_argument, NULL, OPTION_SKIP_STALLED_CHECK },
    { "max-stalled-count", required_argument, NULL, OPTION_MAX_STALLED_COUNT },
    { "max-started-attempts", required_argument, NULL, OPTION_MAX_STARTED_ATTEMPTS },
    { "limiter", required_argument, NULL, OPTION_LIMITER },
    { "maximum-rate-limit-delay", required_argument, NULL, OPTION_MAXIMUM_RATE_LIMIT_DELAY },
    { "drain-delay", required_argument, NULL, OPTION_DRAIN_DELAY },
    { "metrics", required_argument, NULL, OPTION_METRICS },
    { "remove-on-complete", required_argument, NULL, OPTION_REMOVE_ON_COMPLETE },
    { "remove-on-fail", required_argument, NULL, OPTION_REMOVE_ON_FAIL },
    { NULL, 0, NULL, 0 },
};

#define MOST_MS INT64_C(86400000) /* a day: more is a mistake */

static const char *
option_name(int value)
{
    const struct option *option = options;

    while (option->val != value)
        option++;
    return option->name;
}

static bool
take_number(int option, const char *argument, int64_t least, int64_t most, int64_t *number)
{
    if (text_parse_integer(argument, strlen(argument), least, most, number))
        return true;
    (void)fprintf(stderr, "weavestream-backup worker: --%s='%s' is not a number from %" PRId64 " to %" PRId64 "\n",
        option_name(option), argument, least, most);
    return false;
}

static bool
take_limiter(const char *argument, struct arguments *out)
{
    const char *slash = strchr(argument, '/');

    if (slash != NULL && text_parse_integer(argument, (size_t)(slash - argument), 1, MOST_MS, &out->limiter_max) &&
        text_parse_integer(slash + 1, strlen(slash + 1), 1, MOST_MS, &out->limiter_ms))
        return true;
    (void)fprintf(stderr,
        "weavestream-backup worker: --limiter='%s' is not JOBS/MILLISECONDS, as 10/1000 for ten jobs a second\n",
        argument);
    return false;
}

static bool
take_keep(int option, const char *argument, struct options_keep *out)
{
    struct error err;

    if (options_parse_keep(argument, out, &err))
        return true;
    (void)fprintf(stderr, "weavestream-backup worker: --%s: %s\n", option_name(option), err.text);
    return false;
}

/* False: it is wrong, and that has been said. */
static bool
take_option(int option, const char *argument, struct arguments *out)
{
    switch (option) {
    case 'q':
        out->queue = argument;
        return true;
    case 'p':
        out->prefix = argument;
        return true;
    case 'n':
        out->name = argument;
        return true;
    case 'l':
        out->ledger = argument;
        return true;
    case 'R':
        out->recovery = argument;
        return true;
    case 'F':
        out->facts = argument;
        return true;
    case 'c':
        return take_number('c', argument, 1, WORKER_CONCURRENCY_MAX, &out->concurrency);
    case OPTION_CHECK:
        out->check = true;
        return true;
    case OPTION_LOCK_DURATION:
        return take_number(option, argument, 100, MOST_MS, &out->lock_ms);
    case OPTION_SKIP_LOCK_RENEWAL:
        out->limits.skip_lock_renewal = true;
        return true;
    case OPTION_STALLED_INTERVAL:
        return take_number(option, argument, 100, MOST_MS, &out->stalled_ms);
    case OPTION_SKIP_STALLED_CHECK:
        out->skip_stalled_check = true;
        return true;
    case OPTION_MAX_STALLED_COUNT:
        return take_number(option, argument, 0, INT32_MAX, &out->limits.max_stalled);
    case OPTION_MAX_STARTED_ATTEMPTS:
        return take_number(option, argument, 1, INT32_MAX, &out->limits.max_started_attempts);
    case OPTION_LIMITER:
        return take_limiter(argument, out);
    case OPTION_MAXIMUM_RATE_LIMIT_DELAY:
        return take_number(option, argument, 1, MOST_MS, &out->limits.rate_limit_ms);
    case OPTION_DRAIN_DELAY:
        return take_number(option, argument, 1, 3600, &out->drain_seconds);
    case OPTION_METRICS:
        return take_number(option, argument, 1, INT32_MAX, &out->limits.metrics_points);
    case OPTION_REMOVE_ON_COMPLETE:
        return take_keep(option, argument, &out->limits.on_complete);
    case OPTION_REMOVE_ON_FAIL:
        return take_keep(option, argument, &out->limits.on_fail);
    default: /* getopt has said what is wrong */
        (void)fputs("Try 'weavestream-backup worker --help'.\n", stderr);
        return false;
    }
}

/* EX_OK: go on; -1: done, exit well; else the exit status. */
static int
read_arguments(int argc, char **argv, struct arguments *out)
{
    int option;

    *out = (struct arguments){ .queue = "backup", .prefix = "bull", .concurrency = 1, .limits = CONSUMER_LIMITS };
    while ((option = getopt_long(argc, argv, "+q:p:c:n:l:R:F:h", options, NULL)) != -1) {
        if (option == 'h') {
            (void)fputs(usage, stdout);
            return -1;
        }
        if (!take_option(option, optarg, out))
            return EX_USAGE;
    }
    if (optind < argc && strcmp(argv[optind - 1], "--") != 0) {
        (void)fprintf(
            stderr, "weavestream-backup worker: '%s' is no option; a job program is given after '--'\n", argv[optind]);
        return EX_USAGE;
    }
    out->program = optind < argc ? argv + optind : NULL;
    return EX_OK;
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

    if (!keys_init(&keys, arguments->prefix, arguments->queue, arguments->name, &err)) {
        (void)fprintf(stderr, "weavestream-backup worker: %s\n", err.text);
        return EX_USAGE;
    }
    if (settings->redis.tls) {
        run.tls = tls_context_new(settings->redis_ca_file, settings->extra_ca_file, &err);
        if (run.tls == NULL) {
            (void)fprintf(stderr, "weavestream-backup worker: %s\n", err.text);
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

static int
check(const struct settings *settings, unsigned scopes)
{
    struct text out = TEXT_EMPTY;

    settings_print(settings, scopes, &out);
    (void)fputs(text_string(&out), stdout);
    text_clear(&out);
    return EX_OK;
}

int
cli_worker(int argc, char **argv)
{
    struct arguments arguments;
    struct settings settings;
    struct text problems = TEXT_EMPTY;
    unsigned scopes;
    int status = read_arguments(argc, argv, &arguments);

    if (status != EX_OK)
        return status == -1 ? EX_OK : status;
    scopes = arguments.program == NULL ? SETTINGS_WORKER | SETTINGS_JOB : SETTINGS_WORKER;
    if (settings_load(&settings, scopes, &problems)) {
        log_start("weavestream-backup", settings.log_level);
        status = arguments.check ? check(&settings, scopes) : find_programs_and_run(&arguments, &settings);
    } else {
        (void)fputs(text_string(&problems), stderr);
        status = EX_CONFIG;
    }
    text_clear(&problems);
    settings_clear(&settings);
    return status;
}
