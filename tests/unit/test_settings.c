#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "common/settings.h"

#define BOTH (SETTINGS_WORKER | SETTINGS_JOB)
#define KEY "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" /* 32 bytes */

/* The least that both scopes need. */
static int
start_with_a_good_environment(void **state)
{
    (void)state;
    (void)clearenv();
    (void)setenv("REDIS_URL", "redis://redis", 1);
    (void)setenv("DATABASE_URL", "postgresql://me:HUNTER2@db/app", 1);
    return 0;
}

static void
load(struct settings *settings, unsigned scopes)
{
    struct text problems = TEXT_EMPTY;

    if (!settings_load(settings, scopes, &problems))
        fail_msg("%s", text_string(&problems));
    assert_int_equal(problems.length, 0);
    text_clear(&problems);
}

static void
assert_problems(unsigned scopes, const char *expected)
{
    struct settings settings;
    struct text problems = TEXT_EMPTY;

    assert_false(settings_load(&settings, scopes, &problems));
    assert_string_equal(text_string(&problems), expected);
    text_clear(&problems);
    settings_clear(&settings);
}

static void
assert_printed(unsigned scopes, const char *expected)
{
    struct settings settings;
    struct text out = TEXT_EMPTY;

    load(&settings, scopes);
    settings_print(&settings, scopes, &out);
    assert_string_equal(text_string(&out), expected);
    text_clear(&out);
    settings_clear(&settings);
}

static void
a_bare_environment_gives_the_defaults(void **state)
{
    struct settings settings;

    (void)state;
    load(&settings, BOTH);
    assert_int_equal(settings.log_level, LOG_LEVEL_INFO);
    assert_int_equal(settings.job_lock_minutes, 360);
    assert_int_equal(settings.schedule_repair, SETTINGS_REPAIR_MISSING);
    assert_int_equal(settings.verify, SETTINGS_VERIFY_FULL);
    assert_int_equal(settings.drill.count, 0);
    assert_int_equal(settings.keep_rejected, 0);
    assert_null(settings.compression);
    assert_int_equal(settings.min_free_mb, 256);
    assert_int_equal(settings.stall_minutes, 15);
    assert_int_equal(settings.prune_orphans, 0);
    assert_false(secret_is_set(&settings.ping_url));
    assert_false(secret_is_set(&settings.webhook_url));
    assert_false(secret_is_set(&settings.webhook_secret));
    assert_null(settings.after_success);
    assert_int_equal(settings.catch_up, 1);
    assert_int_equal(settings.missed_grace_minutes, 30);
    assert_string_equal(settings.redis.host, "redis");
    assert_null(settings.redis_ca_file);
    assert_null(settings.extra_ca_file);
    assert_int_equal(settings.lock_seconds, 30);
    assert_int_equal(settings.stalled_seconds, 10);
    assert_int_equal(settings.shutdown_seconds, 5);
    assert_string_equal(postgres_url_value(&settings.database, "host"), "db");
    assert_string_equal(settings.storage_directory, "./data/backup");
    assert_string_equal(settings.weavestream_version, "dev");
    assert_string_equal(settings.password_key_id, "1");
    assert_false(secret_is_set(&settings.smtp_key));
    assert_string_equal(settings.smtp_key_id, "1");
    assert_false(secret_is_set(&settings.smtp_previous_keys));
    settings_clear(&settings);
    assert_null(settings.storage_directory);
}

