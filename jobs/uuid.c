#include "jobs/uuid.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

static const char shape[UUID_SIZE] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

bool
uuid_parse(const char *string, size_t length, char out[UUID_SIZE])
{
    char result[UUID_SIZE] = "";

    if (length != UUID_SIZE - 1)
        return false;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)string[i];

        if (shape[i] == '-' ? c != '-' : !isxdigit(c))
            return false;
        result[i] = (char)tolower(c);
    }
    memcpy(out, result, UUID_SIZE);
    return true;
}

static void
format(unsigned char bytes[16], char out[UUID_SIZE])
{
    size_t length = 0;

    bytes[6] = (unsigned char)((bytes[6] & 0x0F) | 0x40);
    bytes[8] = (unsigned char)((bytes[8] & 0x3F) | 0x80);
    for (size_t i = 0; i < 16; i++) {
        if (shape[length] == '-')
            out[length++] = '-';
        (void)snprintf(out + length, 3, "%02x", bytes[i]);
        length += 2;
    }
}

bool
uuid_make(char out[UUID_SIZE], struct error *err)
{
    unsigned char bytes[16];

    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        return error_set_errno(err, errno, "getrandom");
    format(bytes, out);
    return true;
}

void
uuid_of(const char *text, char out[UUID_SIZE])
{
    unsigned char digest[SHA256_DIGEST_LENGTH];

    (void)SHA256((const unsigned char *)text, strlen(text), digest);
    format(digest, out);
}
