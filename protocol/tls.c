#include "protocol/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

const char *
tls_error_text(unsigned long code)
{
    const char *text = ERR_SYSTEM_ERROR(code) ? strerror((int)ERR_GET_REASON(code)) : ERR_reason_error_string(code);

    return text == NULL ? "unknown error" : text;
}

static bool
tls_trust(SSL_CTX *context, const char *ca_file, const char *extra_ca_file, struct error *err)
{
    if (ca_file == NULL && SSL_CTX_set_default_verify_paths(context) != 1)
        return error_set(err, ERROR_CONFIG, "the system's certificates cannot be read");
    if (ca_file != NULL && SSL_CTX_load_verify_locations(context, ca_file, NULL) != 1)
        return error_set(err, ERROR_CONFIG, "REDIS_TLS_CA: no certificates can be read from '%s': %s", ca_file,
            tls_error_text(ERR_peek_last_error()));
    if (extra_ca_file != NULL && SSL_CTX_load_verify_locations(context, extra_ca_file, NULL) != 1)
        return error_set(err, ERROR_CONFIG, "NODE_EXTRA_CA_CERTS: no certificates can be read from '%s': %s",
            extra_ca_file, tls_error_text(ERR_peek_last_error()));
    return true;
}

SSL_CTX *
tls_context_new(const char *ca_file, const char *extra_ca_file, struct error *err)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    if (context == NULL) {
        (void)error_set(err, ERROR_SYSTEM, "OpenSSL gives no TLS context");
        return NULL;
    }
    (void)SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    /* Redis closes without a TLS goodbye; RESP knows by itself whether a reply is whole. */
    SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
    (void)SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    if (!tls_trust(context, ca_file, extra_ca_file, err)) {
        SSL_CTX_free(context);
        return NULL;
    }
    return context;
}

SSL *
tls_session_new(SSL_CTX *context, const char *host, struct error *err)
{
    SSL *session = SSL_new(context);
    unsigned char address[sizeof(struct in6_addr)];
    bool is_address = inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
    char *name = memory_copy_string(host); /* OpenSSL's macro takes no const */
    bool ok = session != NULL;

    if (ok && is_address)
        ok = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host) == 1;
    else if (ok)
        ok = SSL_set1_host(session, host) == 1 && SSL_set_tlsext_host_name(session, name) == 1;
    free(name);
    if (!ok) {
        (void)error_set(err, ERROR_CONFIG, "'%s' cannot be checked as a TLS host", host);
        SSL_free(session);
        return NULL;
    }
    return session;
}
