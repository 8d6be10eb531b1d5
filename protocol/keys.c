#include "protocol/keys.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/text.h"

#define NAME_MAX_BYTES 512

bool
keys_init(struct keys *out, const char *prefix, const char *queue, const char *worker_name, struct error *err)
{
    unsigned char encoded[NAME_MAX_BYTES * 2];
    struct text text = TEXT_EMPTY;

    if (*queue == '\0' || strlen(queue) > NAME_MAX_BYTES || strchr(queue, ':') != NULL)
        return error_set(err, ERROR_CONFIG, "a queue's name has 1 to %d bytes and no ':'", NAME_MAX_BYTES);
    if (*prefix == '\0' || strlen(prefix) > NAME_MAX_BYTES || strpbrk(prefix, " \r\n") != NULL)
        return error_set(err, ERROR_CONFIG, "a prefix has 1 to %d bytes and no blanks", NAME_MAX_BYTES);
    /* Redis refuses client names with blanks, control characters or anything beyond ASCII. */
    for (const char *c = worker_name; c != NULL && *c != '\0'; c++)
        if (*c < '!' || *c > '~')
            return error_set(err, ERROR_CONFIG, "a worker's name has printable ASCII characters and no blanks");

    *out = (struct keys){ .prefix = memory_copy_string(prefix), .queue = memory_copy_string(queue) };
    text_format(&text, "%s:%s:", prefix, queue);
    out->base_length = text.length;
    out->base = text_take(&text);
    text_format(&text, "%smarker", out->base);
    out->marker = text_take(&text);
    (void)EVP_EncodeBlock(encoded, (const unsigned char *)queue, (int)strlen(queue));
    text_format(&text, "%s:%s", prefix, (const char *)encoded);
    if (worker_name != NULL)
        text_format(&text, ":w:%s", worker_name);
    out->client_name = text_take(&text);
    return true;
}

void
keys_clear(struct keys *keys)
{
    free(keys->prefix);
    free(keys->queue);
    free(keys->base);
    free(keys->marker);
    free(keys->client_name);
    *keys = (struct keys){ .prefix = NULL };
}
