#include "jobs/smtp.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/text.h"
#include "jobs/transfer.h"

#define LOG_INS "AUTH=PLAIN;AUTH=LOGIN;AUTH=CRAM-MD5"

enum command { COMMAND_OTHER, COMMAND_AUTH, COMMAND_RCPT, COMMAND_QUIT };

/* One sending, as its callbacks see it. */
struct dialogue {
    const struct smtp_server *server;
    const struct smtp_mail *mail;
    size_t sent;                 /* bytes of the mail */
    enum command command;        /* the last one that was sent */
    size_t recipients_named;     /* RCPT commands so far */
    char reply[SMTP_REPLY_SIZE]; /* to it, if that was a refusal; "": it was none */
    struct smtp_refusals *refusals;
    int socket; /* the last that was opened; -1: it is closed */
    struct transfer transfer;
    char curl_error[CURL_ERROR_SIZE];
};

/* --- what is said ---------------------------------------------------------------------------------------------------------------------- */

static bool
starts_with(const char *bytes, size_t length, const char *word)
{
    return length >= strlen(word) && memcmp(bytes, word, strlen(word)) == 0;
}

/* Other words change nothing: within a log-in they are its answers, and belong to it. */
static void
note_command(struct dialogue *dialogue, const char *bytes, size_t length)
{
    static const struct {
        const char *word;
        enum command command;
    } words[] = { { "AUTH ", COMMAND_AUTH }, { "MAIL ", COMMAND_OTHER }, { "RCPT ", COMMAND_RCPT },
        { "DATA\r\n", COMMAND_OTHER }, { "QUIT\r\n", COMMAND_QUIT } };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (starts_with(bytes, length, words[i].word))
            dialogue->command = words[i].command;
    if (dialogue->command == COMMAND_RCPT)
        dialogue->recipients_named++;
    if (dialogue->command != COMMAND_QUIT)
        dialogue->reply[0] = '\0';
}

/* "535 5.7.8" of "535 5.7.8 Wrong password". */
static size_t
status_length(const char *bytes, size_t length)
{
    size_t end = 4;

    while (end < length && (bytes[end] == '.' || (bytes[end] >= '0' && bytes[end] <= '9')))
        end++;
    return end;
}

/* "250-..." goes on, "250 ..." is the last line of a reply. */
static void
note_reply(struct dialogue *dialogue, const char *bytes, size_t length)
{
    if (length < 4 || (bytes[0] != '4' && bytes[0] != '5') || bytes[3] != ' ' || dialogue->command == COMMAND_QUIT)
        return;
    while (length > 4 && (unsigned char)bytes[length - 1] <= ' ')
        length--;
    if (dialogue->command == COMMAND_AUTH)
        length = status_length(bytes, length);
    (void)snprintf(dialogue->reply, sizeof(dialogue->reply), "%.*s", (int)length, bytes);
    if (dialogue->command == COMMAND_RCPT && dialogue->refusals->count++ == 0) {
        dialogue->refusals->first = dialogue->recipients_named - 1;
        memcpy(dialogue->refusals->reply, dialogue->reply, sizeof(dialogue->reply));
    }
}

/* Whatever libcurl waits for on the connection, it no longer does. */
static void
hang_up(const struct dialogue *dialogue, int how)
{
    if (dialogue->socket != -1)
        (void)shutdown(dialogue->socket, how); /* fails only if the other side was quicker */
}

static int
on_debug(CURL *easy, curl_infotype type, char *bytes, size_t length, void *owner)
{
    struct dialogue *dialogue = owner;

    (void)easy;
    if (type == CURLINFO_HEADER_OUT)
        note_command(dialogue, bytes, length);
    if (type == CURLINFO_HEADER_IN)
        note_reply(dialogue, bytes, length);
    if (dialogue->command == COMMAND_QUIT)
        hang_up(dialogue, SHUT_RD); /* the answer means nothing, and libcurl would wait two minutes for it */
    return 0;
}

static size_t
on_read(char *out, size_t size, size_t count, void *owner)
{
    struct dialogue *dialogue = owner;
    size_t left = dialogue->mail->length - dialogue->sent;
    size_t length = size * count < left ? size * count : left;

    memcpy(out, dialogue->mail->bytes + dialogue->sent, length);
    dialogue->sent += length;
    return length;
}

/* --- how it ends early ------------------------------------------------------------------------------------------------------------------ */

