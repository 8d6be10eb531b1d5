#include "consumer/fetch.h"

#include <inttypes.h>
#include <stdlib.h>

#include "common/log.h"
#include "common/memory.h"

#define BLOCK_MOST_MS 10000 /* BullMQ 5.76: while a delayed job is known to come */
#define BLOCK_LEAST_MS 2    /* BullMQ 5.76: Redis before 7.0.8 takes 1 ms for no limit */
#define REFUSED_REST_MS 1000
#define REFUSED_REST_DOUBLINGS 5
#define WAIT_REFUSED_REST_MS 5000
#define REDIS_WITH_FRACTIONS 60000 /* BZPOPMIN takes fractions of a second since 6.0 */

struct fetch {
    const struct consumer *consumer;
    struct link *blocking;
    const char *uuid;
    struct fetch_events events;
    enum fetch_state state;
    struct text token;
    uint64_t attempts;      /* fetches so far: the token's number */
    int64_t block_until_ms; /* Unix ms of the next delayed job; 0: unknown */
    int64_t rest_ms;
    int refusals;         /* in a row */
    bool is_blocked;      /* BZPOPMIN is on its way */
    bool is_woken;        /* a marker came, or went down with its connection, and no fetch was sent since */
    bool is_wait_refused; /* the last time */
    bool ready_told;      /* since the connection came up */
    struct event *timer;
};

/* clang-format off */
#define SAME(state) [FETCH_CONNECTED] = FETCH_##state, [FETCH_LOST] = FETCH_##state, [FETCH_SLOT_FREE] = FETCH_##state, \
    [FETCH_SLOT_EMPTY] = FETCH_##state, [FETCH_GOT_JOB] = FETCH_##state, [FETCH_GOT_NONE] = FETCH_##state, \
    [FETCH_GOT_REST] = FETCH_##state, [FETCH_REST] = FETCH_##state, [FETCH_BLOCK] = FETCH_##state, \
    [FETCH_WOKEN] = FETCH_##state, [FETCH_RESTED] = FETCH_##state, [FETCH_SHUTDOWN] = FETCH_##state

static const enum fetch_state fetch_table[FETCH_STATES][FETCH_EVENTS] = {
    [FETCH_OFFLINE]  = { [FETCH_CONNECTED] = FETCH_IDLE, [FETCH_LOST] = FETCH_OFFLINE, [FETCH_SLOT_FREE] = FETCH_OFFLINE,
                         [FETCH_SLOT_EMPTY] = FETCH_OFFLINE, [FETCH_REST] = FETCH_OFFLINE, [FETCH_BLOCK] = FETCH_OFFLINE,
                         [FETCH_WOKEN] = FETCH_OFFLINE, [FETCH_SHUTDOWN] = FETCH_STOPPED },
    [FETCH_IDLE]     = { [FETCH_LOST] = FETCH_OFFLINE, [FETCH_SLOT_FREE] = FETCH_MOVING, [FETCH_SLOT_EMPTY] = FETCH_WAITING,
                         [FETCH_REST] = FETCH_RESTING, [FETCH_BLOCK] = FETCH_IDLE, [FETCH_WOKEN] = FETCH_IDLE,
                         [FETCH_SHUTDOWN] = FETCH_STOPPED },
    [FETCH_MOVING]   = { [FETCH_LOST] = FETCH_OFFLINE, [FETCH_SLOT_FREE] = FETCH_MOVING, [FETCH_SLOT_EMPTY] = FETCH_MOVING,
                         [FETCH_GOT_JOB] = FETCH_IDLE, [FETCH_GOT_NONE] = FETCH_WAITING, [FETCH_GOT_REST] = FETCH_RESTING,
                         [FETCH_REST] = FETCH_MOVING, [FETCH_BLOCK] = FETCH_MOVING, [FETCH_WOKEN] = FETCH_MOVING,
                         [FETCH_SHUTDOWN] = FETCH_DRAINING },
    [FETCH_WAITING]  = { [FETCH_LOST] = FETCH_OFFLINE, [FETCH_SLOT_FREE] = FETCH_WAITING, [FETCH_SLOT_EMPTY] = FETCH_WAITING,
                         [FETCH_REST] = FETCH_RESTING, [FETCH_BLOCK] = FETCH_WAITING, [FETCH_WOKEN] = FETCH_MOVING,
                         [FETCH_SHUTDOWN] = FETCH_STOPPED },
    [FETCH_RESTING]  = { [FETCH_LOST] = FETCH_OFFLINE, [FETCH_SLOT_FREE] = FETCH_RESTING, [FETCH_SLOT_EMPTY] = FETCH_RESTING,
                         [FETCH_REST] = FETCH_RESTING, [FETCH_BLOCK] = FETCH_RESTING, [FETCH_WOKEN] = FETCH_RESTING,
                         [FETCH_RESTED] = FETCH_IDLE, [FETCH_SHUTDOWN] = FETCH_STOPPED },
    [FETCH_DRAINING] = { [FETCH_LOST] = FETCH_STOPPED, [FETCH_SLOT_FREE] = FETCH_DRAINING, [FETCH_SLOT_EMPTY] = FETCH_DRAINING,
                         [FETCH_GOT_JOB] = FETCH_STOPPED, [FETCH_GOT_NONE] = FETCH_STOPPED, [FETCH_GOT_REST] = FETCH_STOPPED,
                         [FETCH_REST] = FETCH_DRAINING, [FETCH_BLOCK] = FETCH_DRAINING, [FETCH_WOKEN] = FETCH_DRAINING,
                         [FETCH_SHUTDOWN] = FETCH_DRAINING },
    [FETCH_STOPPED]  = { SAME(STOPPED) },
};
/* clang-format on */

