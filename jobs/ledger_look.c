#include "jobs/ledger_look.h"

#include <stdlib.h>
#include <string.h>

#include "jobs/directory.h"
#include "jobs/facts_rows.h"
#include "jobs/ledger_file.h"
#include "jobs/ledger_view.h"
#include "jobs/stop.h"
#include "jobs/verdict.h"

#define MINUTE_MS ((int64_t)60 * 1000)

static void
set(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value);
}

/* What the queue has instead. */
static void
describe_difference(const struct ledger_scheduler *scheduler, json_t *out)
{
    struct text why = TEXT_EMPTY;

    if (scheduler->runs_config)
        text_format(&why, "the queue has '%s' in %s", scheduler->pattern == NULL ? "no pattern" : scheduler->pattern,
            scheduler->timezone == NULL ? "no zone" : scheduler->timezone);
    else
        text_add(&why, "in the queue, it makes other jobs than runs of this schedule");
    set(out, "why", facts_text(text_string(&why)));
    text_clear(&why);
}

struct look {
    const struct ledger_facts *facts;
    const struct ledger_memory *memory;
    int64_t grace_ms;
    struct timezones *zones;
};

/* Of a schedule that can be followed. */
static void
describe_fit(
    const struct look *look, const struct ledger_config *config, const struct due *due, struct wall next, json_t *out)
{
    static const char *const states[] = {
        [LEDGER_FITS] = "good", [LEDGER_DIFFERS] = "different", [LEDGER_MISSING] = "missing", [LEDGER_DEAD] = "dead"
    };
    const struct ledger_scheduler *scheduler;
    enum ledger_fit fit = ledger_fit_of(look->facts, config, due, next, &scheduler);
    struct wall since;

    set(out, "state", json_string(states[fit]));
    if (fit == LEDGER_DIFFERS)
        describe_difference(scheduler, out);
    set(out, "nextDue", facts_time(next));
    if (scheduler != NULL)
        set(out, "nextInQueue", facts_time(scheduler->next));
    if (ledger_is_overdue(config, look->memory, due, look->facts->now, look->grace_ms, &since) &&
        !ledger_is_busy(look->facts, config))
        set(out, "overdueSince", facts_time(since));
}

static json_t *
describe_config(const struct look *look, const struct ledger_config *config)
{
    json_t *out = json_pack("{s:s, s:o, s:b, s:o, s:o, s:s, s:n, s:n, s:n, s:n}", "id", config->id, "name",
        facts_text(config->name), "enabled", config->enabled, "cron", facts_text(config->cron), "timezone",
        facts_text(config->timezone == NULL ? DUE_ZONE : config->timezone), "state", "disabled", "why", "nextDue",
        "nextInQueue", "overdueSince");
    struct error err = ERROR_EMPTY;
    struct wall next;
    struct due due;

    if (!config->enabled)
        return out;
    if (due_parse(&due, look->zones, look->facts->dialect, config->cron, config->timezone, &err) &&
        due_next(&due, look->facts->now, &next, &err))
        describe_fit(look, config, &due, next, out);
    else {
        set(out, "state", json_string("unusable"));
        set(out, "why", facts_text(err.text));
    }
    return out;
}

json_t *
ledger_look(
    const struct ledger_facts *facts, const struct ledger_memory *memory, int64_t grace_ms, struct timezones *zones)
{
    static const char *const states[] = {
        [LEDGER_STRAY_LEGACY] = "legacy", [LEDGER_STRAY_DELETED] = "deleted", [LEDGER_STRAY_DISABLED] = "disabled"
    };
    const struct look look = { .facts = facts, .memory = memory, .grace_ms = grace_ms, .zones = zones };
    json_t *schedules = json_array();
    json_t *strays = json_array();

    for (size_t i = 0; i < facts->config_count; i++)
        (void)json_array_append_new(schedules, describe_config(&look, &facts->configs[i]));
    for (size_t i = 0; i < facts->scheduler_count; i++) {
        const struct ledger_scheduler *scheduler = &facts->schedulers[i];
        enum ledger_stray stray = ledger_stray_of(facts, scheduler);

        if (stray != LEDGER_NO_STRAY)
            (void)json_array_append_new(strays, json_pack("{s:o, s:s, s:o}", "scheduler", facts_text(scheduler->id),
                                                    "state", states[stray], "next", facts_time(scheduler->next)));
    }
    return json_pack("{s:o, s:o}", "schedules", schedules, "strays", strays);
}

/* Without the directory, or a memory in it, nothing is known to be overdue. */
static void
read_memory(const struct settings *settings, struct ledger_memory *memory)
{
    char *directory = NULL;
    struct error none;

    if (directory_find(settings->storage_directory, &directory, &none))
        ledger_file_read(directory, memory);
    free(directory);
}

static bool
perform(const struct settings *settings, struct ledger_view *view, struct database *database, struct report *verdict,
    struct error *err)
{
    struct ledger_memory memory = LEDGER_MEMORY_EMPTY;
    struct timezones *zones;
    json_t *seen;
    char *text;

    if (!ledger_view_read(view, database, err))
        return false;
    if (!ledger_view_facts(view)->complete)
        return error_set(err, ERROR_REFUSED, "the queue is too large to be judged");
    read_memory(settings, &memory);
    zones = timezones_new(TIMEZONE_FOLDER, getenv("TZ"));
    seen = ledger_look(ledger_view_facts(view), &memory, settings->missed_grace_minutes * MINUTE_MS, zones);
    text = json_dumps(seen, JSON_COMPACT);
    verdict_complete(verdict, text);
    free(text);
    json_decref(seen);
    timezones_free(zones);
    ledger_memory_clear(&memory);
    return true;
}

void
ledger_look_perform(const struct settings *settings, const char *bytes, size_t length, struct report *verdict)
{
    struct error err = ERROR_EMPTY;
    struct ledger_view *view = ledger_view_new(bytes, length, &err);
    struct database *database = NULL;
    bool ok = view != NULL &&
              (database = database_open(&settings->database, DATABASE_APPLICATION " schedules", &err)) != NULL &&
              perform(settings, view, database, verdict, &err);

    if (!ok)
        verdict_fail_with(verdict, &err, true);
    database_close(database);
    ledger_view_free(view);
}