static curl_socket_t
on_open(void *owner, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct dialogue *dialogue = owner;

    (void)purpose;
    dialogue->socket = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    return dialogue->socket; /* CURL_SOCKET_BAD is -1, too */
}

static int
on_close(void *owner, curl_socket_t socket)
{
    struct dialogue *dialogue = owner;

    if (socket == dialogue->socket)
        dialogue->socket = -1;
    return close(socket);
}

/*
 * Ended, libcurl would still say goodbye and wait for the answer, so the connection is ended first. (Beside two addresses that are tried at
 * once, we may not know it.)
 */
static int
on_progress(void *owner, curl_off_t to_read, curl_off_t read, curl_off_t to_write, curl_off_t written)
{
    struct dialogue *dialogue = owner;

    (void)to_read;
    (void)read;
    (void)to_write;
    (void)written;
    if (dialogue->command == COMMAND_QUIT)
        return 1;
    if (transfer_may_go_on(&dialogue->transfer))
        return 0;
    hang_up(dialogue, SHUT_RDWR);
    return 1;
}

/* --- what is asked of libcurl ---------------------------------------------------------------------------------------------------------- */

/* The name we greet with: this host's if it has a domain; else an address, as servers may refuse names without one. */
static void
add_own_name(struct text *out)
{
    char name[256] = "";
    struct in_addr address;

    if (gethostname(name, sizeof(name) - 1) == 0 && strchr(name, '.') != NULL &&
        inet_pton(AF_INET, name, &address) != 1)
        text_format(out, "/%s", name);
    else
        text_add(out, "/[127.0.0.1]");
}

/* NULL: the host or the port is none. The caller frees it with curl_url_cleanup. */
static CURLU *
make_url(const struct smtp_server *server)
{
    CURLU *url = curl_url();
    struct text host = TEXT_EMPTY;
    struct text port = TEXT_EMPTY;
    struct text path = TEXT_EMPTY;
    bool is_ipv6 = strchr(server->host, ':') != NULL && server->host[0] != '[';
    bool ok;

    text_format(&host, is_ipv6 ? "[%s]" : "%s", server->host);
    text_format(&port, "%d", server->port);
    add_own_name(&path);
    ok = url != NULL &&
         curl_url_set(url, CURLUPART_SCHEME, server->security == SMTP_TLS ? "smtps" : "smtp", 0) == CURLUE_OK &&
         curl_url_set(url, CURLUPART_HOST, host.data, 0) == CURLUE_OK &&
         curl_url_set(url, CURLUPART_PORT, port.data, 0) == CURLUE_OK &&
         curl_url_set(url, CURLUPART_PATH, path.data, CURLU_URLENCODE) == CURLUE_OK;
    text_clear(&host);
    text_clear(&port);
    text_clear(&path);
    if (ok)
        return url;
    curl_url_cleanup(url);
    return NULL;
}

static struct curl_slist *
make_list(const struct smtp_mail *mail)
{
    struct curl_slist *list = NULL;

    for (size_t i = 0; i < mail->recipient_count; i++) {
        struct curl_slist *longer = curl_slist_append(list, mail->recipients[i]);

        if (longer == NULL) {
            curl_slist_free_all(list);
            return NULL;
        }
        list = longer;
    }
    return list;
}

#define SET(option, value) (curl_easy_setopt(easy, (option), (value)) == CURLE_OK)

static bool
set_connection(CURL *easy, CURLU *url, struct dialogue *dialogue)
{
    const struct smtp_server *server = dialogue->server;
    long use_ssl = server->security == SMTP_NONE ? CURLUSESSL_NONE : CURLUSESSL_ALL;

    return transfer_prepare(easy, &dialogue->transfer) && SET(CURLOPT_CURLU, url) && SET(CURLOPT_PROXY, "") &&
           SET(CURLOPT_OPENSOCKETFUNCTION, on_open) && SET(CURLOPT_OPENSOCKETDATA, dialogue) &&
           SET(CURLOPT_CLOSESOCKETFUNCTION, on_close) && SET(CURLOPT_CLOSESOCKETDATA, dialogue) &&
           SET(CURLOPT_FORBID_REUSE, 1L) && SET(CURLOPT_USE_SSL, use_ssl) &&
           (server->username == NULL ||
               (SET(CURLOPT_USERNAME, server->username) && SET(CURLOPT_PASSWORD, secret_reveal(server->password)) &&
                   SET(CURLOPT_LOGIN_OPTIONS, LOG_INS)));
}

