#include "cli/worker.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/log.h"
#include "common/memory.h"
#include "common/settings.h"
#include "consumer/worker.h"
#include "protocol/tls.h"

#define JOB_PROGRAM "weavestream-backup-job"

static const char usage[] =
    "Usage: weavestream-backup worker [OPTION]... [-- PROGRAM [ARGUMENT]...]\n"
    "Take the jobs of a BullMQ queue and run each one in a process of its own.\n"
    "\n"
    "  -q, --queue=NAME         the queue (default: backup)\n"
    "  -p, --prefix=PREFIX      BullMQ's key prefix (default: bull)\n"
    "  -c, --concurrency=N      jobs at a time, 1 to 1000 (default: 1)\n"
    "  -n, --name=NAME          the worker's name, as dashboards show it (default: none)\n"
    "      --check              print the settings that would be used, secrets masked, and exit\n"
    "  -h, --help               print this help and exit\n"
    "\n"
    "Without PROGRAM, backup jobs are run by weavestream-backup-job. With it, any queue can be served by any program:\n"
    "it gets the job as JSON on standard input and reports on descriptor 3, one JSON object a line.\n"
    "\n"
    "Environment: REDIS_URL (required), REDIS_TLS_CA, BACKUP_LOCK_SECONDS, BACKUP_STALLED_SECONDS,\n"
    "BACKUP_SHUTDOWN_SECONDS, LOG_LEVEL; for backup jobs DATABASE_URL (required), BACKUP_STORAGE_DIR and more.\n"
    "\n"
    "Signals: SIGTERM and SIGINT close the worker; a running job may end, or goes back to the queue. A second one ends "
    "it now.\n"
    "Exit status: 0 closed, 1 a job could not be given back in time, 64 wrong usage, 69 no job program, 78 wrong "
    "settings.\n";

struct arguments {
    const char *queue;
    const char *prefix;
    const char *name;
    int64_t concurrency;
    bool check;
    char **program; /* NULL: the backup job program */
};

/* EX_OK: go on; -1: done, exit well; else the exit status. */
static int
read_arguments(int argc, char **argv, struct arguments *out)
{
    enum { OPTION_CHECK = 256 };
    static const struct option options[] = { { "queue", required_argument, NULL, 'q' },
        { "prefix", required_argument, NULL, 'p' }, { "concurrency", required_argument, NULL, 'c' },
        { "name", required_argument, NULL, 'n' }, { "check", no_argument, NULL, OPTION_CHECK },
        { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 } };
    int option;

    *out = (struct arguments){ .queue = "backup", .prefix = "bull", .concurrency = 1 };
    while ((option = getopt_long(argc, argv, "+q:p:c:n:h", options, NULL)) != -1)
        switch (option) {
        case 'q':
            out->queue = optarg;
            break;
        case 'p':
            out->prefix = optarg;
            break;
        case 'n':
            out->name = optarg;
            break;
        case 'c':
            if (!text_parse_integer(optarg, strlen(optarg), 1, WORKER_CONCURRENCY_MAX, &out->concurrency)) {
                (void)fprintf(stderr, "weavestream-backup worker: --concurrency='%s' is not a number from 1 to %d\n",
                    optarg, WORKER_CONCURRENCY_MAX);
                return EX_USAGE;
            }
            break;
        case OPTION_CHECK:
            out->check = true;
            break;
        case 'h':
            (void)fputs(usage, stdout);
            return -1;
        default: /* getopt has said what is wrong */
            (void)fputs("Try 'weavestream-backup worker --help'.\n", stderr);
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

/* Beside our own file, else where it is installed. NULL: nowhere. */
static char *
find_job_program(void)
{
    char self[4096];
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
    struct text path = TEXT_EMPTY;

    if (length > 0) {
        self[length] = '\0';
        *strrchr(self, '/') = '\0';
        text_format(&path, "%s/%s", self, JOB_PROGRAM);
        if (access(path.data, X_OK) == 0)
            return text_take(&path);
        text_reset(&path);
    }
    text_format(&path, "%s/%s", WEAVESTREAM_LIBEXEC_DIR, JOB_PROGRAM);
    if (access(path.data, X_OK) == 0)
        return text_take(&path);
    text_clear(&path);
    return NULL;
}

static int
run_worker(const struct arguments *arguments, const struct settings *settings, char *const *program)
{
    struct keys keys;
    struct error err;
    struct worker_options options = { .keys = &keys,
        .name = arguments->name,
        .redis = &settings->redis,
        .concurrency = (size_t)arguments->concurrency,
        .lock_ms = settings->lock_seconds * 1000,
        .stalled_ms = settings->stalled_seconds * 1000,
        .shutdown_ms = settings->shutdown_seconds * 1000,
        .program = program };
    int status;

    if (!keys_init(&keys, arguments->prefix, arguments->queue, arguments->name, &err)) {
        (void)fprintf(stderr, "weavestream-backup worker: %s\n", err.text);
        return EX_USAGE;
    }
    if (settings->redis.tls) {
        options.tls = tls_context_new(settings->redis_ca_file, settings->extra_ca_file, &err);
        if (options.tls == NULL) {
            (void)fprintf(stderr, "weavestream-backup worker: %s\n", err.text);
            keys_clear(&keys);
            return EX_CONFIG;
        }
    }
    status = worker_run(&options);
    SSL_CTX_free(options.tls);
    keys_clear(&keys);
    return status;
}

static int
check_or_run(const struct arguments *arguments, const struct settings *settings, unsigned scopes)
{
    char *found = NULL;
    char *backup_program[] = { NULL, NULL };
    char *const *program = arguments->program;
    int status;

    if (arguments->check) {
        struct text out = TEXT_EMPTY;
        settings_print(settings, scopes, &out);
        (void)fputs(text_string(&out), stdout);
        text_clear(&out);
        return EX_OK;
    }
    if (program == NULL) {
        found = find_job_program();
        if (found == NULL) {
            (void)fprintf(stderr, "weavestream-backup worker: %s is neither beside this program nor in %s\n",
                JOB_PROGRAM, WEAVESTREAM_LIBEXEC_DIR);
            return EX_UNAVAILABLE;
        }
        backup_program[0] = found;
        program = backup_program;
    }
    status = run_worker(arguments, settings, program);
    free(found);
    return status;
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
        status = check_or_run(&arguments, &settings, scopes);
    } else {
        (void)fputs(text_string(&problems), stderr);
        status = EX_CONFIG;
    }
    text_clear(&problems);
    settings_clear(&settings);
    return status;
}
