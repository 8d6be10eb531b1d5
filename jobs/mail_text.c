#include "jobs/mail_text.h"

#include <string.h>
#include <time.h>

#define LINE_BYTES 76     /* of a line with an encoded word, and of quoted-printable */
#define NAME_BYTES 200    /* bytes of a schedule's name */
#define ADDRESS_BYTES 254 /* RFC 5321 */
#define WORD_START "=?UTF-8?Q?"
#define WORD_END "?="
#define ELLIPSIS "\xE2\x80\xA6"
#define DASH "\xE2\x80\x94"

static const char atom_marks[] = "!#$%&'*+-/=?^_`{|}~";

static bool
is_ascii_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Atoms with a dot between two of them. */
static bool
is_dotted(const char *bytes, size_t length, const char *marks)
{
    bool in_atom = false;

    for (size_t i = 0; i < length; i++) {
        if (bytes[i] == '.' ? !in_atom : !is_ascii_alnum(bytes[i]) && strchr(marks, bytes[i]) == NULL)
            return false;
        in_atom = bytes[i] != '.';
    }
    return in_atom;
}

bool
mail_text_is_address(const char *string)
{
    const char *at = strrchr(string, '@');

    return at != NULL && strlen(string) <= ADDRESS_BYTES && is_dotted(string, (size_t)(at - string), atom_marks) &&
           is_dotted(at + 1, strlen(at + 1), "-");
}

/* Onto an empty text: one line of well-formed UTF-8; blanks and control characters become one blank, a long text is cut. */
static void
add_one_line(const char *string, size_t most, struct text *out)
{
    struct text clean = TEXT_EMPTY;
    size_t end = out->length + most;
    bool blank = false;

    text_add_utf8(&clean, string, strlen(string));
    for (size_t i = 0, step; i < clean.length; i += step) {
        unsigned char c = (unsigned char)clean.data[i];

        step = text_utf8_length(clean.data + i, clean.length - i);
        if (c <= ' ' || c == 0x7F) {
            blank = out->length > 0;
            continue;
        }
        if (out->length + blank + step > end) {
            text_add(out, ELLIPSIS);
            break;
        }
        if (blank)
            text_add(out, " ");
        blank = false;
        text_add_bytes(out, clean.data + i, step);
    }
    text_clear(&clean);
}

static size_t
column(const struct text *out)
{
    const char *line = out->length == 0 ? NULL : memrchr(out->data, '\n', out->length);

    return line == NULL ? out->length : (size_t)(out->data + out->length - line - 1);
}

/* RFC 2047: words of "Q" encoding, each with whole characters, as many as the lines need. */
static void
add_encoded_words(const char *string, struct text *out)
{
    size_t length = strlen(string);

    text_add(out, WORD_START);
    for (size_t i = 0, step; i < length; i += step) {
        struct text character = TEXT_EMPTY;

        step = text_utf8_length(string + i, length - i);
        if (is_ascii_alnum(string[i]))
            text_add_bytes(&character, string + i, 1);
        else if (string[i] == ' ')
            text_add(&character, "_");
        else
            for (size_t j = 0; j < step; j++)
                text_format(&character, "=%02X", (unsigned char)string[i + j]);
        if (column(out) + character.length + strlen(WORD_END) > LINE_BYTES)
            text_add(out, WORD_END "\r\n " WORD_START);
        text_add_bytes(out, character.data, character.length);
        text_clear(&character);
    }
    text_add(out, WORD_END);
}

/* The name as it is if nothing in it needs care. */
static void
add_display_name(const char *given, struct text *out)
{
    struct text name = TEXT_EMPTY;
    bool plain = true;

    if (given != NULL)
        add_one_line(given, NAME_BYTES, &name);
    if (name.length == 0)
        text_add(&name, "Weavestream");
    for (size_t i = 0; i < name.length; i++)
        if (!is_ascii_alnum(name.data[i]) && name.data[i] != ' ')
            plain = false;
    if (plain && column(out) + name.length <= LINE_BYTES)
        text_add(out, name.data);
    else
        add_encoded_words(name.data, out);
    text_clear(&name);
}

