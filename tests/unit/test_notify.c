#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/clock.h"
#include "consumer/notify.h"
#include "tests/unit/fake_redis.h"

/* A service manager that listens on an abstract socket. */
struct fixture {
    struct event_base *base;
    int fd;
};

static int
set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    char name[64];
    int length;

    assert_non_null(fixture);
    fixture->base = event_base_new();
    fixture->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    length = snprintf(name, sizeof(name), "@weavestream-notify-%d", (int)getpid());
    memcpy(address.sun_path + 1, name + 1, (size_t)length - 1);
    assert_int_equal(bind(fixture->fd, (struct sockaddr *)&address,
                         (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)length)),
        0);
    (void)setenv("NOTIFY_SOCKET", name, 1);
    (void)unsetenv("WATCHDOG_USEC");
    (void)unsetenv("WATCHDOG_PID");
    *state = fixture;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *fixture = *state;

    (void)close(fixture->fd);
    event_base_free(fixture->base);
    free(fixture);
    return 0;
}

static bool
hears(const struct fixture *fixture, const char *message)
{
    char bytes[64] = "";
    ssize_t length = recv(fixture->fd, bytes, sizeof(bytes) - 1, 0);

    if (length > 0)
        assert_string_equal(bytes, message);
    return length > 0;
}

static void
it_is_ready_once_the_loop_turns_and_stops_when_it_is_told_to(void **state)
{
    struct fixture *fixture = *state;
    struct notify *notify = notify_new(fixture->base);

    assert_non_null(notify);
    assert_null(getenv("NOTIFY_SOCKET"));
    assert_false(hears(fixture, "nothing yet"));
    RUN_UNTIL(fixture->base, hears(fixture, "READY=1"));
    fake_run(fixture->base, 50);
    assert_false(hears(fixture, "nothing more"));
    notify_stopping(notify);
    assert_true(hears(fixture, "STOPPING=1"));
    notify_free(notify);
}

static void
the_watchdog_is_fed_twice_in_its_time(void **state)
{
    struct fixture *fixture = *state;
    struct notify *notify;
    struct moment start;

    (void)setenv("WATCHDOG_USEC", "100000", 1);
    notify = notify_new(fixture->base);
    RUN_UNTIL(fixture->base, hears(fixture, "READY=1"));
    start = moment_now();
    for (int i = 0; i < 4; i++)
        RUN_UNTIL(fixture->base, hears(fixture, "WATCHDOG=1"));
    assert_true(moment_ms_between(start, moment_now()) >= 4 * 50 - 10);
    notify_free(notify);
}

static void
a_watchdog_of_another_process_is_not_fed(void **state)
{
    struct fixture *fixture = *state;
    struct notify *notify;

    (void)setenv("WATCHDOG_USEC", "20000", 1);
    (void)setenv("WATCHDOG_PID", "1", 1);
    notify = notify_new(fixture->base);
    RUN_UNTIL(fixture->base, hears(fixture, "READY=1"));
    fake_run(fixture->base, 60);
    assert_false(hears(fixture, "nothing more"));
    notify_free(notify);
}

static void
without_a_manager_nobody_is_told(void **state)
{
    struct fixture *fixture = *state;
    static const char *const none[] = { "", "relative", "/", "@" };

    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        (void)setenv("NOTIFY_SOCKET", none[i], 1);
        assert_null(notify_new(fixture->base));
    }
    (void)unsetenv("NOTIFY_SOCKET");
    assert_null(notify_new(fixture->base));
    notify_stopping(NULL);
    notify_free(NULL);
}

static void
a_manager_that_is_gone_does_no_harm(void **state)
{
    struct fixture *fixture = *state;
    struct notify *notify;

    (void)setenv("NOTIFY_SOCKET", "/nowhere/notify", 1);
    notify = notify_new(fixture->base);
    assert_non_null(notify);
    fake_run(fixture->base, 20);
    notify_stopping(notify);
    notify_free(notify);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_is_ready_once_the_loop_turns_and_stops_when_it_is_told_to),
        TEST(the_watchdog_is_fed_twice_in_its_time),
        TEST(a_watchdog_of_another_process_is_not_fed),
        TEST(without_a_manager_nobody_is_told),
        TEST(a_manager_that_is_gone_does_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
