/* scripts: our Lua scripts, embedded at build time from protocol/lua. Each file says what it does and what its arguments are. */
#ifndef PROTOCOL_SCRIPTS_H
#define PROTOCOL_SCRIPTS_H

#include <stddef.h>

struct script {
    const char *name;
    const char *sha1; /* as Redis computes it: 40 hexadecimal digits */
    const char *text;
    size_t length;
};

extern const struct script script_add;
extern const struct script script_data;
extern const struct script script_delay;
extern const struct script script_extend_locks;
extern const struct script script_fetch;
extern const struct script script_finish;
extern const struct script script_log;
extern const struct script script_overview;
extern const struct script script_progress;
extern const struct script script_release;
extern const struct script script_renew;
extern const struct script script_renew_legacy;
extern const struct script script_retry;
extern const struct script script_schedule;
extern const struct script script_snapshot;
extern const struct script script_stalled;
extern const struct script script_unschedule;

#endif
