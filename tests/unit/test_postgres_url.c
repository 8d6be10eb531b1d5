#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>

#include "common/postgres_url.h"

static void
parse(const char *string, struct postgres_url *url)
{
    struct error err = ERROR_EMPTY;

    if (!postgres_url_parse(string, url, &err))
        fail_msg("'%s': %s", string, err.text);
}

static void
assert_conninfo(const char *string, const char *expected)
{
    struct postgres_url url;
    struct text out = TEXT_EMPTY;

    parse(string, &url);
    postgres_url_add_conninfo(&url, &out);
    assert_string_equal(text_string(&out), expected);
    text_clear(&out);
    postgres_url_clear(&url);
    assert_int_equal(url.count, 0);
}

static void
assert_refused(const char *string, const char *expected)
{
    struct postgres_url url;
    struct error err = ERROR_EMPTY;

    assert_false(postgres_url_parse(string, &url, &err));
    assert_int_equal(err.code, ERROR_INPUT);
    assert_string_equal(err.text, expected);
}

static void
a_url_becomes_libpqs_words(void **state)
{
    (void)state;
    assert_conninfo("postgresql://db/app", "host='db' dbname='app'");
    assert_conninfo("postgres://db/app", "host='db' dbname='app'");
    assert_conninfo("postgresql://me@db:5433/app", "host='db' port='5433' user='me' dbname='app'");
    assert_conninfo("postgresql://[::1]:5432/app", "host='::1' port='5432' dbname='app'");
    assert_conninfo("postgresql://m%20e@db/a%2Fb", "host='db' user='m e' dbname='a/b'");
}

