#include "jobs/process_reads.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/text.h"

#define PATH_BYTES 64
#define FACTS_BYTES 1024 /* of such a file; more than there is, or enough of it */

/* A file in /proc as a string; "" if it cannot be read. */
static void
read_facts(const char *path, char out[FACTS_BYTES])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t count;

    out[0] = '\0';
    if (fd == -1)
        return;
    count = read(fd, out, FACTS_BYTES - 1);
    (void)close(fd); /* was only read */
    out[count > 0 ? count : 0] = '\0';
}

/* By itself, and by the children that it has reaped: the kernel adds those. */
static int64_t
reads_of(pid_t pid)
{
    static const char key[] = "rchar: ";
    char path[PATH_BYTES];
    char facts[FACTS_BYTES];
    const char *number = facts + strlen(key);
    int64_t bytes;

    (void)snprintf(path, sizeof(path), "/proc/%d/io", (int)pid);
    read_facts(path, facts);
    if (strncmp(facts, key, strlen(key)) != 0 ||
        !text_parse_integer(number, strcspn(number, "\n"), 0, INT64_MAX, &bytes))
        return -1;
    return bytes;
}

int64_t
process_reads(pid_t pid)
{
    char path[PATH_BYTES];
    char children[FACTS_BYTES];
    int64_t bytes = reads_of(pid);

    (void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
    read_facts(path, children);
    for (const char *at = children; bytes >= 0 && *at != '\0'; at += strspn(at, " ")) {
        size_t length = strcspn(at, " ");
        int64_t child;

        if (!text_parse_integer(at, length, 1, INT32_MAX, &child))
            break;
        child = reads_of((pid_t)child);
        bytes += child > 0 ? child : 0;
        at += length;
    }
    return bytes;
}
