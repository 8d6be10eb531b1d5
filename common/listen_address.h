/*
 * listen_address: where a server of ours listens, and where its client finds it: "127.0.0.1:9466", "[::1]:9466", "unix:/run/backup.sock".
 *
 * An address in digits, no host name: nothing is looked up.
 */
#ifndef COMMON_LISTEN_ADDRESS_H
#define COMMON_LISTEN_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

#include "common/error.h"

struct listen_address {
    struct sockaddr_storage address;
    socklen_t length; /* 0: there is none */
    char text[128];   /* as it was given */
};

/* ERROR_CONFIG: it is none. */
bool listen_address_parse(const char *text, struct listen_address *out, struct error *err) MUST_CHECK;

/* The path of its socket; NULL: it is TCP. */
const char *listen_address_path(const struct listen_address *address);

/* As a client of the same host reaches it: 127.0.0.1 for 0.0.0.0, ::1 for ::. */
struct sockaddr_storage listen_address_reach(const struct listen_address *address);

#endif
