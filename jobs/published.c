#include "jobs/published.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/memory.h"
#include "common/text.h"
#include "jobs/manifest.h"
#include "jobs/sha256.h"
#include "jobs/stop.h"
#include "jobs/store_draft.h"
#include "jobs/store_name.h"

#define NAMES_TRIED 100
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

static bool
read_manifest(const struct store *store, const char *name, struct text *out, struct manifest_facts *facts)
{
    struct error err; /* a manifest that cannot be read names nobody */
    int fd = store_open_file(store, name, &err);
    bool ok = fd != -1 && read_whole(fd, MANIFEST_BYTES_MAX, out, &err) &&
              manifest_read(text_string(out), out->length, facts, &err);

    if (fd != -1)
        (void)close(fd); /* was only read */
    return ok;
}

/* Whether there is such a manifest, and it is this run's; then `*text` is the caller's to free. */
static bool
read_manifest_of(
    const struct store *store, const char *name, const char *run_id, char **text, struct manifest_facts *facts)
{
    struct text read = TEXT_EMPTY;
    bool is_ours = read_manifest(store, name, &read, facts) && strcmp(facts->run_id, run_id) == 0;

    if (is_ours)
        *text = text_take(&read);
    text_clear(&read);
    return is_ours;
}

/* Of a dump that cannot be read nothing can be said; that must not keep anybody from anything else. */
static bool
can_be_let_be(const struct published *published, const struct error *err)
{
    if (err->code != ERROR_SYSTEM)
        return false;
    log_warn(LOG_EVENT("dump cannot be read"), LOG_TEXT("file", published->names.dump), LOG_ERROR(err));
    return true;
}

/* Whether the dump is what its manifest says. False: stopped. */
static bool
check_dump(const struct store *store, const struct manifest_facts *facts, struct published *published, bool *found,
    struct error *err)
{
    char sha256[SHA256_SIZE] = "";
    struct error ignored; /* something that is no file is no dump */
    int fd = -1;
    bool ok = true;

    *found = false;
    if (!store_find(store, published->names.dump, &published->size_bytes, &ignored) || published->size_bytes == -1)
        return true;
    if (published->size_bytes == facts->size_bytes && published->size_bytes <= PUBLISHED_READ_MAX) {
        fd = store_open_file(store, published->names.dump, err);
        ok = fd != -1 && hash_file(fd, sha256, err);
    }
    if (!ok)
        ok = can_be_let_be(published, err);
    else if (published->size_bytes == facts->size_bytes && (fd == -1 || strcmp(sha256, facts->sha256) == 0))
        *found = true;
    else
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
    bool is_named = false;
    bool ok = true;

    *out = (struct published){ .manifest = NULL, .size_bytes = -1 };
    *found = false;
    for (int number = 1; number <= NAMES_TRIED && !is_named; number++) {
        struct manifest_facts facts = MANIFEST_FACTS_EMPTY;

        store_make_names(started, number, &out->names);
        is_named = read_manifest_of(store, out->names.manifest, run_id, &out->manifest, &facts);
        if (is_named)
            ok = check_dump(store, &facts, out, found, err);
        manifest_facts_clear(&facts);
    }
    return ok;
}

void
published_clear(struct published *published)
{
    free(published->manifest);
    published->manifest = NULL;
}

struct lonely {
    const struct store *store;
    struct text *ids;
    size_t count;
};

static void
on_published(const char *name, void *owner)
{
    struct lonely *lonely = owner;
    struct manifest_facts facts = MANIFEST_FACTS_EMPTY;
    struct text manifest = TEXT_EMPTY;
    struct text dump = TEXT_EMPTY;
    struct error ignored; /* something is there: it is not alone */
    int64_t size = 0;

    if (lonely->count < PUBLISHED_LONELY_MAX && store_name_add_dump(name, &dump) &&
        store_find(lonely->store, text_string(&dump), &size, &ignored) && size == -1 &&
        read_manifest(lonely->store, name, &manifest, &facts) && facts.run_id[0] != '\0')
        text_format(lonely->ids, "%s%s", lonely->count++ == 0 ? "" : ",", facts.run_id);
    manifest_facts_clear(&facts);
    text_clear(&manifest);
    text_clear(&dump);
}

bool
published_add_lonely(const struct store *store, struct text *ids, struct error *err)
{
    struct lonely lonely = { .store = store, .ids = ids };

    return store_list(store, on_published, &lonely, err);
}
