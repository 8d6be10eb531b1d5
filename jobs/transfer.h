/*
 * transfer: what all transfers by libcurl have in common: whom they trust, and how they end early.
 *
 * The server's certificate and name are checked against the system's store (SSL_CERT_FILE) and NODE_EXTRA_CA_CERTS. libcurl waits by itself,
 * but calls its owner at least each second, who then asks here whether to go on: so a transfer ends within a second when the worker stops the
 * job, whatever the server is doing.
 */
#ifndef JOBS_TRANSFER_H
#define JOBS_TRANSFER_H

#include <curl/curl.h>
#include <stdbool.h>

#include "common/clock.h"
#include "common/error.h"

struct transfer {
    const char *extra_ca_file; /* NULL: none */
    struct error why;          /* we ended it; ERROR_NONE: we did not */
    struct moment last;        /* a signal has come: it may go on until then; 0: none has come */
};

/* False: this libcurl lacks something. `transfer` must stay where it is as long as the handle lives. */
bool transfer_prepare(CURL *easy, struct transfer *transfer) MUST_CHECK;
/* False, with the reason in `why`: the job has to end, shielded (jobs/stop) or not: soon after a signal the worker kills. */
bool transfer_may_go_on(struct transfer *transfer) MUST_CHECK;

/* How long transfers may go on after a signal (0 at first). A server that has taken all would otherwise be told again. Process-wide. */
void transfer_allow_last(int64_t ms);

#endif
