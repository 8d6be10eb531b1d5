/* folder: a directory of its own for a test, and looks into it. */
#ifndef TESTS_UNIT_FOLDER_H
#define TESTS_UNIT_FOLDER_H

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER_PATH 256

static inline void
folder_make(char path[FOLDER_PATH])
{
    (void)snprintf(path, FOLDER_PATH, "/tmp/weavestream-unit-XXXXXX");
    assert_non_null(mkdtemp(path));
}

static inline int
folder_remove_entry(const char *path, const struct stat *file, int type, struct FTW *at)
{
    (void)file;
    (void)type;
    (void)at;
    return remove(path);
}

static inline void
folder_remove(const char *path)
{
    assert_int_equal(nftw(path, folder_remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static inline void
folder_write(const char *folder, const char *name, const char *content)
{
    char path[2 * FOLDER_PATH];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(content, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* The whole file; static, up to the next call. "(missing)" if there is none. */
static inline const char *
folder_read(const char *folder, const char *name)
{
    static char content[65536];
    char path[2 * FOLDER_PATH];
    size_t length;
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = fopen(path, "r");
    if (file == NULL)
        return "(missing)";
    length = fread(content, 1, sizeof(content) - 1, file);
    content[length] = '\0';
    (void)fclose(file);
    return content;
}

static inline int
folder_is_entry(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

/* All names, sorted, with a blank between; static, up to the next call. */
static inline const char *
folder_list(const char *folder)
{
    static char names[65536];
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, folder_is_entry, alphasort);
    size_t length = 0;

    assert_true(count >= 0);
    names[0] = '\0';
    for (int i = 0; i < count; i++) {
        length +=
            (size_t)snprintf(names + length, sizeof(names) - length, "%s%s", i == 0 ? "" : " ", entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return names;
}

#endif
