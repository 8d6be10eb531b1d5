#include "cli/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

#define GAP 2
#define CUT_AT_LEAST 8 /* columns that are left of one that is cut */

struct table
table_new(const struct table_column *columns, size_t column_count)
{
    return (struct table){ .columns = columns, .column_count = column_count };
}

void
table_add(struct table *table, enum screen_style style, const char *cell)
{
    if (table->count == table->room) {
        table->room = table->room == 0 ? 64 : table->room * 2;
        table->cells = memory_resize(table->cells, table->room * sizeof(*table->cells));
    }
    table->cells[table->count++] =
        (struct table_cell){ .style = style, .text = memory_copy_string(cell == NULL || cell[0] == '\0' ? "-" : cell) };
}

void
table_add_size(struct table *table, int64_t bytes)
{
    struct text size = TEXT_EMPTY;

    text_add_size(&size, bytes);
    table_add(table, SCREEN_PLAIN, text_string(&size));
    text_clear(&size);
}

void
table_add_time(struct table *table, struct wall at)
{
    char iso[WALL_ISO_SIZE];

    wall_format_iso(at, iso);
    iso[strcspn(iso, "T")] = ' ';
    (void)snprintf(strchr(iso, '.'), sizeof("Z"), "Z");
    table_add(table, SCREEN_PLAIN, iso);
}

void
table_add_duration(struct table *table, int64_t ms)
{
    struct text duration = TEXT_EMPTY;

    screen_add_duration(&duration, ms);
    table_add(table, SCREEN_PLAIN, text_string(&duration));
    text_clear(&duration);
}

static size_t
measure(const char *string)
{
    struct text line = TEXT_EMPTY;
    size_t columns = screen_add_line(&line, string, SCREEN_ENDLESS);

    text_clear(&line);
    return columns;
}

static size_t
next_column(const struct table *table, size_t column)
{
    return column + 1 < table->column_count ? column + 1 : 0;
}

/* What each column takes when nothing is cut. */
static void
measure_columns(const struct table *table, size_t *widths)
{
    for (size_t i = 0; i < table->column_count; i++)
        widths[i] = measure(table->columns[i].title);
    for (size_t i = 0, column = 0; i < table->count; i++, column = next_column(table, column)) {
        size_t columns = measure(table->cells[i].text);

        widths[column] = columns > widths[column] ? columns : widths[column];
    }
}

static void
cut_columns(const struct table *table, size_t *widths, size_t width)
{
    size_t taken = (table->column_count - 1) * GAP;

    for (size_t i = 0; i < table->column_count; i++)
        taken += widths[i];
    for (size_t i = table->column_count; i-- > 0 && taken > width;) {
        size_t least = widths[i] < CUT_AT_LEAST ? widths[i] : CUT_AT_LEAST;
        size_t wanted = taken - width;

        if (!table->columns[i].cut)
            continue;
        if (wanted > widths[i] - least)
            wanted = widths[i] - least;
        widths[i] -= wanted;
        taken -= wanted;
    }
}

static void
add_cell(const struct table *table, size_t column, const char *string, enum screen_style style, const size_t *widths,
    struct text *out)
{
    bool is_last = column + 1 == table->column_count;
    struct text line = TEXT_EMPTY;
    size_t columns = screen_add_line(&line, string, widths[column]);
    int padding = (int)(widths[column] - columns);

    if (table->columns[column].right)
        text_format(out, "%*s", padding, "");
    text_format(out, "%s%s%s", screen_style_start(style), text_string(&line), screen_style_end(style));
    if (!is_last)
        text_format(out, "%*s", GAP + (table->columns[column].right ? 0 : padding), "");
    text_clear(&line);
}

void
table_format(const struct table *table, size_t width, bool coloured, struct text *out)
{
    size_t *widths = memory_new(table->column_count * sizeof(*widths));

    measure_columns(table, widths);
    cut_columns(table, widths, width);
    for (size_t i = 0; i < table->column_count; i++)
        add_cell(table, i, table->columns[i].title, coloured ? SCREEN_BOLD : SCREEN_PLAIN, widths, out);
    text_add(out, "\n");
    for (size_t i = 0, column = 0; i < table->count; i++, column = next_column(table, column)) {
        const struct table_cell *cell = &table->cells[i];

        add_cell(table, column, cell->text, coloured ? cell->style : SCREEN_PLAIN, widths, out);
        text_add(out, next_column(table, column) == 0 ? "\n" : "");
    }
    free(widths);
}

void
table_print(const struct table *table)
{
    struct text out = TEXT_EMPTY;

    if (table->count == 0)
        return;
    table_format(table, screen_width(), screen_has_colours(), &out);
    (void)fputs(text_string(&out), stdout);
    text_clear(&out);
}

void
table_clear(struct table *table)
{
    for (size_t i = 0; i < table->count; i++)
        free(table->cells[i].text);
    free(table->cells);
    *table = (struct table){ .columns = NULL };
}
