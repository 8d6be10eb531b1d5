#include "tests/unit/test.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "consumer/http.h"
#include "tests/unit/fake_redis.h"
#include "tests/unit/folder.h"

/* A worker's socket, of whose places only /healthz is asked. */
struct fixture {
    struct event_base *base;
    char folder[FOLDER_PATH];
    struct listen_address address;
};

static int
set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct text text = TEXT_EMPTY;
    struct error err;

    assert_non_null(fixture);
    fixture->base = event_base_new();
    folder_make(fixture->folder);
    text_format(&text, "unix:%s/health.sock", fixture->folder);
    assert_true(listen_address_parse(text_string(&text), &fixture->address, &err));
    text_clear(&text);
    *state = fixture;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *fixture = *state;

    event_base_free(fixture->base);
    folder_remove(fixture->folder);
    free(fixture);
    return 0;
}

static struct http *
listens(struct fixture *fixture)
{
    struct error err;
    struct http *http = http_new(fixture->base, &fixture->address, NULL, &err);

    if (http == NULL)
        fail_msg("%s", err.text);
    return http;
}

static int
connected(const struct fixture *fixture)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    assert_true(fd != -1);
    if (connect(fd, (const struct sockaddr *)&fixture->address.address, fixture->address.length) == -1) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static void
say(int fd, const char *words)
{
    assert_int_equal(send(fd, words, strlen(words), MSG_NOSIGNAL), strlen(words));
}

/* What has come up to now; true: and that was the end. */
static bool
hear(int fd, struct text *out)
{
    char bytes[4096];
    ssize_t count;

    while ((count = recv(fd, bytes, sizeof(bytes), 0)) > 0)
        text_add_bytes(out, bytes, (size_t)count);
    return count == 0;
}

static void
assert_answer(struct fixture *fixture, int fd, const char *status, const char *body)
{
    struct text out = TEXT_EMPTY;
    const char *end;

    RUN_UNTIL(fixture->base, hear(fd, &out));
    assert_int_equal(strncmp(text_string(&out), status, strlen(status)), 0);
    end = strstr(text_string(&out), "\r\n\r\n");
    assert_non_null(end);
    assert_string_equal(end + 4, body);
    text_clear(&out);
}

#define ASK "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"

static void
a_request_is_answered_however_it_comes(void **state)
{
    struct fixture *fixture = *state;
    struct http *http = listens(fixture);
    int fd = connected(fixture);

    for (const char *c = ASK; *c != '\0'; c++) {
        say(fd, (char[]){ *c, '\0' });
        fake_turn(fixture->base);
    }
    assert_answer(fixture, fd, "HTTP/1.1 200 ", "alive\n");
    (void)close(fd);

    fd = connected(fixture);
    say(fd, ASK "GET / HTTP/1.1\r\n\r\n"); /* a second one is not for this connection */
    (void)shutdown(fd, SHUT_WR);
    assert_answer(fixture, fd, "HTTP/1.1 200 ", "alive\n");
    (void)close(fd);

    fd = connected(fixture);
    say(fd, "HEAD /healthz HTTP/1.1\nAccept: application/json\n\n");
    assert_answer(fixture, fd, "HTTP/1.1 200 ", "");
    (void)close(fd);
    http_free(http);
}

static void
what_follows_a_refused_request_does_not_cost_the_answer(void **state)
{
    struct fixture *fixture = *state;
    struct http *http = listens(fixture);
    int fd = connected(fixture);

    say(fd, "POST / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n");
    for (int i = 0; i < 10; i++) {
        say(fd, "some of a body that is long");
        fake_turn(fixture->base);
    }
    assert_answer(fixture, fd, "HTTP/1.1 405 ", "this is no request that is answered here\n");
    (void)close(fd);
    http_free(http);
}

