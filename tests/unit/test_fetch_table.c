#include "tests/unit/test.h"

#include "consumer/fetch.h"

static const char *const state_names[FETCH_STATES] = { "unthought", "offline", "idle", "moving", "waiting", "resting",
    "draining", "stopped" };
static const char *const event_names[FETCH_EVENTS] = { "connected", "lost", "slot free", "slot empty", "got job",
    "got none", "got rest", "rest", "block", "woken", "rested", "shutdown" };

/*
 * The pairs that cannot happen, and why.
 *
 * An answer to a fetch (got job, got none, got rest) comes only while one is outstanding, which is MOVING and DRAINING: whoever leaves MOVING
 * does so by an answer, by shutdown to DRAINING, or by losing the connection, and then all answers are errors, which are no event.
 *
 * The connection comes up only when it was down, which is OFFLINE (or STOPPED).
 *
 * The timer runs in RESTING alone: entering any state stops it.
 */
static bool
is_impossible(enum fetch_state state, enum fetch_event event)
{
    switch (event) {
    case FETCH_GOT_JOB:
    case FETCH_GOT_NONE:
    case FETCH_GOT_REST:
        return state != FETCH_MOVING && state != FETCH_DRAINING && state != FETCH_STOPPED;
    case FETCH_CONNECTED:
        return state != FETCH_OFFLINE && state != FETCH_STOPPED;
    case FETCH_RESTED:
        return state != FETCH_RESTING && state != FETCH_STOPPED;
    case FETCH_LOST:
    case FETCH_SLOT_FREE:
    case FETCH_SLOT_EMPTY:
    case FETCH_REST:
    case FETCH_BLOCK:
    case FETCH_WOKEN:
    case FETCH_SHUTDOWN:
        return false;
    }
    return false;
}

static void
exactly_the_impossible_pairs_are_holes(void **state)
{
    (void)state;
    for (unsigned s = FETCH_OFFLINE; s < FETCH_STATES; s++)
        for (unsigned e = 0; e < FETCH_EVENTS; e++) {
            bool is_hole = fetch_next_state((enum fetch_state)s, (enum fetch_event)e) == FETCH_UNTHOUGHT;

            if (is_hole != is_impossible((enum fetch_state)s, (enum fetch_event)e))
                fail_msg("%s in state %s is %s", event_names[e], state_names[s], is_hole ? "a hole" : "no hole");
        }
}

static void
stopped_is_the_end(void **state)
{
    (void)state;
    for (unsigned e = 0; e < FETCH_EVENTS; e++)
        assert_int_equal(fetch_next_state(FETCH_STOPPED, (enum fetch_event)e), FETCH_STOPPED);
}

/* Out of every state, shutdown and what may still be outstanding lead to STOPPED. */
static void
shutdown_always_comes_to_an_end(void **state)
{
    (void)state;
    for (unsigned s = FETCH_OFFLINE; s < FETCH_STATES; s++) {
        enum fetch_state next = fetch_next_state((enum fetch_state)s, FETCH_SHUTDOWN);

        assert_int_equal(next, s == FETCH_MOVING || s == FETCH_DRAINING ? FETCH_DRAINING : FETCH_STOPPED);
    }
    assert_int_equal(fetch_next_state(FETCH_DRAINING, FETCH_GOT_JOB), FETCH_STOPPED);
    assert_int_equal(fetch_next_state(FETCH_DRAINING, FETCH_GOT_NONE), FETCH_STOPPED);
    assert_int_equal(fetch_next_state(FETCH_DRAINING, FETCH_GOT_REST), FETCH_STOPPED);
    assert_int_equal(fetch_next_state(FETCH_DRAINING, FETCH_LOST), FETCH_STOPPED);
}

/* After shutdown no fetch is sent any more. */
static void
nothing_leads_from_draining_back_to_work(void **state)
{
    (void)state;
    for (unsigned e = 0; e < FETCH_EVENTS; e++) {
        enum fetch_state next = fetch_next_state(FETCH_DRAINING, (enum fetch_event)e);

        assert_true(next == FETCH_DRAINING || next == FETCH_STOPPED || next == FETCH_UNTHOUGHT);
    }
}

static void
a_lost_connection_leads_offline_from_everywhere(void **state)
{
    (void)state;
    for (unsigned s = FETCH_OFFLINE; s < FETCH_DRAINING; s++)
        assert_int_equal(fetch_next_state((enum fetch_state)s, FETCH_LOST), FETCH_OFFLINE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exactly_the_impossible_pairs_are_holes),
        cmocka_unit_test(stopped_is_the_end),
        cmocka_unit_test(shutdown_always_comes_to_an_end),
        cmocka_unit_test(nothing_leads_from_draining_back_to_work),
        cmocka_unit_test(a_lost_connection_leads_offline_from_everywhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
