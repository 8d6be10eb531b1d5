#include "cli/misspelt.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "cli/suggest.h"
#include "common/settings.h"
#include "common/text.h"

#define PREFIX "BACKUP_"
#define PREFIX_LENGTH (sizeof(PREFIX) - 1)
#define NAMES_MAX 64

/* The settings that begin with the prefix, without it: what all have in common makes none of them closer. */
struct names {
    const char *rests[NAMES_MAX];
    unsigned scopes[NAMES_MAX];
    size_t count;
};

static void
list_names(struct names *out)
{
    const char *name;
    unsigned scopes;

    out->count = 0;
    for (size_t i = 0; (name = settings_name(i, &scopes)) != NULL; i++) {
        if (strncmp(name, PREFIX, PREFIX_LENGTH) != 0)
            continue;
        assert(out->count < NAMES_MAX);
        out->rests[out->count] = name + PREFIX_LENGTH;
        out->scopes[out->count++] = scopes;
    }
}

/* The whole name of the setting that was meant; NULL: it is one itself, or like none of the scopes. */
static const char *
meant_by(const char *name, const struct names *names, unsigned scopes)
{
    const char *rest = name + PREFIX_LENGTH;
    const char *closest = suggest_closest(rest, names->rests, names->count);

    if (closest == NULL || strcmp(closest, rest) == 0)
        return NULL;
    for (size_t i = 0; i < names->count; i++)
        if (names->rests[i] == closest && (names->scopes[i] & scopes) != 0)
            return closest - PREFIX_LENGTH;
    return NULL;
}

void
misspelt_find(unsigned scopes, misspelt_fn *on_found, void *owner)
{
    struct names names;
    struct text name = TEXT_EMPTY;

    list_names(&names);
    for (char **variable = environ; *variable != NULL; variable++) {
        size_t length = strcspn(*variable, "=");
        const char *meant;

        if (strncmp(*variable, PREFIX, PREFIX_LENGTH) != 0 || (*variable)[length] == '\0' ||
            (*variable)[length + 1] == '\0')
            continue;
        text_reset(&name);
        text_add_bytes(&name, *variable, length);
        meant = meant_by(text_string(&name), &names, scopes);
        if (meant != NULL)
            on_found(text_string(&name), meant, owner);
    }
    text_clear(&name);
}
