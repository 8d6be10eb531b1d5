/* stream: what a program writes on its standard output, handed on as it comes. */
#ifndef JOBS_STREAM_H
#define JOBS_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

typedef void stream_bytes_fn(const char *bytes, size_t length, void *owner);
typedef void stream_progress_fn(int64_t bytes_read, void *owner); /* by the program, from wherever */

struct stream {
    const char *const *argv;
    stream_bytes_fn *on_bytes;
    stream_progress_fn *on_progress; /* ten times a second; NULL: nobody wants to know */
    void *owner;
};

/* To the program's end; the error as process_finish() has it. */
bool stream_read(const struct stream *stream, struct error *err) MUST_CHECK;

#endif
