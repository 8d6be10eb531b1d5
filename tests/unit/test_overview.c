#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/overview.h"
#include "tests/unit/fake_redis.h"

#define COUNTS "*7\r\n:1\r\n:2\r\n:3\r\n:4\r\n:5\r\n:6\r\n:7\r\n"

static bool
read_resp(const char *resp, struct overview *out, struct error *err)
{
    redisReply *reply = fake_reply(resp, strlen(resp));
    bool ok = overview_read(reply, NULL, out, err);

    freeReplyObject(reply);
    return ok;
}

static void
counts_jobs_and_schedulers_are_read(void **state)
{
    struct overview overview;
    struct error err;

    (void)state;
    assert_true(
        read_resp("*5\r\n$8\r\nbullmq:5\r\n:1\r\n" COUNTS
                  "*1\r\n*9\r\n$1\r\n7\r\n$3\r\nrun\r\n$2\r\n{}\r\n$13\r\n1795382600905\r\n$3\r\nnas\r\n$3\r\nu:1\r\n:"
                  "4000\r\n$2\r\n50\r\n$1\r\n2\r\n"
                  "*1\r\n*4\r\n$1\r\na\r\n$2\r\n12\r\n$9\r\n0 3 * * *\r\n$3\r\nUTC\r\n",
            &overview, &err));
    assert_string_equal(overview.version, "bullmq:5");
    assert_true(overview.is_paused);
    for (int i = 0; i < OVERVIEW_STATES; i++)
        assert_int_equal(overview.counts[i], i + 1);
    assert_int_equal(overview.job_count, 1);
    assert_string_equal(overview.jobs[0].id, "7");
    assert_int_equal(overview.jobs[0].started_ms, 1795382600905);
    assert_string_equal(overview.jobs[0].worker, "nas");
    assert_string_equal(overview.jobs[0].token, "u:1");
    assert_int_equal(overview.jobs[0].lock_ms, 4000);
    assert_string_equal(overview.jobs[0].progress, "50");
    assert_int_equal(overview.jobs[0].attempts, 2);
    assert_int_equal(overview.scheduler_count, 1);
    assert_string_equal(overview.schedulers[0].id, "a");
    assert_int_equal(overview.schedulers[0].next_ms, 12);
    assert_string_equal(overview.schedulers[0].pattern, "0 3 * * *");
    assert_string_equal(overview.schedulers[0].zone, "UTC");
    overview_clear(&overview);
}

static void
what_somebody_else_wrote_may_be_missing_or_nonsense(void **state)
{
    struct overview overview;
    struct error err;

    (void)state;
    assert_true(read_resp("*5\r\n$-1\r\n:0\r\n" COUNTS "*3\r\n*1\r\n$1\r\n7\r\n:3\r\n"
                          "*9\r\n$1\r\n8\r\n$-1\r\n$-1\r\n$4\r\nsoon\r\n$-1\r\n$-1\r\n:-2\r\n$-1\r\n$-1\r\n"
                          "*1\r\n*4\r\n$1\r\na\r\n$3\r\n1.5\r\n$-1\r\n$-1\r\n",
        &overview, &err));
    assert_null(overview.version);
    assert_int_equal(overview.job_count, 3);
    assert_null(overview.jobs[0].name);
    assert_null(overview.jobs[1].id);
    assert_int_equal(overview.jobs[2].started_ms, 0);
    assert_null(overview.jobs[2].token);
    assert_int_equal(overview.jobs[2].lock_ms, -2);
    assert_int_equal(overview.schedulers[0].next_ms, 0);
    overview_clear(&overview);
}

static void
what_is_no_overview_is_refused(void **state)
{
    static const char *const replies[] = { ":0\r\n", "*0\r\n", "*5\r\n$-1\r\n:0\r\n*1\r\n:0\r\n*0\r\n*0\r\n",
        "*5\r\n$-1\r\n:0\r\n" COUNTS "$-1\r\n*0\r\n", "*5\r\n$-1\r\n:0\r\n" COUNTS "*0\r\n:1\r\n",
        "*4\r\n$-1\r\n:0\r\n" COUNTS "*0\r\n" };
    struct overview overview;
    struct error err;

    (void)state;
    for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
        assert_false(read_resp(replies[i], &overview, &err));
        assert_string_equal(err.text, "a script answered with something that is no overview");
    }
    assert_false(read_resp("-WRONGTYPE no\r\n", &overview, &err));
    assert_string_equal(err.text, "Redis: WRONGTYPE no");
}

