#include "jobs/restore_origin.h"

#include <inttypes.h>
#include <string.h>

#include "jobs/env_file.h"
#include "jobs/migrations.h"
#include "jobs/stream.h"

#define SCRIPT_BYTES_MAX ((size_t)16 * 1024 * 1024) /* of the rows of _prisma_migrations */
#define NAMES_SHOWN 3
#define DEFAULT_KEY_ID "1" /* the app's own */

/* --- Migrations --- */

static void
keep_script(const char *bytes, size_t length, void *owner)
{
    struct text *script = owner;
    size_t room = SCRIPT_BYTES_MAX - script->length;

    text_add_bytes(script, bytes, length < room ? length : room);
}

/* Which ones the dump's database had been through. Where that is not in the dump, `known` is false. */
static bool
read_applied(const struct restore_plan *plan, struct migrations *out, bool *known, struct error *err)
{
    const char *const argv[] = { "pg_restore", "--data-only", "--table=_prisma_migrations", "--file=-", plan->path,
        NULL };
    struct text script = TEXT_EMPTY;
    struct stream stream = { .argv = argv, .on_bytes = keep_script, .owner = &script };
    bool ok = stream_read(&stream, err);

    *known = ok && migrations_read_script(text_string(&script), out);
    text_clear(&script);
    return ok || !restore_plan_was_stopped(err);
}

/* How many of `ours` the others lack; the first names. */
static size_t
add_missing(const struct migrations *ours, const struct migrations *others, struct text *names)
{
    size_t count = 0;

    for (size_t i = 0; i < ours->count; i++) {
        if (migrations_have(others, ours->names[i]))
            continue;
        if (++count <= NAMES_SHOWN)
            text_format(names, "%s%s", count == 1 ? "" : ", ", ours->names[i]);
    }
    if (count > NAMES_SHOWN)
        text_add(names, ", ...");
    return count;
}

/* `hashed`: the dump tells what was in them, and it is not what is there. */
static void
compare_names(const struct restore_order *order, struct restore_plan *plan, const struct migrations *applied,
    const struct migrations *there, bool hashed)
{
    const char *version = plan->dump.facts.weavestream_version;
    struct text names = TEXT_EMPTY;
    struct text more = TEXT_EMPTY;
    size_t missing = add_missing(applied, there, &names);
    size_t left = add_missing(there, applied, &more);

    if (missing > 0)
        restore_plan_add(plan, order, "migrations", RESTORE_REFUSED,
            "'%s' lacks %zu that the dump has been through (%s): the app there is older than the dump: install "
            "Weavestream %s or newer",
            order->migrations, missing, text_string(&names), version == NULL ? "of the dump's version" : version);
    else {
        plan->migrations_left = (int64_t)left;
        if (left > 0)
            restore_plan_add(plan, order, "migrations", RESTORE_OK,
                "the app there is newer: `prisma migrate deploy` will apply %zu more (%s)", left, text_string(&more));
        else if (!hashed)
            restore_plan_add(plan, order, "migrations", RESTORE_OK,
                "the same %zu names as in '%s'; the dump does not tell what was in them", there->count,
                order->migrations);
        else
            restore_plan_add(plan, order, "migrations", RESTORE_WARN,
                "the same %zu names, but their migration.sql files differ from those of the dump's app", there->count);
    }
    text_clear(&more);
    text_clear(&names);
}

static void
compare_migrations(const struct restore_order *order, struct restore_plan *plan, const struct migrations *applied,
    bool known, const struct migrations *there)
{
    const char *expected = plan->dump.facts.migration_hash;
    bool hashed = expected != NULL && strncmp(expected, "sha256:", strlen("sha256:")) == 0;
    struct text hash = TEXT_EMPTY;

    migrations_add_hash(order->migrations, &hash);
    if (hashed && strcmp(expected, text_string(&hash)) == 0) {
        plan->migrations_left = 0;
        restore_plan_add(
            plan, order, "migrations", RESTORE_OK, "the same %zu as in '%s'", there->count, order->migrations);
    } else if (known)
        compare_names(order, plan, applied, there, hashed);
    else
        restore_plan_add(plan, order, "migrations", RESTORE_WARN,
            "the dump does not tell its own, so they cannot be compared with those in '%s'", order->migrations);
    text_clear(&hash);
}

