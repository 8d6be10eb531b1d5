#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "consumer/fetch.h"
#include "tests/unit/scene.h"

struct fixture {
    struct scene scene;
    struct link *blocking;
    struct fake_client *waiter; /* the blocking connection, as the server sees it */
    struct fetch *fetch;
    int free_slots;
    int jobs;
    int stops;
    char last[128]; /* the last job's id and token */
};

static bool
has_free_slot(void *owner)
{
    struct fixture *fixture = owner;

    return fixture->free_slots > 0;
}

static void
on_job(struct job *job, const char *token, void *owner)
{
    struct fixture *fixture = owner;

    assert_true(fixture->free_slots > 0);
    fixture->free_slots--;
    fixture->jobs++;
    (void)snprintf(fixture->last, sizeof(fixture->last), "%s %s", job->id, token);
    job_clear(job);
}

static void
on_stopped(void *owner)
{
    struct fixture *fixture = owner;

    fixture->stops++;
}

static void
on_command_up(void *owner)
{
    struct fixture *fixture = owner;

    if (fixture->fetch != NULL)
        fetch_connected(fixture->fetch);
}

static void
on_command_down(void *owner)
{
    struct fixture *fixture = owner;

    if (fixture->fetch != NULL)
        fetch_lost(fixture->fetch);
}

static void
on_blocking_up(void *owner)
{
    struct fixture *fixture = owner;

    if (fixture->fetch != NULL)
        fetch_blocking_connected(fixture->fetch);
}

static void
on_blocking_down(void *owner)
{
    (void)owner;
}

static int
set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct fetch_events events = {
        .has_free_slot = has_free_slot, .on_job = on_job, .on_stopped = on_stopped, .owner = fixture
    };
    struct link_options options = {
        .role = "blocking", .on_up = on_blocking_up, .on_down = on_blocking_down, .owner = fixture
    };

    assert_non_null(fixture);
    scene_init(&fixture->scene);
    fixture->scene.on_up = on_command_up;
    fixture->scene.on_down = on_command_down;
    fixture->scene.owner = fixture;
    fixture->free_slots = 1;
    options.base = fixture->scene.base;
    options.url = &fixture->scene.server->url;
    fixture->blocking = link_new(&options);
    RUN_UNTIL(fixture->scene.base, link_redis(fixture->blocking) != NULL);
    fixture->waiter = fake_accept(fixture->scene.server, 2);
    fixture->fetch = fetch_new(&fixture->scene.consumer, fixture->blocking, "uuid", &events);
    *state = fixture;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *fixture = *state;

    link_free(fixture->blocking);
    fetch_free(fixture->fetch);
    fixture->fetch = NULL;
    scene_clear(&fixture->scene);
    free(fixture);
    return 0;
}

#define NONE "*4\r\n:0\r\n:0\r\n:0\r\n:0\r\n"

static void
expect_fetch(struct fixture *fixture, const char *token)
{
    fake_assert_word(fake_expect(fixture->scene.client, "fetch"), 2, token);
}

static void
answer(struct fixture *fixture, const char *resp)
{
    fake_answer(fixture->scene.client, resp);
}

static void
answer_job(struct fixture *fixture, const char *id)
{
    struct job job = { .id = memory_copy_string(id) };
    int jobs = fixture->jobs;

    fake_answer_job(fixture->scene.client, &job);
    RUN_UNTIL(fixture->scene.base, fixture->jobs == jobs + 1);
    job_clear(&job);
}

static double
expect_wait(struct fixture *fixture)
{
    return strtod(fake_word(fake_expect(fixture->waiter, "BZPOPMIN"), 2), NULL);
}

static void
assert_quiet(struct fixture *fixture)
{
    fake_run(fixture->scene.base, 30);
    assert_false(fake_has(fixture->scene.client));
    assert_false(fake_has(fixture->waiter));
}

