#include "jobs/restore_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jobs/restore_origin.h"
#include "jobs/restore_tables.h"
#include "jobs/restore_target.h"

void
restore_plan_add(struct restore_plan *plan, const struct restore_order *order, const char *name,
    enum restore_verdict verdict, const char *format, ...)
{
    struct restore_check *check = &plan->checks[plan->count++];
    char words[2048];
    va_list values;

    va_start(values, format);
    (void)vsnprintf(words, sizeof(words), format, values); /* what does not fit is cut */
    va_end(values);
    for (char *c = words; *c != '\0'; c++)
        if (*c == '\n')
            *c = ' '; /* what programs and servers say may have several lines */
    check->name = name;
    check->verdict = verdict;
    text_add(&check->words, words);
    if (verdict == RESTORE_REFUSED)
        plan->refused++;
    order->on_check(check, order->owner);
}

bool
restore_plan_was_stopped(const struct error *err)
{
    return err->code == ERROR_STOPPED || err->code == ERROR_TIMEOUT;
}

/* Which kind of file it is. What is no file is for the checks to tell. */
static void
find_kind(const struct restore_order *order, struct restore_plan *plan)
{
    int fd = open(order->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    char front[8];
    ssize_t count;
    struct stat file;

    if (fd == -1)
        return;
    if (fstat(fd, &file) == 0 && S_ISREG(file.st_mode)) {
        count = read(fd, front, sizeof(front));
        plan->is_script = count > 0 && sql_script_is(front, (size_t)count);
        plan->size_bytes = file.st_size;
        plan->path = realpath(order->file, NULL);
    }
    (void)close(fd); /* was only read */
}

/* --- An archive --- */

/* Where the SHA-256 is another, the rows were not compared any more. */
static void
tell_readable(const struct restore_order *order, struct restore_plan *plan)
{
    const struct verify_result *dump = &plan->dump;
    bool agrees = dump->stage == VERIFY_DONE && dump->facts.has_contents;
    struct text words = TEXT_EMPTY;

    archive_contents_add_summary(&dump->proof.contents, &words);
    if (agrees)
        text_add(&words, ", as in the manifest");
    else if (dump->manifest.length == 0)
        text_add(&words, "; without a manifest nothing says that this is all");
    else
        text_add(&words, dump->facts.has_contents ? "; not compared with the manifest"
                                                  : "; the manifest lists no tables to compare with");
    restore_plan_add(
        plan, order, "archive", agrees ? RESTORE_OK : RESTORE_WARN, "read back whole: %s", text_string(&words));
    text_clear(&words);
}

/* After a failure of pg_restore's, too: our own reading goes on to the end. */
static void
tell_checksum(const struct restore_order *order, struct restore_plan *plan)
{
    const struct verify_result *dump = &plan->dump;

    if (dump->manifest.length == 0)
        restore_plan_add(plan, order, "checksum", RESTORE_WARN,
            "there is no manifest beside it: nothing tells whether it is what was dumped");
    else if (strcmp(dump->proof.sha256, dump->facts.sha256) == 0)
        restore_plan_add(
            plan, order, "checksum", RESTORE_OK, "size and SHA-256 are those of '%s'", text_string(&dump->manifest));
    else if (dump->proof.sha256[0] != '\0')
        restore_plan_add(plan, order, "checksum", RESTORE_REFUSED, "its SHA-256 is %s, but its manifest says %s",
            dump->proof.sha256, dump->facts.sha256);
    else
        restore_plan_add(plan, order, "checksum", RESTORE_WARN, "it could not be read to its end");
}

static void
tell_dump(const struct restore_order *order, struct restore_plan *plan, const struct error *err)
{
    switch (plan->dump.stage) {
    case VERIFY_OPENING:
        plan->file_missing = true;
        restore_plan_add(plan, order, "archive", RESTORE_REFUSED, "%s", err->text);
        break;
    case VERIFY_MANIFEST:
    case VERIFY_SIZE:
        restore_plan_add(plan, order, "checksum", RESTORE_REFUSED, "%s", err->text);
        break;
    case VERIFY_READING:
    case VERIFY_CONTENTS:
        tell_checksum(order, plan);
        restore_plan_add(plan, order, "archive", RESTORE_REFUSED, "%s", err->text);
        break;
    case VERIFY_CHECKSUM:
    case VERIFY_RESTORE:
    case VERIFY_DONE:
        tell_checksum(order, plan);
        tell_readable(order, plan);
        break;
    }
}

static bool
check_archive(const struct restore_order *order, struct restore_plan *plan, struct error *err)
{
    struct verify_order verify = {
        .file = order->file, .level = SETTINGS_VERIFY_FULL, .on_progress = order->on_progress, .owner = order->owner
    };
    bool ok = verify_file(&verify, &plan->dump, err);

    if (!ok && restore_plan_was_stopped(err))
        return false;
    plan->client_missing = !ok && err->code == ERROR_CONFIG;
    tell_dump(order, plan, err);
    if (plan->path != NULL && !archive_head_read(plan->path, plan->server_version, err) &&
        restore_plan_was_stopped(err))
        return false; /* any other failure has been told */
    return true;
}

/* --- A script --- */

static void
on_script_progress(int64_t bytes, void *owner)
{
    const struct restore_order *order = owner;

    order->on_progress("reading back", bytes, 0, order->owner);
}

static bool
check_script(const struct restore_order *order, struct restore_plan *plan, struct error *err)
{
    struct restore_order copy = *order;
    struct text tables = TEXT_EMPTY;
    bool ok = sql_script_read(plan->path, on_script_progress, &copy, &plan->script, err);

    if (!ok && restore_plan_was_stopped(err))
        return false;
    plan->client_missing = !ok && err->code == ERROR_CONFIG;
    text_add_count(&tables, plan->script.tables, "table");
    restore_plan_add(plan, order, "checksum", RESTORE_WARN,
        "a .sql.gz has no manifest: nothing tells whether it is what was dumped");
    if (ok)
        restore_plan_add(plan, order, "archive", RESTORE_WARN,
            "unpacked whole, %s; rows cannot be compared with anything", text_string(&tables));
    else
        restore_plan_add(plan, order, "archive", RESTORE_REFUSED, "%s", err->text);
    text_clear(&tables);
    memcpy(plan->server_version, plan->script.server_version, sizeof(plan->server_version));
    return true;
}

bool
restore_plan_make(const struct restore_order *order, struct restore_plan *plan, struct error *err)
{
    find_kind(order, plan);
    if (plan->is_script ? !check_script(order, plan, err) : !check_archive(order, plan, err))
        return false;
    if (plan->file_missing)
        return true; /* there is nothing that the target could be compared with */
    restore_tables_check(order, plan);
    return restore_target_check(order, plan, err) && restore_origin_check(order, plan, err);
}

void
restore_plan_clear(struct restore_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        text_clear(&plan->checks[i].words);
    database_close(plan->session);
    archive_contents_clear(&plan->wanted);
    verify_result_clear(&plan->dump);
    free(plan->path);
    *plan = RESTORE_PLAN_EMPTY;
}
