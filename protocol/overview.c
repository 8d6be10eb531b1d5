#include "protocol/overview.h"

#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/text.h"

#define NUMBER(number) #number
#define NUMBER_TEXT(number) NUMBER(number)
#define TEXT_BYTES "65536"

void
overview_ask(struct redis *redis, const struct keys *keys, redis_reply_fn *on_reply, void *owner)
{
    const char *const words[] = { keys->base, NUMBER_TEXT(OVERVIEW_MOST), TEXT_BYTES };
    const size_t lengths[] = { keys->base_length, strlen(words[1]), strlen(words[2]) };

    redis_eval(redis, &script_overview, 3, words, lengths, on_reply, owner);
}

/* --- Elements of a list --- */

static char *
text_at(const redisReply *list, size_t at)
{
    const redisReply *element = at < list->elements ? list->element[at] : NULL;

    return element == NULL || element->type != REDIS_REPLY_STRING ? NULL
                                                                  : memory_copy(element->str, (size_t)element->len);
}

static int64_t
number_at(const redisReply *list, size_t at)
{
    const redisReply *element = at < list->elements ? list->element[at] : NULL;
    int64_t number = 0;

    if (element != NULL && element->type == REDIS_REPLY_INTEGER)
        return element->integer;
    if (element != NULL && element->type == REDIS_REPLY_STRING &&
        !text_parse_integer(element->str, (size_t)element->len, INT64_MIN, INT64_MAX, &number))
        return 0;
    return number;
}

static const redisReply *
list_at(const redisReply *list, size_t at)
{
    return at < list->elements && list->element[at]->type == REDIS_REPLY_ARRAY ? list->element[at] : NULL;
}

/* --- Overview --- */

static void
read_job(const redisReply *list, struct overview_job *out)
{
    *out = (struct overview_job){ .id = text_at(list, 0),
        .name = text_at(list, 1),
        .data = text_at(list, 2),
        .started_ms = number_at(list, 3),
        .worker = text_at(list, 4),
        .token = text_at(list, 5),
        .lock_ms = number_at(list, 6),
        .progress = text_at(list, 7),
        .attempts = number_at(list, 8) };
}

static void
read_scheduler(const redisReply *list, struct overview_scheduler *out)
{
    *out = (struct overview_scheduler){
        .id = text_at(list, 0), .next_ms = number_at(list, 1), .pattern = text_at(list, 2), .zone = text_at(list, 3)
    };
}

bool
overview_read(const redisReply *reply, const struct error *lost, struct overview *out, struct error *err)
{
    const redisReply *counts;
    const redisReply *jobs;
    const redisReply *schedulers;

    if (!redis_check_reply(reply, lost, err))
        return false;
    counts = reply->type == REDIS_REPLY_ARRAY ? list_at(reply, 2) : NULL;
    if (counts == NULL || counts->elements != OVERVIEW_STATES || (jobs = list_at(reply, 3)) == NULL ||
        (schedulers = list_at(reply, 4)) == NULL)
        return error_set(err, ERROR_INPUT, "a script answered with something that is no overview");
    *out = (struct overview){ .version = text_at(reply, 0), .is_paused = number_at(reply, 1) == 1 };
    for (size_t i = 0; i < OVERVIEW_STATES; i++)
        out->counts[i] = number_at(counts, i);
    out->jobs = memory_new((jobs->elements + 1) * sizeof(*out->jobs));
    for (size_t i = 0; i < jobs->elements; i++)
        read_job(jobs->element[i], &out->jobs[out->job_count++]);
    out->schedulers = memory_new((schedulers->elements + 1) * sizeof(*out->schedulers));
    for (size_t i = 0; i < schedulers->elements; i++)
        read_scheduler(schedulers->element[i], &out->schedulers[out->scheduler_count++]);
    return true;
}

