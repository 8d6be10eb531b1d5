/*
 * payload: what came on standard input, checked.
 *
 * The job's data is the app's: {"kind":"run","configId":UUID,"backupRunId":UUID?} or {"kind":"prune","configId":UUID}. Without a kind the
 * job's name decides, with or without "backup:" in front. Other members are let be.
 *
 * A scheduled run comes without a row; each attempt at it makes one, whose id follows from the job and the attempt's number. So whoever knows the
 * job knows the rows that its dead attempts have left.
 */
#ifndef JOBS_PAYLOAD_H
#define JOBS_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/text.h"
#include "jobs/uuid.h"

#define PAYLOAD_BYTES_MAX ((size_t)256 * 1024) /* of the whole job; the app's are a few hundred bytes */

enum payload_kind { PAYLOAD_RUN, PAYLOAD_PRUNE };

struct payload {
    enum payload_kind kind;
    char config_id[UUID_SIZE];
    char run_id[UUID_SIZE];   /* "": a scheduled run, which makes its own row */
    int64_t attempts_started; /* this one included; 0: not known */
    bool is_last;             /* no other attempt follows if this one fails */
    bool is_alone; /* a person runs it, no queue knows of it: nobody tries again, or takes the jobs that it adds */
    int64_t stalled_counter; /* how often a worker died over it */
    struct wall added;       /* when the job was made */
    char job[UUID_SIZE];     /* made of what tells it from all other jobs; "": not known */
};

/* All of standard input, or more than PAYLOAD_BYTES_MAX of it. ERROR_INPUT: "Invalid backup job payload: ..." */
bool payload_parse(const char *bytes, size_t length, struct payload *out, struct error *err) MUST_CHECK;

/* The row that this attempt works on, or makes. False: nobody else could know which. */
bool payload_row(const struct payload *payload, char out[UUID_SIZE]);

/* A Postgres array literal, "{id,id}": the rows of all attempts so far, with this one's or without; it may be empty. */
void payload_add_rows(const struct payload *payload, bool with_this, struct text *out);

/* The job was taken before: an earlier attempt may still be on its way out. */
bool payload_was_taken_before(const struct payload *payload);

#endif