static bool
check_migrations(const struct restore_order *order, struct restore_plan *plan, struct error *err)
{
    struct migrations applied = MIGRATIONS_EMPTY;
    struct migrations there = MIGRATIONS_EMPTY;
    bool known = false;
    bool ok = true;

    if (order->migrations == NULL)
        restore_plan_add(plan, order, "migrations", RESTORE_WARN,
            "not compared: name the new host's with --migrations (packages/db/prisma/migrations)");
    else if (!migrations_list(order->migrations, &there, err))
        restore_plan_add(plan, order, "migrations", RESTORE_REFUSED, "%s", err->text);
    else {
        ok = plan->is_script || plan->path == NULL || read_applied(plan, &applied, &known, err);
        if (ok)
            compare_migrations(order, plan, &applied, known, &there);
    }
    migrations_clear(&there);
    migrations_clear(&applied);
    return ok;
}

/* --- The key of the stored passwords --- */

/* In "kid:key,kid:key". */
static bool
list_has(const char *list, const char *id)
{
    for (const char *entry = list; *entry != '\0'; entry += *entry == ',') {
        size_t length = strcspn(entry, ":,");

        if (length == strlen(id) && memcmp(entry, id, length) == 0 && entry[length] == ':')
            return true;
        entry += strcspn(entry, ",");
    }
    return false;
}

static void
judge_key(const struct restore_order *order, struct restore_plan *plan, const char *file, const char *wanted)
{
    const char *name = env_file_name(order->env_file);
    struct secret key = SECRET_EMPTY;
    struct secret id = SECRET_EMPTY;
    struct secret previous = SECRET_EMPTY;
    bool has_key = env_file_find(file, "PASSWORD_ENCRYPTION_KEY", &key);
    const char *current = env_file_find(file, "PASSWORD_ENCRYPTION_KEY_KID", &id) ? secret_reveal(&id) : DEFAULT_KEY_ID;

    plan->key_is_there = has_key && strcmp(current, wanted) == 0;
    if (plan->key_is_there)
        restore_plan_add(plan, order, "passwords", RESTORE_OK, "'%s' has a key of the dump's id, '%s'", name, wanted);
    else if (env_file_find(file, "PASSWORD_PREVIOUS_KEYS", &previous) && list_has(secret_reveal(&previous), wanted)) {
        plan->key_is_there = true;
        restore_plan_add(plan, order, "passwords", RESTORE_OK,
            "'%s' has a key of the dump's id, '%s', among its previous keys", name, wanted);
    } else
        restore_plan_add(plan, order, "passwords", RESTORE_REFUSED,
            "'%s' has no key of the dump's id, '%s': its stored passwords could not be decrypted: take over "
            "PASSWORD_ENCRYPTION_KEY, PASSWORD_ENCRYPTION_KEY_KID and PASSWORD_PREVIOUS_KEYS from the old host's .env",
            name, wanted);
    secret_clear(&previous);
    secret_clear(&id);
    secret_clear(&key);
}

static void
check_passwords(const struct restore_order *order, struct restore_plan *plan, struct error *err)
{
    const char *wanted = plan->dump.facts.password_key_id;
    struct secret file = SECRET_EMPTY;

    if (order->env_file == NULL)
        restore_plan_add(plan, order, "passwords", RESTORE_WARN,
            "not looked for: name the new host's .env with --env-file to see whether it has the dump's key");
    else if (!env_file_read(order->env_file, &file, err))
        restore_plan_add(plan, order, "passwords", RESTORE_REFUSED, "%s", err->text);
    else if (plan->dump.manifest.length == 0)
        restore_plan_add(plan, order, "passwords", RESTORE_WARN,
            "without a manifest the dump does not tell the id of its key: compare the old host's .env with '%s'",
            env_file_name(order->env_file));
    else
        judge_key(order, plan, secret_reveal(&file), wanted == NULL ? DEFAULT_KEY_ID : wanted);
    secret_clear(&file);
}

bool
restore_origin_check(const struct restore_order *order, struct restore_plan *plan, struct error *err)
{
    if (!check_migrations(order, plan, err))
        return false;
    check_passwords(order, plan, err);
    return true;
}
