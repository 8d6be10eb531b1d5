#include "jobs/stream.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/memory.h"
#include "jobs/process.h"
#include "jobs/stop.h"

#define READ_BYTES ((size_t)256 * 1024)
#define TICK_MS 100

static bool
read_to_end(const struct stream *stream, struct process *process, char *buffer, struct error *err)
{
    struct moment next_tick = moment_now();

    for (;;) {
        ssize_t count = read(process_data(process), buffer, READ_BYTES);

        if (count == 0)
            return true;
        if (count > 0)
            stream->on_bytes(buffer, (size_t)count, stream->owner);
        else if (errno != EAGAIN && errno != EINTR)
            return error_set_errno(err, errno, "read what %s writes", stream->argv[0]);
        process_listen(process);
        if (count > 0 ? !stop_check(err) : !stop_wait(process_data(process), POLLIN, next_tick, err))
            return false;
        if (!moment_is_past(next_tick))
            continue;
        if (stream->on_progress != NULL)
            stream->on_progress(process_bytes_read(process), stream->owner);
        next_tick = moment_add_ms(moment_now(), TICK_MS);
    }
}

bool
stream_read(const struct stream *stream, struct error *err)
{
    struct process_command command = { .argv = stream->argv, .handed_down = PROCESS_NO_FD, .piped = true };
    struct process *process = process_start(&command, err);
    char *buffer;
    bool ok;

    if (process == NULL)
        return false;
    buffer = memory_new(READ_BYTES);
    ok = read_to_end(stream, process, buffer, err) && process_finish(process, NULL, NULL, err);
    free(buffer);
    process_free(process);
    return ok;
}
