/* Replies of Redis, through hiredis' reader, to everything that makes sense of them. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/text.h"
#include "protocol/commands.h"
#include "protocol/overview.h"
#include "protocol/repeat.h"
#include "protocol/snapshot.h"

static void
check_job(const struct job *job)
{
    char *stacktrace = job_stacktrace_with(job, "Error", "no");
    int64_t delay_ms = -1;

    assert(job->id != NULL && job->name != NULL && job->data != NULL && job->options_text[0] == '{');
    assert(job->attempts_started >= 1 && job->attempts_made >= 0 && strtoll(job->attempt, NULL, 10) >= 1);
    assert(stacktrace[0] == '[' && stacktrace[strlen(stacktrace) - 1] == ']');
    free(stacktrace);
    for (int64_t attempt = 1; attempt < 5000; attempt += 1249) {
        (void)!options_backoff_ms(&job->options, attempt, 0.5, &delay_ms);
        assert(delay_ms >= 0 && delay_ms <= 9007199254740991);
    }
}

/* A snapshot is JSON, whatever is in it. */
static void
check_snapshot(const redisReply *reply)
{
    static char prefix[] = "bull";
    static char queue[] = "backup";
    const struct keys keys = { .prefix = prefix, .queue = queue };
    struct text out = TEXT_EMPTY;
    struct error err;

    if (snapshot_describe(reply, NULL, &keys, (struct wall){ 0 }, &out, &err))
        assert(json_check(out.data, out.length - 1, &err));
    text_clear(&out);
}

static void
check_overview(const redisReply *reply)
{
    static char queue[] = "bull:YmFja3Vw";
    const struct keys keys = { .client_name = queue };
    struct overview overview;
    struct overview_workers workers;
    struct error err;

    if (overview_read(reply, NULL, &overview, &err))
        overview_clear(&overview);
    if (!overview_read_workers(reply, NULL, &keys, 0, &workers, &err))
        return;
    for (size_t i = 0; i < workers.count; i++)
        assert(
            strcspn(workers.list[i].address, " \n") == strlen(workers.list[i].address) && workers.list[i].age_ms >= 0);
    overview_workers_clear(&workers);
}

/* Options without their end: what the script adds makes them whole. */
static void
check_repeat(const struct job *job)
{
    static struct timezones *zones;
    struct repeat repeat;
    struct error err = ERROR_EMPTY;
    struct text options = TEXT_EMPTY;

    if (zones == NULL)
        zones = timezones_new(TIMEZONE_FOLDER, "");
    if (!repeat_next(job, zones, (struct wall){ 1774699200000 }, &repeat, &err))
        assert(err.text[0] != '\0' && repeat.kind == REPEAT_ENDS);
    if (repeat.kind != REPEAT_ENDS) {
        text_format(&options, "%s\"jobId\":\"7\"}", repeat.options);
        assert(json_check(options.data, options.length, &err));
        assert(repeat.kind == REPEAT_BY_SCHEDULER ? repeat.next_ms > 0 || repeat.every_ms > 0 : repeat.next_ms > 0);
    }
    text_clear(&options);
    repeat_clear(&repeat);
}

static void
check_reply(const redisReply *reply)
{
    struct commands_fetched fetched;
    struct commands_recovered recovered;
    struct error err = ERROR_EMPTY;
    int64_t number;

    if (commands_read_fetched(reply, NULL, &fetched, &err)) {
        if (fetched.has_job) {
            check_job(&fetched.job);
            check_repeat(&fetched.job);
            job_clear(&fetched.job);
        }
    } else
        assert(err.text[0] != '\0');
    if (commands_read_marker(reply, NULL, &number, &err))
        assert(number >= 0);
    (void)!commands_read_code(reply, NULL, &number, &err);
    if (commands_read_list(reply, NULL, &err))
        for (size_t i = 0; i < reply->elements; i++)
            assert(reply->element[i]->str != NULL);
    if (commands_read_recovered(reply, NULL, &recovered, &err))
        for (size_t i = 0; i < recovered.count; i++)
            assert(recovered.ids[i]->str != NULL);
    check_snapshot(reply);
    check_overview(reply);
}

/* An array that claims to be huge takes its memory before its elements come: that is the library's affair. */
static int
has_huge_array(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i + 4 < size; i++)
        if (data[i] == '*' && data[i + 1] >= '0' && data[i + 2] >= '0' && data[i + 3] >= '0' && data[i + 4] >= '0')
            return 1;
    return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    redisReader *reader;
    void *reply = NULL;

    if (has_huge_array(data, size))
        return 0;
    reader = redisReaderCreate();
    assert(reader != NULL);
    if (redisReaderFeed(reader, (const char *)data, size) == REDIS_OK)
        while (redisReaderGetReply(reader, &reply) == REDIS_OK && reply != NULL) {
            check_reply(reply);
            freeReplyObject(reply);
        }
    redisReaderFree(reader);
    return 0;
}
