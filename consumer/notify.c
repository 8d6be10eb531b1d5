#include "consumer/notify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/log.h"
#include "common/memory.h"
#include "common/text.h"
#include "consumer/consumer.h"

struct notify {
    int fd;
    struct sockaddr_un address;
    socklen_t length;
    int64_t watchdog_ms; /* between two signs of life; 0: nobody waits for them */
    bool is_ready;       /* told */
    struct event *timer;
};

/* A socket that is full or gone is no reason to stop: what is lost is a sign of life, and the next one follows. */
static void
notify_send(const struct notify *notify, const char *message)
{
    if (sendto(notify->fd, message, strlen(message), MSG_NOSIGNAL | MSG_DONTWAIT,
            (const struct sockaddr *)&notify->address, notify->length) == -1)
        log_debug(LOG_EVENT("systemd not told"), LOG_TEXT("message", message), LOG_TEXT("reason", strerror(errno)));
}

static void
on_timer(evutil_socket_t fd, short what, void *argument)
{
    struct notify *notify = argument;

    (void)fd;
    (void)what;
    notify_send(notify, notify->is_ready ? "WATCHDOG=1" : "READY=1");
    notify->is_ready = true;
    if (notify->watchdog_ms > 0)
        consumer_set_timer(notify->timer, notify->watchdog_ms);
}

/* An abstract name begins with '@', which stands for a zero byte. */
static bool
read_address(const char *path, struct notify *notify)
{
    size_t length = path == NULL ? 0 : strlen(path);

    if (length < 2 || length >= sizeof(notify->address.sun_path) || (path[0] != '/' && path[0] != '@'))
        return false;
    notify->address.sun_family = AF_UNIX;
    memcpy(notify->address.sun_path, path, length);
    if (path[0] == '@')
        notify->address.sun_path[0] = '\0';
    notify->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    return true;
}

/* Half of what systemd waits for; 0: it does not wait for us. */
static int64_t
read_watchdog_ms(void)
{
    const char *us_text = getenv("WATCHDOG_USEC");
    const char *pid_text = getenv("WATCHDOG_PID");
    int64_t us;
    int64_t pid;

    if (us_text == NULL || !text_parse_integer(us_text, strlen(us_text), 2000, INT64_MAX, &us))
        return 0;
    if (pid_text != NULL && (!text_parse_integer(pid_text, strlen(pid_text), 1, INT32_MAX, &pid) || pid != getpid()))
        return 0;
    return us / 2000;
}

struct notify *
notify_new(struct event_base *base)
{
    struct notify *notify = memory_new(sizeof(*notify));

    if (read_address(getenv("NOTIFY_SOCKET"), notify))
        notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (notify->length == 0 || notify->fd == -1) {
        free(notify);
        return NULL;
    }
    (void)unsetenv("NOTIFY_SOCKET"); /* it is not for our children to speak for us */
    notify->watchdog_ms = read_watchdog_ms();
    notify->timer = event_new(base, -1, 0, on_timer, notify);
    if (notify->timer == NULL)
        abort(); /* out of memory */
    consumer_set_timer(notify->timer, 0);
    return notify;
}

void
notify_stopping(struct notify *notify)
{
    if (notify != NULL)
        notify_send(notify, "STOPPING=1");
}

void
notify_free(struct notify *notify)
{
    if (notify == NULL)
        return;
    (void)close(notify->fd);
    event_free(notify->timer);
    free(notify);
}
