#include "cli/restore_show.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/answer.h"
#include "cli/screen.h"

#define NAME_WIDTH 10
#define VERDICT_WIDTH 8

/* clang-format off */
static const struct {
    const char *word;
    enum screen_style style;
} verdicts[] = {
    [RESTORE_OK]      = { "ok", SCREEN_GOOD },
    [RESTORE_WARN]    = { "warn", SCREEN_WARN },
    [RESTORE_REFUSED] = { "refused", SCREEN_BAD },
};
/* clang-format on */

void
restore_show_check(const struct restore_check *check)
{
    const char *word = verdicts[check->verdict].word;
    struct text line = TEXT_EMPTY;

    screen_add_styled(&line, verdicts[check->verdict].style, word);
    text_format(&line, "%*s %-*s ", VERDICT_WIDTH - (int)strlen(word), "", NAME_WIDTH, check->name);
    (void)screen_add_line(&line, text_string(&check->words), SCREEN_ENDLESS);
    (void)puts(text_string(&line));
    (void)fflush(stdout); /* the next one may take long */
    text_clear(&line);
}

/* --- What is left to do --- */

enum { STEPS_MAX = 7 };

struct step {
    bool done;
    struct text words;
};

struct steps {
    struct step list[STEPS_MAX];
    size_t count;
};

static struct text *
add_step(struct steps *steps, bool done)
{
    struct step *step = &steps->list[steps->count++];

    *step = (struct step){ .done = done, .words = TEXT_EMPTY };
    return &step->words;
}

static void
add_migrations_step(const struct restore_plan *plan, struct steps *steps)
{
    if (plan->migrations_left == 0)
        text_add(
            add_step(steps, true), "Migrations: the app's are the dump's; `prisma migrate deploy` has nothing to do");
    else if (plan->migrations_left > 0)
        text_format(add_step(steps, false),
            "Migrations: start the API; its `prisma migrate deploy` has to apply %" PRId64, plan->migrations_left);
    else
        text_add(add_step(steps, false),
            "Migrations: start the API of the dump's version or a newer one; its `prisma migrate deploy` must succeed");
}

static void
list_steps(const struct restore_told *told, struct steps *steps)
{
    const struct restore_plan *plan = told->plan;
    const char *key_id = plan->dump.facts.password_key_id;
    bool compared = told->result->compared;

    text_add(add_step(steps, compared),
        compared ? "Rows: every table has as many as in the dump"
                 : "Rows: they could not be compared with anything; look at the newest ones in the app");
    add_migrations_step(plan, steps);
    text_format(add_step(steps, plan->key_is_there), "Secrets: the .env has PASSWORD_ENCRYPTION_KEY with id '%s'",
        key_id == NULL ? "1" : key_id);
    text_add(add_step(steps, false),
        "Secrets: a stored password can be read; MFA_ENCRYPTION_KEY, INTEGRATION_SECRET_KEY, SMTP_SECRET_KEY and "
        "JWT_SIGNING_KEY are the old host's");
    text_add(add_step(steps, false), "Files: ${DATA_DIR}/files is copied from the old host; an attachment opens");
    text_add(add_step(steps, false), "Sign-in: an administrator can sign in, and Admin -> Backups shows the history");
    text_add(add_step(steps, false),
        "Backups: Admin -> Backups -> Run now succeeds on this host, and its dump is copied off-host");
}

static void
clear_steps(struct steps *steps)
{
    for (size_t i = 0; i < steps->count; i++)
        text_clear(&steps->list[i].words);
}

/* --- For people --- */

static void
show_steps(const struct restore_told *told)
{
    struct steps steps = { .count = 0 };

    list_steps(told, &steps);
    (void)puts("\nBefore the old host is given up:");
    for (size_t i = 0; i < steps.count; i++)
        (void)printf("  [%c] %s\n", steps.list[i].done ? 'x' : ' ', text_string(&steps.list[i].words));
    clear_steps(&steps);
}

