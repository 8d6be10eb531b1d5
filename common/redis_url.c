#include "common/redis_url.h"

#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/text.h"
#include "common/url.h"

#define REDIS_PORT 6379
#define REDIS_DATABASE_MAX 1000000

static bool
redis_url_parse_database(const char *text, struct redis_url *out, struct error *err)
{
    int64_t database = 0;

    if (text != NULL && *text != '\0' && !text_parse_integer(text, strlen(text), 0, REDIS_DATABASE_MAX, &database))
        return error_set(err, ERROR_INPUT, "the database is not a number from 0 to %d", REDIS_DATABASE_MAX);
    out->database = (int)database;
    return true;
}

static bool
redis_url_read_socket(const struct url *url, struct redis_url *out, struct error *err)
{
    if (*url->host != '\0' || url->port != 0)
        return error_set(err, ERROR_INPUT, "a unix socket has no host: write 'unix:///path/to/socket'");
    if (strlen(url->path) < 2)
        return error_set(err, ERROR_INPUT, "the path of the unix socket is missing");
    out->socket_path = memory_copy_string(url->path);
    return redis_url_parse_database(url_parameter(url, "db"), out, err);
}

static bool
redis_url_read_tcp(const struct url *url, struct redis_url *out, struct error *err)
{
    const char *database = *url->path == '/' ? url->path + 1 : url->path;

    if (*url->host == '\0')
        return error_set(err, ERROR_INPUT, "the host is missing");
    out->host = memory_copy_string(url->host);
    out->port = url->port == 0 ? REDIS_PORT : url->port;
    return redis_url_parse_database(*database == '\0' ? url_parameter(url, "db") : database, out, err);
}

static bool
redis_url_read(const struct url *url, struct redis_url *out, struct error *err)
{
    if (*url->user != '\0')
        out->user = memory_copy_string(url->user);
    if (secret_is_set(&url->password) && *secret_reveal(&url->password) != '\0')
        secret_set(&out->password, secret_reveal(&url->password), strlen(secret_reveal(&url->password)));
    if (out->user != NULL && !secret_is_set(&out->password))
        return error_set(
            err, ERROR_INPUT, "there is a user name but no password (a password alone is written ':password@')");
    out->tls = strcmp(url->scheme, "rediss") == 0;
    if (strcmp(url->scheme, "unix") == 0)
        return redis_url_read_socket(url, out, err);
    if (!out->tls && strcmp(url->scheme, "redis") != 0)
        return error_set(err, ERROR_INPUT, "the scheme is none of 'redis', 'rediss', 'unix'");
    return redis_url_read_tcp(url, out, err);
}

bool
redis_url_parse(const char *string, struct redis_url *out, struct error *err)
{
    struct redis_url result = { .host = NULL };
    struct url url;
    bool ok;

    if (*string == '/') {
        *out = (struct redis_url){ .socket_path = memory_copy_string(string) };
        return true;
    }
    if (!url_parse(string, &url, err))
        return false;
    ok = redis_url_read(&url, &result, err);
    url_clear(&url);
    if (ok)
        *out = result;
    else
        redis_url_clear(&result);
    return ok;
}

void
redis_url_clear(struct redis_url *url)
{
    free(url->host);
    free(url->socket_path);
    free(url->user);
    secret_clear(&url->password);
    *url = (struct redis_url){ .host = NULL };
}
