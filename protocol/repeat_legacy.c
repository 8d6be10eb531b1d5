#include "protocol/repeat_legacy.h"

#include <inttypes.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "common/log.h"
#include "common/text.h"

#define WORDS_IN_IDS 2 /* a key with more of them is not written into ids */

static void
add_md5(struct text *text, const char *bytes, size_t length)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size;

    if (EVP_Digest(bytes, length, digest, &size, EVP_md5(), NULL) != 1) {
        log_fatal(LOG_EVENT("openssl has no md5"));
        abort();
    }
    for (unsigned i = 0; i < size; i++)
        text_format(text, "%02x", digest[i]);
}

/* As JavaScript writes it behind a string; what is false there is left out. */
static void
add_data_id(struct text *text, struct json_part id)
{
    static const char *const nothing[] = { "null", "false", "0", "\"\"" };
    json_t *value;

    if (id.bytes == NULL)
        return;
    for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++)
        if (json_part_is(id, nothing[i]))
            return;
    value = json_loadb(id.bytes, id.length, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (json_is_string(value))
        text_add_bytes(text, json_string_value(value), json_string_length(value));
    else
        text_add_bytes(text, id.bytes, id.length);
    json_decref(value);
}

static char *
id_of(const struct repeat_legacy *legacy, const struct text *key)
{
    struct text sum = TEXT_EMPTY;
    struct text id = TEXT_EMPTY;
    size_t words = 1;

    for (size_t i = 0; i < key->length; i++)
        words += key->data[i] == ':';
    text_add(&id, "repeat:");
    if (words > WORDS_IN_IDS) {
        text_add(&sum, legacy->name);
        add_data_id(&sum, legacy->data_id);
        add_md5(&sum, text_string(key), key->length);
        add_md5(&id, sum.data, sum.length);
    } else
        text_add_bytes(&id, text_string(key), key->length);
    text_add(&id, ":");
    text_clear(&sum);
    return text_take(&id);
}

void
repeat_legacy_keys(const struct repeat_legacy *legacy, struct repeat_key keys[REPEAT_LEGACY_KEYS])
{
    struct text newer = TEXT_EMPTY;
    struct text whole = TEXT_EMPTY;

    text_format(&whole, "%s:%s:", legacy->name, legacy->id == NULL ? "" : legacy->id);
    if (legacy->end_ms > 0)
        text_format(&whole, "%" PRId64, legacy->end_ms);
    text_format(&whole, ":%s:%s", legacy->zone == NULL ? "" : legacy->zone, legacy->when);
    if (legacy->own_key != NULL)
        text_add(&newer, legacy->own_key);
    else
        add_md5(&newer, whole.data, whole.length);
    keys[0].id = id_of(legacy, &newer);
    keys[0].key = text_take(&newer);
    keys[1].id = id_of(legacy, &whole);
    keys[1].key = text_take(&whole);
}
