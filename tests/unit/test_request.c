#include "tests/unit/test.h"

#include <string.h>

#include "consumer/request.h"

/* The request after these lines, or as many as it takes. */
static struct request
read_lines(const char *const *lines)
{
    struct request request = REQUEST_EMPTY;

    for (size_t i = 0; lines[i] != NULL && request.state < REQUEST_WHOLE; i++)
        request_take_line(&request, lines[i], strlen(lines[i]));
    return request;
}

#define READ(...) read_lines((const char *const[]){ __VA_ARGS__, NULL })

static void
assert_refused(struct request request, int status)
{
    assert_int_equal(request.state, REQUEST_REFUSED);
    assert_int_equal(request.refusal, status);
    request_clear(&request);
}

static void
a_request_is_whole_with_its_empty_line(void **state)
{
    struct request request = READ("GET /readyz?verbose=1 HTTP/1.1", "Host: x");

    (void)state;
    assert_int_equal(request.state, REQUEST_HEADERS);
    request_take_line(&request, "", 0);
    assert_int_equal(request.state, REQUEST_WHOLE);
    assert_string_equal(request.path, "/readyz");
    assert_false(request.is_head);
    assert_false(request.accepts_json);
    request_clear(&request);
}

static void
json_is_for_those_who_ask_for_it(void **state)
{
    struct request request = READ("HEAD / HTTP/1.0", "ACCEPT: text/html, Application/JSON;q=0.5", "Accept: */*", "");

    (void)state;
    assert_int_equal(request.state, REQUEST_WHOLE);
    assert_true(request.is_head);
    assert_true(request.accepts_json);
    request_clear(&request);
}

static void
what_is_no_request_is_refused(void **state)
{
    struct request request = REQUEST_EMPTY;

    (void)state;
    assert_refused(READ(""), 400);
    assert_refused(READ("hello"), 400);
    assert_refused(READ("GET /"), 400);
    assert_refused(READ("GET example.org HTTP/1.1"), 400);
    assert_refused(READ("GET / HTTP/2.0"), 505);
    assert_refused(READ("POST / HTTP/1.1"), 405);
    assert_refused(READ("GETS / HTTP/1.1"), 405);
    request_take_line(&request, "GET /\0x HTTP/1.1", 16);
    assert_refused(request, 400);
}

static void
what_does_not_end_is_refused(void **state)
{
    struct request request = READ("GET / HTTP/1.1");

    (void)state;
    request_wait(&request, REQUEST_BYTES_MAX - 16);
    assert_int_equal(request.state, REQUEST_HEADERS);
    request_wait(&request, REQUEST_BYTES_MAX);
    assert_refused(request, 431);

    request = READ("GET / HTTP/1.1");
    while (request.state == REQUEST_HEADERS)
        request_take_line(&request, "A: b", 4);
    assert_true(request.bytes <= REQUEST_BYTES_MAX + 5);
    assert_refused(request, 431);
}

static void
the_head_of_an_answer_says_that_nothing_follows_it(void **state)
{
    const struct wall now = { .ms = 1795382600905 };
    struct text out = TEXT_EMPTY;

    (void)state;
    request_add_head(&out, 405, "text/plain", 12, now);
    assert_ptr_equal(
        strstr(text_string(&out), "HTTP/1.1 405 Method Not Allowed\r\nServer: weavestream-backup\r\nDate: Sun, 22 Nov "
                                  "2026 21:23:20 GMT\r\nContent-Type: "
                                  "text/plain\r\nContent-Length: 12\r\nAllow: GET, HEAD\r\nConnection: close\r\n"),
        text_string(&out));
    assert_string_equal(text_string(&out) + out.length - 4, "\r\n\r\n");
    text_clear(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_whole_with_its_empty_line),
        cmocka_unit_test(json_is_for_those_who_ask_for_it),
        cmocka_unit_test(what_is_no_request_is_refused),
        cmocka_unit_test(what_does_not_end_is_refused),
        cmocka_unit_test(the_head_of_an_answer_says_that_nothing_follows_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
