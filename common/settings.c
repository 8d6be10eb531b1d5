#include "common/settings.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

#define MASK "***"
#define ANY_SCOPE (SETTINGS_WORKER | SETTINGS_JOB | SETTINGS_DRILL | SETTINGS_HEALTH | SETTINGS_STORE)
#define DATABASES (SETTINGS_JOB | SETTINGS_DRILL)

/* One environment variable. `read` is given a value that is not empty; `show` writes the effective value. */
struct variable {
    const char *name;
    unsigned scopes;
    unsigned required;    /* by which scopes */
    bool is_secret;       /* its value is never repeated */
    const char *fallback; /* NULL: none */
    const char *allowed;  /* for people */
    size_t offset;        /* of its field in struct settings */
    int64_t least;        /* numbers only */
    int64_t most;
    const char *const *choices; /* enums only: their names, NULL at the end */
    bool (*read)(const struct variable *variable, const char *value, struct settings *settings, struct error *err);
    void (*show)(const struct variable *variable, const struct settings *settings, struct text *out);
};

static void *
field_of(const struct variable *variable, struct settings *settings)
{
    return (char *)settings + variable->offset;
}

static const void *
field_in(const struct variable *variable, const struct settings *settings)
{
    return (const char *)settings + variable->offset;
}

static bool
read_number(const struct variable *variable, const char *value, struct settings *settings, struct error *err)
{
    int64_t *number = field_of(variable, settings);

    if (!text_parse_integer(value, strlen(value), variable->least, variable->most, number))
        return error_set(
            err, ERROR_CONFIG, "not a whole number from %" PRId64 " to %" PRId64, variable->least, variable->most);
    return true;
}

static void
show_number(const struct variable *variable, const struct settings *settings, struct text *out)
{
    const int64_t *number = field_in(variable, settings);

    text_format(out, "%" PRId64, *number);
}

static bool
read_string(const struct variable *variable, const char *value, struct settings *settings, struct error *err)
{
    char **string = field_of(variable, settings);

    (void)err; /* any string will do */
    free(*string);
    *string = memory_copy_string(value);
    return true;
}

static void
show_string(const struct variable *variable, const struct settings *settings, struct text *out)
{
    char *const *string = field_in(variable, settings);

    text_add(out, *string == NULL ? "" : *string);
}

static bool
read_log_level(const struct variable *variable, const char *value, struct settings *settings, struct error *err)
{
    if (!log_level_parse(value, field_of(variable, settings)))
        return error_set(err, ERROR_CONFIG, "not one of %s", variable->allowed);
    return true;
}

static void
show_log_level(const struct variable *variable, const struct settings *settings, struct text *out)
{
    const enum log_level *level = field_in(variable, settings);

    text_add(out, log_level_name(*level));
}

static const char *const repairs[] = {
    [SETTINGS_REPAIR_OFF] = "off",
    [SETTINGS_REPAIR_MISSING] = "missing",
    [SETTINGS_REPAIR_FULL] = "full",
    NULL,
};

static const char *const levels[] = {
    [SETTINGS_VERIFY_TOC] = "toc",
    [SETTINGS_VERIFY_FULL] = "full",
    [SETTINGS_VERIFY_RESTORE] = "restore",
    NULL,
};

const char *
settings_verify_name(enum settings_verify level)
{
    return levels[level];
}

/* An enum's field: the place of the value in `choices`. */
static bool
read_choice(const struct variable *variable, const char *value, struct settings *settings, struct error *err)
{
    unsigned *choice = field_of(variable, settings);

    for (unsigned i = 0; variable->choices[i] != NULL; i++)
        if (strcmp(variable->choices[i], value) == 0) {
            *choice = i;
            return true;
        }
    return error_set(err, ERROR_CONFIG, "not one of %s", variable->allowed);
}

static void
show_choice(const struct variable *variable, const struct settings *settings, struct text *out)
{
    const unsigned *choice = field_in(variable, settings);

    text_add(out, variable->choices[*choice]);
}

static bool
read_redis_url(const struct variable *variable, const char *value, struct settings *settings, struct error *err)
{
    struct redis_url *url = field_of(variable, settings);

    redis_url_clear(url);
    return redis_url_parse(value, url, err);
}

static bool
read_listen_address(const struct variable *variable, const char *value, struct settings *settings, struct error *err)
{
    return listen_address_parse(value, field_of(variable, settings), err);
}

static void
show_listen_address(const struct variable *variable, const struct settings *settings, struct text *out)
{
    const struct listen_address *address = field_in(variable, settings);

    text_add(out, address->text);
}

