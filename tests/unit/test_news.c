#include "tests/unit/test.h"

#include <string.h>

#include "common/text.h"
#include "jobs/mail.h"
#include "jobs/news.h"
#include "jobs/ping.h"
#include "jobs/stop.h"
#include "jobs/webhook.h"

static struct text told;
static enum error_code webhook_trouble; /* ERROR_NONE: none */
static const struct settings settings = { .log_level = LOG_LEVEL_INFO };
static struct database *const session = (struct database *)&told; /* only handed on */

bool __wrap_webhook_send(const struct settings *with, const struct news *news, struct error *err);
bool __wrap_ping_send(const struct settings *with, const struct ping *ping, struct error *err);
bool __wrap_mail_send(
    struct database *database, const struct settings *with, const struct mail *mail, struct error *err);

bool
__wrap_webhook_send(const struct settings *with, const struct news *news, struct error *err)
{
    (void)with;
    text_format(&told, "webhook %s; ", news->run_id);
    return webhook_trouble == ERROR_NONE || error_set(err, webhook_trouble, "trouble");
}

bool
__wrap_ping_send(const struct settings *with, const struct ping *ping, struct error *err)
{
    (void)with;
    (void)err;
    text_format(&told, "ping %s; ", ping->kind == PING_SUCCESS ? "success" : ping->reason);
    return true;
}

bool
__wrap_mail_send(struct database *database, const struct settings *with, const struct mail *mail, struct error *err)
{
    (void)with;
    (void)err;
    assert_ptr_equal(database, session);
    text_format(&told, "mail %s", mail->error == NULL ? "success" : mail->error);
    return true;
}

static void
assert_told(struct database *database, const struct news *news, const char *expected)
{
    text_reset(&told);
    assert_true(news_tell(database, &settings, news));
    assert_string_equal(text_string(&told), expected);
    text_clear(&told);
}

static const struct news failure = {
    .kind = NEWS_FAILED, .config_id = "c", .config_name = "n", .run_id = "r", .error = "no"
};

static void
all_are_told_one_after_the_other(void **state)
{
    const struct news success = { .kind = NEWS_COMPLETED, .config_id = "c", .config_name = "n", .run_id = "r" };

    (void)state;
    assert_told(session, &success, "webhook r; ping success; mail success");
    assert_told(session, &failure, "webhook r; ping no; mail no");
}

static void
without_a_session_nobody_gets_a_mail_but_the_others_are_told(void **state)
{
    (void)state;
    assert_told(NULL, &failure, "webhook r; ping no; ");
}

static void
people_alone_are_told_if_the_others_know(void **state)
{
    struct news news = failure;

    (void)state;
    news.only_people = true;
    assert_told(session, &news, "mail no");
}

static void
who_says_no_is_asked_the_next_time_who_takes_too_long_is_not(void **state)
{
    (void)state;
    webhook_trouble = ERROR_REFUSED;
    assert_told(session, &failure, "webhook r; ping no; mail no");
    assert_false(news_are_held_up());
    webhook_trouble = ERROR_TIMEOUT;
    assert_told(session, &failure, "webhook r; ping no; mail no");
    assert_true(news_are_held_up());
    webhook_trouble = ERROR_NONE;
    assert_told(session, &failure, "ping no; mail no");
    assert_told(session, &failure, "ping no; mail no");
}

static void
what_fails_when_the_time_is_over_was_given_up(void **state)
{
    struct error err;

    (void)state;
    assert_true(stop_start(moment_now(), &err));
    assert_false(news_tell(NULL, &settings, &failure));
    text_clear(&told);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_are_told_one_after_the_other),
        cmocka_unit_test(without_a_session_nobody_gets_a_mail_but_the_others_are_told),
        cmocka_unit_test(people_alone_are_told_if_the_others_know),
        cmocka_unit_test(who_says_no_is_asked_the_next_time_who_takes_too_long_is_not),
        cmocka_unit_test(what_fails_when_the_time_is_over_was_given_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
