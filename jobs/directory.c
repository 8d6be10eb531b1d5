#include "jobs/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "common/memory.h"
#include "common/text.h"
#include "jobs/space.h"

static bool
find_base(struct text *base, struct error *err)
{
    char cwd[PATH_MAX];
    struct text marker = TEXT_EMPTY;
    size_t length;
    bool found = false;

    if (getcwd(cwd, sizeof(cwd)) == NULL)
        return error_set_errno(err, errno, "find the working directory");
    length = strlen(cwd);
    while (!found && length > 0) {
        text_reset(&marker);
        text_add_bytes(&marker, cwd, length);
        text_add(&marker, "/pnpm-workspace.yaml");
        found = access(text_string(&marker), F_OK) == 0;
        if (!found)
            while (length > 0 && cwd[--length] != '/')
                ;
    }
    text_add_bytes(base, cwd, found ? length : strlen(cwd));
    text_clear(&marker);
    return true;
}

/* Like mkdir -p; the errno of the last step, which is EEXIST as a rule; 0: it was made. What was not made before it shows in it. */
static int
make_directories(const char *path)
{
    char *copy = memory_copy_string(path);
    int errnum;

    for (char *slash = strchr(copy + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(copy, 0755);
        *slash = '/';
    }
    errnum = mkdir(copy, 0755) == 0 ? 0 : errno;
    free(copy);
    return errnum;
}

bool
directory_find(const char *setting, char **path, struct error *err)
{
    struct text found = TEXT_EMPTY;

    *path = NULL;
    if (setting[0] != '/') {
        if (!find_base(&found, err)) {
            text_clear(&found);
            return false;
        }
        if (strcmp(text_string(&found), "/") != 0)
            text_add(&found, "/");
        while (strncmp(setting, "./", 2) == 0)
            setting += 2;
    }
    text_add(&found, setting);
    while (found.length > 1 && found.data[found.length - 1] == '/')
        found.data[--found.length] = '\0';
    *path = text_take(&found);
    return true;
}

static int
fail(const char *doing, int errnum, const char *path, struct error *err)
{
    (void)error_set_errno(err, errnum, "%s backup directory '%s'", doing, path);
    space_advise(path, err);
    return -1;
}

int
directory_open(const char *setting, char **path, struct error *err)
{
    int fd;

    if (!directory_find(setting, path, err))
        return -1;
    fd = open(*path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd != -1 ? fd : fail("open the", errno, *path, err);
}

int
directory_make(const char *setting, char **path, bool *made, struct error *err)
{
    int failure;
    int fd;

    *made = false;
    if (!directory_find(setting, path, err))
        return -1;
    failure = make_directories(*path);
    fd = open(*path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd == -1)
        return errno == ENOENT && failure != 0 && failure != EEXIST ? fail("make the", failure, *path, err)
                                                                    : fail("open the", errno, *path, err);
    *made = failure == 0;
    if (*made)
        log_warn(LOG_EVENT("backup directory made"), LOG_TEXT("directory", *path));
    if (!*made || syncfs(fd) == 0) /* if it was made, its parents may be new as well: sync all */
        return fd;
    (void)fail("sync the new", errno, *path, err);
    (void)close(fd);
    return -1;
}