static void
it_is_shown_as_a_url_that_means_the_same_with_its_password_masked(void **state)
{
    static const char *const rows[][2] = {
        { "postgres://me:hunter2@db:5433/app?schema=s&connection_limit=5", "postgresql://me:***@db:5433/app?schema=s" },
        { "postgresql://db/app?password=hunter2&sslmode=require", "postgresql://:***@db/app?sslmode=require" },
        { "postgresql://m%20%40e@[::1]/a%5Cb", "postgresql://m%20%40e@[::1]/a%5Cb" },
        { "postgresql://me@/app?host=/run/postgresql", "postgresql://me@/app?host=/run/postgresql" },
        { "postgresql://me@db/app?host=other&options=-c%20a%3Db%26c",
            "postgresql://me@db/app?host=other&options=-c%20a%3Db%26c" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct postgres_url url;
        struct text shown = TEXT_EMPTY;
        struct text conninfo = TEXT_EMPTY;

        parse(rows[i][0], &url);
        postgres_url_add_masked(&url, &shown);
        postgres_url_add_conninfo(&url, &conninfo);
        assert_string_equal(text_string(&shown), rows[i][1]);
        assert_conninfo(text_string(&shown), text_string(&conninfo));
        text_clear(&conninfo);
        text_clear(&shown);
        postgres_url_clear(&url);
    }
}

static void
values_are_quoted_for_libpq(void **state)
{
    (void)state;
    assert_conninfo("postgresql://o'neill@db/a%5Cb'c", "host='db' user='o\\'neill' dbname='a\\\\b\\'c'");
    assert_conninfo("postgresql://db/app%20host='evil'", "host='db' dbname='app host=\\'evil\\''");
}

static void
the_password_is_kept_apart(void **state)
{
    struct postgres_url url;
    struct text out = TEXT_EMPTY;

    (void)state;
    parse("postgresql://me:s%40cret@db/app", &url);
    assert_string_equal(secret_reveal(&url.password), "s@cret");
    assert_null(postgres_url_value(&url, "password"));
    postgres_url_add_conninfo(&url, &out);
    assert_null(strstr(out.data, "cret"));
    text_clear(&out);
    postgres_url_clear(&url);
    assert_false(secret_is_set(&url.password));
}

static void
a_password_in_the_query_counts_unless_there_is_one_before_the_host(void **state)
{
    struct postgres_url url;

    (void)state;
    parse("postgresql://me@db/app?password=other", &url);
    assert_string_equal(secret_reveal(&url.password), "other");
    assert_null(postgres_url_value(&url, "password"));
    postgres_url_clear(&url);
    parse("postgresql://me:first@db/app?password=other", &url);
    assert_string_equal(secret_reveal(&url.password), "first");
    postgres_url_clear(&url);
    parse("postgresql://me@db/app", &url);
    assert_false(secret_is_set(&url.password));
    postgres_url_clear(&url);
}

static void
the_host_of_the_url_is_kept_for_the_manifest(void **state)
{
    struct postgres_url url;

    (void)state;
    parse("postgresql://db.example:5432/app?schema=public", &url);
    assert_string_equal(url.hostname, "db.example");
    assert_string_equal(url.schema, "public");
    postgres_url_clear(&url);
    assert_null(url.schema);
    parse("postgresql:///app?host=/var/run/postgresql", &url);
    assert_string_equal(url.hostname, "");
    assert_null(url.schema);
    assert_string_equal(postgres_url_value(&url, "host"), "/var/run/postgresql");
    assert_null(postgres_url_value(&url, "port"));
    postgres_url_clear(&url);
}

static void
schema_is_for_us_and_not_for_libpq(void **state)
{
    struct postgres_url url;

    (void)state;
    assert_conninfo("postgresql://db/app?schema=tenant", "host='db' dbname='app'");
    parse("postgresql://db/app?schema=", &url);
    assert_null(url.schema);
    postgres_url_clear(&url);
}

static void
what_libpq_knows_is_passed_on(void **state)
{
    (void)state;
    assert_conninfo("postgresql://db/app?connect_timeout=5&sslmode=verify-ca&sslrootcert=/ca.pem&options=-c%20x%3D1",
        "host='db' dbname='app' connect_timeout='5' sslmode='verify-ca' sslrootcert='/ca.pem' options='-c x=1'");
    assert_conninfo("postgresql://db/app?host=other&port=1&user=u&dbname=d",
        "host='other' dbname='d' port='1' user='u'"); /* each at most once */
    assert_conninfo("postgresql:///?hostaddr=10.0.0.1&dbname=d", "hostaddr='10.0.0.1' dbname='d'");
}

static void
prismas_own_tuning_is_dropped(void **state)
{
    (void)state;
    assert_conninfo("postgresql://db/app?connection_limit=5&pool_timeout=10&socket_timeout=3&statement_cache_size=0&"
                    "pgbouncer=false&sslpassword=x&application_name=y&what=ever",
        "host='db' dbname='app'");
}

static void
prismas_tls_words_are_translated(void **state)
{
    (void)state;
    assert_conninfo("postgresql://db/app?sslcert=/ca.pem", "host='db' dbname='app' sslrootcert='/ca.pem'");
    assert_conninfo("postgresql://db/app?sslcert=", "host='db' dbname='app'");
    assert_conninfo("postgresql://db/app?sslaccept=accept_invalid_certs", "host='db' dbname='app' sslmode='require'");
    assert_conninfo("postgresql://db/app?sslmode=require&sslaccept=strict&sslcert=/ca.pem",
        "host='db' dbname='app' sslmode='verify-full' sslrootcert='/ca.pem'");
    assert_conninfo("postgresql://db/app?sslaccept=strict",
        "host='db' dbname='app' sslmode='verify-full' sslrootcert='/etc/ssl/certs/ca-certificates.crt'");
    assert_conninfo("postgresql://db/app?sslmode=disable&sslaccept=strict", "host='db' dbname='app' sslmode='disable'");
}

static void
what_cannot_work_is_refused_with_advice(void **state)
{
    (void)state;
    assert_refused("postgresql://db/app?sslidentity=/id.p12",
        "it has 'sslidentity' (a PKCS#12 file), which libpq cannot read: use a password, and 'sslcert' for the "
        "server's CA");
    assert_refused("postgresql://db/app?pgbouncer=true",
        "it has 'pgbouncer=true': session locks do not work through a pooler; give the server's own address");
    assert_refused("postgresql://db/app?sslaccept=maybe", "'sslaccept' is neither 'strict' nor 'accept_invalid_certs'");
    assert_refused("mysql://db/app", "the scheme is neither 'postgresql' nor 'postgres'");
    assert_refused("postgresql://db", "the database's name is missing");
    assert_refused("postgresql://db/", "the database's name is missing");
    assert_refused("postgresql:///app", "the host is missing");
    assert_refused("db/app", "it does not start with a scheme and '://'");
}

static void
no_error_repeats_a_part_of_the_password(void **state)
{
    static const char *const urls[] = { "postgresql://user:HUNTER2HUNTER2@host:5432/app?schema=x",
        "mysql://user:HUNTER2HUNTER2@host/app", "postgresql://u:12/HUNTER2@h/app?sslaccept=HUNTER2",
        "postgresql://db/app?password=HUNTER2HUNTER2&pgbouncer=true" };
    static const char bad[] = "/?#@:%[]=& \xFF";

    (void)state;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
        for (size_t at = 0; at < strlen(urls[i]); at++)
            for (const char *c = bad; *c != '\0'; c++) {
                char string[80];
                struct postgres_url url;
                struct error err = ERROR_EMPTY;

                (void)snprintf(string, sizeof(string), "%s", urls[i]);
                string[at] = *c;
                if (postgres_url_parse(string, &url, &err))
                    postgres_url_clear(&url);
                assert_null(strstr(err.text, "HUN"));
                assert_null(strstr(err.text, "ER2"));
            }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_url_becomes_libpqs_words),
        cmocka_unit_test(it_is_shown_as_a_url_that_means_the_same_with_its_password_masked),
        cmocka_unit_test(values_are_quoted_for_libpq),
        cmocka_unit_test(the_password_is_kept_apart),
        cmocka_unit_test(a_password_in_the_query_counts_unless_there_is_one_before_the_host),
        cmocka_unit_test(the_host_of_the_url_is_kept_for_the_manifest),
        cmocka_unit_test(schema_is_for_us_and_not_for_libpq),
        cmocka_unit_test(what_libpq_knows_is_passed_on),
        cmocka_unit_test(prismas_own_tuning_is_dropped),
        cmocka_unit_test(prismas_tls_words_are_translated),
        cmocka_unit_test(what_cannot_work_is_refused_with_advice),
        cmocka_unit_test(no_error_repeats_a_part_of_the_password),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