void
overview_clear(struct overview *overview)
{
    for (size_t i = 0; i < overview->job_count; i++) {
        free(overview->jobs[i].id);
        free(overview->jobs[i].name);
        free(overview->jobs[i].data);
        free(overview->jobs[i].worker);
        free(overview->jobs[i].token);
        free(overview->jobs[i].progress);
    }
    for (size_t i = 0; i < overview->scheduler_count; i++) {
        free(overview->schedulers[i].id);
        free(overview->schedulers[i].pattern);
        free(overview->schedulers[i].zone);
    }
    free(overview->version);
    free(overview->jobs);
    free(overview->schedulers);
    *overview = OVERVIEW_EMPTY;
}

/* --- Workers --- */

/* The value behind "name=" in a line of CLIENT LIST; no value has a blank. NULL: there is none. */
static const char *
find_value(const char *line, size_t length, const char *name, size_t *value_length)
{
    size_t name_length = strlen(name);

    *value_length = 0;
    for (const char *at = line; at < line + length; at += strcspn(at, " \n") + 1) {
        if (strncmp(at, name, name_length) != 0 || at[name_length] != '=')
            continue;
        *value_length = strcspn(at + name_length + 1, " \n");
        return at + name_length + 1;
    }
    return NULL;
}

static int64_t
find_number(const char *line, size_t length, const char *name)
{
    size_t value_length;
    const char *value = find_value(line, length, name, &value_length);
    int64_t number = 0;

    return value != NULL && text_parse_integer(value, value_length, 0, INT64_MAX, &number) ? number : 0;
}

#define WORKER ":w:" /* and the worker's name, behind the queue's */

/* BullMQ 5.76: getWorkers() takes connections whose name is that of the queue, with or without a worker's name behind it. */
static bool
read_worker(const char *line, size_t length, const struct keys *keys, int database, struct overview_worker *out)
{
    size_t queue_length = strlen(keys->client_name);
    size_t name_length;
    size_t address_length;
    size_t library_length;
    const char *name = find_value(line, length, "name", &name_length);
    const char *address = find_value(line, length, "addr", &address_length);
    const char *library = find_value(line, length, "lib-name", &library_length);

    if (name == NULL || name_length < queue_length || memcmp(name, keys->client_name, queue_length) != 0 ||
        (name_length > queue_length && strncmp(name + queue_length, WORKER, strlen(WORKER)) != 0) ||
        find_number(line, length, "db") != database)
        return false;
    name_length -= queue_length;
    *out = (struct overview_worker){ .address = memory_copy(address == NULL ? "" : address, address_length),
        .library = library_length == 0 ? NULL : memory_copy(library, library_length),
        .age_ms = find_number(line, length, "age") * 1000 };
    if (name_length > 0)
        out->name = memory_copy(name + queue_length + strlen(WORKER), name_length - strlen(WORKER));
    return true;
}

bool
overview_read_workers(const redisReply *reply, const struct error *lost, const struct keys *keys, int database,
    struct overview_workers *out, struct error *err)
{
    struct overview_worker worker;

    if (!redis_check_reply(reply, lost, err))
        return false;
    if (reply->str == NULL)
        return error_set(err, ERROR_INPUT, "Redis answered CLIENT LIST with something that is no list");
    *out = OVERVIEW_WORKERS_EMPTY;
    for (const char *line = reply->str; *line != '\0';) {
        size_t length = strcspn(line, "\n");

        if (read_worker(line, length, keys, database, &worker)) {
            out->list = memory_resize(out->list, (out->count + 1) * sizeof(*out->list));
            out->list[out->count++] = worker;
        }
        line += length + (line[length] == '\n');
    }
    return true;
}

void
overview_workers_clear(struct overview_workers *workers)
{
    for (size_t i = 0; i < workers->count; i++) {
        free(workers->list[i].name);
        free(workers->list[i].address);
        free(workers->list[i].library);
    }
    free(workers->list);
    *workers = OVERVIEW_WORKERS_EMPTY;
}
