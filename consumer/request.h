/*
 * request: a request by HTTP/1, read line by line, and the head of its answer. Only what consumer/http needs to know of either.
 *
 * States: at the request line, among the headers, and over: whole, or refused.
 */
#ifndef CONSUMER_REQUEST_H
#define CONSUMER_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "common/clock.h"
#include "common/text.h"

#define REQUEST_BYTES_MAX 8192 /* with all its headers */

enum request_state { REQUEST_LINE, REQUEST_HEADERS, REQUEST_WHOLE, REQUEST_REFUSED };

struct request {
    enum request_state state;
    char *path;        /* without its query; NULL until the request line is read */
    bool is_head;      /* HEAD: the answer's head only */
    bool accepts_json; /* as `Accept: application/json` does */
    int refusal;       /* the status, once it is refused */
    size_t bytes;      /* taken */
};

#define REQUEST_EMPTY ((struct request){ .state = REQUEST_LINE })

/* The next line, without its end. Whole is the request with the empty line. Nothing may be taken once it is over. */
void request_take_line(struct request *request, const char *line, size_t length);

/* What is left of it is longer than that: refuses it if that is too much. */
void request_wait(struct request *request, size_t pending);

void request_clear(struct request *request);

#define REQUEST_SERVER "Server: weavestream-backup\r\n" /* in the head of each answer: so, a client knows who answers */

/* The head of an answer after which the connection is closed. */
void request_add_head(struct text *out, int status, const char *type, size_t body_length, struct wall now);

#endif
