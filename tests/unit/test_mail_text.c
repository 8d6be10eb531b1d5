#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobs/mail_text.h"

#define DASH "_=E2=80=94_"

static const char *const people[] = { "a@example.com", "b@example.com" };
static const struct mail success = { .filename = "weavestream-postgres-2026-07-01T00-00-00Z.dump",
    .size_bytes = 1234567 };
static const struct mail failure = { .error = "pg_dump: exit status 1: no = good\nsecond line" };

static struct mail_text
about(const struct mail *mail)
{
    return (struct mail_text){ .id = "id",
        .from = "backup@example.org",
        .recipients = people,
        .recipient_count = 2,
        .schedule = "Nightly",
        .date = { 1782864000123 },
        .mail = mail };
}

static struct text
text_of(const struct mail_text *mail)
{
    struct text text = TEXT_EMPTY;

    mail_text_add(mail, &text);
    return text;
}

static void
a_success_as_it_goes_over_the_wire(void **state)
{
    struct mail_text mail = about(&success);
    struct text text = text_of(&mail);

    (void)state;
    assert_string_equal(text.data, "From: Weavestream <backup@example.org>\r\n"
                                   "To: a@example.com,\r\n"
                                   " b@example.com\r\n"
                                   "Subject: =?UTF-8?Q?=5BWeavestream=5D_Backup_succeeded" DASH "Nightly?=\r\n"
                                   "Date: Wed, 1 Jul 2026 00:00:00 +0000\r\n"
                                   "Message-ID: <id@example.org>\r\n"
                                   "Auto-Submitted: auto-generated\r\n"
                                   "MIME-Version: 1.0\r\n"
                                   "Content-Type: text/plain; charset=utf-8\r\n"
                                   "Content-Transfer-Encoding: quoted-printable\r\n"
                                   "\r\n"
                                   "Schedule: Nightly\r\n"
                                   "File: weavestream-postgres-2026-07-01T00-00-00Z.dump\r\n"
                                   "Size: 1.18 MB\r\n"
                                   "\r\n"
                                   "The backup is stored under ${DATA_DIR}/backup on the Docker host.\r\n"
                                   "Remember to copy both ${DATA_DIR}/backup and ${DATA_DIR}/files off that hos=\r\n"
                                   "t: a restore needs both.\r\n");
    text_clear(&text);
}

static void
a_failure_tells_its_error_with_its_lines(void **state)
{
    struct mail_text mail = about(&failure);
    struct text text = text_of(&mail);

    (void)state;
    assert_non_null(strstr(text.data, "\r\nSubject: =?UTF-8?Q?=5BWeavestream=5D_Backup_FAILED" DASH "Nightly?=\r\n"));
    assert_string_equal(strstr(text.data, "\r\n\r\n"),
        "\r\n\r\n"
        "Schedule: Nightly\r\n"
        "Error: pg_dump: exit status 1: no =3D good\r\n"
        "second line\r\n"
        "\r\n"
        "The logs of the worker and the row of this run (Admin, Backups) tell more.\r\n");
    text_clear(&text);
}

static void
a_success_whose_follow_up_failed_says_so(void **state)
{
    const struct mail followed = { .filename = "x.dump", .after_success = "exit status 12" };
    struct mail_text mail = about(&followed);
    struct text text = text_of(&mail);
    const char *end = "t: a restore needs both.\r\n\r\nWhat was to follow this backup went wrong: exit status 12\r\n";

    (void)state;
    assert_non_null(strstr(text.data, "_Backup_succeeded=2C_but_what_")); /* a fold is in between */
    assert_non_null(strstr(text.data, "_FAILED" DASH "Nightly?="));
    assert_string_equal(text.data + text.length - strlen(end), end);
    text_clear(&text);
}

static void
a_sender_with_a_name_and_an_address_for_answers(void **state)
{
    struct mail_text mail = about(&success);
    struct text text;

    (void)state;
    mail.from_name = "Acme Backups";
    mail.reply_to = "admin@example.org";
    text = text_of(&mail);
    assert_memory_equal(text.data,
        "From: Acme Backups <backup@example.org>\r\n"
        "Reply-To: admin@example.org\r\n"
        "To: ",
        strlen("From: Acme Backups <backup@example.org>\r\nReply-To: admin@example.org\r\nTo: "));
    text_clear(&text);
    mail.from_name = "\"B\xC3\xBC"
                     "ro\", Inc.";
    text = text_of(&mail);
    assert_memory_equal(text.data, "From: =?UTF-8?Q?=22B=C3=BCro=22=2C_Inc=2E?= <backup@example.org>\r\n",
        strlen("From: =?UTF-8?Q?=22B=C3=BCro=22=2C_Inc=2E?= <backup@example.org>\r\n"));
    text_clear(&text);
}

/* What a header or a line must never be: neither of a bare CR or LF, nor longer than 76 bytes, nor beyond ASCII. */
static void
assert_fit_for_the_wire(const struct text *text)
{
    const char *line = text->data;

    assert_int_equal(strlen(text->data), text->length);
    while (*line != '\0') {
        size_t length = strcspn(line, "\r\n");

        assert_true(length <= 76);
        for (size_t i = 0; i < length; i++)
            assert_true(line[i] >= ' ' && line[i] < 0x7F);
        assert_memory_equal(line + length, "\r\n", 2);
        line += length + 2;
    }
}