static void
every_variable_finds_its_field(void **state)
{
    struct settings settings;

    (void)state;
    (void)setenv("REDIS_URL", "rediss://:pw@r:1/2", 1);
    (void)setenv("REDIS_TLS_CA", "/ca.pem", 1);
    (void)setenv("NODE_EXTRA_CA_CERTS", "/extra.pem", 1);
    (void)setenv("BACKUP_LOCK_SECONDS", "5", 1);
    (void)setenv("BACKUP_STALLED_SECONDS", "1", 1);
    (void)setenv("BACKUP_SHUTDOWN_SECONDS", "3600", 1);
    (void)setenv("BACKUP_HTTP_LISTEN", "[::]:9466", 1);
    (void)setenv("BACKUP_FACTS_SECONDS", "3600", 1);
    (void)setenv("BACKUP_STORAGE_DIR", "/srv/backup", 1);
    (void)setenv("BACKUP_UID", "0", 1);
    (void)setenv("BACKUP_GID", "4294967294", 1);
    (void)setenv("BACKUP_JOB_LOCK_MINUTES", "1440", 1);
    (void)setenv("BACKUP_SCHEDULE_REPAIR", "full", 1);
    (void)setenv("BACKUP_VERIFY", "restore", 1);
    (void)setenv("BACKUP_DRILL_URL", "postgresql://drill/postgres", 1);
    (void)setenv("BACKUP_KEEP_REJECTED", "1", 1);
    (void)setenv("BACKUP_COMPRESSION", "zstd:level=3,long", 1);
    (void)setenv("BACKUP_MIN_FREE_MB", "0", 1);
    (void)setenv("BACKUP_STALL_MINUTES", "1", 1);
    (void)setenv("BACKUP_PRUNE_ORPHANS", "1", 1);
    (void)setenv("BACKUP_PING_URL", "https://ping.example/id", 1);
    (void)setenv("BACKUP_WEBHOOK_URL", "http://localhost:8080/", 1);
    (void)setenv("BACKUP_WEBHOOK_SECRET", "signs", 1);
    (void)setenv("BACKUP_AFTER_SUCCESS", "rsync -a /backup nas:", 1);
    (void)setenv("BACKUP_CATCH_UP", "0", 1);
    (void)setenv("BACKUP_MISSED_GRACE_MINUTES", "5", 1);
    (void)setenv("WEAVESTREAM_VERSION", "1.2.3", 1);
    (void)setenv("PASSWORD_ENCRYPTION_KEY_KID", "7", 1);
    (void)setenv("SMTP_SECRET_KEY", KEY, 1);
    (void)setenv("SMTP_SECRET_KEY_KID", "8", 1);
    (void)setenv("SMTP_PREVIOUS_KEYS", "a:" KEY ",b:" KEY, 1);
    (void)setenv("LOG_LEVEL", "trace", 1);
    load(&settings, BOTH);
    assert_true(settings.redis.tls);
    assert_int_equal(settings.redis.database, 2);
    assert_string_equal(settings.redis_ca_file, "/ca.pem");
    assert_string_equal(settings.extra_ca_file, "/extra.pem");
    assert_int_equal(settings.schedule_repair, SETTINGS_REPAIR_FULL);
    assert_int_equal(settings.verify, SETTINGS_VERIFY_RESTORE);
    assert_string_equal(postgres_url_value(&settings.drill, "host"), "drill");
    assert_int_equal(settings.keep_rejected, 1);
    assert_string_equal(settings.compression, "zstd:level=3,long");
    assert_int_equal(settings.min_free_mb, 0);
    assert_int_equal(settings.stall_minutes, 1);
    assert_int_equal(settings.prune_orphans, 1);
    assert_string_equal(secret_reveal(&settings.ping_url), "https://ping.example/id");
    assert_string_equal(secret_reveal(&settings.webhook_url), "http://localhost:8080/");
    assert_string_equal(secret_reveal(&settings.webhook_secret), "signs");
    assert_string_equal(settings.after_success, "rsync -a /backup nas:");
    assert_int_equal(settings.catch_up, 0);
    assert_int_equal(settings.missed_grace_minutes, 5);
    assert_int_equal(settings.lock_seconds, 5);
    assert_int_equal(settings.stalled_seconds, 1);
    assert_int_equal(settings.shutdown_seconds, 3600);
    assert_int_equal(settings.app_user, 0);
    assert_int_equal(settings.app_group, 4294967294);
    assert_string_equal(settings.http_listen.text, "[::]:9466");
    assert_int_equal(settings.facts_seconds, 3600);
    assert_string_equal(settings.storage_directory, "/srv/backup");
    assert_int_equal(settings.job_lock_minutes, 1440);
    assert_string_equal(settings.weavestream_version, "1.2.3");
    assert_string_equal(settings.password_key_id, "7");
    assert_string_equal(secret_reveal(&settings.smtp_key), KEY);
    assert_string_equal(settings.smtp_key_id, "8");
    assert_string_equal(secret_reveal(&settings.smtp_previous_keys), "a:" KEY ",b:" KEY);
    assert_int_equal(settings.log_level, LOG_LEVEL_TRACE);
    settings_clear(&settings);
}

