/*
 * envelope: the app's encrypted SMTP password, opened.
 *
 * It is base64 of: version, one byte; length of the key's id, one byte, 1 at least; the id; IV, 12 bytes; tag, 16 bytes; the ciphertext of
 * AES-256-GCM. Version 1 authenticates nothing else; version 2 (app 1.8.14 and later) also what it is the password of.
 *
 * The id says which key: keys are rotated by giving the new one a new id and keeping the old one among the previous keys.
 */
#ifndef JOBS_ENVELOPE_H
#define JOBS_ENVELOPE_H

#include "common/error.h"
#include "common/secret.h"

#define ENVELOPE_BYTES_MAX 4096 /* of the base64 */

struct envelope_keys {
    const struct secret *current; /* base64 of 32 bytes, as common/settings checked it; may be unset */
    const char *current_id;
    const struct secret *previous; /* "id:base64,id:base64", checked as well; may be unset */
};

/* False: nothing is in `password`, and the text says what is wrong without a byte of it. The caller clears `password`. */
bool envelope_open(
    const char *base64, const struct envelope_keys *keys, struct secret *password, struct error *err) MUST_CHECK;

#endif
