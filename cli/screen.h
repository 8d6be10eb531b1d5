/*
 * screen: what standard output is: a terminal or not, how wide, with colours or without; and foreign text on it.
 *
 * Names and reasons come from databases and programs. On a terminal their control characters would move the cursor or worse, so they are shown
 * as blanks.
 */
#ifndef CLI_SCREEN_H
#define CLI_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/text.h"

enum screen_style { SCREEN_PLAIN, SCREEN_BOLD, SCREEN_DIM, SCREEN_GOOD, SCREEN_WARN, SCREEN_BAD };

#define SCREEN_ENDLESS SIZE_MAX

bool screen_is_terminal(void);
bool screen_has_colours(void); /* a terminal, and NO_COLOR is not set */
size_t screen_width(void);     /* in columns; SCREEN_ENDLESS: no terminal, or one that does not know */

/* The text in one line, without control characters, cut to `width` columns at most, with an ellipsis then. Returns how many columns it takes. */
size_t screen_add_line(struct text *out, const char *string, size_t width);
/* The same, all of it, in that style if there are colours. */
void screen_add_styled(struct text *out, enum screen_style style, const char *string);

/* As a person says it: "0.8 s", "59 s", "2 min 5 s", "1 h 2 min". */
void screen_add_duration(struct text *out, int64_t ms);

/* What a style begins and ends with. */
const char *screen_style_start(enum screen_style style);
const char *screen_style_end(enum screen_style style);

#endif
