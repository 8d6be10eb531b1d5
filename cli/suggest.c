#include "cli/suggest.h"

#include <string.h>

#define MISTAKES_MAX 2

static size_t
least_of(size_t first, size_t second, size_t third)
{
    size_t least = first < second ? first : second;

    return least < third ? least : third;
}

/*
 * How many letters must be put in, left out, changed or swapped with their neighbour to make one word of the other. Row by row of the usual
 * table, of which a swap needs the last two.
 */
static size_t
distance(const char *left, const char *right)
{
    size_t rows[3][SUGGEST_LENGTH_MAX + 1];
    size_t *before = rows[0];
    size_t *above = rows[1];
    size_t *row = rows[2];
    size_t width = strlen(right);

    for (size_t j = 0; j <= width; j++)
        above[j] = j;
    for (size_t i = 1; left[i - 1] != '\0'; i++) {
        size_t *oldest = before;

        row[0] = i;
        for (size_t j = 1; j <= width; j++) {
            row[j] = least_of(row[j - 1] + 1, above[j] + 1, above[j - 1] + (left[i - 1] != right[j - 1]));
            if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1])
                row[j] = least_of(row[j], before[j - 2] + 1, row[j]);
        }
        before = above;
        above = row;
        row = oldest;
    }
    return above[width];
}

const char *
suggest_closest(const char *typed, const char *const *words, size_t count)
{
    size_t length = strlen(typed);
    const char *closest = NULL;
    size_t least = MISTAKES_MAX + 1;

    for (size_t i = 0; i < count && length <= SUGGEST_LENGTH_MAX; i++) {
        size_t mistakes = strlen(words[i]) > SUGGEST_LENGTH_MAX ? least : distance(typed, words[i]);

        if (mistakes < least && 3 * mistakes <= length) { /* a short word that is half wrong is another */
            closest = words[i];
            least = mistakes;
        }
    }
    return closest;
}
