#include "jobs/sha256.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/memory.h"

struct sha256 {
    EVP_MD_CTX *context;
};

/* OpenSSL fails here only without memory, or without SHA-256 (a broken installation): as with our own memory, the program ends. */
static void
must(int result)
{
    if (result == 1)
        return;
    log_fatal(LOG_EVENT("openssl has no sha-256"));
    abort();
}

static void
put_digits(const unsigned char *digest, char out[SHA256_SIZE])
{
    for (size_t i = 0; i < (SHA256_SIZE - 1) / 2; i++)
        (void)snprintf(out + i * 2, 3, "%02x", digest[i]);
}

struct sha256 *
sha256_new(void)
{
    struct sha256 *sha256 = memory_new(sizeof(*sha256));

    sha256->context = EVP_MD_CTX_new();
    must(sha256->context != NULL && EVP_DigestInit_ex(sha256->context, EVP_sha256(), NULL) == 1);
    return sha256;
}

void
sha256_add(struct sha256 *sha256, const void *bytes, size_t length)
{
    must(EVP_DigestUpdate(sha256->context, bytes, length));
}

void
sha256_finish(struct sha256 *sha256, char out[SHA256_SIZE])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;

    must(EVP_DigestFinal_ex(sha256->context, digest, &length));
    put_digits(digest, out);
}

void
sha256_free(struct sha256 *sha256)
{
    if (sha256 == NULL)
        return;
    EVP_MD_CTX_free(sha256->context);
    free(sha256);
}

void
sha256_sign(const char *key, const char *bytes, size_t length, char out[SHA256_SIZE])
{
    unsigned char digest[EVP_MAX_MD_SIZE];

    must(HMAC(EVP_sha256(), key, (int)strlen(key), (const unsigned char *)bytes, length, digest, NULL) != NULL);
    put_digits(digest, out);
}
