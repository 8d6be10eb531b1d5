#include "tests/unit/test.h"

#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "protocol/commands.h"
#include "protocol/pack.h"
#include "tests/unit/fake_redis.h"

struct fixture {
    struct event_base *base;
    struct fake_client *client;
    struct redis *redis;
    struct keys keys;
    struct commands_taking taking;
    struct commands_hold hold;
};

static void
on_lost(const struct error *err, void *owner)
{
    (void)owner;
    fail_msg("lost: %s", err->text);
}

static int
set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct bufferevent *stream;
    struct error err;

    assert_non_null(fixture);
    fixture->base = event_base_new();
    fixture->client = fake_pair(fixture->base, &stream);
    fixture->redis = redis_new(stream, 20000, on_lost, NULL);
    assert_true(keys_init(&fixture->keys, "bull", "backup", NULL, &err));
    fixture->taking = (struct commands_taking){ .lock_ms = 30000, .worker_name = NULL };
    fixture->hold = (struct commands_hold){ .id = "7", .token = "uuid:0", .attempt = "2" };
    *state = fixture;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *fixture = *state;

    redis_free(fixture->redis);
    fake_client_free(fixture->client);
    keys_clear(&fixture->keys);
    event_base_free(fixture->base);
    free(fixture);
    return 0;
}

static void
assert_now(const redisReply *command, size_t i)
{
    int64_t ms = strtoll(fake_word(command, i), NULL, 10);

    assert_in_range(ms, wall_now().ms - 10000, wall_now().ms);
}

/* Word i and all behind it, which must be the last ones. */
static void
assert_words_from(const redisReply *command, size_t i, const char *const *expected)
{
    size_t count = 0;

    for (; expected[count] != NULL; count++)
        fake_assert_word(command, i + count, expected[count]);
    assert_int_equal(command->elements, 3 + i + count);
}

#define ASSERT_WORDS(command, from, ...)                                                                               \
    assert_words_from((command), (from), (const char *const[]){ __VA_ARGS__, NULL })

static void
a_script_is_given_the_queue_as_its_one_key(void **state)
{
    struct fixture *fixture = *state;
    const redisReply *command;

    commands_release(fixture->redis, &fixture->keys, &fixture->hold, 0, NULL, NULL);
    command = fake_expect(fixture->client, "release");
    assert_string_equal(command->element[0]->str, "EVAL");
    assert_string_equal(command->element[2]->str, "1");
    assert_string_equal(command->element[3]->str, "bull:backup:");
    ASSERT_WORDS(command, 1, "7", "uuid:0", "2");
    commands_release(fixture->redis, &fixture->keys, &fixture->hold, 1500, NULL, NULL);
    ASSERT_WORDS(fake_expect(fixture->client, "release"), 1, "7", "uuid:0", "2", "1500");
}

static void
a_fetch_says_who_takes_and_for_how_long(void **state)
{
    struct fixture *fixture = *state;
    const redisReply *command;

    commands_fetch(fixture->redis, &fixture->keys, &fixture->taking, "uuid:3", NULL, NULL);
    command = fake_expect(fixture->client, "fetch");
    assert_now(command, 1);
    ASSERT_WORDS(command, 2, "uuid:3", "30000");
    fixture->taking.worker_name = "nm";
    fixture->taking.limiter_max = 3;
    fixture->taking.limiter_ms = 1000;
    commands_fetch(fixture->redis, &fixture->keys, &fixture->taking, "uuid:4", NULL, NULL);
    ASSERT_WORDS(fake_expect(fixture->client, "fetch"), 2, "uuid:4", "30000", "nm", "3", "1000");
}

static void
assert_packed(const redisReply *command, size_t i, struct pack *expected)
{
    const redisReply *word = command->element[3 + i];

    assert_int_equal((size_t)word->len, expected->buffer.size);
    assert_memory_equal(word->str, expected->buffer.data, expected->buffer.size);
    pack_clear(expected);
}

