#include "jobs/ledger_memory.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

struct ledger_known *
ledger_memory_find(const struct ledger_memory *memory, const char *id)
{
    for (size_t i = 0; i < memory->known_count; i++)
        if (strcmp(memory->known[i].id, id) == 0)
            return &memory->known[i];
    return NULL;
}

struct ledger_known *
ledger_memory_add(struct ledger_memory *memory, const char *id, const char *cron, const char *timezone)
{
    struct ledger_known *known;

    memory->known = memory_resize(memory->known, (memory->known_count + 1) * sizeof(*memory->known));
    known = &memory->known[memory->known_count++];
    *known = (struct ledger_known){ .cron = memory_copy_string(cron), .timezone = memory_copy_string(timezone) };
    (void)snprintf(known->id, sizeof(known->id), "%s", id);
    return known;
}

void
ledger_memory_add_complaint(struct ledger_memory *memory, const char *about, struct wall told)
{
    memory->complaints = memory_resize(memory->complaints, (memory->complaint_count + 1) * sizeof(*memory->complaints));
    memory->complaints[memory->complaint_count++] =
        (struct ledger_complaint){ .about = memory_copy_string(about), .told = told };
}

bool
ledger_memory_was_told(const struct ledger_memory *memory, const char *about)
{
    for (size_t i = 0; i < memory->complaint_count; i++)
        if (strcmp(memory->complaints[i].about, about) == 0)
            return true;
    return false;
}

/* A member that is missing or of another type is 0, or NULL. */
static struct wall
time_of(const json_t *object, const char *member)
{
    return (struct wall){ .ms = json_integer_value(json_object_get(object, member)) };
}

static const char *
string_of(const json_t *object, const char *member)
{
    return json_string_value(json_object_get(object, member));
}

static void
read_known(const json_t *object, struct ledger_memory *out)
{
    const char *id = string_of(object, "id");
    const char *cron = string_of(object, "cron");
    const char *timezone = string_of(object, "timezone");
    char checked[UUID_SIZE];
    struct ledger_known *known;

    if (id == NULL || cron == NULL || timezone == NULL || !uuid_parse(id, strlen(id), checked))
        return;
    known = ledger_memory_add(out, checked, cron, timezone);
    known->seen = time_of(object, "seen");
    known->settled = time_of(object, "settled");
    known->owed = time_of(object, "owed");
    known->unusable = json_is_true(json_object_get(object, "unusable"));
}

void
ledger_memory_parse(const char *bytes, size_t length, struct ledger_memory *out)
{
    json_t *root = length > LEDGER_MEMORY_BYTES_MAX ? NULL : json_loadb(bytes, length, 0, NULL);
    const json_t *object;
    size_t i;

    *out = LEDGER_MEMORY_EMPTY;
    out->looked = time_of(root, "looked");
    json_array_foreach(json_object_get(root, "configs"), i, object) read_known(object, out);
    json_array_foreach(json_object_get(root, "complaints"), i, object) if (string_of(object, "about") != NULL)
        ledger_memory_add_complaint(out, string_of(object, "about"), time_of(object, "told"));
    json_decref(root);
}

static void
add_string(struct text *out, const char *string)
{
    text_add_json(out, string, strlen(string));
}

static void
add_known(const struct ledger_known *known, struct text *out)
{
    text_format(out, "{\"id\":\"%s\",\"cron\":", known->id);
    add_string(out, known->cron);
    text_add(out, ",\"timezone\":");
    add_string(out, known->timezone);
    text_format(out, ",\"seen\":%" PRId64 ",\"settled\":%" PRId64 ",\"owed\":%" PRId64 ",\"unusable\":%s}",
        known->seen.ms, known->settled.ms, known->owed.ms, known->unusable ? "true" : "false");
}

void
ledger_memory_add_json(const struct ledger_memory *memory, struct text *out)
{
    text_format(out, "{\"looked\":%" PRId64 ",\n\"configs\":[", memory->looked.ms);
    for (size_t i = 0; i < memory->known_count; i++) {
        text_add(out, i == 0 ? "\n" : ",\n");
        add_known(&memory->known[i], out);
    }
    text_add(out, "],\n\"complaints\":[");
    for (size_t i = 0; i < memory->complaint_count; i++) {
        text_add(out, i == 0 ? "\n{\"about\":" : ",\n{\"about\":");
        add_string(out, memory->complaints[i].about);
        text_format(out, ",\"told\":%" PRId64 "}", memory->complaints[i].told.ms);
    }
    text_add(out, "]}\n");
}

void
ledger_memory_clear(struct ledger_memory *memory)
{
    for (size_t i = 0; i < memory->known_count; i++) {
        free(memory->known[i].cron);
        free(memory->known[i].timezone);
    }
    for (size_t i = 0; i < memory->complaint_count; i++)
        free(memory->complaints[i].about);
    free(memory->known);
    free(memory->complaints);
    *memory = LEDGER_MEMORY_EMPTY;
}
