#include "jobs/news.h"

#include "common/log.h"
#include "jobs/history.h"
#include "jobs/mail.h"
#include "jobs/ping.h"
#include "jobs/reporter.h"
#include "jobs/stop.h"
#include "jobs/webhook.h"

static bool
tell_webhook(struct database *database, const struct settings *settings, const struct news *news, struct error *err)
{
    struct history_config config = { .name = NULL };
    struct news named = *news;
    struct error ignored; /* without its name the news are still news */
    bool found = false;
    bool ok;

    if (news->config_name == NULL && database != NULL && secret_is_set(&settings->webhook_url) &&
        history_find_config(database, news->config_id, &config, &found, &ignored) && found)
        named.config_name = config.name;
    ok = webhook_send(settings, &named, err);
    history_config_clear(&config);
    return ok;
}

static bool
tell_ping(struct database *database, const struct settings *settings, const struct news *news, struct error *err)
{
    const struct ping ping = { .kind = news->error == NULL ? PING_SUCCESS : PING_FAILURE,
        .reason = news->error,
        .duration_ms = news->duration_ms };

    (void)database;
    return ping_send(settings, &ping, err);
}

static bool
tell_people(struct database *database, const struct settings *settings, const struct news *news, struct error *err)
{
    const struct mail mail = { .config_id = news->config_id,
        .error = news->error,
        .explanation = news->explanation,
        .filename = news->filename,
        .size_bytes = news->size_bytes,
        .after_success = news->after_success };

    if (database == NULL)
        return error_set(err, ERROR_LOST, "there is no session with Postgres to ask whom to tell");
    return mail_send(database, settings, &mail, err);
}

static struct {
    bool (*tell)(
        struct database *database, const struct settings *settings, const struct news *news, struct error *err);
    const char *event;
    const char *failure;
    bool is_people;
    bool hangs; /* it took too long once */
} ways[] = {
    { tell_webhook, "webhook not told", "The webhook was not told", false, false },
    { tell_ping, "ping not sent", "No ping was sent", false, false },
    { tell_people, "mail not sent", "No mail was sent", true, false },
};

static bool
is_given_up(void)
{
    struct error why;

    return stop_was_requested() || !stop_check(&why);
}

bool
news_tell(struct database *database, const struct settings *settings, const struct news *news)
{
    bool given_up = false;

    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        struct error err;

        if (news->only_people && !ways[i].is_people)
            continue;
        if (ways[i].hangs)
            (void)error_set(&err, ERROR_TIMEOUT, "it took too long before, and is not asked again");
        else if (ways[i].tell(database, settings, news, &err))
            continue;
        ways[i].hangs = err.code == ERROR_TIMEOUT;
        log_warn(LOG_EVENT(ways[i].event), LOG_TEXT("config", news->config_id), LOG_ERROR(&err));
        reporter_log("%s: %s", ways[i].failure, err.text);
        given_up = given_up || is_given_up();
    }
    return !given_up;
}

bool
news_are_held_up(void)
{
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
        if (ways[i].hangs)
            return true;
    return false;
}
