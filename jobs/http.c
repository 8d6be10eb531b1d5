#include "jobs/http.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/text.h"
#include "jobs/transfer.h"

#define REDIRECTS_MAX 3
#define ANSWER_BYTES 1024 /* kept of an answer */
#define LINE_BYTES 200    /* of those, in an error text */
#define TELLING_BYTES 6   /* so many characters of a URL may tell it */

/* One request, as its callbacks see it. */
struct exchange {
    const struct http_request *request;
    struct moment deadline;
    CURL *easy;
    struct curl_slist *headers;
    struct transfer transfer;
    struct text answer;
    char curl_error[CURL_ERROR_SIZE];
};

static size_t
on_answer(char *bytes, size_t size, size_t count, void *owner)
{
    struct exchange *exchange = owner;
    size_t room = ANSWER_BYTES - exchange->answer.length;

    text_add_bytes(&exchange->answer, bytes, size * count < room ? size * count : room);
    return size * count;
}

static int
on_progress(void *owner, curl_off_t to_read, curl_off_t read, curl_off_t to_write, curl_off_t written)
{
    struct exchange *exchange = owner;

    (void)to_read;
    (void)read;
    (void)to_write;
    (void)written;
    return transfer_may_go_on(&exchange->transfer) ? 0 : 1;
}

/* --- Where it leads ---------------------------------------------------------------------------------------------------------------------- */

/* Scheme, host and port of a URL, as in "https://example.org:443". False: it is no URL. */
static bool
add_origin(const char *string, struct text *out)
{
    static const CURLUPart parts[] = { CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT };
    static const char *const before[] = { "", "://", ":" };
    CURLU *url = curl_url();
    bool ok = url != NULL && curl_url_set(url, CURLUPART_URL, string, 0) == CURLUE_OK;

    for (size_t i = 0; ok && i < sizeof(parts) / sizeof(parts[0]); i++) {
        char *part = NULL;

        ok = curl_url_get(url, parts[i], &part, CURLU_DEFAULT_PORT) == CURLUE_OK;
        if (ok)
            text_format(out, "%s%s", before[i], part);
        curl_free(part);
    }
    curl_url_cleanup(url);
    return ok;
}

static bool
check_redirect(const char *from, const char *to, struct error *err)
{
    struct text origin = TEXT_EMPTY;
    struct text target = TEXT_EMPTY;
    bool ok =
        add_origin(from, &origin) && add_origin(to, &target) && strcmp(text_string(&origin), text_string(&target)) == 0;

    if (!ok)
        (void)error_set(err, ERROR_REFUSED, "it redirects to '%s', which is not followed: give the URL there",
            text_string(&target));
    text_clear(&origin);
    text_clear(&target);
    return ok;
}

/* --- What it says ------------------------------------------------------------------------------------------------------------------------ */

/* Whether `line` holds a longer word of the URL, which may be what makes it a secret. */
static bool
holds_part_of(const char *line, const char *url)
{
    static const char word_characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    for (const char *at = strstr(url, "://"); at != NULL && *at != '\0';) {
        size_t length = strspn(at, word_characters);

        if (length >= TELLING_BYTES && memmem(line, strlen(line), at, length) != NULL)
            return true;
        at += length;
        at += strnlen(at, *at == '%' ? 3 : 1); /* over an escape, or what else is between two words */
    }
    return false;
}

/* ": " and the first line of the answer, if that is one for people. */
static void
add_first_line(const struct exchange *exchange, struct text *out)
{
    const char *line = text_string(&exchange->answer) + strspn(text_string(&exchange->answer), " \t\r\n");
    struct text first = TEXT_EMPTY;
    size_t length = 0;

    while ((unsigned char)line[length] >= ' ')
        length++;
    text_add_bytes(&first, line, length);
    if (length > 0 && line[0] != '<' && !holds_part_of(text_string(&first), exchange->request->url)) {
        text_add(out, ": ");
        text_add_utf8(out, line, length < LINE_BYTES ? length : LINE_BYTES);
    }
    text_clear(&first);
}

static bool
check_status(const struct exchange *exchange, long status, struct error *err)
{
    struct text line = TEXT_EMPTY;

    if (status >= 200 && status <= 299)
        return true;
    add_first_line(exchange, &line);
    (void)error_set(err, status >= 500 ? ERROR_LOST : ERROR_REFUSED, "it answered %ld%s", status, text_string(&line));
    text_clear(&line);
    return false;
}