static void
add_where(const struct restore_order *order, struct text *out)
{
    const char *database = postgres_url_value(order->url, "dbname");

    text_format(out, "'%s'", database == NULL ? "" : database);
    if (*order->url->hostname != '\0')
        text_format(out, " on %s", order->url->hostname);
}

static void
print_line(const struct text *words)
{
    struct text line = TEXT_EMPTY;

    (void)screen_add_line(&line, text_string(words), SCREEN_ENDLESS);
    (void)puts(text_string(&line));
    text_clear(&line);
}

static void
show_restored(const struct restore_told *told)
{
    const struct restore_plan *plan = told->plan;
    const struct restore_result *result = told->result;
    struct text line = TEXT_EMPTY;

    text_add(&line, "restored into ");
    add_where(told->order, &line);
    text_add(&line, " in ");
    screen_add_duration(&line, result->restore_ms);
    if (result->compared) {
        text_add(&line, ": ");
        text_add_count(&line, (int64_t)plan->wanted.count, "table");
        text_add(&line, " with ");
        text_add_count(&line, plan->wanted.rows, "row");
        text_add(&line, ", counted in ");
        screen_add_duration(&line, result->count_ms);
        text_add(&line, plan->dump.facts.has_contents ? ": as in the manifest" : ": as in the dump");
    }
    (void)puts("");
    print_line(&line);
    if (result->words.length > 0) {
        text_reset(&line);
        text_format(&line, "%s said: %s", plan->is_script ? "psql" : "pg_restore", text_string(&result->words));
        print_line(&line);
    }
    text_clear(&line);
}

void
restore_show_outcome(const struct restore_told *told)
{
    if (told->result->restored) {
        show_restored(told);
        show_steps(told);
    } else if (told->plan_only && told->plan->refused == 0)
        (void)puts("\nIt can be restored: the same command without --plan does it.");
}

/* --- For programs --- */

static json_t *
make_checks(const struct restore_plan *plan)
{
    json_t *checks = json_array();

    for (size_t i = 0; i < plan->count; i++)
        (void)json_array_append_new(checks,
            json_pack("{s:s, s:s, s:o}", "name", plan->checks[i].name, "verdict",
                verdicts[plan->checks[i].verdict].word, "text", answer_text(text_string(&plan->checks[i].words))));
    return checks;
}

static json_t *
make_steps(const struct restore_told *told)
{
    struct steps steps = { .count = 0 };
    json_t *list = json_array();

    if (told->result->restored)
        list_steps(told, &steps);
    for (size_t i = 0; i < steps.count; i++)
        (void)json_array_append_new(
            list, json_pack("{s:o, s:b}", "text", answer_text(text_string(&steps.list[i].words)), "done",
                      steps.list[i].done));
    clear_steps(&steps);
    return list;
}

void
restore_show_json(const struct restore_told *told)
{
    const struct restore_plan *plan = told->plan;
    const struct restore_result *result = told->result;
    bool counted = plan->wanted.count > 0;

    answer_print(json_pack("{s:o, s:o, s:o, s:b, s:o, s:I, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "file",
        answer_text(told->order->file), "host", answer_text(told->order->url->hostname), "database",
        answer_text(postgres_url_value(told->order->url, "dbname")), "planOnly", told->plan_only, "checks",
        make_checks(plan), "refused", (json_int_t)plan->refused, "restored", result->restored, "compared",
        result->compared, "reason", answer_text(told->reason), "warnings",
        answer_text(result->words.length > 0 ? text_string(&result->words) : NULL), "tables",
        answer_number(counted, (int64_t)plan->wanted.count), "rows", answer_number(counted, plan->wanted.rows),
        "restoreMs", answer_number(result->restored, result->restore_ms), "countMs",
        answer_number(result->compared, result->count_ms), "checklist", make_steps(told)));
}
