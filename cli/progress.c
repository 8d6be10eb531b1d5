#include "cli/progress.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WIDTH 24
#define ERASE "\r\x1b[K"

static void
add_duration(struct text *out, int64_t seconds)
{
    if (seconds >= 3600)
        text_format(out, "%" PRId64 ":%02d:%02d", seconds / 3600, (int)(seconds / 60 % 60), (int)(seconds % 60));
    else
        text_format(out, "%d:%02d", (int)(seconds / 60), (int)(seconds % 60));
}

static void
add_bar(struct text *out, int64_t bytes, int64_t whole)
{
    int64_t filled = bytes >= whole ? WIDTH : bytes / (whole / WIDTH + 1);

    text_add(out, " [");
    for (int64_t i = 0; i < WIDTH; i++)
        text_add(out, i < filled ? "=" : i == filled ? ">" : " ");
    text_format(out, "] %3d %%", bytes >= whole ? 100 : (int)((double)bytes / (double)whole * 100));
}

void
progress_format(
    const char *phase, int64_t bytes, int64_t whole, int64_t elapsed_ms, int64_t growth_ms, struct text *out)
{
    double seconds = (double)growth_ms / 1000;

    text_add(out, phase);
    if (bytes < 0 || (bytes == 0 && whole == 0)) {
        text_add(out, "  ");
        add_duration(out, elapsed_ms / 1000);
        return;
    }
    if (whole > 0)
        add_bar(out, bytes, whole);
    else {
        text_add(out, " ");
        text_add_size(out, bytes);
    }
    if (growth_ms < 1000 || bytes == 0)
        return; /* too early to tell */
    text_add(out, "  ");
    text_add_size(out, (int64_t)((double)bytes / seconds));
    text_add(out, "/s, ");
    if (whole > 0) {
        add_duration(out, bytes >= whole ? 0 : (int64_t)((double)(whole - bytes) / (double)bytes * seconds));
        text_add(out, " left");
    } else
        add_duration(out, elapsed_ms / 1000);
}

void
progress_tell(struct progress *progress, const char *phase, int64_t bytes, int64_t whole)
{
    struct moment now = moment_now();
    struct text line = TEXT_EMPTY;

    if (isatty(STDERR_FILENO) == 0)
        return;
    if (progress->phase == NULL || strcmp(progress->phase, phase) != 0) {
        progress->phase = phase;
        progress->since = now;
        progress->bytes = PROGRESS_NONE;
    }
    if (progress->bytes != bytes) {
        progress->bytes = bytes;
        progress->change = now;
    }
    progress_format(phase, bytes, whole, moment_ms_between(progress->since, now),
        moment_ms_between(progress->since, progress->change), &line);
    (void)fprintf(stderr, ERASE "%s", text_string(&line));
    (void)fflush(stderr);
    progress->drawn = true;
    text_clear(&line);
}

static const char *
phase_name(const char *phase)
{
    static const struct {
        const char *phase;
        const char *name;
    } names[] = { { "dump", "dumping" }, { "verify", "reading back" }, { "restore", "restoring" },
        { "publish", "publishing" } };

    for (size_t i = 0; phase != NULL && i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i].phase, phase) == 0)
            return names[i].name;
    return "working";
}

/* {"phase":"dump","bytes":1200000,"percent":40}; without `percent`, nobody knows how much there will be. */
void
progress_tell_report(struct progress *progress, const char *report)
{
    json_t *object = report == NULL ? NULL : json_loads(report, 0, NULL);
    const json_t *size = json_object_get(object, "bytes");
    int64_t bytes = json_is_integer(size) ? json_integer_value(size) : PROGRESS_NONE;
    int64_t percent = json_integer_value(json_object_get(object, "percent"));

    progress_tell(progress, phase_name(json_string_value(json_object_get(object, "phase"))), bytes,
        bytes > 0 && percent > 0 ? (int64_t)((double)bytes / (double)percent * 100) : 0);
    json_decref(object);
}

void
progress_erase(struct progress *progress)
{
    if (progress->drawn)
        (void)fputs(ERASE, stderr);
    progress->drawn = false;
}
