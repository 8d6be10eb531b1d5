#include "jobs/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/memory.h"
#include "jobs/client.h"
#include "jobs/process.h"
#include "jobs/restored.h"
#include "jobs/stall.h"

#define APPLICATION DATABASE_APPLICATION " restore"
#define FIXED_ARGUMENTS 9 /* of pg_restore, with the path and the NULL */
#define LOOK_MS 2000      /* between two looks at who is in the way */
#define BLOCKED_MS                                                                                                     \
    10000 /* nobody should be there; whoever only looks in is gone by then, and autovacuum gives way after one second */

struct work {
    const struct restore_order *order;
    struct restore_plan *plan;
    int64_t bytes_read; /* of the dump, by the program */
    struct moment next_look;
    bool is_blocked;
    struct moment blocked; /* since when */

    /* a script */
    struct process *unpacker;
    int held_open; /* the pipe's end that keeps psql from its last word, COMMIT; -1: it may go on */
};

/* --- While it runs --- */

static bool
is_given_way(struct work *work, const struct stall_view *view, struct error *err)
{
    if (!view->is_blocked || !work->is_blocked)
        work->blocked = moment_now();
    work->is_blocked = view->is_blocked;
    if (!work->is_blocked || !moment_is_past(moment_add_ms(work->blocked, BLOCKED_MS)))
        return true;
    (void)error_set(err, ERROR_TIMEOUT, "somebody came into the database meanwhile: the restore waits for %s",
        text_string(&view->waits_for));
    error_advise(err, "stop whatever uses the database (docker compose stop api web worker), and try again");
    return false;
}

/*
 * Nobody was in the database when it was looked at, but somebody may have come since; and what they hold would be waited for without end. The
 * dump's own settings turn lock_timeout off, so who is in the way is asked. That it cannot be asked ends no restore.
 */
static bool
check_way(struct work *work, struct error *err)
{
    struct stall_view view = STALL_VIEW_EMPTY;
    struct error unknown;
    bool ok;

    if (!moment_is_past(work->next_look))
        return true;
    ok = !stall_look(work->plan->session, APPLICATION, &view, &unknown) || is_given_way(work, &view, err);
    work->next_look = moment_add_ms(moment_now(), LOOK_MS);
    stall_view_clear(&view);
    return ok;
}

static bool
on_tick(void *owner, struct error *err)
{
    struct work *work = owner;

    if (work->bytes_read >= 0)
        work->order->on_progress("restoring", work->bytes_read, work->plan->size_bytes, work->order->owner);
    return check_way(work, err);
}

/* --- An archive --- */

struct arguments {
    const char **list; /* NULL at its end */
    size_t count;
    struct text how;
    struct text *chosen; /* of each table its name and its schema */
    size_t chosen_count;
};

static void
choose(const struct archive_contents *tables, const char *option, const char *name, struct arguments *out)
{
    struct text *argument = &out->chosen[out->chosen_count++];

    text_add(argument, option);
    archive_contents_add_raw(tables, name, argument);
    out->list[out->count++] = text_string(argument);
}

static void
make_arguments(const struct restore_order *order, const struct restore_plan *plan, struct arguments *out)
{
    size_t tables = order->table_count == 0 ? 0 : plan->wanted.count;
    static const char *const always[] = { "pg_restore", "--exit-on-error", "--no-owner", "--no-acl" };
    static const char *const clean[] = { "--clean", "--if-exists" };

    out->list = memory_new((FIXED_ARGUMENTS + 2 * tables) * sizeof(*out->list));
    out->chosen = memory_new((2 * tables + 1) * sizeof(*out->chosen));
    for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
        out->list[out->count++] = always[i];
    for (size_t i = 0; order->clean && i < sizeof(clean) / sizeof(clean[0]); i++)
        out->list[out->count++] = clean[i];
    if (order->jobs > 1)
        text_format(&out->how, "--jobs=%" PRId64, order->jobs);
    else
        text_add(&out->how, "--single-transaction");
    out->list[out->count++] = text_string(&out->how);
    for (size_t i = 0; i < tables; i++) {
        choose(&plan->wanted, "--table=", plan->wanted.tables[i].name, out);
        choose(&plan->wanted, "--schema=", plan->wanted.tables[i].schema, out);
    }
    out->list[out->count] = plan->path;
}

