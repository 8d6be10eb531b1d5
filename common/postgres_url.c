#include "common/postgres_url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/url.h"

/* Where Debian and Alpine keep the system's certificates: libpq before 16 knows no "the system's store". */
#define SYSTEM_CERTIFICATES "/etc/ssl/certs/ca-certificates.crt"

/* Parameters that libpq knows by the same name and that a user may set. */
static const char *const passed_on[] = { "host", "hostaddr", "port", "user", "dbname", "connect_timeout", "sslmode",
    "sslrootcert", "sslkey", "sslcrl", "sslsni", "ssl_min_protocol_version", "gssencmode", "channel_binding",
    "target_session_attrs", "tcp_user_timeout", "requirepeer", "options" };

static void
postgres_url_put(struct postgres_url *url, const char *keyword, const char *value)
{
    size_t i = 0;

    while (i < url->count && strcmp(url->keywords[i], keyword) != 0)
        i++;
    if (i == POSTGRES_URL_KEYWORDS)
        return; /* cannot be: the table above and the fixed ones are fewer */
    if (i == url->count) {
        url->keywords[i] = memory_copy_string(keyword);
        url->values[i] = NULL;
        url->count++;
    }
    free(url->values[i]);
    url->values[i] = memory_copy_string(value);
}

static bool
postgres_url_read_tls(const struct url *url, struct postgres_url *out, struct error *err)
{
    const char *accept = url_parameter(url, "sslaccept");
    const char *ca = url_parameter(url, "sslcert");
    const char *mode = url_parameter(url, "sslmode");

    if (url_parameter(url, "sslidentity") != NULL)
        return error_set(err, ERROR_INPUT,
            "it has 'sslidentity' (a PKCS#12 file), which libpq cannot read: use a password, and 'sslcert' for the "
            "server's CA");
    if (ca != NULL && *ca != '\0')
        postgres_url_put(out, "sslrootcert", ca);
    if (accept == NULL || (mode != NULL && strcmp(mode, "disable") == 0))
        return true;
    if (strcmp(accept, "accept_invalid_certs") == 0) {
        postgres_url_put(out, "sslmode", "require");
        return true;
    }
    if (strcmp(accept, "strict") != 0)
        return error_set(err, ERROR_INPUT, "'sslaccept' is neither 'strict' nor 'accept_invalid_certs'");
    postgres_url_put(out, "sslmode", "verify-full");
    if (postgres_url_value(out, "sslrootcert") == NULL)
        postgres_url_put(out, "sslrootcert", SYSTEM_CERTIFICATES);
    return true;
}

static bool
postgres_url_read(const struct url *url, struct postgres_url *out, struct error *err)
{
    const char *pooled = url_parameter(url, "pgbouncer");
    const char *schema = url_parameter(url, "schema");
    const char *password = url_parameter(url, "password");

    if (strcmp(url->scheme, "postgresql") != 0 && strcmp(url->scheme, "postgres") != 0)
        return error_set(err, ERROR_INPUT, "the scheme is neither 'postgresql' nor 'postgres'");
    if (pooled != NULL && strcmp(pooled, "true") == 0)
        return error_set(err, ERROR_INPUT,
            "it has 'pgbouncer=true': session locks do not work through a pooler; give the server's own address");
    if (*url->host != '\0')
        postgres_url_put(out, "host", url->host);
    if (url->port != 0) {
        char port[8];
        (void)snprintf(port, sizeof(port), "%d", url->port);
        postgres_url_put(out, "port", port);
    }
    if (*url->user != '\0')
        postgres_url_put(out, "user", url->user);
    if (strlen(url->path) > 1)
        postgres_url_put(out, "dbname", url->path + 1);
    for (size_t i = 0; i < url->parameter_count; i++)
        for (size_t k = 0; k < sizeof(passed_on) / sizeof(passed_on[0]); k++)
            if (strcmp(url->parameters[i].name, passed_on[k]) == 0)
                postgres_url_put(out, passed_on[k], url->parameters[i].value);
    if (secret_is_set(&url->password))
        secret_set(&out->password, secret_reveal(&url->password), strlen(secret_reveal(&url->password)));
    else if (password != NULL)
        secret_set(&out->password, password, strlen(password));
    if (postgres_url_value(out, "dbname") == NULL)
        return error_set(err, ERROR_INPUT, "the database's name is missing");
    if (postgres_url_value(out, "host") == NULL && postgres_url_value(out, "hostaddr") == NULL)
        return error_set(err, ERROR_INPUT, "the host is missing");
    out->hostname = memory_copy_string(url->host);
    if (schema != NULL && *schema != '\0')
        out->schema = memory_copy_string(schema);
    return postgres_url_read_tls(url, out, err);
}

