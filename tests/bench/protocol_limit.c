/*
 * The machine's own limit: our scripts called by the barest client there is, a blocking socket and a pipeline.
 *
 *     protocol_limit PORT QUEUE DEPTH WARM_UP JOBS KEEP   DEPTH jobs at a time, each finished in the call that takes its successor;
 *                                                         KEEP: removeOnComplete as a count, -1 for all
 *     protocol_limit PORT QUEUE DEPTH WARM_UP JOBS        jobs are only taken, DEPTH calls at a time
 *
 * Prints the figures of the JOBS after the WARM_UP ones (bench.h). It knows the scripts' words by heart, as a real client must not.
 */
#include <hiredis/hiredis.h>
#include <stdlib.h>

#include "protocol/scripts.h"
#include "tests/bench/bench.h"

#define TOKEN "3ff1e6ba-0f4c-4f4b-9a5e-3e8d8a9f0c11:0"

struct client {
    redisContext *redis;
    char key[128];
    const char *keep; /* how many finished jobs stay; NULL: jobs are not finished */
};

static void
fail(const char *what, const char *why)
{
    (void)fprintf(stderr, "protocol_limit: %s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

static redisReply *
next_reply(struct client *client)
{
    void *reply = NULL;

    if (redisGetReply(client->redis, &reply) != REDIS_OK)
        fail("read a reply", client->redis->errstr);
    if (((redisReply *)reply)->type == REDIS_REPLY_ERROR)
        fail("a script", ((redisReply *)reply)->str);
    return reply;
}

static void
load(struct client *client, const struct script *script)
{
    const char *words[] = { "SCRIPT", "LOAD", script->text };
    size_t lengths[] = { 6, 4, script->length };

    (void)redisAppendCommandArgv(client->redis, 3, words, lengths);
    freeReplyObject(next_reply(client));
}

static void
send_fetch(struct client *client)
{
    char now[24];
    const char *words[] = { "EVALSHA", script_fetch.sha1, "1", client->key, now, TOKEN, "30000" };

    (void)snprintf(now, sizeof(now), "%lld", (long long)wall_now().ms);
    (void)redisAppendCommandArgv(client->redis, sizeof(words) / sizeof(words[0]), words, NULL);
}

static void
send_finish(struct client *client, const char *id)
{
    char now[24];
    const char *words[] = { "EVALSHA", script_finish.sha1, "1", client->key, now, "1", "30000", "1", id, TOKEN, "1",
        "completed", "null", "1", "0", client->keep };

    (void)snprintf(now, sizeof(now), "%lld", (long long)wall_now().ms);
    (void)redisAppendCommandArgv(client->redis, sizeof(words) / sizeof(words[0]), words, NULL);
}

int
main(int argc, char **argv)
{
    struct client client;
    struct stretch stretch = { .start = { 0 } };
    long depth;
    long warm_up;
    long jobs;

    if (argc != 6 && argc != 7) {
        (void)fprintf(stderr, "usage: %s PORT QUEUE DEPTH WARM_UP JOBS [KEEP]\n", argv[0]);
        return 64;
    }
    depth = strtol(argv[3], NULL, 10);
    warm_up = strtol(argv[4], NULL, 10);
    jobs = strtol(argv[5], NULL, 10);
    client.keep = argc == 7 ? argv[6] : NULL;
    (void)snprintf(client.key, sizeof(client.key), "bull:%s:", argv[2]);
    client.redis = redisConnect("127.0.0.1", (int)strtol(argv[1], NULL, 10));
    if (client.redis == NULL || client.redis->err != 0)
        fail("connect", client.redis == NULL ? "out of memory" : client.redis->errstr);
    load(&client, &script_fetch);
    load(&client, &script_finish);

    for (long i = 0; i < depth; i++)
        send_fetch(&client);
    for (long taken = 0; taken < warm_up + jobs; taken++) {
        redisReply *reply;
        const redisReply *taken_reply;

        if (taken == warm_up)
            stretch_start(&stretch);
        reply = next_reply(&client);
        taken_reply =
            reply->type == REDIS_REPLY_ARRAY && reply->elements == 1 ? reply->element[0] : reply; /* of a finish */
        if (taken_reply->type != REDIS_REPLY_ARRAY || taken_reply->element[1]->type != REDIS_REPLY_STRING)
            fail("take a job", "there are no more");
        if (client.keep != NULL)
            send_finish(&client, taken_reply->element[1]->str);
        else
            send_fetch(&client);
        freeReplyObject(reply);
    }
    stretch_print(&stretch, jobs);
    redisFree(client.redis);
    return EXIT_SUCCESS;
}
