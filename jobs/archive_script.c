#include "jobs/archive_script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

#define HEAD_BYTES ((size_t)2048) /* kept of a statement: `COPY schema.name` with the longest names, and more */

enum state {
    CODE,          /* between statements, or in one */
    DASH,          /* in code, after one that may begin a comment */
    STRING,        /* in '...' */
    IDENTIFIER,    /* in "..." */
    IGNORED_LINE,  /* in a comment, or a command of psql's such as \restrict */
    COPY_LINE,     /* behind the semicolon of a COPY: its rows begin with the next line */
    ROW_START,     /* at the start of a row, */
    ROW_BACKSLASH, /* behind a backslash there, */
    ROW_DOT,       /* and behind `\.`, which alone in its line ends the rows */
    ROW,           /* further on in a row */
};

struct archive_script {
    struct archive_contents *contents;
    enum state state;
    struct text head; /* of the statement at hand, without comments; empty between statements */
    int64_t rows;     /* of the COPY at hand */
    bool unnamed;     /* there was a COPY whose table could not be read */
};

struct archive_script *
archive_script_new(struct archive_contents *contents)
{
    struct archive_script *script = memory_new(sizeof(*script));

    script->contents = contents;
    return script;
}

static void
keep(struct archive_script *script, const char *bytes, size_t length)
{
    size_t room = HEAD_BYTES - script->head.length;

    text_add_bytes(&script->head, bytes, length < room ? length : room);
}

static bool
begins_with(const struct text *text, const char *prefix)
{
    return strncmp(text_string(text), prefix, strlen(prefix)) == 0;
}

/* What names are written in from here on. */
static void
note_encoding(struct archive_script *script, const char *name)
{
    size_t length = strcspn(name, "'");
    char *encoding = script->contents->encoding;

    if (length < sizeof(script->contents->encoding))
        (void)snprintf(encoding, sizeof(script->contents->encoding), "%.*s", (int)length, name);
}

static enum state
end_statement(struct archive_script *script)
{
    static const char copy[] = "COPY ";
    static const char encoding[] = "SET client_encoding = '";
    const char *words = text_string(&script->head);
    enum state next = CODE;

    if (begins_with(&script->head, copy)) {
        next = COPY_LINE;
        script->rows = 0;
        if (archive_contents_add_quoted(
                script->contents, words + strlen(copy), script->head.length - strlen(copy), 0) == 0)
            script->unnamed = true;
    } else if (begins_with(&script->head, "SELECT pg_catalog.setval("))
        script->contents->sequences++;
    else if (begins_with(&script->head, "SELECT pg_catalog.lo_open("))
        script->contents->large_objects++;
    else if (begins_with(&script->head, encoding))
        note_encoding(script, words + strlen(encoding));
    text_reset(&script->head);
    return next;
}

/* One character of code. */
static enum state
read_code(struct archive_script *script, char c)
{
    bool between = script->head.length == 0;

    if (c == ';')
        return end_statement(script);
    if (c == '-')
        return DASH;
    if (c == '\\' && between)
        return IGNORED_LINE;
    if (between && strchr(" \t\r\n", c) != NULL && c != '\0')
        return CODE;
    keep(script, &c, 1);
    return c == '\'' ? STRING : c == '"' ? IDENTIFIER : CODE;
}

static enum state
end_rows(struct archive_script *script)
{
    if (!script->unnamed)
        archive_contents_add_rows(script->contents, script->rows);
    return CODE;
}

/* Past whole rows, which is where nearly all of a script's bytes are. Leaves the state of the byte that it comes back with. */
static const char *
pass_rows(struct archive_script *script, const char *at, const char *end)
{
    while (at < end && *at != '\\') {
        const char *newline = memchr(at, '\n', (size_t)(end - at));

        if (newline == NULL) {
            script->state = ROW;
            return end;
        }
        script->rows++;
        at = newline + 1;
    }
    if (at < end) {
        script->state = ROW_BACKSLASH;
        at++;
    }
    return at;
}

/* Up to and with the next `c`, at which the state changes. What is passed is kept if it belongs to a statement. */
static const char *
pass(struct archive_script *script, const char *at, const char *end, char c, enum state next)
{
    const char *found = memchr(at, c, (size_t)(end - at));
    const char *after = found == NULL ? end : found + 1;

    if (script->state == STRING || script->state == IDENTIFIER)
        keep(script, at, (size_t)(after - at));
    if (found != NULL)
        script->state = next;
    return after;
}

/* Reads one byte at least, unless it finds that the byte belongs to another state. */
static const char *
step(struct archive_script *script, const char *at, const char *end)
{
    switch (script->state) {
    case CODE:
        script->state = read_code(script, *at);
        return at + 1;
    case DASH:
        if (*at == '-') {
            script->state = IGNORED_LINE;
            return at + 1;
        }
        keep(script, "-", 1);
        script->state = CODE;
        return at;
    case STRING:
        return pass(script, at, end, '\'', CODE);
    case IDENTIFIER:
        return pass(script, at, end, '"', CODE);
    case IGNORED_LINE:
        return pass(script, at, end, '\n', CODE);
    case COPY_LINE:
        return pass(script, at, end, '\n', ROW_START);
    case ROW_START:
        return pass_rows(script, at, end);
    case ROW_BACKSLASH:
        script->state = *at == '.' ? ROW_DOT : ROW;
        return *at == '.' ? at + 1 : at;
    case ROW_DOT:
        script->state = *at == '\n' ? end_rows(script) : ROW;
        return *at == '\n' ? at + 1 : at;
    case ROW:
        at = pass(script, at, end, '\n', ROW_START);
        script->rows += script->state == ROW_START;
        return at;
    }
    return end;
}

void
archive_script_add(struct archive_script *script, const char *bytes, size_t length)
{
    const char *end = bytes + length;

    while (bytes < end)
        bytes = step(script, bytes, end);
}

bool
archive_script_finish(struct archive_script *script, struct error *err)
{
    bool whole = script->state == IGNORED_LINE || (script->state == CODE && script->head.length == 0);

    archive_contents_sort(script->contents);
    if (script->unnamed)
        return error_set(err, ERROR_INPUT, "the dump holds rows of a table whose name cannot be read");
    return whole || error_set(err, ERROR_INPUT, "the dump ends in the middle of %s",
                        script->state >= COPY_LINE ? "a table's rows" : "a statement");
}

void
archive_script_free(struct archive_script *script)
{
    if (script == NULL)
        return;
    text_clear(&script->head);
    free(script);
}
