/*
 * keys: the names under which a queue lives in Redis.
 *
 * BullMQ 5.76: every key of a queue is "<prefix>:<queue>:" and a suffix; a queue's name has no colon. Our scripts are given that beginning
 * and make the rest themselves, so only what is named outside of scripts is kept here.
 */
#ifndef PROTOCOL_KEYS_H
#define PROTOCOL_KEYS_H

#include <stddef.h>

#include "common/error.h"

struct keys {
    char *prefix; /* "bull" */
    char *queue;  /* "backup" */
    char *base;   /* "bull:backup:" */
    size_t base_length;
    char *marker;      /* "bull:backup:marker" */
    char *client_name; /* "bull:<base64 of the queue>", and ":w:<worker name>" behind it: how BullMQ knows workers */
};

/* `worker_name` may be NULL. ERROR_CONFIG if a part has a character that it must not have. `out` is the caller's to clear. */
bool keys_init(
    struct keys *out, const char *prefix, const char *queue, const char *worker_name, struct error *err) MUST_CHECK;
void keys_clear(struct keys *keys);

#endif
