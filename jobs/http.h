/*
 * http: one request to somebody who is to be told, by libcurl (jobs/transfer).
 *
 * Only a 2xx answer counts. Redirects are followed, with the same method and body, as long as they stay with the same scheme, host and port; a
 * proxy is used as https_proxy and its like say. URLs are secrets, as whoever knows one may write there: errors name the host, and repeat the
 * first line of an answer only if it holds nothing of the URL.
 */
#ifndef JOBS_HTTP_H
#define JOBS_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

struct http_request {
    const char *url;
    const char *body;           /* POST with that; NULL: GET */
    const char *const *headers; /* "Name: value", NULL at its end; NULL: none */
    const char *extra_ca_file;  /* NULL: none */
    int64_t timeout_ms;
};

/*
 * False: ERROR_LOST or ERROR_TIMEOUT: trying again can help (an answer 5xx counts among them); ERROR_STOPPED; anything else: it would be the same
 * again.
 */
bool http_send(const struct http_request *request, struct error *err) MUST_CHECK;

#endif
