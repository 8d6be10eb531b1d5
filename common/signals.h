/* signals: what a signal is called, the same with every C library. */
#ifndef COMMON_SIGNALS_H
#define COMMON_SIGNALS_H

#include "common/text.h"

/* "SIGKILL"; one without a name of its own, a real-time signal say, is "signal 34". */
void signal_add_name(struct text *out, int number);

#endif