static void
a_completed_job_is_finished_with_its_value(void **state)
{
    struct fixture *fixture = *state;
    struct commands_finish finish = { .hold = fixture->hold,
        .outcome = "{\"ok\":true}",
        .attempts_made = 1,
        .attempts = 3,
        .keep = OPTIONS_KEEP_ALL,
        .deduplication_id = "one" };
    const struct commands_finish *finishes[] = { &finish };
    const redisReply *command;

    finish.keep.count = 5;
    commands_finish(fixture->redis, &fixture->keys, &fixture->taking, true, 60, 1, finishes, NULL, NULL);
    command = fake_expect(fixture->client, "finish");
    assert_now(command, 1);
    ASSERT_WORDS(command, 2, "1", "30000", "1", "7", "uuid:0", "2", "completed", "{\"ok\":true}", "1", "3", "5", "", "",
        "", "one", "", "", "", "60");
}

static void
a_failed_job_is_finished_with_its_stack_trace(void **state)
{
    struct fixture *fixture = *state;
    struct commands_finish finish = { .hold = fixture->hold,
        .failed = true,
        .outcome = "no",
        .stacktrace = "[\"Error: no\"]",
        .attempts_made = 4,
        .keep = OPTIONS_KEEP_ALL };
    const struct commands_finish *finishes[] = { &finish };

    finish.keep.age_seconds = 60;
    commands_finish(fixture->redis, &fixture->keys, &fixture->taking, false, 0, 1, finishes, NULL, NULL);
    ASSERT_WORDS(fake_expect(fixture->client, "finish"), 2, "", "30000", "1", "7", "uuid:0", "2", "failed", "no", "4",
        "0", "-1", "60", "1000", "[\"Error: no\"]");
}

static void
as_many_jobs_as_there_is_room_for_are_finished_by_one_call(void **state)
{
    struct fixture *fixture = *state;
    struct commands_finish finishes[COMMANDS_FINISH_MAX];
    const struct commands_finish *all[COMMANDS_FINISH_MAX];
    char ids[COMMANDS_FINISH_MAX][16];
    const redisReply *command;

    for (size_t i = 0; i < COMMANDS_FINISH_MAX; i++) {
        (void)snprintf(ids[i], sizeof(ids[i]), "%zu", i);
        finishes[i] =
            (struct commands_finish){ .hold = { ids[i], "uuid:0", "1" }, .outcome = "null", .keep = OPTIONS_KEEP_ALL };
        all[i] = &finishes[i];
    }
    commands_finish(fixture->redis, &fixture->keys, &fixture->taking, true, 0, COMMANDS_FINISH_MAX, all, NULL, NULL);
    command = fake_expect(fixture->client, "finish");
    assert_int_equal(strtoul(fake_word(command, 4), NULL, 10), COMMANDS_FINISH_MAX);
    for (size_t i = 0; i < COMMANDS_FINISH_MAX; i++)
        fake_assert_word(command, 5 + 12 * i, ids[i]);
}

static char *
text_of(const char *string)
{
    static char texts[16][32];
    static size_t next;
    char *text = texts[next++ % 16];

    (void)snprintf(text, sizeof(texts[0]), "%s", string);
    return text;
}

static void
the_next_job_of_a_schedule_is_made_from_the_one_at_hand(void **state)
{
    struct fixture *fixture = *state;
    struct job job = { .id = text_of("repeat:n:1000"),
        .repeat_key = text_of("n"),
        .name = text_of("run"),
        .name_length = 3,
        .data = text_of("{}"),
        .data_length = 2 };
    struct repeat repeat = { .kind = REPEAT_BY_SCHEDULER, .now = { 1500 }, .next_ms = 2000, .options = text_of("{") };

    commands_renew(fixture->redis, &fixture->keys, &job, &repeat, NULL, NULL);
    ASSERT_WORDS(
        fake_expect(fixture->client, "renew"), 1, "1500", "repeat:n:1000", "n", "2000", "", "0", "run", "{}", "{", "0");
    repeat.next_ms = 0;
    repeat.every_ms = 1000;
    repeat.offset_ms = 7;
    job.options = (struct options){ .priority = 3, .lifo = true, .deduplication_id = text_of("one") };
    commands_renew(fixture->redis, &fixture->keys, &job, &repeat, NULL, NULL);
    ASSERT_WORDS(fake_expect(fixture->client, "renew"), 1, "1500", "repeat:n:1000", "n", "", "1000", "7", "run", "{}",
        "{", "3", "1", "one");
}