/* Connected, asked, nothing there, waiting. */
static void
come_to_wait(struct fixture *fixture)
{
    fetch_connected(fixture->fetch);
    expect_fetch(fixture, "uuid:0");
    answer(fixture, NONE);
    assert_true(expect_wait(fixture) == 10);
}

static void
an_empty_queue_is_waited_on_for_ten_seconds(void **state)
{
    struct fixture *fixture = *state;

    assert_quiet(fixture); /* not before it is told of the connection */
    come_to_wait(fixture);
    assert_quiet(fixture);
}

static void
a_marker_or_none_leads_to_another_fetch(void **state)
{
    struct fixture *fixture = *state;

    come_to_wait(fixture);
    fake_answer(fixture->waiter, "*-1\r\n");
    expect_fetch(fixture, "uuid:1"); /* each attempt has a token of its own */
    answer(fixture, NONE);
    assert_true(expect_wait(fixture) == 10);
    fake_answer(fixture->waiter, "*3\r\n$18\r\nbull:backup:marker\r\n$1\r\n0\r\n$1\r\n0\r\n");
    expect_fetch(fixture, "uuid:2");
}

static void
a_job_goes_to_its_slot_and_the_next_slot_asks(void **state)
{
    struct fixture *fixture = *state;

    fixture->free_slots = 2;
    fetch_connected(fixture->fetch);
    expect_fetch(fixture, "uuid:0");
    answer_job(fixture, "7");
    assert_string_equal(fixture->last, "7 uuid:0");
    expect_fetch(fixture, "uuid:1");
    answer_job(fixture, "8");
    assert_string_equal(fixture->last, "8 uuid:1");
    assert_quiet(fixture); /* all slots are taken */
    fixture->free_slots = 1;
    fetch_slot_free(fixture->fetch);
    expect_fetch(fixture, "uuid:2");
}

static void
a_slot_that_found_nothing_waits_at_once(void **state)
{
    struct fixture *fixture = *state;
    struct commands_fetched none = { .has_job = false };

    fetch_connected(fixture->fetch);
    expect_fetch(fixture, "uuid:0");
    answer_job(fixture, "7");
    fixture->free_slots = 1;
    fetch_slot_empty(fixture->fetch, &none);
    assert_true(expect_wait(fixture) == 10);
    assert_quiet(fixture);
}

static void
an_empty_queue_is_waited_on_as_long_as_the_worker_is_told(void **state)
{
    struct fixture *fixture = *state;

    fixture->scene.limits.block_ms = 25000;
    fetch_connected(fixture->fetch);
    expect_fetch(fixture, "uuid:0");
    answer(fixture, NONE);
    assert_true(expect_wait(fixture) == 25);
    fixture->scene.limits.block_ms = 1;
    fake_answer(fixture->waiter, "*-1\r\n");
    expect_fetch(fixture, "uuid:1");
    answer(fixture, NONE);
    assert_true(expect_wait(fixture) == 0.002); /* the least there is */
}

/* As BullMQ 5.76: whatever the drain delay is. */
static void
a_delayed_job_of_long_after_is_waited_for_ten_seconds_at_a_time(void **state)
{
    struct fixture *fixture = *state;

    fixture->scene.limits.block_ms = 25000;
    fetch_connected(fixture->fetch);
    expect_fetch(fixture, "uuid:0");
    answer(fixture, "*4\r\n:0\r\n:0\r\n:0\r\n:9007199254740991\r\n");
    assert_true(expect_wait(fixture) == 10);
}

static void
a_delayed_job_shortens_the_wait(void **state)
{
    struct fixture *fixture = *state;
    struct text reply = TEXT_EMPTY;
    double seconds;

    fetch_connected(fixture->fetch);
    expect_fetch(fixture, "uuid:0");
    text_format(&reply, "*4\r\n:0\r\n:0\r\n:0\r\n:%lld\r\n", (long long)wall_now().ms + 5000);
    answer(fixture, reply.data);
    seconds = expect_wait(fixture);
    assert_true(seconds > 4 && seconds <= 5);
    text_clear(&reply);
}

