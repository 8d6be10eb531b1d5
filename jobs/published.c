#include "jobs/published.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/memory.h"
#include "common/text.h"
#include "jobs/sha256.h"
#include "jobs/stop.h"

#define NAMES_TRIED 100
#define MANIFEST_MAX ((size_t)16 * 1024 * 1024)
#define CHUNK ((size_t)256 * 1024)

static bool
read_whole(int fd, size_t most, struct text *out, struct error *err)
{
    char bytes[16384];
    ssize_t count;

    while ((count = read(fd, bytes, sizeof(bytes))) > 0) {
        text_add_bytes(out, bytes, (size_t)count);
        if (out->length > most)
            return error_set(err, ERROR_INPUT, "it is larger than %zu bytes", most);
    }
    return count == 0 || error_set_errno(err, errno, "read");
}

static bool
hash_file(int fd, char out[SHA256_SIZE], struct error *err)
{
    struct sha256 *sha256 = sha256_new();
    char *bytes = memory_new(CHUNK);
    ssize_t count = 0;
    bool ok = true;

    while ((ok = stop_check(err)) && (count = read(fd, bytes, CHUNK)) > 0)
        sha256_add(sha256, bytes, (size_t)count);
    if (ok && count == -1)
        ok = error_set_errno(err, errno, "read");
    if (ok)
        sha256_finish(sha256, out);
    sha256_free(sha256);
    free(bytes);
    return ok;
}

/* Whether there is such a manifest, and it is this run's; then `*manifest` is the caller's to free. */
static bool
read_manifest(const struct store *store, const char *name, const char *run_id, char **text, json_t **manifest)
{
    struct text read = TEXT_EMPTY;
    struct error err; /* a manifest that cannot be read names nobody */
    const char *named;
    int fd = store_open_file(store, name, &err);

    if (fd != -1 && read_whole(fd, MANIFEST_MAX, &read, &err))
        *manifest = json_loadb(text_string(&read), read.length, 0, NULL);
    if (fd != -1)
        (void)close(fd); /* was only read */
    named = json_string_value(json_object_get(*manifest, "backupRunId"));
    if (named != NULL && strcmp(named, run_id) == 0) {
        *text = text_take(&read);
        return true;
    }
    json_decref(*manifest);
    *manifest = NULL;
    text_clear(&read);
    return false;
}

/* Whether the dump is what its manifest says. False, without `*found`: no; with an error: nobody can say. */
static bool
check_dump(
    const struct store *store, const json_t *manifest, struct published *published, bool *found, struct error *err)
{
    const char *expected = json_string_value(json_object_get(manifest, "sha256"));
    char sha256[SHA256_SIZE] = "";
    struct error why = ERROR_EMPTY;
    int fd = -1;
    bool ok = true;

    *found = false;
    if (!store_find(store, published->names.dump, &published->size_bytes, &why) || published->size_bytes == -1 ||
        expected == NULL || published->size_bytes != json_integer_value(json_object_get(manifest, "sizeBytes")))
        goto out;
    if (published->size_bytes <= PUBLISHED_READ_MAX) {
        fd = store_open_file(store, published->names.dump, err);
        ok = fd != -1 && hash_file(fd, sha256, err);
        if (!ok || strcmp(sha256, expected) != 0)
            goto out;
    }
    *found = true;
out:
    if (ok && !*found)
        log_warn(LOG_EVENT("dump does not match its manifest"), LOG_TEXT("file", published->names.dump),
            LOG_NUMBER("bytes", published->size_bytes), LOG_TEXT("sha256", sha256));
    if (fd != -1)
        (void)close(fd); /* was only read */
    return ok;
}

bool
published_find(const struct store *store, const char *run_id, struct wall started, struct published *out, bool *found,
    struct error *err)
{
    json_t *manifest = NULL;
    bool ok = true;

    *out = (struct published){ .manifest = NULL };
    *found = false;
    for (int number = 1; number <= NAMES_TRIED; number++) {
        store_make_names(started, number, &out->names);
        if (!read_manifest(store, out->names.manifest, run_id, &out->manifest, &manifest))
            continue;
        ok = check_dump(store, manifest, out, found, err);
        json_decref(manifest);
        break;
    }
    return ok;
}

void
published_clear(struct published *published)
{
    free(published->manifest);
    published->manifest = NULL;
}
