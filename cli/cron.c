#include "cli/cron.h"

#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "cli/command.h"
#include "cli/instant.h"
#include "common/text.h"
#include "protocol/cron.h"

static const char details[] =
    "A pattern is '[SECOND] MINUTE HOUR DAY MONTH WEEKDAY', as '0 3 * * 1-5', or @daily and the like. Of fewer than\n"
    "five fields, those that are missing are filled in on the left, as BullMQ does it: that is noted on standard "
    "error.\n"
    "\n"
    "Exit status: 0 printed or all lines answered, 64 wrong usage, 65 a time that cannot be, 74 the answers cannot be\n"
    "written, 78 a pattern that is none or never fires, or a zone that does not exist.";

struct arguments {
    const char *zone;
    const char *from;
    int64_t count;
    int64_t dialect;
    bool jsonl;
    const char *pattern;
};

static bool
read_arguments(int argc, char **argv, struct arguments *out, int *status)
{
    const struct command_option options[] = {
        { 'z', "tz", "ZONE",
            "the zone whose clocks count, as Europe/Berlin, UTC, UTC+3 or local (default: local, the\n"
            "machine's own)",
            .text = &out->zone },
        { 'f', "from", "TIME",
            "the first one after this time, as 2026-03-29T00:30:00Z, 2026-03-29T02:30+02:00 or, by the\n"
            "zone's clocks, 2026-03-29 or 2026-03-29T02:30 (default: now)",
            .text = &out->from },
        { 'n', "count", "N", "so many, 1 to 100000 (default: 10)", .number = &out->count, .least = 1, .most = 100000 },
        { 'd', "dialect", "4|5", "as cron-parser 4.9 finds them, of BullMQ 5, or 5.10, of BullMQ 6 (default: 4)",
            .number = &out->dialect, .least = 4, .most = 5 },
        { 0, "jsonl", NULL,
            "answer each line {\"pattern\":TEXT,\"from_ms\":N} of standard input, which may also have\n"
            "\"tz\", \"dialect\" (4, 5), \"strict\" and \"hashSeed\" (5 only), by a line {\"next_ms\":N}\n"
            "or {\"error\":TEXT}",
            .flag = &out->jsonl },
        COMMAND_END,
    };
    const struct command command = { "cron", "[OPTION]... PATTERN\n       weavestream-backup cron --jsonl",
        "Print when a cron pattern fires next, as the BullMQ that holds the schedule finds it.", options, details, 0,
        COMMAND_OPERANDS_MANY };

    *out = (struct arguments){ .count = 10, .dialect = 4 };
    if (!command_read(&command, argc, argv, status))
        return false;
    out->pattern = argv[optind];
    if (argc - optind == (out->jsonl ? 0 : 1))
        return true;
    *status = command_complain(
        "cron", EX_USAGE, out->jsonl ? "--jsonl takes no pattern" : "one PATTERN is wanted, in quotes");
    return false;
}

static int
exit_status(const struct error *err)
{
    return command_complain("cron", err->code == ERROR_INPUT ? EX_DATAERR : EX_CONFIG, "%s", err->text);
}

static enum cron_dialect
dialect_of(int64_t number)
{
    return number == 5 ? CRON_PARSER_5 : CRON_PARSER_4;
}

/* Both cron-parsers fill them in on the left, where few people would expect it. */
static void
note_missing_fields(const char *text, const struct cron_pattern *pattern)
{
    struct text whole = TEXT_EMPTY;

    for (size_t count = pattern->written; count < CRON_FIELDS_LEAST; count++)
        text_add(&whole, "* ");
    text_add(&whole, text);
    if (pattern->written < CRON_FIELDS_LEAST)
        (void)command_complain("cron", EX_OK,
            "note: '%s' has %zu of the fields MINUTE HOUR DAY MONTH WEEKDAY; BullMQ fills in those that are missing on "
            "the left, and takes it for '%s'",
            text, pattern->written, text_string(&whole));
    text_clear(&whole);
}

