/* Mails: whatever a schedule and an error are called, ASCII lines of at most 76 bytes, and no header that we did not write. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "jobs/mail_text.h"

static size_t
check_headers(const char *text)
{
    static const char *const names[] = { "From: ", "To: ", "Subject: ", "Date: ", "Message-ID: ", "Auto-Submitted: ",
        "MIME-Version: ", "Content-Type: ", "Content-Transfer-Encoding: " };
    const char *line = text;
    size_t next = 0;

    for (; strncmp(line, "\r\n", 2) != 0; line = strstr(line, "\r\n") + 2) {
        if (line[0] == ' ')
            continue;
        assert(next < sizeof(names) / sizeof(names[0]) && strncmp(line, names[next], strlen(names[next])) == 0);
        next++;
    }
    return next;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const recipient[] = { "a@example.com" };
    char *input = memory_copy((const char *)data, size);
    struct mail mail = { .error = input };
    struct mail_text content = { .id = "id",
        .from = "b@example.com",
        .from_name = input,
        .recipients = recipient,
        .recipient_count = 1,
        .schedule = input,
        .mail = &mail };
    struct text text = TEXT_EMPTY;

    mail_text_add(&content, &text);
    assert(strlen(text.data) == text.length);
    for (const char *line = text.data; *line != '\0'; line += strcspn(line, "\n") + 1) {
        size_t length = strcspn(line, "\r\n");

        assert(length <= 76 && strncmp(line + length, "\r\n", 2) == 0);
        for (size_t i = 0; i < length; i++)
            assert(line[i] >= ' ' && line[i] < 0x7F);
    }
    assert(check_headers(text.data) == 9);
    text_clear(&text);
    free(input);
    return 0;
}
