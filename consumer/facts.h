/*
 * facts: runs the facts program, which says what the worker itself never looks at: what the jobs depend on. Keeps its last answer.
 *
 * It is a child (consumer/child) without input, started at once, again after each pause, and soon after a job (facts_ask); never two at a time. Its
 * verdict is `completed`, with the facts as its return value: an object of its own making, of which only one member means anything here:
 *
 *     "problems":[{"about":"...","text":"..."}]    what keeps jobs from succeeding, for people; [] is good
 *
 * With any other verdict, or without that member, the last facts are forgotten: nobody knows. All functions but the first take NULL, for a worker that nobody watches.
 */
#ifndef CONSUMER_FACTS_H
#define CONSUMER_FACTS_H

#include <jansson.h>

#include "consumer/child.h"
#include "consumer/consumer.h"

struct facts;

#define FACTS_LIMIT_MS 30000

/* `argv` stays the caller's. A look may take FACTS_LIMIT_MS, or `pause_ms` if that is longer; then it is given up. */
struct facts *facts_new(
    const struct consumer *consumer, struct children *children, char *const *argv, int64_t pause_ms);
void facts_ask(struct facts *facts);  /* something has happened: look again, soon */
void facts_stop(struct facts *facts); /* for good; a look that is under way is killed */

/* The last facts; NULL: none. They stay ours, and are gone at the next turn of the loop. */
json_t *facts_last(const struct facts *facts);
int64_t facts_age_ms(const struct facts *facts); /* of the last facts */
int64_t facts_looks(const struct facts *facts);  /* how many have ended, well or not */
const char *facts_problem(
    const struct facts *facts); /* why there are none, for people; NULL: there are, and they are fresh */
void facts_free(struct facts *facts);

#endif
