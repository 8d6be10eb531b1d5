#include "jobs/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX ".dump"
#define MANIFEST_SUFFIX ".manifest.json"

struct verification {
    const struct verify_order *order;
    struct verify_result *result;
    char *path; /* absolute, without symbolic links */
    int fd;
    int64_t size_bytes;
};

/* -1: failed. Opening what is no file must neither wait nor have an effect. */
static int
open_file(const char *path, int64_t *size_bytes, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat file;

    if (fd == -1 || fstat(fd, &file) == -1)
        (void)error_set_errno(err, errno, "open '%s'", path);
    else if (!S_ISREG(file.st_mode))
        (void)error_set_errno(err, S_ISDIR(file.st_mode) ? EISDIR : EINVAL, "'%s' is no regular file", path);
    else {
        *size_bytes = file.st_size;
        return fd;
    }
    if (fd != -1)
        (void)close(fd);
    return -1;
}

static bool
read_file(const char *path, struct text *out, struct error *err)
{
    char bytes[16384];
    int64_t size_bytes;
    ssize_t count = 0;
    int fd = open_file(path, &size_bytes, err);

    if (fd == -1)
        return false;
    while (out->length <= MANIFEST_BYTES_MAX && (count = read(fd, bytes, sizeof(bytes))) > 0)
        text_add_bytes(out, bytes, (size_t)count);
    if (count == -1)
        (void)error_set_errno(err, errno, "read '%s'", path);
    (void)close(fd); /* was only read */
    return count != -1;
}

static void
add_manifest_path(const char *file, struct text *out)
{
    size_t length = strlen(file);
    size_t suffix = strlen(SUFFIX);

    if (length > suffix && strcmp(file + length - suffix, SUFFIX) == 0)
        length -= suffix;
    text_add_bytes(out, file, length);
    text_add(out, MANIFEST_SUFFIX);
}

/* Leaves the path empty if there is none. */
static void
find_manifest(struct verification *verification)
{
    const struct verify_order *order = verification->order;
    struct text *path = &verification->result->manifest;
    const char *const places[] = { order->file, verification->path };

    if (order->manifest != NULL) {
        text_add(path, order->manifest);
        return;
    }
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        text_reset(path);
        add_manifest_path(places[i], path);
        if (access(path->data, F_OK) == 0)
            return;
    }
    text_reset(path);
}

static bool
read_manifest(struct verification *verification, struct error *err)
{
    struct text *path = &verification->result->manifest;
    struct text json = TEXT_EMPTY;
    bool ok;

    find_manifest(verification);
    if (path->length == 0)
        return true;
    ok = read_file(path->data, &json, err);
    if (ok) {
        verification->result->stage = VERIFY_MANIFEST;
        ok = manifest_read(text_string(&json), json.length, &verification->result->facts, err) ||
             error_add(err, "'%s'", path->data);
    }
    text_clear(&json);
    return ok;
}

static bool
check_size(const struct verification *verification, struct error *err)
{
    int64_t expected = verification->result->facts.size_bytes;

    verification->result->stage = VERIFY_SIZE;
    if (verification->result->manifest.length == 0 || verification->size_bytes == expected)
        return true;
    return error_set(err, ERROR_INPUT, "it has %" PRId64 " bytes, but its manifest says %" PRId64,
        verification->size_bytes, expected);
}

static void
on_archive_progress(int64_t bytes, int64_t size_bytes, void *owner)
{
    const struct verify_order *order = owner;

    order->on_progress("reading back", bytes, size_bytes, order->owner);
}

static bool
read_back(struct verification *verification, struct error *err)
{
    const struct verify_order *order = verification->order;
    struct archive_order archive = {
        .path = verification->path, .fd = verification->fd, .level = order->level, .on_progress = on_archive_progress
    };
    struct verify_order copy = *order;

    archive.owner = &copy;
    verification->result->stage = VERIFY_READING;
    return archive_prove(&archive, &verification->result->proof, err);
}

static bool
compare_with_manifest(const struct verification *verification, struct error *err)
{
    struct verify_result *result = verification->result;
    const struct archive_proof *proof = &result->proof;
    const struct manifest_facts *facts = &result->facts;
    bool whole = verification->order->level != SETTINGS_VERIFY_TOC;

    if (result->manifest.length == 0)
        return true;
    result->stage = VERIFY_CHECKSUM;
    if (strcmp(proof->sha256, facts->sha256) != 0)
        return error_set(err, ERROR_INPUT, "its SHA-256 is %s, but its manifest says %s", proof->sha256, facts->sha256);
    result->stage = VERIFY_CONTENTS;
    return !whole || !facts->has_contents ||
           archive_contents_agree(&facts->contents, "the manifest", &proof->contents, "the dump", err);
}

static void
on_drill_progress(int64_t bytes, void *owner)
{
    const struct verify_order *order = owner;

    order->on_progress("restoring", bytes, 0, order->owner);
}

static bool
restore(const struct verification *verification, struct error *err)
{
    struct verify_order copy = *verification->order;
    struct drill_order drill = { .path = verification->path,
        .contents = &verification->result->proof.contents,
        .size_bytes = verification->size_bytes,
        .on_progress = on_drill_progress,
        .owner = &copy,
        .times = &verification->result->times,
        .fate = &verification->result->database };

    if (copy.level != SETTINGS_VERIFY_RESTORE)
        return true;
    verification->result->stage = VERIFY_RESTORE;
    drill.url = drill_url(copy.settings);
    drill.min_free_bytes = copy.settings->min_free_mb * 1024 * 1024;
    return drill_restore(&drill, err);
}

static bool
insist_on_manifest(const struct verification *verification, struct error *err)
{
    struct text path = TEXT_EMPTY;
    const char *slash;

    verification->result->stage = VERIFY_DONE;
    if (verification->result->manifest.length > 0)
        return true;
    add_manifest_path(verification->order->file, &path);
    slash = strrchr(path.data, '/');
    (void)error_set(err, ERROR_CONFLICT, "could not be proven: there is no manifest '%s' beside it",
        slash == NULL ? path.data : slash + 1);
    text_clear(&path);
    return false;
}

bool
verify_file(const struct verify_order *order, struct verify_result *result, struct error *err)
{
    struct verification verification = { .order = order, .result = result };
    bool ok = false;

    verification.fd = open_file(order->file, &verification.size_bytes, err);
    if (verification.fd == -1)
        return false;
    verification.path =
        realpath(order->file, NULL); /* never begins with '-', and stays the file if the link is changed */
    if (verification.path == NULL) {
        (void)error_set_errno(err, errno, "find '%s'", order->file);
        goto out;
    }
    ok = read_manifest(&verification, err) && check_size(&verification, err) && read_back(&verification, err) &&
         compare_with_manifest(&verification, err) && restore(&verification, err) &&
         insist_on_manifest(&verification, err);
out:
    free(verification.path);
    (void)close(verification.fd); /* was only read */
    return ok;
}

void
verify_result_clear(struct verify_result *result)
{
    archive_proof_clear(&result->proof);
    manifest_facts_clear(&result->facts);
    text_clear(&result->manifest);
}