static void
the_next_job_of_a_legacy_repeatable_is_looked_up_under_both_keys(void **state)
{
    struct fixture *fixture = *state;
    struct job job = {
        .id = text_of("7"), .name = text_of("run"), .name_length = 3, .data = text_of("{}"), .data_length = 2
    };
    struct repeat repeat = { .kind = REPEAT_LEGACY,
        .now = { 1500 },
        .next_ms = 2000,
        .options = text_of("{"),
        .keys = { { text_of("k"), text_of("repeat:k:") }, { text_of("a:b"), text_of("repeat:a:b:") } } };

    commands_renew(fixture->redis, &fixture->keys, &job, &repeat, NULL, NULL);
    ASSERT_WORDS(fake_expect(fixture->client, "renew_legacy"), 1, "1500", "", "k", "repeat:k:", "a:b",
        "repeat:a:b:", "2000", "run", "{}", "{", "500", "0");
    repeat.offset_ms = -1000;
    job.repeat_key = text_of("k");
    job.options = (struct options){ .deduplication_id = text_of("one"), .deduplication_ms = 60 };
    commands_renew(fixture->redis, &fixture->keys, &job, &repeat, NULL, NULL);
    ASSERT_WORDS(fake_expect(fixture->client, "renew_legacy"), 1, "1500", "1", "k", "repeat:k:", "a:b",
        "repeat:a:b:", "2000", "run", "{}", "{", "0", "0", "", "one", "60");
}

static void
a_retry_is_at_once_or_delayed(void **state)
{
    struct fixture *fixture = *state;
    struct commands_retry retry = {
        .attempts_made = 2, .lifo = true, .reason = "no", .stacktrace = "[]", .fetch = true
    };
    const redisReply *command;
    int64_t due;

    commands_retry(fixture->redis, &fixture->keys, &fixture->taking, &fixture->hold, &retry, NULL, NULL);
    command = fake_expect(fixture->client, "retry");
    assert_now(command, 1);
    ASSERT_WORDS(command, 2, "7", "uuid:0", "2", "no", "[]", "2", "1");

    retry.delay_ms = 1000;
    commands_retry(fixture->redis, &fixture->keys, &fixture->taking, &fixture->hold, &retry, NULL, NULL);
    command = fake_expect(fixture->client, "delay");
    assert_now(command, 1);
    fake_assert_word(command, 5, "1000");
    due = strtoll(fake_word(command, 6), NULL, 10);
    assert_in_range(due, wall_now().ms - 9000, wall_now().ms + 1000);
    ASSERT_WORDS(command, 7, "no", "[]", "2", "1", "30000");
}

static void
a_job_is_delayed_until_a_time_and_not_into_the_past(void **state)
{
    struct fixture *fixture = *state;
    struct wall until = { wall_now().ms + 60000 };
    const redisReply *command;
    char expected[32];

    commands_delay(fixture->redis, &fixture->keys, &fixture->hold, until, NULL, NULL);
    command = fake_expect(fixture->client, "delay");
    assert_in_range(strtoll(fake_word(command, 5), NULL, 10), 50000, 60000);
    (void)snprintf(expected, sizeof(expected), "%lld", (long long)until.ms);
    ASSERT_WORDS(command, 6, expected);

    commands_delay(fixture->redis, &fixture->keys, &fixture->hold, (struct wall){ 5 }, NULL, NULL);
    command = fake_expect(fixture->client, "delay");
    fake_assert_word(command, 5, "0");
    assert_now(command, 6);
}

static void
all_locks_are_renewed_in_one_command(void **state)
{
    struct fixture *fixture = *state;
    struct commands_hold holds[] = { { "7", "t:0", "1" }, { "8", "t:1", "2" } };
    struct pack packed;
    const redisReply *command;

    commands_extend_locks(fixture->redis, &fixture->keys, 5000, 2, holds, NULL, NULL);
    command = fake_expect(fixture->client, "extend_locks");
    fake_assert_word(command, 1, "5000");
    pack_init(&packed);
    pack_array(&packed, 6);
    for (size_t i = 0; i < 2; i++) {
        pack_string(&packed, holds[i].id);
        pack_string(&packed, holds[i].token);
        pack_string(&packed, holds[i].attempt);
    }
    assert_packed(command, 2, &packed);
}

