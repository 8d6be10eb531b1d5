/*
 * table: aligned columns for people.
 *
 *     static const struct table_column columns[] = { { .title = "FILE" }, { .title = "SIZE", .right = true },
 *         { .title = "REASON", .cut = true } };
 *     struct table table = table_new(columns, 3);
 *
 *     table_add(&table, SCREEN_PLAIN, name);
 *     table_add(&table, SCREEN_PLAIN, size);
 *     table_add(&table, SCREEN_BAD, reason);
 *     table_print(&table);
 *     table_clear(&table);
 *
 * Cells are filled in row by row; NULL or "" is shown as "-". On a terminal, titles and styles have colours, and columns that may be cut are,
 * the last one first, so that a row is a line; elsewhere nothing is cut.
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/screen.h"
#include "common/clock.h"
#include "common/text.h"

struct table_column {
    const char *title;
    bool right; /* flush right, as numbers are */
    bool cut;   /* may be cut to the width of the terminal */
};

struct table_cell {
    enum screen_style style;
    char *text;
};

struct table {
    const struct table_column *columns; /* the caller's */
    size_t column_count;
    struct table_cell *cells; /* row by row */
    size_t count;
    size_t room;
};

struct table table_new(const struct table_column *columns, size_t column_count);
void table_add(struct table *table, enum screen_style style, const char *cell); /* copied */
void table_add_size(struct table *table, int64_t bytes);                        /* "1.18 MiB" */
void table_add_time(struct table *table, struct wall at); /* "2026-11-24 15:00:07Z": UTC, as in names of dumps */
void table_add_duration(struct table *table, int64_t ms); /* "0.8 s", "2 min 5 s", "1 h 2 min" */
/* On standard output; nothing if there are no rows. */
void table_print(const struct table *table);
/* The same as text, for a width. */
void table_format(const struct table *table, size_t width, bool coloured, struct text *out);
void table_clear(struct table *table);

#endif