static void
show_credentials(const char *user, const struct secret *password, struct text *out)
{
    if (user != NULL)
        text_add(out, user);
    if (secret_is_set(password))
        text_add(out, ":" MASK);
    if (user != NULL || secret_is_set(password))
        text_add(out, "@");
}

static void
show_redis_url(const struct variable *variable, const struct settings *settings, struct text *out)
{
    const struct redis_url *url = field_in(variable, settings);

    if (url->host == NULL && url->socket_path == NULL)
        return;
    text_add(out, url->socket_path != NULL ? "unix://" : url->tls ? "rediss://" : "redis://");
    show_credentials(url->user, &url->password, out);
    if (url->socket_path != NULL)
        text_format(out, "%s?db=%d", url->socket_path, url->database);
    else if (strchr(url->host, ':') != NULL)
        text_format(out, "[%s]:%d/%d", url->host, url->port, url->database);
    else
        text_format(out, "%s:%d/%d", url->host, url->port, url->database);
}

static bool
read_postgres_url(const struct variable *variable, const char *value, struct settings *settings, struct error *err)
{
    struct postgres_url *url = field_of(variable, settings);

    postgres_url_clear(url);
    return postgres_url_parse(value, url, err);
}

static void
show_postgres_url(const struct variable *variable, const struct settings *settings, struct text *out)
{
    const struct postgres_url *url = field_in(variable, settings);

    if (url->count > 0)
        postgres_url_add_masked(url, out);
}

/* Base64 of 32 bytes: 43 digits, then '=' or nothing; the URL alphabet counts as well, as Node reads it. */
static bool
is_key(const char *text, size_t length)
{
    if (length == 44 && text[43] == '=')
        length = 43;
    if (length != 43)
        return false;
    for (size_t i = 0; i < length; i++)
        if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_", text[i]) == NULL)
            return false;
    return true;
}

static bool
read_key(const struct variable *variable, const char *value, struct settings *settings, struct error *err)
{
    if (!is_key(value, strlen(value)))
        return error_set(err, ERROR_CONFIG, "not %s", variable->allowed);
    secret_set(field_of(variable, settings), value, strlen(value));
    return true;
}

static bool
read_key_list(const struct variable *variable, const char *value, struct settings *settings, struct error *err)
{
    for (const char *entry = value; *entry != '\0';) {
        size_t length = strcspn(entry, ",");
        const char *colon = memchr(entry, ':', length);

        if (colon == NULL || colon == entry || !is_key(colon + 1, (size_t)(entry + length - colon - 1)))
            return error_set(err, ERROR_CONFIG, "not %s", variable->allowed);
        entry += length;
        if (*entry == ',')
            entry++;
    }
    secret_set(field_of(variable, settings), value, strlen(value));
    return true;
}

