#include "jobs/mail.h"

#include <string.h>

#include "common/log.h"
#include "common/text.h"
#include "jobs/mail_settings.h"
#include "jobs/mail_text.h"
#include "jobs/reporter.h"
#include "jobs/smtp.h"
#include "jobs/uuid.h"

static void
warn_of_left_out(const struct mail_audience *audience)
{
    if (audience->left_out > 0) {
        log_warn(LOG_EVENT("mail recipients left out"), LOG_NUMBER("sentTo", audience->count),
            LOG_NUMBER("leftOut", audience->left_out));
        reporter_log(
            "The mail goes to the first %zu recipients only; left out: %zu", audience->count, audience->left_out);
    }
    if (audience->wrong > 0) {
        log_warn(LOG_EVENT("mail recipients without an address"), LOG_NUMBER("count", audience->wrong));
        reporter_log("Recipients that are no mail addresses: %zu", audience->wrong);
    }
}

static void
warn_of_refused(const struct mail_audience *audience, const struct smtp_refusals *refusals)
{
    const char *first = audience->recipients[refusals->first];

    log_warn(LOG_EVENT("mail recipients refused"), LOG_NUMBER("count", refusals->count),
        LOG_NUMBER("of", audience->count), LOG_TEXT("first", first), LOG_TEXT("reply", refusals->reply));
    reporter_log("The mail server refused %zu of %zu recipients, the first of them %s: %s", refusals->count,
        audience->count, first, refusals->reply);
}

static bool
send_to_audience(const struct mail_audience *audience, const struct mail_settings *from, const char *extra_ca_file,
    const struct mail *mail, struct error *err)
{
    const char *const *recipients = (const char *const *)audience->recipients;
    struct smtp_server server = { .host = from->host,
        .port = from->port,
        .security = from->security,
        .username = from->username,
        .password = &from->password,
        .extra_ca_file = extra_ca_file };
    struct mail_text content = { .from_name = from->from_name,
        .from = from->from,
        .reply_to = from->reply_to,
        .recipients = recipients,
        .recipient_count = audience->count,
        .schedule = audience->schedule,
        .date = wall_now(),
        .mail = mail };
    struct smtp_mail letter = { .from = from->from, .recipients = recipients, .recipient_count = audience->count };
    struct smtp_refusals refusals;
    struct text text = TEXT_EMPTY;
    char id[UUID_SIZE];
    bool ok = false;

    if (uuid_make(id, err)) {
        content.id = id;
        mail_text_add(&content, &text);
        letter.bytes = text.data;
        letter.length = text.length;
        ok = smtp_send(&server, &letter, MAIL_MS, &refusals, err);
    }
    text_clear(&text);
    if (!ok)
        return false;
    log_info(LOG_EVENT("mail sent"), LOG_TEXT("config", mail->config_id),
        LOG_NUMBER("recipients", audience->count - refusals.count));
    if (refusals.count > 0)
        warn_of_refused(audience, &refusals);
    return true;
}

bool
mail_send(struct database *database, const struct settings *settings, const struct mail *mail, struct error *err)
{
    struct mail_audience audience;
    struct mail_settings from = { .host = NULL };
    bool ok = mail_audience_read(database, mail->config_id, &audience, err);

    if (ok && (mail->error != NULL || mail->after_success != NULL || audience.wants_success)) {
        warn_of_left_out(&audience);
        if (audience.count > 0)
            ok = mail_settings_read(database, settings, &from, err) &&
                 send_to_audience(&audience, &from, settings->extra_ca_file, mail, err);
    }
    mail_settings_clear(&from);
    mail_audience_clear(&audience);
    return ok;
}
