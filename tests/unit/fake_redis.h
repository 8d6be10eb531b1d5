/*
 * fake_redis: the other end of a connection, in the test's own loop: it notes what is sent and answers what the test tells it to.
 *
 * Either one end of a bufferevent pair, or a server on a unix socket in a directory of its own (or a port), whose connections greet by themselves
 * (AUTH, SELECT, CLIENT SETNAME and INFO are answered at once and noted apart) unless told otherwise.
 *
 * Nothing here sleeps: whatever is waited for has five seconds, and then the test fails.
 */
#ifndef TESTS_UNIT_FAKE_REDIS_H
#define TESTS_UNIT_FAKE_REDIS_H

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <hiredis/hiredis.h>
#include <stdbool.h>

#include "common/clock.h"
#include "common/redis_url.h"
#include "common/text.h"
#include "protocol/job.h"

#define FAKE_PATIENCE_MS 5000

/* Runs the loop for one turn, of ten milliseconds at most. */
void fake_turn(struct event_base *base);

/* Runs the loop until the condition holds. */
#define RUN_UNTIL(base, condition)                                                                                     \
    do {                                                                                                               \
        struct moment give_up_ = moment_add_ms(moment_now(), FAKE_PATIENCE_MS);                                        \
        while (!(condition)) {                                                                                         \
            if (moment_is_past(give_up_))                                                                              \
                fail_msg("%s:%d: waited in vain for: %s", __FILE__, __LINE__, #condition);                             \
            fake_turn(base);                                                                                           \
        }                                                                                                              \
    } while (0)

/* Runs the loop for a while, to see that nothing happens. */
void fake_run(struct event_base *base, int64_t ms);

/* A reply made of RESP text; freeReplyObject() it. */
redisReply *fake_reply(const char *bytes, size_t length);

/* One connection, seen from the server. */
struct fake_client {
    struct event_base *base;
    struct bufferevent *stream; /* NULL: closed */
    redisReader *reader;
    redisReply *commands[256]; /* that came and were not looked at, a ring */
    size_t taken;
    size_t came;
    redisReply *current;  /* the last one that fake_take() gave */
    struct text greeting; /* its words, a line for each command */
    size_t finishes;      /* of one job each, taken and not answered yet */
    bool greets;          /* answers a greeting by itself */
    const char *info;     /* to INFO */
};

struct fake_client *fake_client_new(struct bufferevent *stream); /* takes the stream over */
void fake_client_free(struct fake_client *client);

/* A pair: the fake end, and the other one in `*other`, the caller's. */
struct fake_client *fake_pair(struct event_base *base, struct bufferevent **other);

/* The next command, waited for; ours until the next call. */
const redisReply *fake_take(struct fake_client *client);
/* The same; and it must be this one: a command's name, or that of a script without its ".lua". */
const redisReply *fake_expect(struct fake_client *client, const char *name);
bool fake_has(struct fake_client *client);
const char *fake_name(const redisReply *command);
const char *fake_word(
    const redisReply *command, size_t i); /* of a script: ARGV[i]; of a command: its i-th word, 0 the name */
void fake_assert_word(const redisReply *command, size_t i, const char *expected);

/* The answer to a finish of one job is put into a list by itself. */
void fake_answer(struct fake_client *client, const char *resp);
void fake_answer_job(
    struct fake_client *client, const struct job *job); /* id, name, data and options_text, deferred_failure */
void fake_cut(struct fake_client *client);              /* closes the connection */

#define FAKE_INFO "redis_version:7.0.15\r\nmaxmemory_policy:noeviction\r\n"
#define FAKE_CLIENTS 16

struct fake_server {
    struct event_base *base;
    struct evconnlistener *listener;
    char directory[64]; /* "" with a port */
    char path[96];
    struct redis_url url;                      /* points here; the test may add to it before it connects */
    bool greets;                               /* for connections to come */
    const char *info;                          /* the same */
    struct fake_client *clients[FAKE_CLIENTS]; /* in the order of their coming */
    size_t count;
};

struct fake_server *fake_server_new(struct event_base *base);
struct fake_server *fake_server_new_tcp(struct event_base *base);           /* on a port of 127.0.0.1 instead */
struct fake_client *fake_accept(struct fake_server *server, size_t number); /* waits until that many have come */
void fake_server_free(struct fake_server *server);

#endif