static void
a_delayed_job_that_is_due_is_hardly_waited_for(void **state)
{
    struct fixture *fixture = *state;

    fetch_connected(fixture->fetch);
    expect_fetch(fixture, "uuid:0");
    answer(fixture, "*4\r\n:0\r\n:0\r\n:0\r\n:5\r\n");
    assert_true(expect_wait(fixture) == 0.002);
}

static void
a_marker_of_later_is_waited_for_and_not_fetched(void **state)
{
    struct fixture *fixture = *state;
    struct text marker = TEXT_EMPTY;
    double seconds;

    come_to_wait(fixture);
    text_format(&marker, "*3\r\n$3\r\nkey\r\n$1\r\n1\r\n$13\r\n%lld\r\n", (long long)wall_now().ms + 5000);
    fake_answer(fixture->waiter, marker.data);
    seconds = expect_wait(fixture);
    assert_true(seconds > 4 && seconds <= 5);
    assert_quiet(fixture);
    text_clear(&marker);
}

static void
an_old_redis_is_given_whole_seconds(void **state)
{
    struct fixture *fixture = *state;

    fixture->scene.server->info = "redis_version:5.0.14\r\nmaxmemory_policy:noeviction\r\n";
    fake_cut(fixture->waiter);
    fixture->waiter = fake_accept(fixture->scene.server, 3);
    RUN_UNTIL(fixture->scene.base, link_redis(fixture->blocking) != NULL);
    fetch_connected(fixture->fetch);
    expect_fetch(fixture, "uuid:0");
    answer(fixture, "*4\r\n:0\r\n:0\r\n:0\r\n:5\r\n");
    fake_assert_word(fake_expect(fixture->waiter, "BZPOPMIN"), 2, "1");
}

static void
a_rate_limit_is_rested_out(void **state)
{
    struct fixture *fixture = *state;
    struct moment limited;

    fetch_connected(fixture->fetch);
    expect_fetch(fixture, "uuid:0");
    answer(fixture, "*4\r\n:0\r\n:0\r\n:150\r\n:0\r\n");
    limited = moment_now();
    fetch_slot_free(fixture->fetch); /* changes nothing */
    expect_fetch(fixture, "uuid:1");
    assert_true(moment_ms_between(limited, moment_now()) >= 140);
}

static void
after_a_rest_nothing_is_asked_for_while_all_slots_are_taken(void **state)
{
    struct fixture *fixture = *state;

    fetch_connected(fixture->fetch);
    expect_fetch(fixture, "uuid:0");
    fixture->free_slots = 0;
    answer(fixture, "*4\r\n:0\r\n:0\r\n:10\r\n:0\r\n");
    fake_run(fixture->scene.base, 50);
    assert_quiet(fixture);
    fixture->free_slots = 1;
    fetch_slot_free(fixture->fetch);
    expect_fetch(fixture, "uuid:1");
}

static void
a_slot_that_was_limited_rests_too(void **state)
{
    struct fixture *fixture = *state;
    struct commands_fetched limited = { .limited_ms = 100 };

    fetch_connected(fixture->fetch);
    expect_fetch(fixture, "uuid:0");
    answer_job(fixture, "7");
    fixture->free_slots = 1;
    fetch_slot_empty(fixture->fetch, &limited);
    assert_quiet(fixture);
    expect_fetch(fixture, "uuid:1");
}

static void
no_rest_for_a_rate_limit_is_longer_than_the_worker_is_told(void **state)
{
    struct fixture *fixture = *state;
    struct commands_fetched limited = { .limited_ms = 60000 };
    struct moment start = moment_now();

    fixture->scene.limits.rate_limit_ms = 100;
    fetch_connected(fixture->fetch);
    expect_fetch(fixture, "uuid:0");
    answer(fixture, "*4\r\n:0\r\n:0\r\n:60000\r\n:0\r\n");
    expect_fetch(fixture, "uuid:1");
    answer_job(fixture, "7");
    fixture->free_slots = 1;
    fetch_slot_empty(fixture->fetch, &limited);
    expect_fetch(fixture, "uuid:2");
    assert_in_range(moment_ms_between(start, moment_now()), 190, 2000);
}

