#include "cli/answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"

json_t *
answer_text(const char *string)
{
    struct text clean = TEXT_EMPTY;
    json_t *value;

    if (string == NULL)
        return json_null();
    text_add_utf8(&clean, string, strlen(string));
    value = json_string(text_string(&clean));
    text_clear(&clean);
    return value;
}

json_t *
answer_number(bool known, int64_t number)
{
    return known ? json_integer(number) : json_null();
}

json_t *
answer_time(bool known, struct wall at)
{
    char text[WALL_ISO_SIZE];

    if (!known)
        return json_null();
    wall_format_iso(at, text);
    return json_string(text);
}

void
answer_print(json_t *object)
{
    char *line = json_dumps(object, JSON_COMPACT);

    (void)puts(line == NULL ? "{}" : line);
    free(line);
    json_decref(object);
}