static void
an_empty_variable_counts_as_not_set(void **state)
{
    struct settings settings;

    (void)state;
    (void)setenv("BACKUP_LOCK_SECONDS", "", 1);
    (void)setenv("LOG_LEVEL", "", 1);
    (void)setenv("REDIS_TLS_CA", "", 1);
    (void)setenv("SMTP_SECRET_KEY", "", 1);
    load(&settings, BOTH);
    assert_int_equal(settings.lock_seconds, 30);
    assert_int_equal(settings.log_level, LOG_LEVEL_INFO);
    assert_null(settings.redis_ca_file);
    assert_false(secret_is_set(&settings.smtp_key));
    settings_clear(&settings);

    (void)setenv("REDIS_URL", "", 1);
    assert_problems(SETTINGS_WORKER,
        "REDIS_URL is not set: it must be redis://, rediss:// or unix://, as in redis://:password@redis:6379/0\n");
}

static void
what_a_scope_does_not_need_is_neither_required_nor_checked(void **state)
{
    struct settings settings;

    (void)state;
    (void)clearenv();
    (void)setenv("REDIS_URL", "redis://redis", 1);
    (void)setenv("SMTP_SECRET_KEY", "nonsense", 1);
    load(&settings, SETTINGS_WORKER);
    assert_null(settings.storage_directory);
    settings_clear(&settings);

    (void)clearenv();
    (void)setenv("DATABASE_URL", "postgresql://db/app", 1);
    (void)setenv("BACKUP_LOCK_SECONDS", "nonsense", 1);
    load(&settings, SETTINGS_JOB);
    assert_null(settings.redis.host);
    settings_clear(&settings);
}

static void
everything_wrong_is_told_at_once_one_line_each(void **state)
{
    (void)state;
    (void)clearenv();
    (void)setenv("BACKUP_LOCK_SECONDS", "4", 1);
    (void)setenv("BACKUP_STALLED_SECONDS", "0", 1);
    (void)setenv("BACKUP_SHUTDOWN_SECONDS", "3601", 1);
    (void)setenv("BACKUP_HTTP_LISTEN", "localhost:9466", 1);
    (void)setenv("BACKUP_FACTS_SECONDS", "0", 1);
    (void)setenv("BACKUP_JOB_LOCK_MINUTES", "6h", 1);
    (void)setenv("SMTP_SECRET_KEY", "HUNTER2", 1);
    (void)setenv("SMTP_PREVIOUS_KEYS", "1:HUNTER2", 1);
    (void)setenv("LOG_LEVEL", "verbose", 1);
    assert_problems(BOTH,
        "REDIS_URL is not set: it must be redis://, rediss:// or unix://, as in redis://:password@redis:6379/0\n"
        "BACKUP_LOCK_SECONDS='4': not a whole number from 5 to 3600\n"
        "BACKUP_STALLED_SECONDS='0': not a whole number from 1 to 3600\n"
        "BACKUP_SHUTDOWN_SECONDS='3601': not a whole number from 1 to 3600\n"
        "BACKUP_HTTP_LISTEN='localhost:9466': not an address and a port, as in 127.0.0.1:9466 or [::1]:9466, or "
        "unix:/path\n"
        "BACKUP_FACTS_SECONDS='0': not a whole number from 1 to 3600\n"
        "DATABASE_URL is not set: it must be postgresql://, as in postgresql://user:password@postgres:5432/database\n"
        "BACKUP_JOB_LOCK_MINUTES='6h': not a whole number from 5 to 1440\n"
        "SMTP_SECRET_KEY: not base64 of 32 bytes\n"
        "SMTP_PREVIOUS_KEYS: not 'kid:key,kid:key', each key base64 of 32 bytes\n"
        "LOG_LEVEL='verbose': not one of trace, debug, info, warn, error, fatal\n");
}