static void
a_refused_fetch_is_tried_again_after_a_second(void **state)
{
    struct fixture *fixture = *state;
    struct moment refused;

    fetch_connected(fixture->fetch);
    expect_fetch(fixture, "uuid:0");
    answer(fixture, "-OOM command not allowed\r\n");
    refused = moment_now();
    expect_fetch(fixture, "uuid:1");
    assert_in_range(moment_ms_between(refused, moment_now()), 990, 2000);
}

static void
a_refused_wait_does_not_spin(void **state)
{
    struct fixture *fixture = *state;

    come_to_wait(fixture);
    fake_answer(fixture->waiter, "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n");
    assert_quiet(fixture);
}

static void
a_lost_command_connection_starts_anew(void **state)
{
    struct fixture *fixture = *state;

    fetch_connected(fixture->fetch);
    expect_fetch(fixture, "uuid:0");
    scene_cut(&fixture->scene); /* with the fetch outstanding */
    scene_connect(&fixture->scene);
    expect_fetch(fixture, "uuid:1");
    answer(fixture, NONE);
    assert_true(expect_wait(fixture) == 10);
    scene_cut(&fixture->scene); /* while waiting; the wait goes on */
    scene_connect(&fixture->scene);
    expect_fetch(fixture, "uuid:2");
    answer(fixture, NONE);
    assert_quiet(fixture);
    fake_answer(fixture->waiter, "*-1\r\n");
    expect_fetch(fixture, "uuid:3");
}

static void
waking_while_offline_or_busy_changes_nothing(void **state)
{
    struct fixture *fixture = *state;

    come_to_wait(fixture);
    fake_answer(fixture->waiter, "*-1\r\n");
    expect_fetch(fixture, "uuid:1");
    answer(fixture, NONE);
    (void)expect_wait(fixture);
    scene_cut(&fixture->scene);
    fake_answer(fixture->waiter, "*-1\r\n");
    fake_run(fixture->scene.base, 20);
    scene_connect(&fixture->scene);
    expect_fetch(fixture, "uuid:2");
}

/* The marker may stand for a job that came when the fetch had already looked. */
static void
a_marker_that_comes_during_a_fetch_leads_to_another(void **state)
{
    struct fixture *fixture = *state;

    come_to_wait(fixture);
    scene_cut(&fixture->scene);
    scene_connect(&fixture->scene);
    expect_fetch(fixture, "uuid:1");
    fake_answer(fixture->waiter, "*3\r\n$1\r\nm\r\n$1\r\n0\r\n$1\r\n0\r\n");
    fake_run(fixture->scene.base, 20);
    answer(fixture, NONE);
    expect_fetch(fixture, "uuid:2");
    answer(fixture, NONE);
    assert_true(expect_wait(fixture) == 10);
    assert_quiet(fixture);
}

/* A marker may have gone down with it. */
static void
a_lost_blocking_connection_leads_to_a_look_and_waits_again(void **state)
{
    struct fixture *fixture = *state;

    come_to_wait(fixture);
    fake_cut(fixture->waiter);
    fixture->waiter = fake_accept(fixture->scene.server, 3);
    expect_fetch(fixture, "uuid:1");
    answer(fixture, NONE);
    assert_true(expect_wait(fixture) == 10);
    assert_quiet(fixture);
}

