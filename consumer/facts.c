#include "consumer/facts.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/memory.h"

#define HANGS "the program that looks for them does not come to an end: a disk or a server hangs"
#define SOON_MS 1000 /* after a job: what it ends with is written by then, and many jobs are one reason */

struct facts {
    struct children *children;
    char *const *argv;
    int64_t pause_ms;
    struct child *child; /* while it looks */
    bool is_wanted;      /* once more, after this look */
    bool is_stopped;
    int64_t looks; /* that have ended */
    json_t *last;
    struct moment since; /* when `last` was true */
    struct moment began; /* the look that is under way */
    char *failure;       /* of the last look; NULL: it has not failed */
    struct event *timer; /* the next look */
};

static void
facts_rest(struct facts *facts)
{
    if (!facts->is_stopped)
        consumer_set_timer(facts->timer, facts->is_wanted && facts->pause_ms > SOON_MS ? SOON_MS : facts->pause_ms);
}

static void
facts_forget(struct facts *facts)
{
    json_decref(facts->last);
    facts->last = NULL;
    free(facts->failure);
    facts->failure = NULL;
}

static void
facts_fail(struct facts *facts, const char *reason)
{
    bool is_new = facts->failure == NULL || strcmp(facts->failure, reason) != 0;

    if (is_new)
        log_warn(LOG_EVENT("facts not known"), LOG_TEXT("reason", reason));
    facts_forget(facts);
    facts->failure = memory_copy_string(reason);
}

static void
on_report(struct report *report, void *owner)
{
    (void)report; /* its verdict is all that it has to say */
    (void)owner;
}

static bool
is_told(const json_t *value)
{
    const json_t *problems = json_object_get(value, "problems");
    const json_t *problem;
    size_t i;

    json_array_foreach(problems, i, problem)
    {
        if (!json_is_string(json_object_get(problem, "about")) || !json_is_string(json_object_get(problem, "text")))
            return false;
    }
    return json_is_array(problems);
}

static const char *
describe_failure(const struct report *verdict)
{
    if (verdict->type == REPORT_INTERRUPTED) /* by us: child_limit() */
        return HANGS;
    return verdict->text != NULL ? verdict->text : "the program that looks for them does not tell the problems";
}

static void
on_done(struct report *verdict, void *owner)
{
    struct facts *facts = owner;
    json_t *value =
        verdict->type == REPORT_COMPLETED && verdict->value != NULL ? json_loads(verdict->value, 0, NULL) : NULL;

    facts->child = NULL;
    facts->looks++;
    if (is_told(value)) {
        facts_forget(facts);
        facts->last = json_incref(value);
        facts->since = facts->began;
    } else if (!facts->is_stopped)
        facts_fail(facts, describe_failure(verdict));
    json_decref(value);
    facts_rest(facts);
}

static void
facts_look(struct facts *facts)
{
    struct runner_events events = { .on_report = on_report, .on_done = on_done, .owner = facts };
    struct error err;

    facts->is_wanted = false;
    facts->began = moment_now();
    if (!child_start(facts->children, facts->argv, "", 0, &events, &facts->child, &err)) {
        facts->looks++;
        facts_fail(facts, err.text);
        facts_rest(facts);
        return;
    }
    child_limit(facts->child, facts->pause_ms > FACTS_LIMIT_MS ? facts->pause_ms : FACTS_LIMIT_MS);
}

static void
on_timer(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    facts_look(argument);
}

void
facts_ask(struct facts *facts)
{
    if (facts == NULL || facts->is_wanted)
        return;
    facts->is_wanted = true;
    if (facts->child == NULL)
        facts_rest(facts);
}

void
facts_stop(struct facts *facts)
{
    if (facts == NULL)
        return;
    facts->is_stopped = true;
    (void)event_del(facts->timer);
    if (facts->child != NULL)
        child_stop(facts->child, 0);
}

json_t *
facts_last(const struct facts *facts)
{
    return facts == NULL ? NULL : facts->last;
}

int64_t
facts_age_ms(const struct facts *facts)
{
    return moment_ms_between(facts->since, moment_now());
}

int64_t
facts_looks(const struct facts *facts)
{
    return facts->looks;
}

const char *
facts_problem(const struct facts *facts)
{
    if (facts == NULL)
        return NULL;
    if (facts->failure != NULL)
        return facts->failure;
    if (facts->last == NULL)
        return "nobody has looked yet";
    return facts_age_ms(facts) > 2 * facts->pause_ms + FACTS_LIMIT_MS ? HANGS : NULL;
}

struct facts *
facts_new(const struct consumer *consumer, struct children *children, char *const *argv, int64_t pause_ms)
{
    struct facts *facts = memory_new(sizeof(*facts));

    *facts = (struct facts){ .children = children, .argv = argv, .pause_ms = pause_ms };
    facts->timer = event_new(consumer->base, -1, 0, on_timer, facts);
    if (facts->timer == NULL)
        abort(); /* out of memory */
    consumer_set_timer(facts->timer, 0);
    return facts;
}

void
facts_free(struct facts *facts)
{
    if (facts == NULL)
        return;
    facts_forget(facts);
    event_free(facts->timer);
    free(facts);
}
