/* A request by HTTP, in lines: it is whole or refused within its bounds, and a whole one has a path. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "consumer/request.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *at = (const char *)data;
    const char *end = at + size;
    struct request request = REQUEST_EMPTY;

    while (at < end && request.state < REQUEST_WHOLE) {
        const char *feed = memchr(at, '\n', (size_t)(end - at));
        struct text line = TEXT_EMPTY;

        text_add_bytes(&line, at, (size_t)((feed == NULL ? end : feed) - at));
        request_take_line(&request, text_string(&line), line.length);
        at += line.length + 1;
        text_clear(&line);
    }
    assert(request.state == REQUEST_REFUSED || request.bytes <= REQUEST_BYTES_MAX);
    assert(request.state != REQUEST_REFUSED || (request.refusal >= 400 && request.refusal < 600));
    assert(request.state != REQUEST_WHOLE || (request.path[0] == '/' && strpbrk(request.path, "? \n") == NULL));
    request_clear(&request);
    return 0;
}