bool
postgres_url_parse(const char *string, struct postgres_url *out, struct error *err)
{
    struct postgres_url result = { .count = 0 };
    struct url url;
    bool ok;

    if (!url_parse(string, &url, err))
        return false;
    ok = postgres_url_read(&url, &result, err);
    url_clear(&url);
    if (ok)
        *out = result;
    else
        postgres_url_clear(&result);
    return ok;
}

const char *
postgres_url_value(const struct postgres_url *url, const char *keyword)
{
    for (size_t i = 0; i < url->count; i++)
        if (strcmp(url->keywords[i], keyword) == 0)
            return url->values[i];
    return NULL;
}

void
postgres_url_add_conninfo(const struct postgres_url *url, struct text *out)
{
    for (size_t i = 0; i < url->count; i++) {
        text_format(out, "%s%s='", i == 0 ? "" : " ", url->keywords[i]);
        for (const char *c = url->values[i]; *c != '\0'; c++) {
            if (*c == '\'' || *c == '\\')
                text_add(out, "\\");
            text_add_bytes(out, c, 1);
        }
        text_add(out, "'");
    }
}

static void
add_escaped(const char *part, struct text *out)
{
    url_add_escaped(out, part, strlen(part), "/,");
}

static void
add_authority(const struct postgres_url *url, struct text *out)
{
    const char *user = postgres_url_value(url, "user");
    const char *port = postgres_url_value(url, "port");

    if (user != NULL)
        add_escaped(user, out);
    if (secret_is_set(&url->password))
        text_add(out, ":***");
    if (user != NULL || secret_is_set(&url->password))
        text_add(out, "@");
    text_format(out, strchr(url->hostname, ':') != NULL ? "[%s]" : "%s", url->hostname);
    if (port != NULL)
        text_format(out, ":%s", port);
}

/* Whether it stands before the parameters. */
static bool
has_place(const struct postgres_url *url, const char *keyword)
{
    return strcmp(keyword, "user") == 0 || strcmp(keyword, "port") == 0 || strcmp(keyword, "dbname") == 0 ||
           (strcmp(keyword, "host") == 0 && strcmp(postgres_url_value(url, "host"), url->hostname) == 0);
}

void
postgres_url_add_masked(const struct postgres_url *url, struct text *out)
{
    const char *separator = "?";

    text_add(out, "postgresql://");
    add_authority(url, out);
    text_add(out, "/");
    add_escaped(postgres_url_value(url, "dbname"), out);
    for (size_t i = 0; i < url->count; i++) {
        if (has_place(url, url->keywords[i]))
            continue;
        text_format(out, "%s%s=", separator, url->keywords[i]);
        add_escaped(url->values[i], out);
        separator = "&";
    }
    if (url->schema != NULL) {
        text_format(out, "%sschema=", separator);
        add_escaped(url->schema, out);
    }
}

void
postgres_url_clear(struct postgres_url *url)
{
    for (size_t i = 0; i < url->count; i++) {
        free(url->keywords[i]);
        free(url->values[i]);
    }
    secret_clear(&url->password);
    free(url->schema);
    free(url->hostname);
    *url = (struct postgres_url){ .count = 0 };
}
