#include "jobs/envelope.h"

#include <openssl/evp.h>
#include <string.h>

#include "common/text.h"

#define VERSION_PLAIN 1
#define VERSION_BOUND 2
#define KEY_ID_AT 2
#define IV_SIZE 12
#define TAG_SIZE 16
#define KEY_SIZE 32
#define BOUND_TO "email-settings:singleton:smtp-password"

struct envelope {
    unsigned char bytes[ENVELOPE_BYTES_MAX]; /* decoded; the version first */
    size_t key_id_length;                    /* from KEY_ID_AT; IV, tag and ciphertext follow */
    size_t sealed_length;
};

/* Both alphabets, padded or not, as Node reads it. `out` has room for 3/4 of `length`. */
static bool
decode_base64(const char *text, size_t length, unsigned char *out, size_t *out_length)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_";
    unsigned bits = 0;
    unsigned held = 0; /* how many of them */

    *out_length = 0;
    while (length > 0 && text[length - 1] == '=')
        length--;
    for (size_t i = 0; i < length; i++) {
        const char *digit = text[i] == '\0' ? NULL : strchr(digits, text[i]);
        unsigned value;

        if (digit == NULL)
            return false;
        value = (unsigned)(digit - digits);
        if (value >= 64)
            value -= 2; /* '-' is '+', '_' is '/' */
        bits = (bits << 6 | value) & 0xFFFF;
        held += 6;
        if (held >= 8) {
            held -= 8;
            out[(*out_length)++] = (unsigned char)(bits >> held);
        }
    }
    return true;
}

static bool
parse(const char *base64, struct envelope *envelope, struct error *err)
{
    size_t length = strlen(base64);
    size_t header;

    if (length > ENVELOPE_BYTES_MAX)
        return error_set(err, ERROR_INPUT, "it is longer than %d bytes", ENVELOPE_BYTES_MAX);
    if (!decode_base64(base64, length, envelope->bytes, &length))
        return error_set(err, ERROR_INPUT, "it is not base64");
    if (length < KEY_ID_AT)
        return error_set(err, ERROR_INPUT, "it is too short");
    if (envelope->bytes[0] != VERSION_PLAIN && envelope->bytes[0] != VERSION_BOUND)
        return error_set(err, ERROR_INPUT, "its version is %d, and only 1 and 2 are known", envelope->bytes[0]);
    envelope->key_id_length = envelope->bytes[1];
    if (envelope->key_id_length == 0)
        return error_set(err, ERROR_INPUT, "it names no key");
    header = KEY_ID_AT + envelope->key_id_length + IV_SIZE + TAG_SIZE;
    if (length < header)
        return error_set(err, ERROR_INPUT, "it is too short");
    envelope->sealed_length = length - header;
    return true;
}

static bool
has_id(const struct envelope *envelope, const char *id, size_t length)
{
    return length == envelope->key_id_length && memcmp(id, envelope->bytes + KEY_ID_AT, length) == 0;
}

/* The base64 of the key with the envelope's id, `*length` bytes of it; NULL: there is none. */
static const char *
find_key(const struct envelope *envelope, const struct envelope_keys *keys, size_t *length)
{
    const char *entry = secret_is_set(keys->previous) ? secret_reveal(keys->previous) : "";

    if (secret_is_set(keys->current) && has_id(envelope, keys->current_id, strlen(keys->current_id))) {
        *length = strlen(secret_reveal(keys->current));
        return secret_reveal(keys->current);
    }
    while (*entry != '\0') {
        size_t entry_length = strcspn(entry, ",");
        size_t id_length = strcspn(entry, ":");

        if (has_id(envelope, entry, id_length)) {
            *length = entry_length - id_length - 1;
            return entry + id_length + 1;
        }
        entry += entry_length + (entry[entry_length] == ',');
    }
    return NULL;
}

/* `out` has room for the sealed bytes. False: OpenSSL says that the key or a byte of the envelope is wrong. */
static bool
decrypt(const struct envelope *envelope, const unsigned char *key, unsigned char *out)
{
    const unsigned char *iv = envelope->bytes + KEY_ID_AT + envelope->key_id_length;
    const unsigned char *sealed = iv + IV_SIZE + TAG_SIZE;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    unsigned char tag[TAG_SIZE]; /* OpenSSL takes no const */
    int count = 0;
    bool ok;

    memcpy(tag, iv + IV_SIZE, TAG_SIZE);
    ok = context != NULL && EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, iv) == 1 &&
         (envelope->bytes[0] != VERSION_BOUND ||
             EVP_DecryptUpdate(context, NULL, &count, (const unsigned char *)BOUND_TO, (int)strlen(BOUND_TO)) == 1) &&
         EVP_DecryptUpdate(context, out, &count, sealed, (int)envelope->sealed_length) == 1 &&
         EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, TAG_SIZE, tag) == 1 &&
         EVP_DecryptFinal_ex(context, out + count, &count) == 1;
    EVP_CIPHER_CTX_free(context);
    return ok;
}

static bool
set_unknown_key(const struct envelope *envelope, struct error *err)
{
    struct text id = TEXT_EMPTY;

    text_add_json(&id, (const char *)envelope->bytes + KEY_ID_AT, envelope->key_id_length);
    (void)error_set(err, ERROR_CONFIG,
        "its key %s is neither SMTP_SECRET_KEY (with the id in SMTP_SECRET_KEY_KID) nor among SMTP_PREVIOUS_KEYS",
        text_string(&id));
    text_clear(&id);
    return false;
}

static bool
open_sealed(const struct envelope *envelope, const char *key_text, size_t key_text_length, struct secret *password,
    struct error *err)
{
    unsigned char key[KEY_SIZE + 1]; /* 43 digits are 32 bytes and two bits */
    unsigned char plain[ENVELOPE_BYTES_MAX];
    size_t key_length = 0;
    bool ok = false;

    if (key_text_length > 44 || !decode_base64(key_text, key_text_length, key, &key_length) || key_length != KEY_SIZE)
        (void)error_set(err, ERROR_CONFIG, "its key is not base64 of %d bytes", KEY_SIZE);
    else if (!decrypt(envelope, key, plain))
        (void)error_set(err, ERROR_CONFIG, "its key does not fit, or it is damaged");
    else if (memchr(plain, '\0', envelope->sealed_length) != NULL)
        (void)error_set(err, ERROR_INPUT, "there is a zero byte in it");
    else {
        secret_set(password, (const char *)plain, envelope->sealed_length);
        ok = true;
    }
    explicit_bzero(key, sizeof(key));
    explicit_bzero(plain, sizeof(plain));
    return ok;
}

bool
envelope_open(const char *base64, const struct envelope_keys *keys, struct secret *password, struct error *err)
{
    struct envelope envelope = { .key_id_length = 0 };
    size_t key_length = 0;
    const char *key;
    bool ok = false;

    if (parse(base64, &envelope, err)) {
        key = find_key(&envelope, keys, &key_length);
        ok = key == NULL ? set_unknown_key(&envelope, err) : open_sealed(&envelope, key, key_length, password, err);
    }
    return ok || error_add(err, "the SMTP password cannot be decrypted");
}
