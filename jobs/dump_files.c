#include "jobs/dump_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/memory.h"
#include "common/text.h"
#include "jobs/directory.h"
#include "jobs/store_name.h"

/* Of one second, `...Z.dump` comes before `...Z-2.dump`, and that before `...Z-10.dump`: without the suffix, as numbers. */
static int
compare(const void *left, const void *right)
{
    const char *const *a = left;
    const char *const *b = right;
    char *one = memory_copy(*a, strlen(*a) - strlen(STORE_NAME_DUMP_SUFFIX));
    char *other = memory_copy(*b, strlen(*b) - strlen(STORE_NAME_DUMP_SUFFIX));
    int order = strverscmp(one, other);

    free(other);
    free(one);
    return order;
}

static void
add(struct dump_files *files, const char *name)
{
    struct text path = TEXT_EMPTY;

    text_format(&path, "%s/%s", files->directory, name);
    files->paths = memory_resize(files->paths, (files->count + 1) * sizeof(*files->paths));
    files->paths[files->count++] = text_take(&path);
}

bool
dump_files_list(const char *setting, struct dump_files *out, struct error *err)
{
    const struct dirent *entry;
    DIR *directory;
    int errnum;

    if (!directory_find(setting, &out->directory, err))
        return false;
    directory = opendir(out->directory);
    if (directory == NULL)
        return error_set_errno(err, errno, "open the backup directory '%s'", out->directory);
    errno = 0;
    while ((entry = readdir(directory)) != NULL)
        if (store_name_is_dump(entry->d_name))
            add(out, entry->d_name);
    errnum = errno;
    (void)closedir(directory);
    if (errnum != 0)
        return error_set_errno(err, errnum, "list the backup directory '%s'", out->directory);
    if (out->count > 0)
        qsort(out->paths, out->count, sizeof(*out->paths), compare);
    return true;
}

char *
dump_files_resolve(const char *setting, const char *given)
{
    struct text path = TEXT_EMPTY;
    char *directory = NULL;
    struct error none; /* then there is but `given` */

    if (strchr(given, '/') == NULL && access(given, F_OK) == -1 && directory_find(setting, &directory, &none))
        text_format(&path, "%s/%s", directory, given);
    free(directory);
    if (path.length > 0 && access(path.data, F_OK) == 0)
        return text_take(&path);
    text_clear(&path);
    return memory_copy_string(given);
}

void
dump_files_clear(struct dump_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        free(files->paths[i]);
    free(files->paths);
    free(files->directory);
    *files = DUMP_FILES_EMPTY;
}