static void
numbers_are_whole_and_within_their_bounds(void **state)
{
    static const char *const wrong[] = { "4", "3601", "-30", "30.0", "30 ", " 30", "+30", "0x1E", "1e2",
        "99999999999999999999" };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct text expected = TEXT_EMPTY;

        (void)setenv("BACKUP_LOCK_SECONDS", wrong[i], 1);
        text_format(&expected, "BACKUP_LOCK_SECONDS='%s': not a whole number from 5 to 3600\n", wrong[i]);
        assert_problems(SETTINGS_WORKER, expected.data);
        text_clear(&expected);
    }
}

static void
a_wrong_url_is_told_without_its_value(void **state)
{
    (void)state;
    (void)setenv("REDIS_URL", "http://:HUNTER2@h", 1);
    (void)setenv("DATABASE_URL", "postgresql://u:HUNTER2/@h/d", 1);
    assert_problems(BOTH,
        "REDIS_URL: the scheme is none of 'redis', 'rediss', 'unix'\n"
        "DATABASE_URL: the port is not a number from 1 to 65535 (write ':', '/' and '@' in a password as %3A, %2F and "
        "%40)\n");
}

static bool
takes(const char *name, const char *value)
{
    struct settings settings;
    struct text problems = TEXT_EMPTY;
    bool ok;

    (void)setenv(name, value, 1);
    ok = settings_load(&settings, BOTH, &problems);
    assert_null(strstr(text_string(&problems), "AAAA"));
    text_clear(&problems);
    settings_clear(&settings);
    return ok;
}

