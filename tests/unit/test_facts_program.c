#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "consumer/facts.h"
#include "tests/unit/scene.h"

/* The facts program, as the worker runs it; Redis has no part in it. */
struct fixture {
    struct scene scene;
    struct facts *facts;
};

static int
set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    scene_init(&fixture->scene);
    *state = fixture;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *fixture = *state;

    facts_free(fixture->facts);
    scene_clear(&fixture->scene);
    free(fixture);
    return 0;
}

static void
start(struct fixture *fixture, const char *script, int64_t pause_ms)
{
    scene_set_script(&fixture->scene, script);
    fixture->facts =
        facts_new(&fixture->scene.consumer, fixture->scene.runner.children, fixture->scene.program, pause_ms);
}

static int64_t
number(const struct fixture *fixture)
{
    return json_integer_value(json_object_get(facts_last(fixture->facts), "n"));
}

#define GOOD(n) "{\"problems\":[],\"n\":" #n "}"
#define SAY(value) "echo '{\"type\":\"completed\",\"returnvalue\":" value "}' >&3"
/* As many bytes as the look is the how-manieth. */
#define COUNT                                                                                                          \
    "printf x >&4; echo '{\"type\":\"completed\",\"returnvalue\":{\"problems\":[],\"n\":'$(wc -c <$COUNTER)'}}' >&3"

static void
they_are_looked_at_at_once_and_again_after_each_pause(void **state)
{
    struct fixture *fixture = *state;
    char counter[] = "/tmp/facts-XXXXXX";
    int fd = mkstemp(counter);
    struct moment begun = moment_now();

    assert_true(fd != -1);
    (void)setenv("COUNTER", counter, 1);
    start(fixture, "exec 4>>$COUNTER; " COUNT, 100);
    assert_string_equal(facts_problem(fixture->facts), "nobody has looked yet");
    RUN_UNTIL(fixture->scene.base, number(fixture) == 1);
    assert_null(facts_problem(fixture->facts));
    RUN_UNTIL(fixture->scene.base, number(fixture) == 3);
    assert_true(moment_ms_between(begun, moment_now()) >= 200);
    assert_true(facts_age_ms(fixture->facts) < FAKE_PATIENCE_MS);
    (void)unlink(counter);
    (void)close(fd);
}

static void
after_a_job_they_are_looked_at_soon(void **state)
{
    struct fixture *fixture = *state;
    char counter[] = "/tmp/facts-XXXXXX";
    int fd = mkstemp(counter);

    assert_true(fd != -1);
    (void)setenv("COUNTER", counter, 1);
    start(fixture, "exec 4>>$COUNTER; " COUNT, 3600000);
    RUN_UNTIL(fixture->scene.base, number(fixture) == 1);
    facts_ask(fixture->facts);
    facts_ask(fixture->facts);
    RUN_UNTIL(fixture->scene.base, number(fixture) == 2);
    fake_run(fixture->scene.base, 100);
    assert_int_equal(number(fixture), 2);
    (void)unlink(counter);
    (void)close(fd);
}

static void
what_fails_is_told_and_the_last_facts_are_forgotten(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, SAY(GOOD(1)), 20);
    RUN_UNTIL(fixture->scene.base, number(fixture) == 1);
    scene_set_script(&fixture->scene, "echo '{\"type\":\"failed\",\"reason\":\"DATABASE_URL is not set\"}' >&3");
    RUN_UNTIL(fixture->scene.base, facts_last(fixture->facts) == NULL);
    assert_string_equal(facts_problem(fixture->facts), "DATABASE_URL is not set");
    scene_set_script(&fixture->scene, SAY(GOOD(2)));
    RUN_UNTIL(fixture->scene.base, number(fixture) == 2);
    assert_null(facts_problem(fixture->facts));
}

static void
who_does_not_tell_the_problems_has_told_nothing(void **state)
{
    static const char *const scripts[] = { SAY("[1]"), SAY("{}"), SAY("{\"problems\":\"none\"}"),
        SAY("{\"problems\":[1]}"), SAY("{\"problems\":[{\"about\":\"disk\"}]}"),
        "echo '{\"type\":\"completed\"}' >&3" };
    struct fixture *fixture = *state;

    start(fixture, SAY(GOOD(1)), 20);
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        scene_set_script(&fixture->scene, SAY(GOOD(1)));
        RUN_UNTIL(fixture->scene.base, number(fixture) == 1);
        scene_set_script(&fixture->scene, scripts[i]);
        RUN_UNTIL(fixture->scene.base, facts_last(fixture->facts) == NULL);
        assert_string_equal(
            facts_problem(fixture->facts), "the program that looks for them does not tell the problems");
    }
    assert_true(facts_looks(fixture->facts) >= 12);
}

static void
once_stopped_nobody_looks_any_more(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, "sleep 60", 20);
    fake_run(fixture->scene.base, 50);
    facts_stop(fixture->facts);
    RUN_UNTIL(fixture->scene.base, facts_looks(fixture->facts) == 1);
    assert_string_equal(facts_problem(fixture->facts), "nobody has looked yet"); /* it has not failed */
    scene_set_script(&fixture->scene, SAY(GOOD(1)));
    facts_ask(fixture->facts);
    fake_run(fixture->scene.base, 100);
    assert_null(facts_last(fixture->facts));
}

static void
a_worker_that_nobody_watches_has_none(void **state)
{
    (void)state;
    facts_ask(NULL);
    facts_stop(NULL);
    assert_null(facts_last(NULL));
    assert_null(facts_problem(NULL));
    facts_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(they_are_looked_at_at_once_and_again_after_each_pause),
        TEST(after_a_job_they_are_looked_at_soon),
        TEST(what_fails_is_told_and_the_last_facts_are_forgotten),
        TEST(who_does_not_tell_the_problems_has_told_nothing),
        TEST(once_stopped_nobody_looks_any_more),
        cmocka_unit_test(a_worker_that_nobody_watches_has_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