static void
beyond_the_most_connections_the_oldest_gives_way(void **state)
{
    struct fixture *fixture = *state;
    struct http *http = listens(fixture);
    struct text out = TEXT_EMPTY;
    int idle[HTTP_CONNECTIONS];
    int fd;

    for (size_t i = 0; i < HTTP_CONNECTIONS; i++) {
        idle[i] = connected(fixture);
        assert_true(idle[i] != -1);
        fake_turn(fixture->base);
    }
    assert_false(hear(idle[0], &out));
    fd = connected(fixture);
    say(fd, ASK);
    assert_answer(fixture, fd, "HTTP/1.1 200 ", "alive\n");
    assert_true(hear(idle[0], &out));
    for (size_t i = 1; i < HTTP_CONNECTIONS; i++)
        assert_false(hear(idle[i], &out));
    assert_int_equal(out.length, 0);
    for (size_t i = 0; i < HTTP_CONNECTIONS; i++)
        (void)close(idle[i]);
    (void)close(fd);
    http_free(http);
}

static void
without_a_descriptor_for_it_a_connection_waits_and_the_loop_rests(void **state)
{
    struct fixture *fixture = *state;
    struct http *http = listens(fixture);
    int fd = connected(fixture);
    struct rlimit before;
    struct rlimit none;
    clock_t begun;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = (rlim_t)fd + 1;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    say(fd, ASK);
    begun = clock();
    fake_run(fixture->base, 500);
    assert_true(clock() - begun < CLOCKS_PER_SEC / 4);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_answer(fixture, fd, "HTTP/1.1 200 ", "alive\n");
    (void)close(fd);
    http_free(http);
}

static void
the_socket_of_a_dead_worker_is_replaced_and_ours_goes_with_us(void **state)
{
    struct fixture *fixture = *state;
    int dead = socket(AF_UNIX, SOCK_STREAM, 0);

    assert_int_equal(bind(dead, (const struct sockaddr *)&fixture->address.address, fixture->address.length), 0);
    (void)close(dead);
    assert_string_equal(folder_list(fixture->folder), "health.sock");
    http_free(listens(fixture));
    assert_string_equal(folder_list(fixture->folder), "");
}

static void
the_socket_of_another_worker_stays(void **state)
{
    struct fixture *fixture = *state;
    struct http *first = listens(fixture);
    struct http *second;

    (void)unlink(listen_address_path(&fixture->address)); /* as two that start at the same time may do to each other */
    second = listens(fixture);
    http_free(first);
    assert_string_equal(folder_list(fixture->folder), "health.sock");
    http_free(second);
    assert_string_equal(folder_list(fixture->folder), "");
}

static void
a_stuck_worker_with_a_full_queue_is_not_waited_for(void **state)
{
    struct fixture *fixture = *state;
    int stuck = socket(AF_UNIX, SOCK_STREAM, 0);
    int waiting[8];
    int count = 0;
    struct error err;

    assert_int_equal(bind(stuck, (const struct sockaddr *)&fixture->address.address, fixture->address.length), 0);
    assert_int_equal(listen(stuck, 1), 0);
    while ((waiting[count] = connected(fixture)) != -1)
        assert_true(++count < 8);
    assert_int_equal(errno, EAGAIN);
    assert_null(http_new(fixture->base, &fixture->address, NULL, &err));
    assert_non_null(strstr(err.text, "Address already in use"));
    assert_string_equal(folder_list(fixture->folder), "health.sock");
    while (count > 0)
        (void)close(waiting[--count]);
    (void)close(stuck);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_request_is_answered_however_it_comes),
        TEST(what_follows_a_refused_request_does_not_cost_the_answer),
        TEST(beyond_the_most_connections_the_oldest_gives_way),
        TEST(without_a_descriptor_for_it_a_connection_waits_and_the_loop_rests),
        TEST(the_socket_of_a_dead_worker_is_replaced_and_ours_goes_with_us),
        TEST(the_socket_of_another_worker_stays),
        TEST(a_stuck_worker_with_a_full_queue_is_not_waited_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
