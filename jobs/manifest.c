#include "jobs/manifest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/memory.h"
#include "jobs/sha256.h"

static const char *const migration_folders[] = { "/app/packages/db/prisma/migrations", "packages/db/prisma/migrations",
    "../../packages/db/prisma/migrations" };

struct writer {
    struct text *out;
    bool indented;
    bool started;
};

static void
add_key(struct writer *writer, const char *key)
{
    if (writer->started)
        text_add(writer->out, ",");
    writer->started = true;
    text_format(writer->out, writer->indented ? "\n  \"%s\": " : "\"%s\":", key);
}

static void
add_string(struct writer *writer, const char *key, const char *value)
{
    add_key(writer, key);
    text_add_json(writer->out, value, strlen(value));
}

static void
add_number(struct writer *writer, const char *key, int64_t value)
{
    add_key(writer, key);
    text_format(writer->out, "%" PRId64, value);
}

void
manifest_add_json(const struct manifest *manifest, bool indented, struct text *out)
{
    struct writer writer = { .out = out, .indented = indented };
    char generated[WALL_ISO_SIZE];

    wall_format_iso(manifest->generated, generated);
    text_add(out, "{");
    add_string(&writer, "weavestreamVersion", manifest->weavestream_version);
    add_string(&writer, "prismaMigrationHash", manifest->migration_hash);
    add_string(&writer, "passwordEncryptionKid", manifest->password_key_id);
    add_string(&writer, "databaseUrlHostname", manifest->database_hostname);
    add_string(&writer, "generatedAt", generated);
    add_string(&writer, "filename", manifest->filename);
    add_number(&writer, "sizeBytes", manifest->size_bytes);
    add_string(&writer, "sha256", manifest->sha256);
    add_string(&writer, "backupRunId", manifest->run_id);
    add_string(&writer, "pgDumpVersion", manifest->pg_dump_version);
    add_string(&writer, "serverVersion", manifest->server_version);
    add_number(&writer, "durationMs", manifest->duration_ms);
    text_add(out, indented ? "\n}" : "}");
}

/*
 * JavaScript compares UTF-16 code units. That is the order of the bytes of UTF-8, but for characters beyond U+FFFF (first byte F0 and up):
 * their surrogates stand before U+E000 to U+FFFF (first byte EE and EF).
 */
static int
compare_code_units(const void *left, const void *right)
{
    const unsigned char *a = *(const unsigned char *const *)left;
    const unsigned char *b = *(const unsigned char *const *)right;

    while (*a == *b && *a != '\0') {
        a++;
        b++;
    }
    if (*a >= 0xEE && *b >= 0xEE && (*a >= 0xF0) != (*b >= 0xF0))
        return *a >= 0xF0 ? -1 : 1;
    return (int)*a - (int)*b;
}

struct names {
    char **list;
    size_t count;
};

static bool
is_directory(int fd, const char *name)
{
    struct stat file;

    return fstatat(fd, name, &file, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(file.st_mode);
}

static void
list_directories(DIR *directory, struct names *names)
{
    const struct dirent *entry;

    while ((entry = readdir(directory)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            !is_directory(dirfd(directory), entry->d_name))
            continue;
        names->list = memory_resize(names->list, (names->count + 1) * sizeof(*names->list));
        names->list[names->count++] = memory_copy_string(entry->d_name);
    }
    if (names->count > 0)
        qsort(names->list, names->count, sizeof(*names->list), compare_code_units);
}

/* Adds the bytes of one migration.sql. False if there is one that cannot be read. */
static bool
hash_migration(int folder_fd, const char *name, struct sha256 *sha256)
{
    struct text path = TEXT_EMPTY;
    char bytes[16384];
    ssize_t count;
    int fd;

    text_format(&path, "%s/migration.sql", name);
    fd = openat(folder_fd, text_string(&path), O_RDONLY | O_CLOEXEC);
    text_clear(&path);
    if (fd == -1)
        return errno == ENOENT;
    while ((count = read(fd, bytes, sizeof(bytes))) > 0)
        sha256_add(sha256, bytes, (size_t)count);
    (void)close(fd); /* was only read */
    return count == 0;
}

void
manifest_add_migration_hash(const char *folder, struct text *out)
{
    DIR *directory = opendir(folder);
    struct names names = { .list = NULL };
    struct sha256 *sha256 = sha256_new();
    char hash[SHA256_SIZE];
    const char *unreadable = NULL;

    if (directory == NULL) {
        text_add(out, "unknown:the migrations directory cannot be read");
        goto out;
    }
    list_directories(directory, &names);
    for (size_t i = 0; i < names.count && unreadable == NULL; i++) {
        sha256_add(sha256, names.list[i], strlen(names.list[i]));
        sha256_add(sha256, "\n", 1);
        if (!hash_migration(dirfd(directory), names.list[i], sha256))
            unreadable = names.list[i];
    }
    if (unreadable != NULL) {
        text_format(out, "unknown:%s/migration.sql cannot be read", unreadable);
        goto out;
    }
    sha256_finish(sha256, hash);
    text_format(out, "sha256:%s", hash);
out:
    for (size_t i = 0; i < names.count; i++)
        free(names.list[i]);
    free(names.list);
    sha256_free(sha256);
    if (directory != NULL)
        (void)closedir(directory);
}

void
manifest_add_app_migration_hash(struct text *out)
{
    struct stat file;

    for (size_t i = 0; i < sizeof(migration_folders) / sizeof(migration_folders[0]); i++)
        if (stat(migration_folders[i], &file) == 0) {
            manifest_add_migration_hash(migration_folders[i], out);
            return;
        }
    text_add(out, "unknown:no migrations directory");
}
