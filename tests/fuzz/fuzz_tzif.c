/* Zone files: whatever is taken has an offset at any time, in a span around that time, and the spans meet. */
#include "tests/fuzz/fuzz.h"

#include "protocol/tzif.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int64_t seconds[] = { -10000000000, -1, 0, 1774742400, 4102444800, 100000000000 };
    struct tzif table;
    struct error err = ERROR_EMPTY;

    if (!tzif_parse((const char *)data, size, &table, &err)) {
        assert(err.code == ERROR_INPUT && err.text[0] != '\0');
        return 0;
    }
    for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
        struct timezone_span span = tzif_span(&table, seconds[i]);

        assert(span.from <= seconds[i] && seconds[i] < span.until);
        if (span.until != INT64_MAX)
            assert(tzif_span(&table, span.until).from == span.until);
    }
    tzif_clear(&table);
    return 0;
}
