/* sha256: bytes in, 64 hexadecimal digits out; and, with a key, the HMAC of RFC 2104. */
#ifndef JOBS_SHA256_H
#define JOBS_SHA256_H

#include <stddef.h>

#define SHA256_SIZE 65 /* bytes of the text, with the final NUL */

struct sha256;

struct sha256 *sha256_new(void);
void sha256_add(struct sha256 *sha256, const void *bytes, size_t length);
void sha256_finish(struct sha256 *sha256, char out[SHA256_SIZE]); /* once; then only to be freed */
void sha256_free(struct sha256 *sha256);                          /* NULL is fine */

void sha256_sign(const char *key, const char *bytes, size_t length, char out[SHA256_SIZE]);

#endif
