/*
 * http: where a worker tells how it is, if it is asked to listen: by TCP or on a socket, without a password, to whoever reaches it.
 *
 *     /healthz   200 as long as the loop turns; {"alive":true} to who accepts JSON
 *     /readyz    200 if the worker is ready, else 503; the reasons, one a line; JSON {"ready":false,"problems":[...]} to who accepts that
 *     /metrics   for Prometheus
 *     /          for people
 *
 * GET and HEAD only. Every answer is made of what is in memory (consumer/health).
 *
 * Jobs go first, whoever asks, and however: a connection is for one request (consumer/request), and is closed HTTP_SECONDS after its beginning at the
 * latest; beyond HTTP_CONNECTIONS of them, the oldest gives way. So nobody outside can take descriptors that job processes need.
 */
#ifndef CONSUMER_HTTP_H
#define CONSUMER_HTTP_H

#include <event2/event.h>

#include "common/error.h"
#include "common/listen_address.h"
#include "consumer/health.h"

#define HTTP_CONNECTIONS 32
#define HTTP_SECONDS 10

struct http;

/* NULL: it cannot listen there. A socket that a dead worker has left is replaced. All of it stays the caller's. */
struct http *http_new(struct event_base *base, const struct listen_address *address, const struct health *health,
    struct error *err) MUST_CHECK;
void http_free(struct http *http); /* takes NULL; removes its socket */

#endif