static void
stopping_while_waiting_is_done_at_once(void **state)
{
    struct fixture *fixture = *state;

    come_to_wait(fixture);
    fetch_stop(fixture->fetch);
    assert_true(fetch_is_stopped(fixture->fetch));
    assert_int_equal(fixture->stops, 1);
    link_free(fixture->blocking); /* as the worker does then */
    fixture->blocking = NULL;
    fetch_stop(fixture->fetch);
    fetch_slot_free(fixture->fetch);
    scene_cut(&fixture->scene);
    scene_connect(&fixture->scene);
    fake_run(fixture->scene.base, 30);
    assert_false(fake_has(fixture->scene.client));
    assert_int_equal(fixture->stops, 1);
}

static void
stopping_in_the_middle_of_a_fetch_waits_for_its_answer(void **state)
{
    struct fixture *fixture = *state;

    fetch_connected(fixture->fetch);
    expect_fetch(fixture, "uuid:0");
    fetch_stop(fixture->fetch);
    assert_false(fetch_is_stopped(fixture->fetch));
    assert_quiet(fixture);
    answer_job(fixture, "7"); /* is ours, and has to be given back */
    assert_true(fetch_is_stopped(fixture->fetch));
    assert_int_equal(fixture->stops, 1);
    assert_quiet(fixture);
}

static void
stopping_in_the_middle_of_a_fetch_ends_with_the_connection(void **state)
{
    struct fixture *fixture = *state;

    fetch_connected(fixture->fetch);
    expect_fetch(fixture, "uuid:0");
    fetch_stop(fixture->fetch);
    scene_cut(&fixture->scene);
    assert_true(fetch_is_stopped(fixture->fetch));
    assert_int_equal(fixture->jobs, 0);
}

static void
a_stopped_fetch_may_be_freed_with_its_answer_outstanding(void **state)
{
    struct fixture *fixture = *state;

    fetch_connected(fixture->fetch);
    expect_fetch(fixture, "uuid:0");
    fetch_stop(fixture->fetch);
    fetch_free(fixture->fetch);
    fixture->fetch = NULL;
    answer(fixture, NONE);
    fake_run(fixture->scene.base, 30);
    assert_int_equal(fixture->stops, 0);
    fetch_free(NULL);
}

#define MACHINE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        MACHINE(an_empty_queue_is_waited_on_for_ten_seconds),
        MACHINE(a_marker_or_none_leads_to_another_fetch),
        MACHINE(a_job_goes_to_its_slot_and_the_next_slot_asks),
        MACHINE(a_slot_that_found_nothing_waits_at_once),
        MACHINE(an_empty_queue_is_waited_on_as_long_as_the_worker_is_told),
        MACHINE(a_delayed_job_of_long_after_is_waited_for_ten_seconds_at_a_time),
        MACHINE(a_delayed_job_shortens_the_wait),
        MACHINE(a_delayed_job_that_is_due_is_hardly_waited_for),
        MACHINE(a_marker_of_later_is_waited_for_and_not_fetched),
        MACHINE(an_old_redis_is_given_whole_seconds),
        MACHINE(a_rate_limit_is_rested_out),
        MACHINE(after_a_rest_nothing_is_asked_for_while_all_slots_are_taken),
        MACHINE(a_slot_that_was_limited_rests_too),
        MACHINE(no_rest_for_a_rate_limit_is_longer_than_the_worker_is_told),
        MACHINE(a_refused_fetch_is_tried_again_after_a_second),
        MACHINE(a_refused_wait_does_not_spin),
        MACHINE(a_lost_command_connection_starts_anew),
        MACHINE(waking_while_offline_or_busy_changes_nothing),
        MACHINE(a_marker_that_comes_during_a_fetch_leads_to_another),
        MACHINE(a_lost_blocking_connection_leads_to_a_look_and_waits_again),
        MACHINE(stopping_while_waiting_is_done_at_once),
        MACHINE(stopping_in_the_middle_of_a_fetch_waits_for_its_answer),
        MACHINE(stopping_in_the_middle_of_a_fetch_ends_with_the_connection),
        MACHINE(a_stopped_fetch_may_be_freed_with_its_answer_outstanding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