static void
add_date(struct wall date, struct text *out)
{
    static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
    static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov",
        "Dec" };
    time_t seconds = (time_t)(date.ms / 1000);
    struct tm at;

    (void)gmtime_r(&seconds, &at);
    text_format(out, "Date: %s, %d %s %d %02d:%02d:%02d +0000\r\n", days[at.tm_wday], at.tm_mday, months[at.tm_mon],
        at.tm_year + 1900, at.tm_hour, at.tm_min, at.tm_sec);
}

static const char *
outcome_words(const struct mail *mail)
{
    if (mail->error != NULL)
        return "FAILED";
    return mail->after_success == NULL ? "succeeded" : "succeeded, but what follows it FAILED";
}

static void
add_headers(const struct mail_text *mail, const char *schedule, struct text *out)
{
    struct text subject = TEXT_EMPTY;

    text_add(out, "From: ");
    add_display_name(mail->from_name, out);
    text_format(out, "%s<%s>\r\n", column(out) + strlen(mail->from) + 3 > LINE_BYTES ? "\r\n " : " ", mail->from);
    if (mail->reply_to != NULL)
        text_format(out, "Reply-To: %s\r\n", mail->reply_to);
    for (size_t i = 0; i < mail->recipient_count; i++)
        text_format(out, "%s%s", i == 0 ? "To: " : ",\r\n ", mail->recipients[i]);
    text_add(out, "\r\nSubject: ");
    text_format(&subject, "[Weavestream] Backup %s " DASH " %s", outcome_words(mail->mail), schedule);
    add_encoded_words(subject.data, out);
    text_add(out, "\r\n");
    add_date(mail->date, out);
    text_format(out, "Message-ID: <%s%s>\r\n", mail->id, strrchr(mail->from, '@'));
    text_add(out, "Auto-Submitted: auto-generated\r\n"
                  "MIME-Version: 1.0\r\n"
                  "Content-Type: text/plain; charset=utf-8\r\n"
                  "Content-Transfer-Encoding: quoted-printable\r\n"
                  "\r\n");
    text_clear(&subject);
}

static void
add_body(const struct mail *mail, const char *schedule, struct text *out)
{
    text_format(out, "Schedule: %s\n", schedule);
    if (mail->error != NULL) {
        text_add(out, "Error: ");
        text_add_utf8(out, mail->error, strlen(mail->error));
        if (mail->explanation != NULL) {
            text_add(out, "\n\n");
            text_add_utf8(out, mail->explanation, strlen(mail->explanation));
        }
        text_add(out, "\n\nThe logs of the worker and the row of this run (Admin, Backups) tell more.\n");
        return;
    }
    text_format(out, "File: %s\nSize: ", mail->filename);
    text_add_app_size(out, mail->size_bytes);
    text_add(out,
        "\n\n"
        "The backup is stored under ${DATA_DIR}/backup on the Docker host.\n"
        "Remember to copy both ${DATA_DIR}/backup and ${DATA_DIR}/files off that host: a restore needs both.\n");
    if (mail->after_success == NULL)
        return;
    text_add(out, "\nWhat was to follow this backup went wrong: ");
    text_add_utf8(out, mail->after_success, strlen(mail->after_success));
    text_add(out, "\n");
}

/* RFC 2045: a line is at most 76 bytes, the "=" of a soft break included; no blank at its end. */
static void
add_quoted_printable(const struct text *text, struct text *out)
{
    for (size_t i = 0; i < text->length; i++) {
        unsigned char c = (unsigned char)text->data[i];
        bool last = i + 1 == text->length || text->data[i + 1] == '\n';
        bool plain = (c > ' ' && c < 0x7F && c != '=') || (c == ' ' && !last);

        if (c == '\n') {
            text_add(out, "\r\n");
            continue;
        }
        if (column(out) + (plain ? 1 : 3) > LINE_BYTES - 1)
            text_add(out, "=\r\n");
        if (plain)
            text_add_bytes(out, text->data + i, 1);
        else
            text_format(out, "=%02X", c);
    }
}

void
mail_text_add(const struct mail_text *mail, struct text *out)
{
    struct text schedule = TEXT_EMPTY;
    struct text body = TEXT_EMPTY;

    add_one_line(mail->schedule, NAME_BYTES, &schedule);
    add_headers(mail, text_string(&schedule), out);
    add_body(mail->mail, text_string(&schedule), &body);
    add_quoted_printable(&body, out);
    text_clear(&schedule);
    text_clear(&body);
}