static void fetch_step(struct fetch *fetch, enum fetch_event event);

enum fetch_state
fetch_next_state(enum fetch_state state, enum fetch_event event)
{
    return fetch_table[state][event];
}

/* Not longer than this, so that delayed jobs are promoted meanwhile. */
static int64_t
rate_limit_rest_ms(const struct fetch *fetch, const struct commands_fetched *fetched)
{
    int64_t most_ms = fetch->consumer->limits->rate_limit_ms;

    return fetched->limited_ms > most_ms ? most_ms : fetched->limited_ms;
}

static void
on_fetched(const redisReply *reply, const struct error *lost, void *owner)
{
    struct fetch *fetch = owner;
    struct commands_fetched fetched;
    struct error err;

    if (reply == NULL)
        return; /* fetch_lost() comes, too */
    if (!commands_read_fetched(reply, lost, &fetched, &err)) {
        fetch->rest_ms =
            REFUSED_REST_MS << (fetch->refusals < REFUSED_REST_DOUBLINGS ? fetch->refusals++ : REFUSED_REST_DOUBLINGS);
        log_error(LOG_EVENT("fetch refused"), LOG_TEXT("queue", fetch->consumer->keys->queue), LOG_ERROR(&err),
            LOG_NUMBER("retryInMs", fetch->rest_ms));
        fetch_step(fetch, FETCH_GOT_REST);
        return;
    }
    fetch->refusals = 0;
    fetch->block_until_ms = fetched.next_delayed_ms;
    fetch->rest_ms = rate_limit_rest_ms(fetch, &fetched);
    if (fetched.has_job) {
        fetch->events.on_job(&fetched.job, text_string(&fetch->token), fetch->events.owner);
        fetch_step(fetch, FETCH_GOT_JOB);
    } else
        fetch_step(fetch, fetched.limited_ms > 0 ? FETCH_GOT_REST : FETCH_GOT_NONE);
}

static void
fetch_move(struct fetch *fetch)
{
    fetch->is_woken = false;
    text_reset(&fetch->token);
    text_format(&fetch->token, "%s:%" PRIu64, fetch->uuid, fetch->attempts++);
    commands_fetch(link_redis(fetch->consumer->command), fetch->consumer->keys, &fetch->consumer->taking,
        text_string(&fetch->token), on_fetched, fetch);
}

static void
on_marker(const redisReply *reply, const struct error *lost, void *owner)
{
    struct fetch *fetch = owner;
    struct error err;
    int64_t due_ms;

    fetch->is_blocked = false;
    if (reply == NULL) {
        fetch->is_woken = true;
        return; /* fetch_blocking_connected() comes again */
    }
    fetch->is_wait_refused = !commands_read_marker(reply, lost, &due_ms, &err);
    if (fetch->is_wait_refused) {
        log_error(LOG_EVENT("wait refused"), LOG_TEXT("queue", fetch->consumer->keys->queue), LOG_ERROR(&err));
        fetch->rest_ms = WAIT_REFUSED_REST_MS;
        fetch_step(fetch, FETCH_REST);
        return;
    }
    if (due_ms <= wall_now().ms) {
        fetch->is_woken = true;
        fetch_step(fetch, FETCH_WOKEN);
        return;
    }
    /* A delayed job is due then; if an earlier one is known, that one still counts. */
    if (fetch->block_until_ms == 0 || due_ms < fetch->block_until_ms)
        fetch->block_until_ms = due_ms;
    fetch_step(fetch, FETCH_BLOCK);
}

static int64_t
block_ms(const struct fetch *fetch)
{
    int64_t wait_ms = fetch->consumer->limits->block_ms;

    if (fetch->block_until_ms != 0) {
        wait_ms = fetch->block_until_ms - wall_now().ms;
        if (wait_ms > BLOCK_MOST_MS)
            wait_ms = BLOCK_MOST_MS;
    }
    if (wait_ms < BLOCK_LEAST_MS)
        wait_ms = BLOCK_LEAST_MS;
    if (link_server(fetch->blocking)->version < REDIS_WITH_FRACTIONS)
        wait_ms = (wait_ms + 999) / 1000 * 1000;
    return wait_ms;
}

