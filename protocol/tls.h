/*
 * tls: what we trust, and a TLS session that checks whom it talks to.
 *
 * libevent's TLS streams check no name by themselves: the expected host name or address is set here, on every session.
 */
#ifndef PROTOCOL_TLS_H
#define PROTOCOL_TLS_H

#include <openssl/ssl.h>

#include "common/error.h"

/*
 * Trusts the certificates in `ca_file`, or, where that is NULL, the system's store (or SSL_CERT_FILE); and those in `extra_ca_file` as well,
 * unless NULL. NULL on failure: ERROR_CONFIG. The caller frees it with SSL_CTX_free.
 */
SSL_CTX *tls_context_new(const char *ca_file, const char *extra_ca_file, struct error *err) MUST_CHECK;

/* A client session that accepts only `host`, a DNS name or an address. NULL on failure. The stream it is given to frees it. */
SSL *tls_session_new(SSL_CTX *context, const char *host, struct error *err) MUST_CHECK;

/* What an error code of OpenSSL's queue says. A static or a system string. */
const char *tls_error_text(unsigned long code);

#endif