static void
no_name_ends_its_header(void **state)
{
    struct mail_text mail = about(&success);
    struct text text;
    const char *body;

    (void)state;
    mail.schedule = " Night\r\nBcc: evil@example.com\r\n\r\nly\t\x01 ";
    mail.from_name = "Weave\nBcc: evil@example.com";
    text = text_of(&mail);
    assert_fit_for_the_wire(&text);
    assert_null(strstr(text.data, "\r\nBcc"));
    body = strstr(text.data, "\r\n\r\n");
    assert_memory_equal(body, "\r\n\r\nSchedule: Night Bcc: evil@example.com ly\r\n",
        strlen("\r\n\r\nSchedule: Night Bcc: evil@example.com ly\r\n"));
    text_clear(&text);
}

static void
long_names_fold_between_characters(void **state)
{
    struct mail_text mail = about(&success);
    struct text name = TEXT_EMPTY;
    struct text text;
    size_t words = 0;

    (void)state;
    for (int i = 0; i < 40; i++)
        text_add(&name, "\xE2\x82\xACx");
    mail.schedule = name.data;
    mail.from_name = name.data;
    text = text_of(&mail);
    assert_fit_for_the_wire(&text);
    for (const char *word = text.data; (word = strstr(word, "=?UTF-8?Q?")) != NULL; words++) {
        const char *end = strstr(word, "?=");

        for (const char *euro = word; (euro = strstr(euro, "=E2")) != NULL && euro < end; euro += 9)
            assert_memory_equal(euro, "=E2=82=AC", 9);
        word = end;
    }
    assert_true(words > 10);
    text_clear(&text);
    text_clear(&name);
}

static void
a_very_long_name_is_cut(void **state)
{
    struct mail_text mail = about(&success);
    struct text name = TEXT_EMPTY;
    struct text text;

    (void)state;
    for (int i = 0; i < 1000; i++)
        text_add(&name, "0123456789");
    mail.schedule = name.data;
    text = text_of(&mail);
    assert_fit_for_the_wire(&text);
    assert_non_null(strstr(text.data, "=E2=80=A6?=\r\nDate"));
    assert_true(text.length < 2000);
    text_clear(&text);
    text_clear(&name);
}

static void
an_error_may_hold_anything(void **state)
{
    struct mail mail = { .error = "caf\xC3\xA9 \r\n.\r\n\xFF blank at the end \nand\ttab" };
    struct mail_text content = about(&mail);
    struct text text = text_of(&content);

    (void)state;
    assert_fit_for_the_wire(&text);
    assert_non_null(
        strstr(text.data, "\r\nError: caf=C3=A9 =0D\r\n.=0D\r\n=EF=BF=BD blank at the end=20\r\nand=09tab\r\n"));
    text_clear(&text);
}

static void
sizes_are_told_in_the_unit_that_fits(void **state)
{
    static const struct {
        int64_t bytes;
        const char *text;
    } sizes[] = { { 0, "0 B" }, { 1023, "1023 B" }, { 1024, "1.00 KB" }, { 1536, "1.50 KB" }, { 1048576, "1.00 MB" },
        { 5368709120, "5.00 GB" }, { 1649267441664, "1.50 TB" }, { 9007199254740992, "8192.00 TB" } };

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct mail mail = { .filename = "x", .size_bytes = sizes[i].bytes };
        struct mail_text content = about(&mail);
        struct text text = text_of(&content);
        char line[64];

        (void)snprintf(line, sizeof(line), "\r\nSize: %s\r\n", sizes[i].text);
        assert_non_null(strstr(text.data, line));
        text_clear(&text);
    }
}

static void
what_counts_as_an_address(void **state)
{
    static const char *const good[] = { "a@b", "first.last+tag@mail.example.com", "o'brien@x-y.org", "_@1.2" };
    static const char *const bad[] = { "", "a", "@b", "a@", "a b@c", " a@b", "a@b ", "a@b\r\nDATA", "a@b>", "<a@b>",
        "a@b,c@d", "\"a\"@b", "a(b)@c", "a@[127.0.0.1]", ".a@b", "a.@b", "a..b@c", "a@b..c", "a@b.", "a@b@c",
        "\xC3\xA4@b", "a@\xC3\xA4", "a;b@c", "a:b@c", "a\x7F@b", "a\\@b" };
    char long_address[300];

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        if (!mail_text_is_address(good[i]))
            fail_msg("'%s' is refused", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (mail_text_is_address(bad[i]))
            fail_msg("'%s' is taken", bad[i]);
    memset(long_address, 'a', sizeof(long_address));
    memcpy(long_address + 252, "@b", 3);
    assert_true(mail_text_is_address(long_address));
    memcpy(long_address + 252, "a@b", 4);
    assert_false(mail_text_is_address(long_address));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_success_as_it_goes_over_the_wire),
        cmocka_unit_test(a_failure_tells_its_error_with_its_lines),
        cmocka_unit_test(a_success_whose_follow_up_failed_says_so),
        cmocka_unit_test(a_sender_with_a_name_and_an_address_for_answers),
        cmocka_unit_test(no_name_ends_its_header),
        cmocka_unit_test(long_names_fold_between_characters),
        cmocka_unit_test(a_very_long_name_is_cut),
        cmocka_unit_test(an_error_may_hold_anything),
        cmocka_unit_test(sizes_are_told_in_the_unit_that_fits),
        cmocka_unit_test(what_counts_as_an_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