static void
free_arguments(struct arguments *arguments)
{
    for (size_t i = 0; i < arguments->chosen_count; i++)
        text_clear(&arguments->chosen[i]);
    text_clear(&arguments->how);
    free(arguments->chosen);
    free(arguments->list);
}

static bool
restore_archive(struct work *work, struct restore_result *result, struct error *err)
{
    struct arguments arguments = { .count = 0 };
    struct client_command command = { .application = APPLICATION,
        .database = work->plan->session,
        .bytes_read = &work->bytes_read,
        .on_tick = on_tick,
        .owner = work };
    bool ok;

    make_arguments(work->order, work->plan, &arguments);
    command.argv = arguments.list;
    ok = client_run(&command, &result->words, err);
    free_arguments(&arguments);
    return ok;
}

/* --- A script --- */

/*
 * psql commits at the end of its input. That comes only once we close our end of the pipe; and we do when the unpacker has ended well, so
 * that half a script is never committed.
 */
static bool
on_script_tick(void *owner, struct error *err)
{
    struct work *work = owner;

    if (!check_way(work, err))
        return false;
    if (work->held_open == -1)
        return true;
    if (!process_has_ended(work->unpacker)) {
        work->order->on_progress(
            "restoring", process_bytes_read(work->unpacker), work->plan->size_bytes, work->order->owner);
        process_listen(work->unpacker);
        return true;
    }
    if (!process_finish(work->unpacker, NULL, NULL, err))
        return error_add(err, "it could not be unpacked");
    (void)close(work->held_open);
    work->held_open = -1;
    return true;
}

static bool
restore_script(struct work *work, struct restore_result *result, struct error *err)
{
    const char *const unpack[] = { "gzip", "-dc", work->plan->path, NULL };
    const char *const psql[] = { "psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--single-transaction",
        "--output=/dev/null", "--file=-", NULL };
    struct process_command start = { .argv = unpack, .handed_down = PROCESS_NO_FD };
    struct client_command command = { .argv = psql,
        .application = APPLICATION,
        .database = work->plan->session,
        .on_tick = on_script_tick,
        .owner = work };
    int ends[2];
    bool ok;

    if (pipe2(ends, O_CLOEXEC) == -1)
        return error_set_errno(err, errno, "pipe");
    work->held_open = ends[1];
    start.output = ends[1];
    command.input = ends[0];
    work->unpacker = process_start(&start, err);
    ok = work->unpacker != NULL && client_run(&command, &result->words, err);
    process_free(work->unpacker);
    (void)close(ends[0]);
    if (work->held_open != -1)
        (void)close(work->held_open);
    return ok;
}

/* --- Both --- */

static bool
compare(struct work *work, struct error *err)
{
    struct database *session = work->plan->session;
    const struct archive_contents *wanted = &work->plan->wanted;

    return restored_has_tables(session, wanted, err) &&
           (work->order->table_count > 0 || restored_has_others(session, wanted, work->plan->target_is_empty, err));
}

bool
restore_perform(
    const struct restore_order *order, struct restore_plan *plan, struct restore_result *result, struct error *err)
{
    struct moment start = moment_now();
    struct work work = { .order = order, .plan = plan, .next_look = moment_add_ms(start, LOOK_MS), .held_open = -1 };

    result->is_half = order->jobs > 1 && !plan->is_script;
    result->restored = plan->is_script ? restore_script(&work, result, err) : restore_archive(&work, result, err);
    result->restore_ms = moment_ms_between(start, moment_now());
    if (!result->restored)
        return false;
    result->is_half = false;
    if (plan->is_script)
        return true;
    order->on_progress("counting rows", -1, 0, order->owner);
    start = moment_now();
    result->compared = compare(&work, err);
    result->count_ms = moment_ms_between(start, moment_now());
    return result->compared;
}

void
restore_result_clear(struct restore_result *result)
{
    text_clear(&result->words);
    *result = RESTORE_RESULT_EMPTY;
}
