#include "common/listen_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "common/text.h"

#define UNIX "unix:"

static bool
read_path(const char *path, struct listen_address *out, struct error *err)
{
    struct sockaddr_un *address = (struct sockaddr_un *)&out->address;

    if (path[0] != '/' || strlen(path) >= sizeof(address->sun_path))
        return error_set(err, ERROR_CONFIG, "the path of a socket begins with '/' and has less than %zu bytes",
            sizeof(address->sun_path));
    address->sun_family = AF_UNIX;
    (void)snprintf(address->sun_path, sizeof(address->sun_path), "%s", path);
    out->length = sizeof(*address);
    return true;
}

static bool
read_host(const char *host, uint16_t port, struct listen_address *out)
{
    struct sockaddr_in *four = (struct sockaddr_in *)&out->address;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&out->address;
    size_t length = strlen(host);
    char inner[INET6_ADDRSTRLEN];

    if (inet_pton(AF_INET, host, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons(port);
        out->length = sizeof(*four);
        return true;
    }
    if (length < 3 || host[0] != '[' || host[length - 1] != ']' || length - 2 >= sizeof(inner))
        return false;
    (void)snprintf(inner, sizeof(inner), "%.*s", (int)(length - 2), host + 1);
    if (inet_pton(AF_INET6, inner, &six->sin6_addr) != 1)
        return false;
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(port);
    out->length = sizeof(*six);
    return true;
}

bool
listen_address_parse(const char *text, struct listen_address *out, struct error *err)
{
    struct listen_address result = { .length = 0 };
    const char *colon = strrchr(text, ':');
    int64_t port = 0;
    bool ok = true;

    if (strlen(text) >= sizeof(result.text))
        ok = error_set(err, ERROR_CONFIG, "it is too long");
    else if (strncmp(text, UNIX, strlen(UNIX)) == 0)
        ok = read_path(text + strlen(UNIX), &result, err);
    else {
        char host[sizeof(result.text)];

        (void)snprintf(host, sizeof(host), "%.*s", colon == NULL ? 0 : (int)(colon - text), text);
        if (colon == NULL || !text_parse_integer(colon + 1, strlen(colon + 1), 1, 65535, &port) ||
            !read_host(host, (uint16_t)port, &result))
            ok = error_set(
                err, ERROR_CONFIG, "not an address and a port, as in 127.0.0.1:9466 or [::1]:9466, or unix:/path");
    }
    if (!ok)
        return false;
    (void)snprintf(result.text, sizeof(result.text), "%s", text);
    *out = result;
    return true;
}

const char *
listen_address_path(const struct listen_address *address)
{
    return address->address.ss_family == AF_UNIX ? ((const struct sockaddr_un *)&address->address)->sun_path : NULL;
}

struct sockaddr_storage
listen_address_reach(const struct listen_address *address)
{
    struct sockaddr_storage out = address->address;
    struct sockaddr_in *four = (struct sockaddr_in *)&out;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&out;

    if (out.ss_family == AF_INET && four->sin_addr.s_addr == htonl(INADDR_ANY))
        four->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else if (out.ss_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&six->sin6_addr))
        six->sin6_addr = in6addr_loopback;
    return out;
}
