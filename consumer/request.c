#include "consumer/request.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "common/memory.h"

#define ACCEPT "accept:"
#define JSON "application/json"

static void
refuse(struct request *request, int status)
{
    request->state = REQUEST_REFUSED;
    request->refusal = status;
}

/* "GET /path?query HTTP/1.1" */
static void
take_request_line(struct request *request, const char *line)
{
    const char *path = strchr(line, ' ');
    const char *version = path == NULL ? NULL : strchr(path + 1, ' ');

    if (version == NULL || path[1] != '/') {
        refuse(request, 400);
        return;
    }
    if (strncmp(version, " HTTP/1.", strlen(" HTTP/1.")) != 0) {
        refuse(request, 505);
        return;
    }
    path++;
    request->is_head = strncmp(line, "HEAD ", strlen("HEAD ")) == 0;
    if (!request->is_head && strncmp(line, "GET ", strlen("GET ")) != 0) {
        refuse(request, 405);
        return;
    }
    request->path = memory_copy(path, strcspn(path, "? "));
    request->state = REQUEST_HEADERS;
}

void
request_take_line(struct request *request, const char *line, size_t length)
{
    request->bytes += length + 1;
    request_wait(request, 0);
    if (request->state == REQUEST_REFUSED)
        return;
    if (memchr(line, '\0', length) != NULL)
        refuse(request, 400);
    else if (request->state == REQUEST_LINE)
        take_request_line(request, line);
    else if (length == 0)
        request->state = REQUEST_WHOLE;
    else if (strncasecmp(line, ACCEPT, strlen(ACCEPT)) == 0)
        request->accepts_json = request->accepts_json || strcasestr(line, JSON) != NULL;
}

void
request_wait(struct request *request, size_t pending)
{
    if (request->bytes + pending > REQUEST_BYTES_MAX)
        refuse(request, 431);
}

void
request_clear(struct request *request)
{
    free(request->path);
    *request = REQUEST_EMPTY;
}

static const char *
phrase(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 400:
        return "Bad Request";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 431:
        return "Request Header Fields Too Large";
    case 503:
        return "Service Unavailable";
    default:
        return "HTTP Version Not Supported"; /* 505 */
    }
}

void
request_add_head(struct text *out, int status, const char *type, size_t body_length, struct wall now)
{
    time_t seconds = (time_t)(now.ms / 1000);
    struct tm parts = { .tm_mday = 1 };
    char date[64] = "";

    (void)gmtime_r(&seconds, &parts);
    (void)strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    text_format(out, "HTTP/1.1 %d %s\r\n" REQUEST_SERVER "Date: %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n",
        status, phrase(status), date, type, body_length);
    if (status == 405)
        text_add(out, "Allow: GET, HEAD\r\n");
    text_add(out, "Connection: close\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
                  "Referrer-Policy: no-referrer\r\nContent-Security-Policy: default-src 'none'; style-src "
                  "'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n\r\n");
}