/* "name@address age, " for each. */
static void
assert_workers(const char *list, const char *expected)
{
    struct overview_workers workers;
    struct text resp = TEXT_EMPTY;
    struct text out = TEXT_EMPTY;
    redisReply *reply;
    struct keys keys;
    struct error err;

    text_format(&resp, "$%zu\r\n%s\r\n", strlen(list), list);
    reply = fake_reply(resp.data, resp.length);
    assert_true(keys_init(&keys, "bull", "backup", NULL, &err));
    assert_true(overview_read_workers(reply, NULL, &keys, 3, &workers, &err));
    for (size_t i = 0; i < workers.count; i++) {
        const struct overview_worker *worker = &workers.list[i];

        text_format(&out, "%s@%s %d%s%s, ", worker->name == NULL ? "" : worker->name, worker->address,
            (int)worker->age_ms, worker->library == NULL ? "" : " ", worker->library == NULL ? "" : worker->library);
    }
    assert_string_equal(text_string(&out), expected);
    overview_workers_clear(&workers);
    keys_clear(&keys);
    freeReplyObject(reply);
    text_clear(&resp);
    text_clear(&out);
}

#define QUEUE "bull:YmFja3Vw"

static void
workers_are_known_by_the_names_of_their_connections(void **state)
{
    (void)state;
    assert_workers("", "");
    assert_workers("id=1 addr=h:1 name=" QUEUE " age=5 db=3\n", "@h:1 5000, ");
    assert_workers("id=1 addr=h:1 laddr=x:9 fd=8 name=" QUEUE ":w:nas age=5 idle=0 db=3 cmd=bzpopmin\n"
                   "id=2 addr=[::1]:2 name=" QUEUE " age=60 db=3\n",
        "nas@h:1 5000, @[::1]:2 60000, ");
    assert_workers("id=1 addr=h:1 name=" QUEUE " age=5 db=3 lib-name=ioredis(5.6) lib-ver=5.6.1\n"
                   "id=2 addr=h:2 name=" QUEUE " age=6 db=3 lib-name= lib-ver=\n",
        "@h:1 5000 ioredis(5.6), @h:2 6000, ");
}

static void
other_connections_are_no_workers(void **state)
{
    (void)state;
    assert_workers("id=1 addr=h:1 name= age=5 db=3\n"
                   "id=2 addr=h:2 name=" QUEUE ":qe age=5 db=3\n"
                   "id=3 addr=h:3 name=" QUEUE "x age=5 db=3\n"
                   "id=4 addr=h:4 name=bull:YmFja3 age=5 db=3\n"
                   "id=5 addr=h:5 name=" QUEUE " age=5 db=4\n"
                   "id=6 addr=h:6 lib-name=" QUEUE " age=5 db=3\n"
                   "nonsense\n\n=\n name=",
        "");
}

static void
a_list_of_clients_that_is_none_is_refused(void **state)
{
    struct overview_workers workers;
    struct error err;
    redisReply *reply = fake_reply(":1\r\n", 4);
    struct keys keys;

    (void)state;
    assert_true(keys_init(&keys, "bull", "backup", NULL, &err));
    assert_false(overview_read_workers(reply, NULL, &keys, 0, &workers, &err));
    assert_string_equal(err.text, "Redis answered CLIENT LIST with something that is no list");
    keys_clear(&keys);
    freeReplyObject(reply);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_jobs_and_schedulers_are_read),
        cmocka_unit_test(what_somebody_else_wrote_may_be_missing_or_nonsense),
        cmocka_unit_test(what_is_no_overview_is_refused),
        cmocka_unit_test(workers_are_known_by_the_names_of_their_connections),
        cmocka_unit_test(other_connections_are_no_workers),
        cmocka_unit_test(a_list_of_clients_that_is_none_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
