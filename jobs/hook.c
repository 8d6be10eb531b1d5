#include "jobs/hook.h"

#include <inttypes.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/text.h"
#include "jobs/process.h"
#include "jobs/reporter.h"
#include "jobs/stop.h"

#define FACTS 8

/* Secrets are for those who need them, and it may print its environment into a log. */
static bool
may_inherit(const char *name, size_t length)
{
    static const char *const libpq_password = "PGPASSWORD";

    return !settings_is_secret(name, length) &&
           (length != strlen(libpq_password) || memcmp(name, libpq_password, length) != 0);
}

static bool
run(const struct settings *settings, const char *const *environment, struct error *err)
{
    const char *const argv[] = { "/bin/sh", "-c", settings->after_success, NULL };
    const struct process_command command = {
        .argv = argv, .environment = environment, .may_inherit = may_inherit, .handed_down = PROCESS_NO_FD
    };
    struct moment start = moment_now();
    struct process *process;
    bool ok;

    if (!stop_check(err)) /* rather not begun than broken off at once */
        return false;
    process = process_start(&command, err);
    if (process == NULL)
        return false;
    ok = process_finish(process, NULL, NULL, err);
    if (*process_words(process) != '\0')
        reporter_log("BACKUP_AFTER_SUCCESS said: %s", process_words(process));
    if (ok) {
        int64_t ms = moment_ms_between(start, moment_now());

        log_info(LOG_EVENT("after-success done"), LOG_NUMBER("ms", ms));
        reporter_log("BACKUP_AFTER_SUCCESS ran for %.1f s", (double)ms / 1000);
    }
    process_free(process);
    return ok;
}

bool
hook_run(const struct settings *settings, const struct hook_facts *facts, struct error *err)
{
    struct text texts[FACTS] = { TEXT_EMPTY };
    const char *environment[FACTS + 1] = { NULL };
    bool ok;

    if (settings->after_success == NULL)
        return true;
    text_format(&texts[0], "BACKUP_DIRECTORY=%s", facts->directory);
    text_format(&texts[1], "BACKUP_FILE=%s/%s", facts->directory, facts->dump);
    text_format(&texts[2], "BACKUP_MANIFEST=%s/%s", facts->directory, facts->manifest);
    text_format(&texts[3], "BACKUP_RUN_ID=%s", facts->run_id);
    text_format(&texts[4], "BACKUP_CONFIG_ID=%s", facts->config_id);
    text_format(&texts[5], "BACKUP_CONFIG_NAME=%s", facts->config_name);
    text_format(&texts[6], "BACKUP_SIZE_BYTES=%" PRId64, facts->size_bytes);
    text_format(&texts[7], "BACKUP_SHA256=%s", facts->sha256);
    for (size_t i = 0; i < FACTS; i++)
        environment[i] = text_string(&texts[i]);
    ok = run(settings, environment, err);
    for (size_t i = 0; i < FACTS; i++)
        text_clear(&texts[i]);
    return ok || error_add(err, "BACKUP_AFTER_SUCCESS");
}
