#include "common/url.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/text.h"

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* A copy of [start, end) with %XX resolved, or NULL: a broken escape, or one for NUL. */
static char *
url_decode(const char *start, const char *end)
{
    char *out = memory_new((size_t)(end - start) + 1);
    size_t length = 0;

    for (const char *at = start; at < end; at++) {
        int high;
        int low;

        if (*at != '%') {
            out[length++] = *at;
            continue;
        }
        high = end - at > 2 ? hex_digit(at[1]) : -1;
        low = end - at > 2 ? hex_digit(at[2]) : -1;
        if (high < 0 || low < 0 || (high == 0 && low == 0)) {
            explicit_bzero(out, length);
            free(out);
            return NULL;
        }
        out[length++] = (char)(high * 16 + low);
        at += 2;
    }
    return out;
}

static bool
url_decode_part(const char *start, const char *end, const char *part, char **out, struct error *err)
{
    *out = url_decode(start, end);
    if (*out == NULL)
        return error_set(err, ERROR_INPUT, "the %s has a '%%' that is not followed by two hexadecimal digits", part);
    return true;
}

static bool
url_parse_credentials(const char *start, const char *end, struct url *url, struct error *err)
{
    const char *colon = memchr(start, ':', (size_t)(end - start));
    const char *user_end = colon == NULL ? end : colon;
    char *password = NULL;

    free(url->user);
    url->user = NULL;
    if (!url_decode_part(start, user_end, "user name", &url->user, err))
        return false;
    if (colon == NULL)
        return true;
    if (!url_decode_part(colon + 1, end, "password", &password, err))
        return false;
    secret_set(&url->password, password, strlen(password));
    explicit_bzero(password, strlen(password));
    free(password);
    return true;
}

static bool
url_parse_host(const char *start, const char *end, struct url *url, struct error *err)
{
    const char *host_end;
    const char *colon;
    int64_t port;

    if (start < end && *start == '[') {
        start++;
        host_end = memchr(start, ']', (size_t)(end - start));
        if (host_end == NULL)
            return error_set(err, ERROR_INPUT, "the host has a '[' without its ']'");
        colon = host_end + 1 < end ? host_end + 1 : NULL;
        if (colon != NULL && *colon != ':')
            return error_set(err, ERROR_INPUT, "the host's ']' is followed by something else than a port");
    } else {
        colon = memchr(start, ':', (size_t)(end - start));
        host_end = colon == NULL ? end : colon;
    }
    free(url->host);
    url->host = NULL;
    if (!url_decode_part(start, host_end, "host", &url->host, err))
        return false;
    if (colon == NULL || colon + 1 == end)
        return true;
    if (!text_parse_integer(colon + 1, (size_t)(end - colon - 1), 1, 65535, &port))
        return error_set(err, ERROR_INPUT,
            "the port is not a number from 1 to 65535 (write ':', '/' and '@' in a password as %%3A, %%2F and %%40)");
    url->port = (int)port;
    return true;
}

static bool
url_parse_parameters(const char *start, const char *end, struct url *url, struct error *err)
{
    while (start < end) {
        const char *next = memchr(start, '&', (size_t)(end - start));
        const char *part_end = next == NULL ? end : next;
        const char *equals = memchr(start, '=', (size_t)(part_end - start));
        struct url_parameter *parameter;

        if (part_end > start) {
            url->parameters = memory_resize(url->parameters, (url->parameter_count + 1) * sizeof(*url->parameters));
            parameter = &url->parameters[url->parameter_count++];
            *parameter = (struct url_parameter){ .name = NULL };
            if (!url_decode_part(start, equals == NULL ? part_end : equals, "query", &parameter->name, err) ||
                !url_decode_part(equals == NULL ? part_end : equals + 1, part_end, "query", &parameter->value, err))
                return false;
        }
        start = part_end + 1;
    }
    return true;
}

static bool
url_parse_parts(const char *string, struct url *url, struct error *err)
{
    const char *separator = strstr(string, "://");
    const char *authority;
    const char *authority_end;
    const char *path_end;
    const char *at = NULL;

    if (separator == NULL || separator == string)
        return error_set(err, ERROR_INPUT, "it does not start with a scheme and '://'");
    url->scheme = memory_copy(string, (size_t)(separator - string));
    for (char *c = url->scheme; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    url->user = memory_copy_string("");
    url->host = memory_copy_string("");
    authority = separator + 3;
    authority_end = authority + strcspn(authority, "/?#");
    path_end = authority_end + strcspn(authority_end, "?#");
    for (const char *c = authority; c < authority_end; c++)
        if (*c == '@')
            at = c; /* the last one: a stray '@' in a password still parses as people expect */
    if (at != NULL && !url_parse_credentials(authority, at, url, err))
        return false;
    if (!url_parse_host(at == NULL ? authority : at + 1, authority_end, url, err))
        return false;
    if (memchr(authority_end, '@', (size_t)(path_end - authority_end)) != NULL)
        return error_set(err, ERROR_INPUT,
            "there is an '@' behind the host (write '/', '?' and '@' in a password as %%2F, %%3F and %%40)");
    if (!url_decode_part(authority_end, path_end, "path", &url->path, err))
        return false;
    if (*path_end == '?')
        return url_parse_parameters(path_end + 1, path_end + 1 + strcspn(path_end + 1, "#"), url, err);
    return true;
}

bool
url_parse(const char *string, struct url *out, struct error *err)
{
    struct url url = { .scheme = NULL };

    if (!url_parse_parts(string, &url, err)) {
        url_clear(&url);
        return false;
    }
    *out = url;
    return true;
}

const char *
url_parameter(const struct url *url, const char *name)
{
    for (size_t i = url->parameter_count; i > 0; i--)
        if (strcmp(url->parameters[i - 1].name, name) == 0)
            return url->parameters[i - 1].value;
    return NULL;
}

void
url_clear(struct url *url)
{
    for (size_t i = 0; i < url->parameter_count; i++) {
        free(url->parameters[i].name);
        free(url->parameters[i].value);
    }
    free(url->parameters);
    free(url->scheme);
    free(url->user);
    secret_clear(&url->password);
    free(url->host);
    free(url->path);
    *url = (struct url){ .scheme = NULL };
}

void
url_add_escaped(struct text *out, const char *bytes, size_t length, const char *also)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)bytes[i];

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            (c != '\0' && (strchr("-._~", c) != NULL || strchr(also, c) != NULL)))
            text_add_bytes(out, bytes + i, 1);
        else
            text_format(out, "%%%02X", c);
    }
}
