#include "cli/doctor.h"

#include <string.h>
#include <sysexits.h>

#include "cli/command.h"
#include "cli/doctor_page.h"
#include "cli/doctor_queue.h"
#include "cli/job_program.h"
#include "cli/misspelt.h"
#include "common/log.h"
#include "common/settings.h"

#define NAME "doctor"
#define SOMETHING_IS_BAD 1

static const char details[] =
    "Looks at the settings, Redis, the queue, Postgres, the backup directory, the schedules and mail, and says of "
    "each\n"
    "whether it is fit for backups, and if not, what to do. Nothing is changed; no mail is sent. What hangs is given "
    "up\n"
    "after some seconds. What cannot be checked because of something else is marked with '?'.\n"
    "\n"
    "Run it where the worker runs: as its user, with its environment. Which workers are Node's, Redis tells from 7.2 "
    "on.\n"
    "\n"
    "With --json: at, tookMs, ok, warn, bad, unknown (how many findings of each verdict), findings (about, check, "
    "verdict,\n"
    "text, advice).\n"
    "\n"
    "Of a variable that is no setting, but nearly has the name of one, it is asked whether that was meant.\n"
    "\n"
    "Environment: all settings of the worker; BACKUP_UID and BACKUP_GID say as whom the app reads the dumps.\n"
    "\n"
    "Exit status: 0 nothing is bad, 1 something is bad, 64 wrong usage, 69 the job program is away.";

static void
on_found(const struct finding *finding, void *owner)
{
    doctor_page_add(owner, finding);
}

/* A line of the job program. */
static void
on_line(const char *line, void *owner)
{
    json_t *object = json_loads(line, 0, NULL);
    struct finding finding;

    if (!finding_read(object, &finding)) {
        finding_clear(&finding);
        finding = (struct finding){ .about = "settings", .check = "jobProgram" };
        finding_bad(&finding, "%s said something that is no finding: is it of another version?", JOB_PROGRAM);
    }
    doctor_page_add(owner, &finding);
    finding_clear(&finding);
    json_decref(object);
}

/* --- Settings --- */

static void
on_misspelt(const char *name, const char *meant, void *owner)
{
    struct finding *finding = owner;

    finding_warn(finding, "%s" MISSPELT_WORDS, finding->text.length == 0 ? "" : "; ", name, meant);
}

static bool
load(struct settings *out, unsigned scopes, const char *check, struct doctor_page *page)
{
    struct finding finding = { .about = "settings", .check = check };
    struct text problems = TEXT_EMPTY;
    bool good = settings_load(out, scopes, &problems);

    misspelt_find(scopes, on_misspelt, &finding);
    if (good && finding.text.length > 0)
        finding_advise(&finding, "set what was meant instead, or remove it");
    else if (good)
        finding_ok(&finding, "all that are needed are there, and make sense");
    else {
        for (char *line = strtok(problems.data, "\n"); line != NULL; line = strtok(NULL, "\n"))
            finding_bad(&finding, "%s%s", finding.text.length == 0 ? "" : "; ", line);
        finding_advise(&finding, "set them as the app and the worker have them");
    }
    doctor_page_add(page, &finding);
    finding_clear(&finding);
    text_clear(&problems);
    return good;
}

/* --- Both halves --- */

static bool
look(struct doctor_page *page, int *status)
{
    struct text snapshot = TEXT_EMPTY;
    struct settings settings;
    struct settings of_jobs; /* the job program reads them again */
    bool good = load(&settings, SETTINGS_WORKER, "queue", page);
    bool told;

    (void)load(&of_jobs, SETTINGS_JOB, "backups", page);
    doctor_queue_look(good ? &settings : NULL, on_found, page, &snapshot);
    told = job_program_listen(NAME, NAME, &snapshot, on_line, page, status) && *status == EX_OK;
    text_clear(&snapshot);
    settings_clear(&of_jobs);
    settings_clear(&settings);
    return told;
}

/* Why, has been said on standard error. */
static void
add_silence(struct doctor_page *page)
{
    struct finding finding = { .about = "settings", .check = "jobProgram" };

    finding_bad(&finding,
        "%s has not told all: Postgres, the backup directory, the schedules and mail were not looked at, or not to the "
        "end",
        JOB_PROGRAM);
    finding_advise(&finding, "see that it is installed beside weavestream-backup, and of the same version");
    doctor_page_add(page, &finding);
    finding_clear(&finding);
}

int
cli_doctor(int argc, char **argv)
{
    bool json = false;
    const struct command_option options[] = {
        { 'j', "json", NULL, "print the findings as one JSON object", .flag = &json },
        COMMAND_END,
    };
    const struct command command = { NAME, "[OPTION]...", "See whether this installation is fit for backups.", options,
        details, 0, 0 };
    struct doctor_page page;
    int status;
    bool good;
    bool told;

    if (!command_read(&command, argc, argv, &status))
        return status;
    log_start("weavestream-backup", LOG_LEVEL_FATAL); /* what is wrong is among the findings */
    page = doctor_page_new(json);
    told = look(&page, &status);
    if (!told)
        add_silence(&page);
    good = doctor_page_finish(&page);
    if (!told)
        return status;
    status = command_finish(NAME);
    return status == EX_OK && !good ? SOMETHING_IS_BAD : status;
}
