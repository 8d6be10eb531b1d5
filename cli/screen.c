#include "cli/screen.h"

#include <inttypes.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#define ELLIPSIS "\xE2\x80\xA6"

static const char *const starts[] = { [SCREEN_PLAIN] = "",
    [SCREEN_BOLD] = "\x1b[1m",
    [SCREEN_DIM] = "\x1b[2m",
    [SCREEN_GOOD] = "\x1b[32m",
    [SCREEN_WARN] = "\x1b[33m",
    [SCREEN_BAD] = "\x1b[31m" };

bool
screen_is_terminal(void)
{
    return isatty(STDOUT_FILENO) == 1;
}

bool
screen_has_colours(void)
{
    const char *no_color = getenv("NO_COLOR");

    return screen_is_terminal() && (no_color == NULL || no_color[0] == '\0');
}

size_t
screen_width(void)
{
    struct winsize size;

    if (!screen_is_terminal() || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == -1 || size.ws_col == 0)
        return SCREEN_ENDLESS;
    return size.ws_col;
}

const char *
screen_style_start(enum screen_style style)
{
    return starts[style];
}

const char *
screen_style_end(enum screen_style style)
{
    return style == SCREEN_PLAIN ? "" : "\x1b[0m";
}

static wchar_t
decode(const char *bytes, size_t length)
{
    static const unsigned char masks[] = { 0, 0x7F, 0x1F, 0x0F, 0x07 };
    wchar_t character = (unsigned char)bytes[0] & masks[length];

    for (size_t i = 1; i < length; i++)
        character = character * 64 + ((unsigned char)bytes[i] & 0x3F);
    return character;
}

/* One character: its bytes, how many columns it takes, and what is shown of it. */
struct glyph {
    size_t length;
    size_t columns;
    const char *shown;
    size_t shown_length;
};

static struct glyph
glyph_at(const char *string, size_t left)
{
    size_t length = text_utf8_length(string, left);
    int columns;

    if (length == 0)
        return (struct glyph){ 1, 1, "\xEF\xBF\xBD", 3 };
    columns = wcwidth(decode(string, length));
    if (columns < 0)
        return (struct glyph){ length, 1, " ", 1 };
    return (struct glyph){ length, (size_t)columns, string, length };
}

/* wcwidth() knows the characters of the locale that is in use. */
static size_t
add_line(struct text *out, const char *string, size_t width)
{
    size_t left = strlen(string);
    size_t columns = 0;
    size_t fits = out->length; /* so far that an ellipsis has room behind it */
    size_t fits_columns = 0;

    while (left > 0) {
        struct glyph glyph = glyph_at(string, left);

        if (width - columns < glyph.columns) { /* the rest has no room */
            out->length = fits;
            text_add(out, width > 0 ? ELLIPSIS : "");
            return fits_columns + (width > 0 ? 1 : 0);
        }
        text_add_bytes(out, glyph.shown, glyph.shown_length);
        columns += glyph.columns;
        string += glyph.length;
        left -= glyph.length;
        if (columns < width) {
            fits = out->length;
            fits_columns = columns;
        }
    }
    return columns;
}

size_t
screen_add_line(struct text *out, const char *string, size_t width)
{
    static locale_t unicode = (locale_t)0; /* kept: it is asked for each cell of a table */
    locale_t before = (locale_t)0;
    size_t columns;

    if (unicode == (locale_t)0)
        unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (unicode != (locale_t)0)
        before = uselocale(unicode);
    columns = add_line(out, string, width);
    if (unicode != (locale_t)0)
        (void)uselocale(before);
    return columns;
}

void
screen_add_styled(struct text *out, enum screen_style style, const char *string)
{
    bool coloured = screen_has_colours();

    text_add(out, coloured ? screen_style_start(style) : "");
    (void)screen_add_line(out, string, SCREEN_ENDLESS);
    text_add(out, coloured ? screen_style_end(style) : "");
}

void
screen_add_duration(struct text *out, int64_t ms)
{
    int64_t seconds = (ms + 500) / 1000;

    if (ms < 10000)
        text_format(out, "%.1f s", (double)ms / 1000);
    else if (seconds < 60)
        text_format(out, "%" PRId64 " s", seconds);
    else if (seconds < 3600)
        text_format(out, "%" PRId64 " min %" PRId64 " s", seconds / 60, seconds % 60);
    else
        text_format(out, "%" PRId64 " h %" PRId64 " min", seconds / 3600, seconds / 60 % 60);
}
