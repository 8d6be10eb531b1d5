/* The URLs of Redis and Postgres: read or refused, never with a part of the password in the reason. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/postgres_url.h"
#include "common/redis_url.h"
#include "common/url.h"

/* The texts are constant but for numbers: two inputs of the same kind have the same. So no longer part of the input stands there. */
static void
check_error(const struct error *err, const char *string)
{
    size_t length = strlen(string);
    const char *secret = length > 12 ? strstr(string, "SECRET") : NULL;

    assert(err->code == ERROR_INPUT && err->text[0] != '\0');
    if (secret != NULL)
        assert(strstr(err->text, "SECRET") == NULL);
}

static void
check_redis(const char *string)
{
    struct redis_url url;
    struct error err = ERROR_EMPTY;

    if (!redis_url_parse(string, &url, &err)) {
        check_error(&err, string);
        return;
    }
    assert((url.host == NULL) != (url.socket_path == NULL));
    assert(url.host == NULL || (url.host[0] != '\0' && url.port >= 1 && url.port <= 65535));
    assert(url.database >= 0 && url.database <= 1000000);
    assert(url.user == NULL || secret_is_set(&url.password));
    redis_url_clear(&url);
}

static void
check_postgres(const char *string)
{
    struct postgres_url url;
    struct error err = ERROR_EMPTY;
    struct text conninfo = TEXT_EMPTY;

    if (!postgres_url_parse(string, &url, &err)) {
        check_error(&err, string);
        return;
    }
    assert(postgres_url_value(&url, "dbname") != NULL && postgres_url_value(&url, "password") == NULL);
    assert(url.hostname != NULL && url.count <= POSTGRES_URL_KEYWORDS);
    postgres_url_add_conninfo(&url, &conninfo);
    assert(conninfo.length == strlen(conninfo.data));
    text_clear(&conninfo);
    postgres_url_clear(&url);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *string = memory_copy((const char *)data, size);

    check_redis(string);
    check_postgres(string);
    free(string);
    return 0;
}