/* --- Asking ------------------------------------------------------------------------------------------------------------------------------ */

#define SET(option, value) (curl_easy_setopt(exchange->easy, (option), (value)) == CURLE_OK)

static bool
prepare(struct exchange *exchange)
{
    const struct http_request *request = exchange->request;

    for (const char *const *header = request->headers; header != NULL && *header != NULL; header++) {
        struct curl_slist *longer = curl_slist_append(exchange->headers, *header);

        if (longer == NULL)
            return false;
        exchange->headers = longer;
    }
    return transfer_prepare(exchange->easy, &exchange->transfer) && SET(CURLOPT_PROTOCOLS_STR, "http,https") &&
           SET(CURLOPT_USERAGENT, "weavestream-backup") && SET(CURLOPT_HTTPHEADER, exchange->headers) &&
           (request->body == NULL || SET(CURLOPT_POSTFIELDS, request->body)) && SET(CURLOPT_WRITEFUNCTION, on_answer) &&
           SET(CURLOPT_WRITEDATA, exchange) && SET(CURLOPT_NOPROGRESS, 0L) &&
           SET(CURLOPT_XFERINFOFUNCTION, on_progress) && SET(CURLOPT_XFERINFODATA, exchange) &&
           SET(CURLOPT_ERRORBUFFER, exchange->curl_error);
}

static bool
ask(struct exchange *exchange, const char *url, struct error *err)
{
    int64_t left_ms = moment_ms_between(moment_now(), exchange->deadline);
    CURLcode code = CURLE_OPERATION_TIMEDOUT;

    text_reset(&exchange->answer);
    exchange->curl_error[0] = '\0';
    if (left_ms > 0) /* libcurl takes 0 for "no limit" */
        code = SET(CURLOPT_TIMEOUT_MS, (long)left_ms) && SET(CURLOPT_URL, url) ? curl_easy_perform(exchange->easy)
                                                                               : CURLE_OUT_OF_MEMORY;
    if (code == CURLE_OK)
        return true;
    if (exchange->transfer.why.code != ERROR_NONE) {
        *err = exchange->transfer.why;
        return false;
    }
    if (code == CURLE_OPERATION_TIMEDOUT)
        return error_set(err, ERROR_TIMEOUT, "it took too long");
    return error_set(
        err, ERROR_LOST, "%s", exchange->curl_error[0] != '\0' ? exchange->curl_error : curl_easy_strerror(code));
}

static bool
is_redirect(long status)
{
    return status == 301 || status == 302 || status == 307 || status == 308;
}

static bool
ask_and_follow(struct exchange *exchange, struct error *err)
{
    struct text url = TEXT_EMPTY;
    bool ok = false;

    text_add(&url, exchange->request->url);
    for (int redirects = 0;; redirects++) {
        const char *next = NULL;
        long status = 0;

        if (!ask(exchange, text_string(&url), err))
            break;
        (void)curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
        (void)curl_easy_getinfo(exchange->easy, CURLINFO_REDIRECT_URL, &next);
        if (!is_redirect(status) || next == NULL) {
            ok = check_status(exchange, status, err);
            break;
        }
        if (redirects == REDIRECTS_MAX) {
            (void)error_set(err, ERROR_REFUSED, "it redirects more than %d times", REDIRECTS_MAX);
            break;
        }
        if (!check_redirect(text_string(&url), next, err))
            break;
        text_reset(&url);
        text_add(&url, next);
    }
    text_clear(&url);
    return ok;
}

bool
http_send(const struct http_request *request, struct error *err)
{
    struct exchange exchange = { .request = request,
        .deadline = moment_add_ms(moment_now(), request->timeout_ms),
        .easy = curl_easy_init(),
        .transfer = { .extra_ca_file = request->extra_ca_file } };
    struct text origin = TEXT_EMPTY;
    bool ok = false;

    if (!add_origin(request->url, &origin))
        (void)error_set(err, ERROR_CONFIG, "this is no URL");
    else if (exchange.easy == NULL || !prepare(&exchange))
        (void)error_set(err, ERROR_SYSTEM, "this libcurl lacks memory, HTTP or OpenSSL");
    else
        ok = ask_and_follow(&exchange, err) || error_add(err, "'%s'", text_string(&origin));
    curl_easy_cleanup(exchange.easy);
    curl_slist_free_all(exchange.headers);
    text_clear(&exchange.answer);
    text_clear(&origin);
    return ok;
}
