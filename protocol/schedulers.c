#include "protocol/schedulers.h"

#include <string.h>

#include "common/text.h"
#include "protocol/cron.h"

/* When it fires next; 0: by this dialect it does not, and `err` says why. */
static int64_t
next_ms(const struct scheduler *scheduler, struct timezones *zones, enum cron_dialect dialect, struct error *err)
{
    struct cron_options options = { .dialect = dialect };
    struct cron_pattern pattern;
    struct wall next;
    const struct time_zone *zone = timezones_find(zones, scheduler->zone, err);

    if (zone == NULL || !cron_pattern_parse(scheduler->pattern, strlen(scheduler->pattern), &options, &pattern, err) ||
        !cron_next(&pattern, zone, wall_now(), &next, err))
        return 0;
    return next.ms;
}

bool
schedulers_check(const struct scheduler *scheduler, struct timezones *zones, struct error *err)
{
    if (*scheduler->id == '\0' || *scheduler->pattern == '\0')
        return error_set(err, ERROR_INPUT, "a scheduler needs an id and a pattern");
    return next_ms(scheduler, zones, CRON_PARSER_5, err) != 0 || next_ms(scheduler, zones, CRON_PARSER_4, err) != 0 ||
           error_add(err, "pattern '%s' in zone '%s'", scheduler->pattern, scheduler->zone);
}

/* As text; "" for 0. */
static const char *
put_ms(char text[TEXT_INTEGER_SIZE + 1], int64_t ms)
{
    text[ms == 0 ? 0 : text_put_integer(text, ms)] = '\0';
    return text;
}

static void
call_script(struct redis *redis, const struct script *script, const struct keys *keys, size_t count,
    const char *const *arguments, redis_reply_fn *on_reply, void *owner)
{
    const char *words[1 + 9] = { keys->base };
    size_t lengths[1 + 9] = { keys->base_length };

    for (size_t i = 0; i < count; i++) {
        words[1 + i] = arguments[i];
        lengths[1 + i] = strlen(arguments[i]);
    }
    redis_eval(redis, script, 1 + count, words, lengths, on_reply, owner);
}

void
schedulers_upsert(struct redis *redis, const struct keys *keys, const struct scheduler *scheduler,
    struct timezones *zones, redis_reply_fn *on_reply, void *owner)
{
    char now[TEXT_INTEGER_SIZE + 1];
    char next_by_4[TEXT_INTEGER_SIZE + 1];
    char next_by_5[TEXT_INTEGER_SIZE + 1];
    struct error err; /* schedulers_check() has told it */
    const char *const arguments[] = { put_ms(now, wall_now().ms), scheduler->id, scheduler->name, scheduler->pattern,
        scheduler->zone, scheduler->data, scheduler->options,
        put_ms(next_by_4, next_ms(scheduler, zones, CRON_PARSER_4, &err)),
        put_ms(next_by_5, next_ms(scheduler, zones, CRON_PARSER_5, &err)) };

    call_script(redis, &script_schedule, keys, 9, arguments, on_reply, owner);
}

void
schedulers_remove(struct redis *redis, const struct keys *keys, const char *id, redis_reply_fn *on_reply, void *owner)
{
    call_script(redis, &script_unschedule, keys, 1, &id, on_reply, owner);
}
