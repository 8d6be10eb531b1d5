#include "jobs/doctor.h"

#include <stdlib.h>

#include "jobs/doctor_checks.h"

enum need { SETTINGS = 1, DATABASE = 2, TABLES = 4, DIRECTORY = 8, QUEUE = 16, MAIL = 32 };

/* In the order of the page. What a check opens, those below it may need. */
static const struct {
    const char *about;
    const char *check;
    unsigned needs;
    doctor_check_fn *look;
} checks[] = {
    { "postgres", "server", SETTINGS, doctor_check_server },
    { "postgres", "session", DATABASE, doctor_check_session },
    { "postgres", "lock", DATABASE, doctor_check_lock },
    { "postgres", "tables", DATABASE, doctor_check_tables },
    { "postgres", "rights", DATABASE, doctor_check_rights },
    { "postgres", "rowSecurity", DATABASE, doctor_check_row_security },
    { "postgres", "clock", DATABASE, doctor_check_clock },
    { "postgres", "pgDump", DATABASE, doctor_check_pg_dump },
    { "postgres", "drill", DATABASE, doctor_check_drill },
    { "directory", "writable", 0, doctor_check_writable },
    { "directory", "readable", DIRECTORY, doctor_check_readable },
    { "directory", "space", DIRECTORY, doctor_check_space },
    { "directory", "files", DATABASE | TABLES | DIRECTORY, doctor_check_files },
    { "schedules", "queue", DATABASE | TABLES | QUEUE, doctor_check_schedulers },
    { "schedules", "backups", DATABASE | TABLES, doctor_check_backups },
    { "mail", "settings", DATABASE | TABLES, doctor_check_mail_settings },
    { "mail", "server", DATABASE | TABLES | MAIL, doctor_check_mail_server },
};

/* Why a check cannot be made; NULL: it can. */
static const char *
obstacle(const struct doctor *doctor, unsigned needs)
{
    if (!doctor->order->settings_are_good && (needs & (SETTINGS | DATABASE)) != 0)
        return "the settings are wrong";
    if ((needs & DATABASE) != 0 && doctor->database == NULL)
        return "Postgres cannot be asked";
    if ((needs & TABLES) != 0 && !doctor->has_tables)
        return "the app's tables are not there";
    if ((needs & DIRECTORY) != 0 && doctor->store == NULL)
        return "the backup directory cannot be used";
    if ((needs & QUEUE) != 0 && doctor->order->length == 0)
        return "the queue cannot be asked";
    if ((needs & MAIL) != 0 && doctor->mail.host == NULL)
        return "no mail is sent";
    return NULL;
}

void
doctor_look(const struct doctor_order *order)
{
    struct doctor doctor = { .order = order, .settings = order->settings };

    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        struct finding finding = { .about = checks[i].about, .check = checks[i].check };
        const char *why = obstacle(&doctor, checks[i].needs);

        if (why == NULL)
            checks[i].look(&doctor, &finding);
        else
            finding_unknown(&finding, "not checked: %s", why);
        if (finding.verdict == FINDING_BAD && finding.advice.length == 0) /* it was not to be expected */
            finding_advise(&finding, "try again; if it stays so, the server's log may tell more");
        order->on_found(&finding, order->owner);
        finding_clear(&finding);
    }
    mail_settings_clear(&doctor.mail);
    json_decref(doctor.facts);
    free(doctor.role);
    store_close(doctor.store);
    database_close(doctor.database);
}
