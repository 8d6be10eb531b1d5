#include "jobs/migrations.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/memory.h"
#include "jobs/sha256.h"

static const char *const migration_folders[] = { "/app/packages/db/prisma/migrations", "packages/db/prisma/migrations",
    "../../packages/db/prisma/migrations" };

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

static bool
is_directory(int fd, const char *name)
{
    struct stat file;

    return fstatat(fd, name, &file, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(file.st_mode);
}

static void
add_name(struct migrations *migrations, const char *name, size_t length)
{
    struct text copy = TEXT_EMPTY;

    text_add_bytes(&copy, name, length);
    migrations->names = memory_resize(migrations->names, (migrations->count + 1) * sizeof(*migrations->names));
    migrations->names[migrations->count++] = text_take(&copy);
}

static void
sort(struct migrations *migrations)
{
    if (migrations->count > 0)
        qsort(migrations->names, migrations->count, sizeof(*migrations->names), compare_code_units);
}

static void
list_directories(DIR *directory, struct migrations *out)
{
    const struct dirent *entry;

    while ((entry = readdir(directory)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            is_directory(dirfd(directory), entry->d_name))
            add_name(out, entry->d_name, strlen(entry->d_name));
    sort(out);
}

bool
migrations_list(const char *folder, struct migrations *out, struct error *err)
{
    DIR *directory = opendir(folder);

    if (directory == NULL)
        return error_set_errno(err, errno, "open the migrations directory '%s'", folder);
    list_directories(directory, out);
    (void)closedir(directory);
    return true;
}

bool
migrations_have(const struct migrations *migrations, const char *name)
{
    for (size_t i = 0; i < migrations->count; i++)
        if (strcmp(migrations->names[i], name) == 0)
            return true;
    return false;
}

void
migrations_clear(struct migrations *migrations)
{
    for (size_t i = 0; i < migrations->count; i++)
        free(migrations->names[i]);
    free(migrations->names);
    *migrations = MIGRATIONS_EMPTY;
}

/* --- What a dump has --- */

/* Which field of a list of columns, separated by ", ", is `name`; -1: none. */
static int
find_column(const char *columns, size_t length, const char *name)
{
    int column = 0;

    for (const char *at = columns, *end = columns + length; at < end; column++) {
        size_t word = 0;

        while (at + word < end && at[word] != ',')
            word++;
        if (word == strlen(name) && memcmp(at, name, word) == 0)
            return column;
        at += word + strlen(", ");
    }
    return -1;
}

/* The field of a row of COPY; `length` is up to the tab or the end of line behind it. */
static const char *
field(const char *row, int column, size_t *length)
{
    for (; column > 0; column--) {
        row += strcspn(row, "\t\n");
        if (*row != '\t')
            break;
        row++;
    }
    *length = strcspn(row, "\t\n");
    return row;
}

static bool
is_null(const char *row, int column)
{
    size_t length;
    const char *value = field(row, column, &length);

    return length == 2 && memcmp(value, "\\N", 2) == 0;
}

bool
migrations_read_script(const char *script, struct migrations *out)
{
    const char *copy = strstr(script, "\nCOPY ");
    const char *columns = copy == NULL ? NULL : strstr(copy, "_prisma_migrations (");
    const char *row = columns == NULL ? NULL : strchr(columns, '\n');
    const char *end;
    size_t length;
    int name;
    int finished;
    int rolled_back;

    if (row == NULL)
        return false;
    columns = strchr(columns, '(') + 1;
    length = strcspn(columns, ")\n");
    name = find_column(columns, length, "migration_name");
    finished = find_column(columns, length, "finished_at");
    rolled_back = find_column(columns, length, "rolled_back_at");
    if (name == -1 || finished == -1 || rolled_back == -1)
        return false;
    for (row++; strncmp(row, "\\.\n", 3) != 0 && (end = strchr(row, '\n')) != NULL; row = end + 1)
        if (!is_null(row, finished) && is_null(row, rolled_back)) {
            const char *value = field(row, name, &length);

            add_name(out, value, length);
        }
    sort(out);
    return true;
}

/* --- The hash --- */

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
migrations_add_hash(const char *folder, struct text *out)
{
    DIR *directory = opendir(folder);
    struct migrations found = MIGRATIONS_EMPTY;
    struct sha256 *sha256 = sha256_new();
    char hash[SHA256_SIZE];
    const char *unreadable = NULL;

    if (directory == NULL) {
        text_add(out, "unknown:the migrations directory cannot be read");
        goto out;
    }
    list_directories(directory, &found);
    for (size_t i = 0; i < found.count && unreadable == NULL; i++) {
        sha256_add(sha256, found.names[i], strlen(found.names[i]));
        sha256_add(sha256, "\n", 1);
        if (!hash_migration(dirfd(directory), found.names[i], sha256))
            unreadable = found.names[i];
    }
    if (unreadable != NULL) {
        text_format(out, "unknown:%s/migration.sql cannot be read", unreadable);
        goto out;
    }
    sha256_finish(sha256, hash);
    text_format(out, "sha256:%s", hash);
out:
    migrations_clear(&found);
    sha256_free(sha256);
    if (directory != NULL)
        (void)closedir(directory);
}

void
migrations_add_app_hash(struct text *out)
{
    struct stat file;

    for (size_t i = 0; i < sizeof(migration_folders) / sizeof(migration_folders[0]); i++)
        if (stat(migration_folders[i], &file) == 0) {
            migrations_add_hash(migration_folders[i], out);
            return;
        }
    text_add(out, "unknown:no migrations directory");
}