static void
fetch_wait(struct fetch *fetch)
{
    struct redis *redis = link_redis(fetch->blocking);

    if (fetch->is_woken) {
        fetch_step(fetch, FETCH_WOKEN);
        return;
    }
    if (redis == NULL || fetch->is_blocked)
        return; /* fetch_blocking_connected() comes, or the answer does */
    fetch->is_blocked = true;
    commands_wait(redis, fetch->consumer->keys, block_ms(fetch), on_marker, fetch);
    if (!fetch->ready_told) {
        fetch->ready_told = true;
        log_info(LOG_EVENT("worker ready"), LOG_TEXT("queue", fetch->consumer->keys->queue),
            LOG_TEXT("prefix", fetch->consumer->keys->prefix));
    }
}

/* The one place that assigns the state, and does what entering it means. */
static void
fetch_enter(struct fetch *fetch, enum fetch_state state)
{
    fetch->state = state;
    (void)event_del(fetch->timer);
    switch (state) {
    case FETCH_IDLE:
        if (fetch->events.has_free_slot(fetch->events.owner))
            fetch_step(fetch, FETCH_SLOT_FREE);
        return;
    case FETCH_MOVING:
        fetch_move(fetch);
        return;
    case FETCH_WAITING:
        fetch_wait(fetch);
        return;
    case FETCH_RESTING:
        consumer_set_timer(fetch->timer, fetch->rest_ms);
        return;
    case FETCH_OFFLINE:
        fetch->ready_told = false;
        return;
    case FETCH_STOPPED:
        fetch->events.on_stopped(fetch->events.owner);
        return;
    case FETCH_DRAINING:
    case FETCH_UNTHOUGHT:
        return;
    }
}

static void
fetch_step(struct fetch *fetch, enum fetch_event event)
{
    enum fetch_state next = fetch_next_state(fetch->state, event);

    if (next == FETCH_UNTHOUGHT) {
        log_fatal(
            LOG_EVENT("impossible event in fetch"), LOG_NUMBER("state", fetch->state), LOG_NUMBER("fetchEvent", event));
        abort();
    }
    /* Blocking again is the one event that enters a state anew. */
    if (next != fetch->state || (next == FETCH_WAITING && event == FETCH_BLOCK))
        fetch_enter(fetch, next);
}

static void
on_rested(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    fetch_step(argument, FETCH_RESTED);
}

void
fetch_connected(struct fetch *fetch)
{
    fetch_step(fetch, FETCH_CONNECTED);
}

void
fetch_lost(struct fetch *fetch)
{
    fetch_step(fetch, FETCH_LOST);
}

void
fetch_blocking_connected(struct fetch *fetch)
{
    fetch_step(fetch, FETCH_BLOCK);
}

void
fetch_slot_free(struct fetch *fetch)
{
    fetch_step(fetch, FETCH_SLOT_FREE);
}

void
fetch_slot_empty(struct fetch *fetch, const struct commands_fetched *none)
{
    if (none->next_delayed_ms != 0)
        fetch->block_until_ms = none->next_delayed_ms;
    fetch->rest_ms = rate_limit_rest_ms(fetch, none);
    fetch_step(fetch, none->limited_ms > 0 ? FETCH_REST : FETCH_SLOT_EMPTY);
}

void
fetch_stop(struct fetch *fetch)
{
    fetch_step(fetch, FETCH_SHUTDOWN);
}

bool
fetch_is_stopped(const struct fetch *fetch)
{
    return fetch->state == FETCH_STOPPED;
}

const char *
fetch_problem(const struct fetch *fetch)
{
    if (fetch->state == FETCH_STOPPED || fetch->state == FETCH_DRAINING)
        return "the worker is closing";
    if (link_redis(fetch->consumer->command) == NULL)
        return "no connection to Redis";
    if (link_redis(fetch->blocking) == NULL)
        return "no connection to Redis to wait for jobs on";
    if (fetch->refusals > 0)
        return "Redis refuses to hand out jobs; the log says why";
    return fetch->is_wait_refused ? "Redis refuses to let us wait for jobs; the log says why" : NULL;
}

struct fetch *
fetch_new(const struct consumer *consumer, struct link *blocking, const char *uuid, const struct fetch_events *events)
{
    struct fetch *fetch = memory_new(sizeof(*fetch));

    *fetch = (struct fetch){
        .consumer = consumer, .blocking = blocking, .uuid = uuid, .events = *events, .state = FETCH_OFFLINE
    };
    fetch->timer = event_new(consumer->base, -1, 0, on_rested, fetch);
    if (fetch->timer == NULL)
        abort(); /* out of memory */
    return fetch;
}

void
fetch_free(struct fetch *fetch)
{
    struct redis *redis;

    if (fetch == NULL)
        return;
    redis = link_redis(fetch->consumer->command);
    if (redis != NULL)
        redis_forget(redis, fetch);
    event_free(fetch->timer);
    text_clear(&fetch->token);
    free(fetch);
}
