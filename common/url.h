/*
 * url: a URL taken apart, percent-escapes resolved.
 *
 *     scheme://user:password@host:port/path?name=value&name=value
 *
 * Every part but the scheme may be missing. An IPv6 host stands in brackets, which are taken off. What the parts mean is the business of
 * common/redis_url and common/postgres_url. No error text ever repeats a part of the URL: any of them may hold a misplaced password.
 */
#ifndef COMMON_URL_H
#define COMMON_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"
#include "common/secret.h"
#include "common/text.h"

struct url_parameter {
    char *name;
    char *value;
};

struct url {
    char *scheme;           /* in lower case */
    char *user;             /* "" if missing */
    struct secret password; /* not set if missing; set and empty for "user:@" */
    char *host;             /* "" if missing */
    int port;               /* 0 if missing, else 1 to 65535 */
    char *path;             /* with its leading slash; "" if missing */
    struct url_parameter *parameters;
    size_t parameter_count;
};

/* `out` is filled, and the caller's to clear, only on success. ERROR_INPUT otherwise. */
bool url_parse(const char *string, struct url *out, struct error *err) MUST_CHECK;
const char *url_parameter(const struct url *url, const char *name); /* the last one of that name, or NULL */
void url_clear(struct url *url);

/* Percent-escapes all but letters, digits, "-._~" and the characters in `also`. */
void url_add_escaped(struct text *out, const char *bytes, size_t length, const char *also);

#endif