static void
a_key_is_base64_of_32_bytes(void **state)
{
    (void)state;
    assert_true(takes("SMTP_SECRET_KEY", KEY));
    assert_true(takes("SMTP_SECRET_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
    assert_true(takes("SMTP_SECRET_KEY", "AAAA+/-_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="));
    assert_false(takes("SMTP_SECRET_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
    assert_false(takes("SMTP_SECRET_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="));
    assert_false(takes("SMTP_SECRET_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="));
    assert_false(takes("SMTP_SECRET_KEY", "AAAA AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="));
    assert_false(takes("SMTP_SECRET_KEY", "AAAA"));
}

static void
previous_keys_are_a_list_of_ids_and_keys(void **state)
{
    (void)state;
    assert_true(takes("SMTP_PREVIOUS_KEYS", "1:" KEY));
    assert_true(takes("SMTP_PREVIOUS_KEYS", "1:" KEY ",x-y:" KEY));
    assert_true(takes("SMTP_PREVIOUS_KEYS", "1:" KEY ","));
    assert_false(takes("SMTP_PREVIOUS_KEYS", ","));
    assert_false(takes("SMTP_PREVIOUS_KEYS", KEY));
    assert_false(takes("SMTP_PREVIOUS_KEYS", ":" KEY));
    assert_false(takes("SMTP_PREVIOUS_KEYS", "1:"));
    assert_false(takes("SMTP_PREVIOUS_KEYS", "1:" KEY ",,2:" KEY));
    assert_false(takes("SMTP_PREVIOUS_KEYS", "1:" KEY ",2:AAAA"));
}

static void
compression_is_what_pg_dump_takes(void **state)
{
    static const char *const right[] = { "0", "9", "none", "gzip", "gzip:9", "lz4", "zstd:level=3,long" };
    static const char *const wrong[] = { "10", "-1", "6 ", "brotli", "gzi", "gzip:", "GZIP", "zstd level=3",
        "zstd:level=3;x", "6:6", ":6", "zstd:$(x)" };

    (void)state;
    for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++)
        assert_true(takes("BACKUP_COMPRESSION", right[i]));
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(takes("BACKUP_COMPRESSION", wrong[i]));
}

static void
printing_marks_defaults(void **state)
{
    (void)state;
    (void)setenv("BACKUP_LOCK_SECONDS", "30", 1); /* the default, but given */
    assert_printed(SETTINGS_WORKER, "REDIS_URL=redis://redis:6379/0\n"
                                    "REDIS_TLS_CA=  (default)\n"
                                    "NODE_EXTRA_CA_CERTS=  (default)\n"
                                    "BACKUP_LOCK_SECONDS=30\n"
                                    "BACKUP_STALLED_SECONDS=10  (default)\n"
                                    "BACKUP_SHUTDOWN_SECONDS=5  (default)\n"
                                    "BACKUP_HTTP_LISTEN=  (default)\n"
                                    "BACKUP_FACTS_SECONDS=60  (default)\n"
                                    "BACKUP_JOB_LOCK_MINUTES=360  (default)\n"
                                    "BACKUP_SCHEDULE_REPAIR=missing  (default)\n"
                                    "LOG_LEVEL=info  (default)\n");
}

static void
printing_masks_secrets(void **state)
{
    (void)state;
    (void)setenv("DATABASE_URL", "postgresql://me:HUNTER2@db:1/app?schema=s&connection_limit=2", 1);
    (void)setenv("SMTP_SECRET_KEY", KEY, 1);
    (void)setenv("SMTP_PREVIOUS_KEYS", "a:" KEY, 1);
    (void)setenv("LOG_LEVEL", "debug", 1);
    (void)setenv("BACKUP_SCHEDULE_REPAIR", "off", 1);
    (void)setenv("BACKUP_DRILL_URL", "postgresql://:HUNTER3@drill/postgres", 1);
    (void)setenv("BACKUP_PING_URL", "https://ping.example/secret-id", 1);
    (void)setenv("BACKUP_WEBHOOK_SECRET", "HUNTER4", 1);
    assert_printed(SETTINGS_JOB, "NODE_EXTRA_CA_CERTS=  (default)\n"
                                 "DATABASE_URL=postgresql://me:***@db:1/app?schema=s\n"
                                 "BACKUP_STORAGE_DIR=./data/backup  (default)\n"
                                 "BACKUP_UID=100  (default)\n"
                                 "BACKUP_GID=101  (default)\n"
                                 "BACKUP_JOB_LOCK_MINUTES=360  (default)\n"
                                 "BACKUP_VERIFY=full  (default)\n"
                                 "BACKUP_DRILL_URL=postgresql://:***@drill/postgres\n"
                                 "BACKUP_KEEP_REJECTED=0  (default)\n"
                                 "BACKUP_COMPRESSION=  (default)\n"
                                 "BACKUP_MIN_FREE_MB=256  (default)\n"
                                 "BACKUP_STALL_MINUTES=15  (default)\n"
                                 "BACKUP_PRUNE_ORPHANS=0  (default)\n"
                                 "BACKUP_PING_URL=***\n"
                                 "BACKUP_WEBHOOK_URL=  (default)\n"
                                 "BACKUP_WEBHOOK_SECRET=***\n"
                                 "BACKUP_AFTER_SUCCESS=  (default)\n"
                                 "BACKUP_SCHEDULE_REPAIR=off\n"
                                 "BACKUP_CATCH_UP=1  (default)\n"
                                 "BACKUP_MISSED_GRACE_MINUTES=30  (default)\n"
                                 "WEAVESTREAM_VERSION=dev  (default)\n"
                                 "PASSWORD_ENCRYPTION_KEY_KID=1  (default)\n"
                                 "SMTP_SECRET_KEY=***\n"
                                 "SMTP_SECRET_KEY_KID=1  (default)\n"
                                 "SMTP_PREVIOUS_KEYS=***\n"
                                 "LOG_LEVEL=debug\n");
}

static void
assert_redis_printed(const char *given, const char *expected)
{
    struct settings settings;
    struct text out = TEXT_EMPTY;
    const char *end;

    (void)setenv("REDIS_URL", given, 1);
    load(&settings, SETTINGS_WORKER);
    settings_print(&settings, SETTINGS_WORKER, &out);
    end = strchr(out.data, '\n');
    assert_non_null(end);
    out.data[end - out.data] = '\0';
    assert_string_equal(out.data + strlen("REDIS_URL="), expected);
    text_clear(&out);
    settings_clear(&settings);
}

static void
a_redis_url_is_printed_as_it_is_understood(void **state)
{
    (void)state;
    assert_redis_printed("redis://:HUNTER2@h", "redis://:***@h:6379/0");
    assert_redis_printed("rediss://me:HUNTER2@h:1/2", "rediss://me:***@h:1/2");
    assert_redis_printed("redis://[::1]", "redis://[::1]:6379/0");
    assert_redis_printed("unix://:HUNTER2@/run/r.sock?db=1", "unix://:***@/run/r.sock?db=1");
    assert_redis_printed("/run/r.sock", "unix:///run/r.sock?db=0");
}

static void
a_url_to_tell_has_a_host_and_no_blanks(void **state)
{
    (void)state;
    assert_true(takes("BACKUP_PING_URL", "https://AAAA.example/id?a=b"));
    assert_true(takes("BACKUP_PING_URL", "http://10.0.0.1:3001"));
    assert_false(takes("BACKUP_PING_URL", "ftp://AAAA.example"));
    assert_false(takes("BACKUP_PING_URL", "https:///AAAA"));
    assert_false(takes("BACKUP_PING_URL", "https://AAAA.example/a b"));
    assert_false(takes("BACKUP_PING_URL", "https://AAAA.example/a\r\nb"));
}

static void
what_is_secret_is_known_by_its_name(void **state)
{
    (void)state;
    assert_true(settings_is_secret("DATABASE_URL", 12));
    assert_true(settings_is_secret("BACKUP_WEBHOOK_SECRET=x", 21));
    assert_false(settings_is_secret("DATABASE_URL", 11));
    assert_false(settings_is_secret("BACKUP_STORAGE_DIR", 18));
    assert_false(settings_is_secret("RESTIC_PASSWORD", 15));
}

#define TEST(name) cmocka_unit_test_setup(name, start_with_a_good_environment)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_bare_environment_gives_the_defaults),
        TEST(every_variable_finds_its_field),
        TEST(an_empty_variable_counts_as_not_set),
        TEST(what_a_scope_does_not_need_is_neither_required_nor_checked),
        TEST(everything_wrong_is_told_at_once_one_line_each),
        TEST(numbers_are_whole_and_within_their_bounds),
        TEST(a_wrong_url_is_told_without_its_value),
        TEST(a_key_is_base64_of_32_bytes),
        TEST(previous_keys_are_a_list_of_ids_and_keys),
        TEST(compression_is_what_pg_dump_takes),
        TEST(printing_marks_defaults),
        TEST(printing_masks_secrets),
        TEST(a_redis_url_is_printed_as_it_is_understood),
        TEST(a_url_to_tell_has_a_host_and_no_blanks),
        TEST(what_is_secret_is_known_by_its_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