static int
print_instants(struct timezones *zones, const struct arguments *arguments)
{
    const struct cron_options options = { .dialect = dialect_of(arguments->dialect) };
    const struct time_zone *zone;
    struct cron_pattern pattern;
    struct wall at = wall_now();
    struct error err;
    char text[INSTANT_SIZE];

    zone = timezones_find(zones, arguments->zone, &err);
    if (zone == NULL || !cron_pattern_parse(arguments->pattern, strlen(arguments->pattern), &options, &pattern, &err) ||
        (arguments->from != NULL && !instant_parse(arguments->from, zone, &at, &err)))
        return exit_status(&err);
    note_missing_fields(arguments->pattern, &pattern);
    for (int64_t i = 0; i < arguments->count; i++) {
        if (!cron_next(&pattern, zone, at, &at, &err)) {
            (void)error_add(&err, "cron pattern '%s'", arguments->pattern);
            return exit_status(&err);
        }
        instant_format(at, zone, text);
        if (puts(text) == EOF)
            break; /* command_finish() says it */
    }
    return EX_OK;
}

static bool
answer(struct timezones *zones, const json_t *question, struct wall *next, struct error *err)
{
    const json_t *pattern = json_object_get(question, "pattern");
    const json_t *from = json_object_get(question, "from_ms");
    const json_t *tz = json_object_get(question, "tz");
    const json_t *dialect = json_object_get(question, "dialect");
    int64_t number = dialect == NULL ? 4 : json_integer_value(dialect);
    struct cron_options cron = {
        .dialect = dialect_of(number),
        .strict = json_is_true(json_object_get(question, "strict")),
        .hash_seed = json_string_value(json_object_get(question, "hashSeed")),
    };
    const struct time_zone *zone;
    struct cron_pattern parsed;

    if (!json_is_string(pattern) || !json_is_integer(from))
        return error_set(err, ERROR_INPUT, "no object with a text 'pattern' and a whole number 'from_ms'");
    if (tz != NULL && !json_is_string(tz))
        return error_set(err, ERROR_INPUT, "'tz' is no text");
    if (number != 4 && number != 5)
        return error_set(err, ERROR_INPUT, "'dialect' is neither 4 nor 5");
    zone = timezones_find(zones, json_string_value(tz), err);
    return zone != NULL &&
           cron_pattern_parse(json_string_value(pattern), json_string_length(pattern), &cron, &parsed, err) &&
           cron_next(&parsed, zone, (struct wall){ .ms = json_integer_value(from) }, next, err);
}

static bool
answer_line(struct timezones *zones, const char *line, size_t length)
{
    json_t *question = json_loadb(line, length, 0, NULL);
    struct text text = TEXT_EMPTY;
    struct wall next = { .ms = 0 };
    struct error err = ERROR_EMPTY;
    bool ok;

    if (answer(zones, question, &next, &err)) {
        text_format(&text, "{\"next_ms\":%" PRId64 "}", next.ms);
    } else {
        text_add(&text, "{\"error\":");
        text_add_json(&text, err.text, strlen(err.text));
        text_add(&text, "}");
    }
    ok = puts(text_string(&text)) != EOF;
    text_clear(&text);
    json_decref(question);
    return ok;
}

static int
answer_lines(struct timezones *zones)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    bool ok = true;

    (void)setvbuf(stdout, NULL, _IOLBF, 0); /* whoever asks line by line waits for the answer */
    while (ok && (length = getline(&line, &room, stdin)) != -1)
        ok = answer_line(zones, line, (size_t)length);
    free(line);
    return ok && !ferror(stdin) ? EX_OK : EX_IOERR;
}

int
cli_cron(int argc, char **argv)
{
    struct arguments arguments;
    struct timezones *zones;
    int status;

    if (!read_arguments(argc, argv, &arguments, &status))
        return status;
    zones = timezones_new(TIMEZONE_FOLDER, getenv("TZ"));
    status = arguments.jsonl ? answer_lines(zones) : print_instants(zones, &arguments);
    timezones_free(zones);
    return status == EX_OK ? command_finish("cron") : status;
}
