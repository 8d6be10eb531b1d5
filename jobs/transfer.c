#include "jobs/transfer.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "jobs/stop.h"

static CURLcode
on_tls(CURL *easy, void *context, void *owner)
{
    struct transfer *transfer = owner;
    const char *extra = transfer->extra_ca_file;

    (void)easy;
    if (SSL_CTX_set_default_verify_paths(context) != 1) {
        (void)error_set(&transfer->why, ERROR_CONFIG, "the system's certificates cannot be read");
        return CURLE_ABORTED_BY_CALLBACK;
    }
    if (extra != NULL && SSL_CTX_load_verify_locations(context, extra, NULL) != 1) {
        const char *why = ERR_reason_error_string(ERR_peek_last_error());

        (void)error_set(&transfer->why, ERROR_CONFIG, "NODE_EXTRA_CA_CERTS: no certificates can be read from '%s': %s",
            extra, why == NULL ? "unknown error" : why);
        return CURLE_ABORTED_BY_CALLBACK;
    }
    return CURLE_OK;
}

#define SET(option, value) (curl_easy_setopt(easy, (option), (value)) == CURLE_OK)

bool
transfer_prepare(CURL *easy, struct transfer *transfer)
{
    return SET(CURLOPT_NOSIGNAL, 1L) && SET(CURLOPT_QUICK_EXIT, 1L) &&
           SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) && SET(CURLOPT_CAINFO, NULL) &&
           SET(CURLOPT_CAPATH, NULL) && SET(CURLOPT_SSL_CTX_FUNCTION, on_tls) && SET(CURLOPT_SSL_CTX_DATA, transfer);
}

static int64_t last_ms;

void
transfer_allow_last(int64_t ms)
{
    last_ms = ms;
}

bool
transfer_may_go_on(struct transfer *transfer)
{
    if (!stop_was_requested())
        return stop_check(&transfer->why);
    if (transfer->last.ns == 0)
        transfer->last = moment_add_ms(moment_now(), last_ms);
    return !moment_is_past(transfer->last) || error_set(&transfer->why, ERROR_STOPPED, "the worker was stopped");
}