static void
the_small_ones_have_their_words(void **state)
{
    struct fixture *fixture = *state;
    static const char add[] = "{\"jobId\":\"p-1\",\"delay\":5,\"priority\":2,\"lifo\":true}";
    struct options options;
    const redisReply *command;

    commands_recover_stalled(fixture->redis, &fixture->keys, 9500, 3, NULL, NULL);
    command = fake_expect(fixture->client, "stalled");
    assert_now(command, 1);
    ASSERT_WORDS(command, 2, "9500", "3");
    commands_progress(fixture->redis, &fixture->keys, "7", "50", NULL, NULL);
    ASSERT_WORDS(fake_expect(fixture->client, "progress"), 1, "7", "50");
    commands_data(fixture->redis, &fixture->keys, "7", "{}", NULL, NULL);
    ASSERT_WORDS(fake_expect(fixture->client, "data"), 1, "7", "{}");
    commands_log(fixture->redis, &fixture->keys, "7", "a row", 20, NULL, NULL);
    ASSERT_WORDS(fake_expect(fixture->client, "log"), 1, "7", "a row", "20");
    commands_log(fixture->redis, &fixture->keys, "7", "", -1, NULL, NULL);
    ASSERT_WORDS(fake_expect(fixture->client, "log"), 1, "7", "");
    commands_log(fixture->redis, &fixture->keys, "7", "x", 0, NULL, NULL);
    ASSERT_WORDS(fake_expect(fixture->client, "log"), 1, "7", "x");

    (void)options_parse(add, strlen(add), &options);
    commands_add(fixture->redis, &fixture->keys, "prune", "{}", "{\"x\":1}", &options, NULL, NULL);
    command = fake_expect(fixture->client, "add");
    fake_assert_word(command, 1, "p-1");
    fake_assert_word(command, 2, "prune");
    fake_assert_word(command, 3, "{}");
    fake_assert_word(command, 4, "{\"x\":1}");
    assert_now(command, 5);
    ASSERT_WORDS(command, 6, "5", "2", "1");
    options_clear(&options);
}

static void
assert_wait(struct fixture *fixture, int64_t ms, const char *expected)
{
    const redisReply *command;

    commands_wait(fixture->redis, &fixture->keys, ms, NULL, NULL);
    command = fake_expect(fixture->client, "BZPOPMIN");
    assert_int_equal(command->elements, 3);
    fake_assert_word(command, 1, "bull:backup:marker");
    fake_assert_word(command, 2, expected);
}

static void
waiting_is_told_in_seconds(void **state)
{
    struct fixture *fixture = *state;

    assert_wait(fixture, 10000, "10");
    assert_wait(fixture, 1000, "1");
    assert_wait(fixture, 2, "0.002");
    assert_wait(fixture, 1050, "1.050");
    assert_wait(fixture, 9999, "9.999");
}

#define SENDS(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        SENDS(a_script_is_given_the_queue_as_its_one_key),
        SENDS(a_fetch_says_who_takes_and_for_how_long),
        SENDS(a_completed_job_is_finished_with_its_value),
        SENDS(a_failed_job_is_finished_with_its_stack_trace),
        SENDS(as_many_jobs_as_there_is_room_for_are_finished_by_one_call),
        SENDS(the_next_job_of_a_schedule_is_made_from_the_one_at_hand),
        SENDS(the_next_job_of_a_legacy_repeatable_is_looked_up_under_both_keys),
        SENDS(a_retry_is_at_once_or_delayed),
        SENDS(a_job_is_delayed_until_a_time_and_not_into_the_past),
        SENDS(all_locks_are_renewed_in_one_command),
        SENDS(the_small_ones_have_their_words),
        SENDS(waiting_is_told_in_seconds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
