#include "jobs/mail_settings.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/memory.h"
#include "jobs/envelope.h"
#include "jobs/mail_text.h"

enum { ENABLED, HOST, PORT, SECURITY, USERNAME, CIPHERTEXT, FROM_NAME, FROM, REPLY_TO };

/* NULL for null and for an empty string, which mean the same. */
static const char *
value_of(const struct database_rows *rows, int column)
{
    const char *value = database_rows_value(rows, 0, column);

    return value == NULL || *value == '\0' ? NULL : value;
}

static bool
check_row(const struct database_rows *rows, struct error *err)
{
    int64_t port;

    if (database_rows_count(rows) == 0 || strcmp(database_rows_value(rows, 0, ENABLED), "t") != 0)
        return error_set(err, ERROR_CONFIG, "mail is not enabled in the app's settings");
    port = database_rows_number(rows, 0, PORT);
    if (value_of(rows, HOST) == NULL || port == 0 || value_of(rows, FROM) == NULL)
        return error_set(err, ERROR_CONFIG, "the app's mail settings lack %s",
            value_of(rows, HOST) == NULL ? "the host"
            : port == 0                  ? "the port"
                                         : "the sender's address");
    if (port < 1 || port > 65535)
        return error_set(err, ERROR_CONFIG, "the port in the app's mail settings is none");
    if (!mail_text_is_address(value_of(rows, FROM)))
        return error_set(err, ERROR_CONFIG, "the sender's address in the app's mail settings is none");
    if (value_of(rows, USERNAME) != NULL && value_of(rows, CIPHERTEXT) == NULL)
        return error_set(err, ERROR_CONFIG, "the app's mail settings have a user name, but no password");
    return true;
}

static enum smtp_security
security_of(const char *name)
{
    if (strcmp(name, "TLS") == 0)
        return SMTP_TLS;
    return strcmp(name, "NONE") == 0 ? SMTP_NONE : SMTP_STARTTLS;
}

static void
take_row(const struct database_rows *rows, struct mail_settings *out)
{
    const char *reply_to = value_of(rows, REPLY_TO);

    out->host = memory_copy_string(value_of(rows, HOST));
    out->port = (int)database_rows_number(rows, 0, PORT);
    out->security = security_of(database_rows_value(rows, 0, SECURITY));
    out->username = memory_copy_string(value_of(rows, USERNAME));
    out->from_name = memory_copy_string(value_of(rows, FROM_NAME));
    out->from = memory_copy_string(value_of(rows, FROM));
    if (reply_to != NULL && mail_text_is_address(reply_to))
        out->reply_to = memory_copy_string(reply_to);
    else if (reply_to != NULL)
        log_warn(LOG_EVENT("mail without reply-to"), LOG_TEXT("notAnAddress", reply_to));
}

static bool
open_password(const char *ciphertext, const struct settings *settings, struct mail_settings *out, struct error *err)
{
    struct envelope_keys keys = {
        .current = &settings->smtp_key, .current_id = settings->smtp_key_id, .previous = &settings->smtp_previous_keys
    };

    if (!envelope_open(ciphertext, &keys, &out->password, err))
        return false;
    return *secret_reveal(&out->password) != '\0' ||
           error_set(err, ERROR_CONFIG, "the app's mail settings have a user name, but an empty password");
}

bool
mail_settings_read(
    struct database *database, const struct settings *settings, struct mail_settings *out, struct error *err)
{
    struct database_rows *rows = NULL;
    bool ok;

    *out = (struct mail_settings){ .host = NULL };
    if (!database_query(database,
            "SELECT enabled, host, port, secure_mode, username, password_ciphertext, from_name, from_email, reply_to "
            "FROM email_settings WHERE id = 'singleton'",
            0, NULL, &rows, err))
        return error_add(err, "read the app's mail settings");
    ok = check_row(rows, err);
    if (ok)
        take_row(rows, out);
    if (ok && out->username != NULL)
        ok = open_password(value_of(rows, CIPHERTEXT), settings, out, err);
    database_rows_free(rows);
    return ok;
}

void
mail_settings_clear(struct mail_settings *settings)
{
    free(settings->host);
    free(settings->username);
    secret_clear(&settings->password);
    free(settings->from_name);
    free(settings->from);
    free(settings->reply_to);
    *settings = (struct mail_settings){ .host = NULL };
}

static void
take_recipients(const struct database_rows *rows, struct mail_audience *out)
{
    for (size_t i = 0; i < database_rows_count(rows); i++) {
        const char *address = database_rows_value(rows, i, 2);

        if (address == NULL)
            continue; /* the row of a config that has none */
        if (!mail_text_is_address(address))
            out->wrong++;
        else if (out->count == MAIL_RECIPIENTS_MAX)
            out->left_out++;
        else
            out->recipients[out->count++] = memory_copy_string(address);
    }
}

bool
mail_audience_read(struct database *database, const char *config_id, struct mail_audience *out, struct error *err)
{
    struct database_rows *rows = NULL;

    *out = (struct mail_audience){ .schedule = NULL };
    if (!database_query(database,
            "SELECT name, notify_on_success, address FROM backup_config "
            "LEFT JOIN LATERAL unnest(notify_emails) WITH ORDINALITY AS one (address, place) ON true "
            "WHERE id = $1::uuid ORDER BY place",
            1, &config_id, &rows, err))
        return error_add(err, "read whom to notify");
    if (database_rows_count(rows) > 0) {
        out->schedule = memory_copy_string(database_rows_value(rows, 0, 0));
        out->wants_success = strcmp(database_rows_value(rows, 0, 1), "t") == 0;
        take_recipients(rows, out);
    }
    database_rows_free(rows);
    return true;
}

void
mail_audience_clear(struct mail_audience *audience)
{
    free(audience->schedule);
    for (size_t i = 0; i < audience->count; i++)
        free(audience->recipients[i]);
    *audience = (struct mail_audience){ .schedule = NULL };
}
