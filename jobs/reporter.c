#include "jobs/reporter.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/memory.h"

#define LOG_ROW_BYTES 8192 /* the last words of a program fit */

static int report_fd = -1;
static reporter_listener_fn *listener;
static void *listener_owner;

void
reporter_start(int fd)
{
    (void)signal(SIGPIPE, SIG_IGN);
    report_fd = fd;
}

void
reporter_listen(reporter_listener_fn *on_report, void *owner)
{
    (void)signal(SIGPIPE, SIG_IGN);
    listener = on_report;
    listener_owner = owner;
}

static void
send_report(const struct report *report)
{
    struct text line = TEXT_EMPTY;
    size_t written = 0;

    if (listener != NULL) {
        listener(report, listener_owner);
        return;
    }
    report_add_line(report, &line);
    while (report_fd != -1 && written < line.length) {
        ssize_t count = write(report_fd, line.data + written, line.length - written);

        if (count == -1 && errno == EINTR)
            continue;
        if (count == -1) {
            log_warn(LOG_EVENT("report not taken"), LOG_TEXT("reason", strerror(errno)));
            report_fd = -1;
        } else
            written += (size_t)count;
    }
    text_clear(&line);
}

void
reporter_progress(const char *phase, int64_t bytes, int percent)
{
    struct text value = TEXT_EMPTY;

    text_format(&value, "{\"phase\":\"%s\",\"bytes\":%" PRId64, phase, bytes);
    if (percent != REPORTER_NO_PERCENT)
        text_format(&value, ",\"percent\":%d", percent);
    text_add(&value, "}");
    send_report(&(struct report){ .type = REPORT_PROGRESS, .value = value.data });
    text_clear(&value);
}

void
reporter_wait(const char *phase, int64_t bytes, const char *waits_for)
{
    struct text value = TEXT_EMPTY;

    text_format(&value, "{\"phase\":\"%s\",\"bytes\":%" PRId64 ",\"waitsFor\":", phase, bytes);
    text_add_json(&value, waits_for, strlen(waits_for));
    text_add(&value, "}");
    send_report(&(struct report){ .type = REPORT_PROGRESS, .value = value.data });
    text_clear(&value);
}

void
reporter_log(const char *format, ...)
{
    char row[LOG_ROW_BYTES];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(row, sizeof(row), format, arguments);
    va_end(arguments);
    send_report(&(struct report){ .type = REPORT_LOG, .text = row });
}

void
reporter_add(const char *name, const char *data, const char *options)
{
    struct report report = { .type = REPORT_ADD };

    report.text = memory_copy_string(name);
    report.value = memory_copy_string(data);
    report.options = memory_copy_string(options);
    send_report(&report);
    report_clear(&report);
}

void
reporter_schedule(const char *id, const char *pattern, const char *zone, const char *data, const char *options)
{
    struct report report = { .type = REPORT_SCHEDULE };

    report.id = memory_copy_string(id);
    report.pattern = memory_copy_string(pattern);
    report.zone = memory_copy_string(zone);
    report.text = memory_copy_string("run");
    report.value = memory_copy_string(data);
    report.options = memory_copy_string(options);
    send_report(&report);
    report_clear(&report);
}

void
reporter_unschedule(const char *id)
{
    struct report report = { .type = REPORT_UNSCHEDULE, .id = memory_copy_string(id) };

    send_report(&report);
    report_clear(&report);
}

void
reporter_verdict(const struct report *verdict)
{
    send_report(verdict);
}
