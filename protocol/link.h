/*
 * link: a connection to Redis that comes back.
 *
 * It resolves, connects, secures and greets (AUTH, SELECT, CLIENT SETNAME, INFO), and does so again whenever the connection is lost, after
 * growing, jittered pauses, for ever. The owner is told on_up when commands may be sent and on_down when the connection is gone; between
 * the two, link_redis() is the connection. An attempt that fails is logged once a minute at most per reason and is no event, unless the owner
 * wants to be told instead.
 *
 * A connection that was up but lost before it answered anything counts as a failed attempt. So does being sent to another node of a cluster
 * (MOVED): the next attempt goes there. From there it goes back to the URL's address with the first attempt that fails.
 *
 *     DOWN --pause over--> CONNECTING --connected--> GREETING --all answered--> UP --lost--> DOWN
 */
#ifndef PROTOCOL_LINK_H
#define PROTOCOL_LINK_H

#include <event2/event.h>

#include "common/redis_url.h"
#include "protocol/info.h"
#include "protocol/redis.h"
#include "protocol/tls.h"

#define LINK_PATIENCE_MS 10000

struct link_options {
    struct event_base *base;
    const struct redis_url *url; /* stays the caller's, as long as the link lives */
    SSL_CTX *tls;                /* with rediss; stays the caller's */
    const char *client_name;     /* CLIENT SETNAME; NULL: none. Copied. */
    const char *role;            /* for the log: "command", "blocking"; a constant */
    bool warns;                  /* logs what works, but may do harm (info_warn): one connection of several is enough */
    int64_t patience_ms;         /* how long to wait for a connection, or for an answer; 0: LINK_PATIENCE_MS */
    void (*on_up)(void *owner);
    void (*on_down)(void *owner);
    /* Before on_down: the connection, or an attempt at one, has failed. It must not free the link. NULL: that is logged. */
    void (*on_failure)(const struct error *err, void *owner);
    void *owner;
};

struct link;

struct link *link_new(const struct link_options *options); /* starts to connect at once */
struct redis *link_redis(struct link *link);               /* NULL unless UP */
const struct info *link_server(const struct link *link);   /* as of the last greeting */
void link_free(
    struct link *link); /* closes; no event comes any more. Takes NULL. May be called from inside on_up and on_down. */

#endif
