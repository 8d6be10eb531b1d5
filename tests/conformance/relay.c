/*
 * relay: the job program of the conformance tests. Hands the job on to whoever listens on the Unix socket PATH, and what comes back from there
 * to the report.
 *
 *     weavestream-backup worker ... -- relay PATH
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#define REPORT 3

/* Everything that comes from one end goes to the other, up to the end. */
static bool
copy(int from, int to)
{
    char bytes[65536];
    ssize_t got;

    while ((got = read(from, bytes, sizeof(bytes))) > 0)
        for (ssize_t done = 0, written; done < got; done += written) {
            written = write(to, bytes + done, (size_t)(got - done));
            if (written == -1)
                return false;
        }
    return got == 0;
}

int
main(int argc, char **argv)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int server;

    if (argc != 2 || strlen(argv[1]) >= sizeof(address.sun_path)) {
        (void)fputs("usage: relay PATH\n", stderr);
        return EX_USAGE;
    }
    memcpy(address.sun_path, argv[1], strlen(argv[1])); /* the rest is zero */
    server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server == -1 || connect(server, (const struct sockaddr *)&address, sizeof(address)) == -1 ||
        !copy(STDIN_FILENO, server) || shutdown(server, SHUT_WR) == -1 || !copy(server, REPORT)) {
        perror(argv[1]);
        return EX_IOERR;
    }
    return EX_OK;
}