static bool
set_watch(CURL *easy, int64_t timeout_ms, struct dialogue *dialogue)
{
    return SET(CURLOPT_TIMEOUT_MS, (long)timeout_ms) && SET(CURLOPT_VERBOSE, 1L) &&
           SET(CURLOPT_DEBUGFUNCTION, on_debug) && SET(CURLOPT_DEBUGDATA, dialogue) && SET(CURLOPT_NOPROGRESS, 0L) &&
           SET(CURLOPT_XFERINFOFUNCTION, on_progress) && SET(CURLOPT_XFERINFODATA, dialogue) &&
           SET(CURLOPT_ERRORBUFFER, dialogue->curl_error);
}

/* Without a mail, the connection is all. */
static bool
set_mail(CURL *easy, struct curl_slist *recipients, struct dialogue *dialogue)
{
    const struct smtp_mail *mail = dialogue->mail;

    if (mail == NULL)
        return SET(CURLOPT_CONNECT_ONLY, 1L);
    return SET(CURLOPT_MAIL_FROM, mail->from) && SET(CURLOPT_MAIL_RCPT, recipients) &&
           SET(CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L) && SET(CURLOPT_UPLOAD, 1L) &&
           SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)mail->length) && SET(CURLOPT_READFUNCTION, on_read) &&
           SET(CURLOPT_READDATA, dialogue);
}

/* --- sending --------------------------------------------------------------------------------------------------------------------------- */

static bool
set_failure(const struct dialogue *dialogue, CURLcode code, struct error *err)
{
    const char *text = dialogue->curl_error[0] != '\0' ? dialogue->curl_error : curl_easy_strerror(code);

    if (dialogue->transfer.why.code != ERROR_NONE) {
        *err = dialogue->transfer.why;
        return false;
    }
    if (code == CURLE_OPERATION_TIMEDOUT)
        return error_set(err, ERROR_TIMEOUT, "it took too long");
    if (dialogue->reply[0] != '\0')
        return error_set(err, ERROR_REFUSED, "%s ('%s')", text, dialogue->reply);
    return error_set(err, ERROR_LOST, "%s", text);
}

static bool
perform(struct dialogue *dialogue, struct curl_slist *recipients, int64_t timeout_ms, struct error *err)
{
    const struct smtp_server *server = dialogue->server;
    CURL *easy = curl_easy_init();
    CURLU *url = make_url(server);
    CURLcode code;
    bool ok = false;

    if (url == NULL)
        (void)error_set(err, ERROR_CONFIG, "this is no name of a host");
    else if (easy == NULL)
        (void)error_set(err, ERROR_SYSTEM, "libcurl has no memory");
    else if (!set_connection(easy, url, dialogue) || !set_watch(easy, timeout_ms, dialogue) ||
             !set_mail(easy, recipients, dialogue))
        (void)error_set(err, ERROR_SYSTEM, "this libcurl lacks something: it needs SMTP and OpenSSL");
    else
        ok = (code = curl_easy_perform(easy)) == CURLE_OK || set_failure(dialogue, code, err);
    curl_easy_cleanup(easy);
    curl_url_cleanup(url);
    return ok || error_add(err, "mail server '%s', port %d", server->host, server->port);
}

bool
smtp_send(const struct smtp_server *server, const struct smtp_mail *mail, int64_t timeout_ms,
    struct smtp_refusals *refusals, struct error *err)
{
    struct dialogue dialogue = { .server = server,
        .mail = mail,
        .refusals = refusals,
        .socket = -1,
        .transfer = { .extra_ca_file = server->extra_ca_file } };
    struct curl_slist *recipients = make_list(mail);
    bool ok;

    *refusals = (struct smtp_refusals){ .count = 0 };
    ok = recipients != NULL ? perform(&dialogue, recipients, timeout_ms, err)
                            : error_set(err, ERROR_SYSTEM, "libcurl has no memory for the recipients");
    curl_slist_free_all(recipients);
    return ok;
}

bool
smtp_greet(const struct smtp_server *server, int64_t timeout_ms, struct error *err)
{
    struct dialogue dialogue = {
        .server = server, .socket = -1, .transfer = { .extra_ca_file = server->extra_ca_file }
    };

    return perform(&dialogue, NULL, timeout_ms, err);
}
