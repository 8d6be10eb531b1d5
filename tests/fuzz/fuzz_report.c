/* A line of the child protocol, and a job's data: what is read is written back the same, and every job description is JSON. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "common/json.h"
#include "common/report.h"

static void
check_line(const char *line, size_t length)
{
    struct report report = REPORT_EMPTY;
    struct report again = REPORT_EMPTY;
    struct error err = ERROR_EMPTY;
    struct text first = TEXT_EMPTY;
    struct text second = TEXT_EMPTY;

    if (!report_parse(line, length, &report, &err)) {
        assert(err.code == ERROR_INPUT && err.text[0] != '\0' && report.type == REPORT_NONE);
        return;
    }
    report_add_line(&report, &first);
    assert(first.length == strlen(first.data) && first.data[first.length - 1] == '\n');
    assert(memchr(first.data, '\n', first.length) == first.data + first.length - 1);
    if (first.length <= REPORT_LINE_MAX) {
        assert(report_parse(first.data, first.length - 1, &again, &err));
        report_add_line(&again, &second);
        assert(strcmp(first.data, second.data) == 0);
    }
    report_clear(&report);
    report_clear(&again);
    text_clear(&first);
    text_clear(&second);
}

static void
check_job(const char *data, size_t length)
{
    struct report_job job = { .queue = "backup",
        .prefix = "bull",
        .id = "7",
        .name = data,
        .name_length = length,
        .data = data,
        .data_length = length,
        .options = "{}" };
    struct text out = TEXT_EMPTY;
    struct error err;

    report_add_job(&job, &out);
    assert(out.length == strlen(out.data));
    assert(json_check(out.data, out.length, &err));
    assert(json_member(out.data, out.length, "name").bytes[0] == '"');
    assert(json_member(out.data, out.length, "data").bytes != NULL);
    text_clear(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 1024) /* deep nesting has a limit of its own in the JSON library, one less inside of a job */
        return 0;
    check_line((const char *)data, size);
    check_job((const char *)data, size);
    return 0;
}
