/*
 * notify: tells systemd how we are, if it started us and asked for it: sd_notify's protocol, one datagram each to NOTIFY_SOCKET.
 *
 *     READY=1       the loop turns; Redis may still be away, which a worker outlives
 *     WATCHDOG=1    twice in each WatchdogSec=, from the loop: without it, systemd takes us for stuck, and starts us anew
 *     STOPPING=1    at the first signal
 *
 * All functions take NULL: nobody asked.
 */
#ifndef CONSUMER_NOTIFY_H
#define CONSUMER_NOTIFY_H

#include <event2/event.h>

struct notify;

struct notify *notify_new(struct event_base *base); /* NULL: nobody asked */
void notify_stopping(struct notify *notify);
void notify_free(struct notify *notify);

#endif