/* As pg_dump takes it: a level, or a method with its details behind a colon, as in zstd:level=3,long. */
static bool
read_compression(const struct variable *variable, const char *value, struct settings *settings, struct error *err)
{
    static const char *const methods[] = { "none", "gzip", "lz4", "zstd" };
    size_t length = strcspn(value, ":");
    bool known = length == 1 && value[0] >= '0' && value[0] <= '9' && value[1] == '\0';

    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        if (strncmp(methods[i], value, length) == 0 && methods[i][length] == '\0' &&
            (value[length] == '\0' || value[length + 1] != '\0'))
            known = true;
    if (!known || strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789:=,") != strlen(value))
        return error_set(err, ERROR_CONFIG, "not %s", variable->allowed);
    return read_string(variable, value, settings, err);
}

static bool
read_web_url(const struct variable *variable, const char *value, struct settings *settings, struct error *err)
{
    const char *host = strstr(value, "://");

    if ((strncmp(value, "http://", 7) != 0 && strncmp(value, "https://", 8) != 0) || strcspn(host + 3, "/?#") == 0)
        return error_set(err, ERROR_CONFIG, "not %s", variable->allowed);
    for (const char *c = value; *c != '\0'; c++)
        if ((unsigned char)*c <= ' ' || *c == 0x7F)
            return error_set(err, ERROR_CONFIG, "not %s: it holds a blank or a control character", variable->allowed);
    secret_set(field_of(variable, settings), value, strlen(value));
    return true;
}

static bool
read_secret(const struct variable *variable, const char *value, struct settings *settings, struct error *err)
{
    (void)err; /* any string will do */
    secret_set(field_of(variable, settings), value, strlen(value));
    return true;
}

static void
show_secret(const struct variable *variable, const struct settings *settings, struct text *out)
{
    if (secret_is_set(field_in(variable, settings)))
        text_add(out, MASK);
}

#define FIELD(name) .offset = offsetof(struct settings, name)
#define NUMBER(field, from, to) FIELD(field), .least = (from), .most = (to), .read = read_number, .show = show_number
#define STRING(field) FIELD(field), .read = read_string, .show = show_string
#define CHOICE(field, names) FIELD(field), .choices = (names), .read = read_choice, .show = show_choice
#define WEB_URL(field)                                                                                                 \
    .is_secret = true, .allowed = "an http:// or https:// URL", FIELD(field), .read = read_web_url, .show = show_secret

static const struct variable variables[] = {
    { "REDIS_URL", SETTINGS_WORKER, .required = SETTINGS_WORKER, .is_secret = true,
        .allowed = "redis://, rediss:// or unix://, as in redis://:password@redis:6379/0", FIELD(redis),
        .read = read_redis_url, .show = show_redis_url },
    { "REDIS_TLS_CA", SETTINGS_WORKER, STRING(redis_ca_file) },
    { "NODE_EXTRA_CA_CERTS", ANY_SCOPE, STRING(extra_ca_file) },
    { "BACKUP_LOCK_SECONDS", SETTINGS_WORKER, .fallback = "30", NUMBER(lock_seconds, 5, 3600) },
    { "BACKUP_STALLED_SECONDS", SETTINGS_WORKER, .fallback = "10", NUMBER(stalled_seconds, 1, 3600) },
    { "BACKUP_SHUTDOWN_SECONDS", SETTINGS_WORKER, .fallback = "5", NUMBER(shutdown_seconds, 1, 3600) },
    { "BACKUP_HTTP_LISTEN", SETTINGS_WORKER | SETTINGS_HEALTH, FIELD(http_listen), .read = read_listen_address,
        .show = show_listen_address },
    { "BACKUP_FACTS_SECONDS", SETTINGS_WORKER, .fallback = "60", NUMBER(facts_seconds, 1, 3600) },
    { "DATABASE_URL", DATABASES, .required = SETTINGS_JOB, .is_secret = true,
        .allowed = "postgresql://, as in postgresql://user:password@postgres:5432/database", FIELD(database),
        .read = read_postgres_url, .show = show_postgres_url },
    { "BACKUP_STORAGE_DIR", SETTINGS_JOB | SETTINGS_STORE, .fallback = "./data/backup", STRING(storage_directory) },
    { "BACKUP_UID", SETTINGS_JOB, .fallback = "100", NUMBER(app_user, 0, UINT32_MAX - 1) },
    { "BACKUP_GID", SETTINGS_JOB, .fallback = "101", NUMBER(app_group, 0, UINT32_MAX - 1) },
    { "BACKUP_JOB_LOCK_MINUTES", ANY_SCOPE, .fallback = "360", NUMBER(job_lock_minutes, 5, 1440) },
    { "BACKUP_VERIFY", SETTINGS_JOB, .fallback = "full", .allowed = "toc, full, restore", CHOICE(verify, levels) },
    { "BACKUP_DRILL_URL", DATABASES, .is_secret = true,
        .allowed = "postgresql://, as in postgresql://user:password@postgres:5432/database", FIELD(drill),
        .read = read_postgres_url, .show = show_postgres_url },
    { "BACKUP_KEEP_REJECTED", SETTINGS_JOB, .fallback = "0", NUMBER(keep_rejected, 0, 1) },
    { "BACKUP_COMPRESSION", SETTINGS_JOB,
        .allowed = "what pg_dump takes for --compress: 0 to 9, or none, gzip, lz4 or zstd, as in zstd:level=3",
        FIELD(compression), .read = read_compression, .show = show_string },
    { "BACKUP_MIN_FREE_MB", DATABASES, .fallback = "256", NUMBER(min_free_mb, 0, 1048576) },
    { "BACKUP_STALL_MINUTES", SETTINGS_JOB, .fallback = "15", NUMBER(stall_minutes, 1, 1440) },
    { "BACKUP_PRUNE_ORPHANS", SETTINGS_JOB, .fallback = "0", NUMBER(prune_orphans, 0, 1) },
    { "BACKUP_PING_URL", SETTINGS_JOB, WEB_URL(ping_url) },
    { "BACKUP_WEBHOOK_URL", SETTINGS_JOB, WEB_URL(webhook_url) },
    { "BACKUP_WEBHOOK_SECRET", SETTINGS_JOB, .is_secret = true, FIELD(webhook_secret), .read = read_secret,
        .show = show_secret },
    { "BACKUP_AFTER_SUCCESS", SETTINGS_JOB, STRING(after_success) },
    { "BACKUP_SCHEDULE_REPAIR", ANY_SCOPE, .fallback = "missing", .allowed = "missing, full, off",
        CHOICE(schedule_repair, repairs) },
    { "BACKUP_CATCH_UP", SETTINGS_JOB, .fallback = "1", NUMBER(catch_up, 0, 1) },
    { "BACKUP_MISSED_GRACE_MINUTES", SETTINGS_JOB, .fallback = "30", NUMBER(missed_grace_minutes, 1, 1440) },
    { "WEAVESTREAM_VERSION", SETTINGS_JOB, .fallback = "dev", STRING(weavestream_version) },
    { "PASSWORD_ENCRYPTION_KEY_KID", SETTINGS_JOB, .fallback = "1", STRING(password_key_id) },
    { "SMTP_SECRET_KEY", SETTINGS_JOB, .is_secret = true, .allowed = "base64 of 32 bytes", FIELD(smtp_key),
        .read = read_key, .show = show_secret },
    { "SMTP_SECRET_KEY_KID", SETTINGS_JOB, .fallback = "1", STRING(smtp_key_id) },
    { "SMTP_PREVIOUS_KEYS", SETTINGS_JOB, .is_secret = true,
        .allowed = "'kid:key,kid:key', each key base64 of 32 bytes", FIELD(smtp_previous_keys), .read = read_key_list,
        .show = show_secret },
    { "LOG_LEVEL", ANY_SCOPE, .fallback = "info", .allowed = "trace, debug, info, warn, error, fatal", FIELD(log_level),
        .read = read_log_level, .show = show_log_level },
};

#define VARIABLES (sizeof(variables) / sizeof(variables[0]))

static const char *
variable_given(const struct variable *variable)
{
    const char *value = getenv(variable->name);

    return value == NULL || *value == '\0' ? NULL : value;
}

const char *
settings_name(size_t place, unsigned *scopes)
{
    if (place >= VARIABLES)
        return NULL;
    *scopes = variables[place].scopes;
    return variables[place].name;
}

bool
settings_is_secret(const char *name, size_t length)
{
    for (size_t i = 0; i < VARIABLES; i++)
        if (strlen(variables[i].name) == length && memcmp(variables[i].name, name, length) == 0)
            return variables[i].is_secret;
    return false;
}

static bool
variable_load(const struct variable *variable, unsigned scopes, struct settings *out, struct text *problems)
{
    const char *given = variable_given(variable);
    const char *value = given == NULL ? variable->fallback : given;
    struct error err;

    if (value == NULL && (variable->required & scopes) != 0) {
        text_format(problems, "%s is not set: it must be %s\n", variable->name, variable->allowed);
        return false;
    }
    if (value == NULL || variable->read(variable, value, out, &err))
        return true;
    text_add(problems, variable->name);
    if (!variable->is_secret)
        text_format(problems, "='%s'", value);
    text_format(problems, ": %s\n", err.text);
    return false;
}

bool
settings_load(struct settings *out, unsigned scopes, struct text *problems)
{
    bool ok = true;

    *out = (struct settings){ .log_level = LOG_LEVEL_INFO };
    for (size_t i = 0; i < VARIABLES; i++)
        if ((variables[i].scopes & scopes) != 0 && !variable_load(&variables[i], scopes, out, problems))
            ok = false;
    return ok;
}

void
settings_print(const struct settings *settings, unsigned scopes, struct text *out)
{
    for (size_t i = 0; i < VARIABLES; i++) {
        if ((variables[i].scopes & scopes) == 0)
            continue;
        text_format(out, "%s=", variables[i].name);
        variables[i].show(&variables[i], settings, out);
        text_add(out, variable_given(&variables[i]) != NULL ? "\n" : "  (default)\n");
    }
}

void
settings_clear(struct settings *settings)
{
    redis_url_clear(&settings->redis);
    free(settings->redis_ca_file);
    free(settings->extra_ca_file);
    postgres_url_clear(&settings->database);
    free(settings->storage_directory);
    postgres_url_clear(&settings->drill);
    free(settings->compression);
    secret_clear(&settings->ping_url);
    secret_clear(&settings->webhook_url);
    secret_clear(&settings->webhook_secret);
    free(settings->after_success);
    free(settings->weavestream_version);
    free(settings->password_key_id);
    secret_clear(&settings->smtp_key);
    free(settings->smtp_key_id);
    secret_clear(&settings->smtp_previous_keys);
    *settings = (struct settings){ .log_level = LOG_LEVEL_INFO };
}
