/*
 * queue: the front door's short-lived connection to the queue 'backup', for commands that ask and wait for the answer.
 *
 *     struct queue *queue = queue_open(&settings, &err);
 *     if (queue == NULL || !queue_ask(queue, send_it, read_it, &context, &err))
 *         status = queue_complain("status", &err);
 *     queue_close(queue);
 *
 * The first question connects, and so does one after ERROR_LOST; what was asked before may then have been done, or not.
 * Every wait ends: with the answer, with ERROR_LOST when the connection fails or QUEUE_PATIENCE_MS are over, or with ERROR_STOPPED by SIGINT or
 * SIGTERM if the command takes those. Nothing is logged: an error is the command's to tell.
 */
#ifndef CLI_QUEUE_H
#define CLI_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/settings.h"
#include "protocol/info.h"
#include "protocol/keys.h"
#include "protocol/redis.h"

#define QUEUE_NAME "backup"
#define QUEUE_PREFIX "bull"
#define QUEUE_SCHEDULER "backup-config-" /* and the id of the schedule: the id of its scheduler in the queue */
#define QUEUE_PATIENCE_MS 5000

struct queue;

/* `settings` are of SETTINGS_WORKER and stay the caller's, as long as the queue is open. NULL, with ERROR_CONFIG: they will not do. */
struct queue *queue_open(const struct settings *settings, struct error *err) MUST_CHECK;
void queue_close(struct queue *queue); /* NULL is fine */

/* For who wants to know before there is anything to ask. */
bool queue_connect(struct queue *queue, struct error *err) MUST_CHECK;

const struct keys *queue_keys(const struct queue *queue);
int queue_database(const struct queue *queue);              /* the number of the one that it is in */
const struct info *queue_server(const struct queue *queue); /* as of the last connection */

/* Sends one command (protocol/commands and its like) with `on_reply` and `owner` as they are given here. */
typedef void queue_send_fn(
    struct redis *redis, const struct keys *keys, redis_reply_fn *on_reply, void *owner, void *context);
/* Makes sense of the reply, which is gone afterwards; `reply` is NULL if the connection was `lost`. */
typedef bool queue_read_fn(const redisReply *reply, const struct error *lost, void *context, struct error *err);

bool queue_ask(
    struct queue *queue, queue_send_fn *send, queue_read_fn *read, void *context, struct error *err) MUST_CHECK;

/* The same with a plain command of Redis. */
bool queue_call(struct queue *queue, size_t count, const char *const *words, queue_read_fn *read, void *context,
    struct error *err) MUST_CHECK;

/* From now on SIGINT and SIGTERM end what waits, and everything that would wait later. */
void queue_take_signals(struct queue *queue);
int queue_signal(const struct queue *queue); /* the one that came; 0: none */

/* ERROR_STOPPED: a signal came. */
bool queue_rest(struct queue *queue, int64_t ms, struct error *err) MUST_CHECK;

/*
 * A command from its settings to its exit status: `work` is given the queue, not connected yet, and hands back the status. What is wrong before it
 * or after it is said with the command's name.
 */
typedef int queue_work_fn(struct queue *queue, void *context);
int queue_command(const char *command, unsigned scopes, queue_work_fn *work, void *context);

int queue_status(const struct error *err); /* the exit status for it */
/* Says on standard error what went wrong; hands the exit status back. */
int queue_complain(const char *command, const struct error *err);

#endif
