/* The encrypted SMTP password: opened or refused, with the reason, whatever the column holds. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "jobs/envelope.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char key[] = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    static const char others[] = "old:"
                                 "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI"
                                 ",2:"
                                 "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE";
    struct secret current = SECRET_EMPTY;
    struct secret previous = SECRET_EMPTY;
    struct secret password = SECRET_EMPTY;
    struct envelope_keys keys = { .current = &current, .current_id = "1", .previous = &previous };
    char *base64 = memory_copy((const char *)data, size);
    struct error err = ERROR_EMPTY;
    bool ok;

    secret_set(&current, key, strlen(key));
    secret_set(&previous, others, strlen(others));
    ok = envelope_open(base64, &keys, &password, &err);
    assert(ok == secret_is_set(&password));
    assert(ok || (err.code == ERROR_INPUT || err.code == ERROR_CONFIG));
    assert(ok || strncmp(err.text, "the SMTP password cannot be decrypted: ", 39) == 0);
    secret_clear(&current);
    secret_clear(&previous);
    secret_clear(&password);
    free(base64);
    return 0;
}
