#include "jobs/verdict.h"

#include "common/memory.h"

void
verdict_complete(struct report *verdict, const char *returnvalue)
{
    *verdict = (struct report){ .type = REPORT_COMPLETED, .value = memory_copy_string(returnvalue) };
}

void
verdict_fail(struct report *verdict, const char *reason, bool retry)
{
    *verdict = (struct report){ .type = REPORT_FAILED, .text = memory_copy_string(reason), .retry = retry };
}

void
verdict_fail_with(struct report *verdict, const struct error *err, bool retry)
{
    verdict_fail(verdict, err->text, retry);
    verdict->code = err->code;
}

void
verdict_interrupt(struct report *verdict, const char *reason)
{
    *verdict = (struct report){ .type = REPORT_INTERRUPTED, .text = memory_copy_string(reason) };
}

void
verdict_delay(struct report *verdict, struct wall until)
{
    *verdict = (struct report){ .type = REPORT_DELAY, .ms = until.ms };
}

void
verdict_wait(struct report *verdict)
{
    *verdict = (struct report){ .type = REPORT_WAIT };
}
