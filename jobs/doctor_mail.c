/* What doctor asks about mail: the app's settings, and the server's greeting. No mail is sent. */
#include <string.h>

#include "common/text.h"
#include "jobs/doctor_checks.h"

#define GREETING_MS 5000

static const char *
security_name(enum smtp_security security)
{
    return security == SMTP_TLS ? "TLS" : security == SMTP_STARTTLS ? "STARTTLS" : "no encryption";
}

/* Of enabled schedules: how many have somebody to tell; and whether the app may send mail at all. */
static bool
find_audience(struct database *database, int64_t *with, int64_t *without, bool *enabled, struct error *err)
{
    struct database_rows *rows = NULL;

    if (!database_query(database,
            "SELECT count(*) FILTER (WHERE cardinality(notify_emails) > 0), "
            "count(*) FILTER (WHERE cardinality(notify_emails) = 0), "
            "coalesce((SELECT enabled FROM email_settings WHERE id = 'singleton'), false) "
            "FROM backup_config WHERE enabled",
            0, NULL, &rows, err))
        return error_add(err, "ask who is told by mail");
    *with = database_rows_number(rows, 0, 0);
    *without = database_rows_number(rows, 0, 1);
    *enabled = strcmp(database_rows_value(rows, 0, 2), "t") == 0;
    database_rows_free(rows);
    return true;
}

static bool
tells_otherwise(const struct settings *settings)
{
    return secret_is_set(&settings->ping_url) || secret_is_set(&settings->webhook_url);
}

/* Mail may be unwanted, but somebody must learn of a backup that failed. */
static void
judge_silence(const struct doctor *doctor, int64_t with, struct finding *finding)
{
    if (with > 0)
        finding_warn(
            finding, "mail is not enabled in the app, but schedules have recipients: they are not told of failures");
    else if (!tells_otherwise(doctor->settings))
        finding_warn(finding, "no mail is set up, nor a webhook or ping: nobody is told of failures");
    else
        finding_ok(finding, "no mail is set up; failures are told by ping or webhook");
    if (finding->verdict != FINDING_OK)
        finding_advise(finding, "set up mail in the app, or BACKUP_PING_URL or BACKUP_WEBHOOK_URL");
}

static void
judge_settings(const struct doctor *doctor, int64_t without, struct finding *finding)
{
    const struct mail_settings *mail = &doctor->mail;

    if (without > 0 && !tells_otherwise(doctor->settings)) {
        finding_warn(finding,
            "mail is set up, but enabled schedules have no recipients (%d): nobody is told of their failures",
            (int)without);
        finding_advise(finding, "give each schedule somebody to notify, or set BACKUP_PING_URL or BACKUP_WEBHOOK_URL");
    } else
        finding_ok(finding, "from '%s' by '%s', port %d, with %s%s", mail->from, mail->host, mail->port,
            security_name(mail->security), mail->username == NULL ? "" : "; its password can be decrypted");
}

void
doctor_check_mail_settings(struct doctor *doctor, struct finding *finding)
{
    int64_t with = 0;
    int64_t without = 0;
    bool enabled = false;
    struct error err;

    if (!find_audience(doctor->database, &with, &without, &enabled, &err))
        finding_bad(finding, "%s", err.text);
    else if (!enabled)
        judge_silence(doctor, with, finding);
    else if (with == 0 && tells_otherwise(doctor->settings)) /* whether the app's mail arrives is not ours to judge */
        finding_ok(finding, "no enabled schedule has recipients; failures are told by ping or webhook");
    else if (mail_settings_read(doctor->database, doctor->settings, &doctor->mail, &err))
        judge_settings(doctor, without, finding);
    else {
        mail_settings_clear(&doctor->mail);
        finding_bad(finding, "%s", err.text);
        finding_advise(finding, "complete the mail settings in the app; SMTP_SECRET_KEY, SMTP_SECRET_KEY_KID and "
                                "SMTP_PREVIOUS_KEYS must be the app's");
    }
}

void
doctor_check_mail_server(struct doctor *doctor, struct finding *finding)
{
    const struct mail_settings *mail = &doctor->mail;
    const struct smtp_server server = { .host = mail->host,
        .port = mail->port,
        .security = mail->security,
        .username = mail->username,
        .password = &mail->password,
        .extra_ca_file = doctor->settings->extra_ca_file };
    struct error err;

    if (smtp_greet(&server, GREETING_MS, &err)) {
        finding_ok(finding, "it greets%s%s", mail->security == SMTP_NONE ? "" : ", its certificate is good",
            mail->username == NULL ? "" : ", and it lets us in");
        return;
    }
    finding_bad(finding, "%s", err.text);
    finding_advise(
        finding, "the app's mail settings must lead to a server that takes its mail: no failure is told until then");
}
