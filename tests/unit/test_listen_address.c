#include "tests/unit/test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "common/listen_address.h"

static struct listen_address
parsed(const char *text)
{
    struct listen_address address;
    struct error err = ERROR_EMPTY;

    if (!listen_address_parse(text, &address, &err))
        fail_msg("'%s': %s", text, err.text);
    assert_string_equal(address.text, text);
    return address;
}

static void
an_ipv4_address_has_a_port_behind_its_colon(void **state)
{
    struct listen_address address = parsed("127.0.0.1:9466");
    const struct sockaddr_in *four = (const struct sockaddr_in *)&address.address;

    (void)state;
    assert_int_equal(four->sin_family, AF_INET);
    assert_int_equal(ntohl(four->sin_addr.s_addr), INADDR_LOOPBACK);
    assert_int_equal(ntohs(four->sin_port), 9466);
    assert_int_equal(address.length, sizeof(*four));
    assert_null(listen_address_path(&address));
}

static void
an_ipv6_address_stands_in_brackets(void **state)
{
    struct listen_address address = parsed("[::1]:9466");
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&address.address;

    (void)state;
    assert_int_equal(six->sin6_family, AF_INET6);
    assert_true(IN6_IS_ADDR_LOOPBACK(&six->sin6_addr));
    assert_int_equal(ntohs(six->sin6_port), 9466);
    assert_int_equal(address.length, sizeof(*six));
}

static void
a_socket_has_an_absolute_path(void **state)
{
    struct listen_address address = parsed("unix:/run/a:b.sock");

    (void)state;
    assert_string_equal(listen_address_path(&address), "/run/a:b.sock");
    assert_int_equal(address.length, sizeof(struct sockaddr_un));
}

static void
a_client_reaches_the_address_of_all_interfaces_by_loopback(void **state)
{
    struct listen_address four = parsed("0.0.0.0:1");
    struct listen_address six = parsed("[::]:1");
    struct listen_address other = parsed("192.0.2.7:1");
    struct sockaddr_storage reach;

    (void)state;
    reach = listen_address_reach(&four);
    assert_int_equal(ntohl(((struct sockaddr_in *)&reach)->sin_addr.s_addr), INADDR_LOOPBACK);
    reach = listen_address_reach(&six);
    assert_true(IN6_IS_ADDR_LOOPBACK(&((struct sockaddr_in6 *)&reach)->sin6_addr));
    reach = listen_address_reach(&other);
    assert_memory_equal(&reach, &other.address, sizeof(reach));
}

static void
anything_else_is_refused_and_nothing_is_changed(void **state)
{
    static const char *const wrong[] = { "", ":", "9466", ":9466", "localhost:9466", "127.0.0.1",
        "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:+1", "127.0.0.1:1 ", "127.1:1", "::1:9466", "[::1]",
        "[::1:9466", "[127.0.0.1]:1", "[]:1", "unix:", "unix:relative", "http://127.0.0.1:1" };
    struct listen_address address = parsed("127.0.0.1:1");
    char path[200] = "unix:/";

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct error err = ERROR_EMPTY;

        if (listen_address_parse(wrong[i], &address, &err))
            fail_msg("'%s' is an address", wrong[i]);
        assert_int_equal(err.code, ERROR_CONFIG);
        assert_string_equal(address.text, "127.0.0.1:1");
    }
    memset(path + strlen(path), 'x', 107); /* one more than a socket's path may have */
    assert_false(listen_address_parse(path, &address, &(struct error){ .code = ERROR_NONE }));
    path[strlen(path) - 1] = '\0';
    (void)parsed(path);
    memset(path, '1', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    assert_false(listen_address_parse(path, &address, &(struct error){ .code = ERROR_NONE }));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ipv4_address_has_a_port_behind_its_colon),
        cmocka_unit_test(an_ipv6_address_stands_in_brackets),
        cmocka_unit_test(a_socket_has_an_absolute_path),
        cmocka_unit_test(a_client_reaches_the_address_of_all_interfaces_by_loopback),
        cmocka_unit_test(anything_else_is_refused_and_nothing_is_changed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
