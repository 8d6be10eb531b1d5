#include "cli/command.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "cli/screen.h"
#include "cli/suggest.h"

#define PROGRAM "weavestream-backup"
#define OPTIONS_MAX 24
#define COMPLAINT_BYTES 4096 /* longer ones are cut */
#define NO_LETTER 0x110000 /* and up, beyond all letters there are: what getopt calls an option that has only a name */
#define ASCII_MAX 127

int
command_complain(const char *name, int status, const char *format, ...)
{
    char sentence[COMPLAINT_BYTES];
    struct text line = TEXT_EMPTY;
    va_list values;

    va_start(values, format);
    (void)vsnprintf(sentence, sizeof(sentence), format, values);
    va_end(values);
    (void)screen_add_line(&line, sentence, SCREEN_ENDLESS);
    (void)fprintf(stderr, PROGRAM " %s: %s\n", name, text_string(&line));
    text_clear(&line);
    return status;
}

int
command_complain_of_settings(const char *name, const struct text *problems)
{
    const char *line = text_string(problems);

    while (*line != '\0') {
        size_t length = strcspn(line, "\n");

        (void)command_complain(name, EX_CONFIG, "%.*s", (int)length, line);
        line += length + (line[length] == '\n');
    }
    return EX_CONFIG;
}

int
command_status(enum error_code code)
{
    switch (code) {
    case ERROR_NONE:
    case ERROR_BUG:
        return EX_SOFTWARE;
    case ERROR_CONFIG:
        return EX_CONFIG;
    case ERROR_INPUT:
        return EX_NOINPUT;
    case ERROR_DENIED:
        return EX_NOPERM;
    case ERROR_CONFLICT:
    case ERROR_STOPPED:
        return EX_TEMPFAIL;
    case ERROR_SYSTEM:
        return EX_IOERR;
    case ERROR_REFUSED:
    case ERROR_LOST:
    case ERROR_TIMEOUT:
        break;
    }
    return EX_UNAVAILABLE;
}

int
command_finish(const char *name)
{
    if (fflush(stdout) == EOF || ferror(stdout))
        return command_complain(name, EX_IOERR, "write standard output: %s", strerror(errno));
    return EX_OK;
}

/* --- Help --- */

static void
add_label(const struct command_option *option, struct text *out)
{
    if (option->letter != 0)
        text_format(out, "  -%c, --%s", option->letter, option->name);
    else
        text_format(out, "      --%s", option->name);
    if (option->value != NULL)
        text_format(out, "=%s", option->value);
}

/* As a column on the right, which begins at `column`. */
static void
add_help(const char *help, size_t column, size_t used, struct text *out)
{
    for (;;) {
        size_t length = strcspn(help, "\n");

        text_format(out, "%*s%.*s\n", (int)(column - used), "", (int)length, help);
        if (help[length] == '\0')
            return;
        help += length + 1;
        used = 0;
    }
}

static void
add_option(const struct command_option *option, size_t column, struct text *out)
{
    size_t before = out->length;

    add_label(option, out);
    add_help(option->help, column, out->length - before, out);
}

static void
print_help(const struct command *command)
{
    static const struct command_option help = { 'h', "help", NULL, "print this help and exit", .flag = NULL };
    struct text label = TEXT_EMPTY;
    struct text out = TEXT_EMPTY;
    size_t column;

    add_label(&help, &label);
    column = label.length;
    for (const struct command_option *option = command->options; option->name != NULL; option++) {
        text_reset(&label);
        add_label(option, &label);
        column = label.length > column ? label.length : column;
    }
    text_format(&out, "Usage: " PROGRAM " %s %s\n%s\n\n", command->name, command->synopsis, command->summary);
    for (const struct command_option *option = command->options; option->name != NULL; option++)
        add_option(option, column + 2, &out);
    add_option(&help, column + 2, &out);
    text_format(&out, "\n%s\n", command->details);
    (void)fputs(text_string(&out), stdout);
    text_clear(&label);
    text_clear(&out);
}

/* --- Options --- */

static void
list_options(const struct command *command, struct option *names, struct text *letters)
{
    size_t count = 0;

    text_add(letters, ":h"); /* ':': a value that is missing is told from an option that is unknown */
    for (const struct command_option *option = command->options; option->name != NULL; option++, count++) {
        int has_value = option->value == NULL ? no_argument : required_argument;

        assert(count < OPTIONS_MAX);
        names[count] = (struct option){ option->name, has_value, NULL, NO_LETTER + (int)count };
        if (option->letter != 0)
            text_format(letters, "%c%s", option->letter, has_value == no_argument ? "" : ":");
    }
    names[count++] = (struct option){ "help", no_argument, NULL, 'h' };
    names[count] = (struct option){ .name = NULL };
}

/* `found`: what getopt has handed back. */
static const struct command_option *
find_option(const struct command *command, int found)
{
    const struct command_option *option = command->options;

    if (found >= NO_LETTER)
        return &option[found - NO_LETTER];
    while (option->name != NULL && option->letter != found)
        option++;
    return option->name == NULL ? NULL : option;
}

static bool
take_value(const struct command *command, const struct command_option *option, const char *value)
{
    if (option->values->count == COMMAND_VALUES_MAX) {
        (void)command_complain(
            command->name, EX_USAGE, "--%s is given more than %d times", option->name, COMMAND_VALUES_MAX);
        return false;
    }
    option->values->list[option->values->count++] = value;
    return true;
}

static bool
take_option(const struct command *command, const struct command_option *option, const char *value)
{
    if (option->values != NULL)
        return take_value(command, option, value);
    if (option->flag != NULL)
        *option->flag = true;
    else if (option->text != NULL)
        *option->text = value;
    else if (!text_parse_integer(value, strlen(value), option->least, option->most, option->number)) {
        (void)command_complain(command->name, EX_USAGE, "--%s='%s' is not a number from %" PRId64 " to %" PRId64,
            option->name, value, option->least, option->most);
        return false;
    }
    return true;
}

/* `word` begins with "--". */
static void
add_unknown(const struct command *command, const char *word, struct text *out)
{
    const char *names[OPTIONS_MAX + 1] = { "help" };
    const char *typed = word + strlen("--");
    const size_t length = strlen(typed);
    const char *closest;
    size_t count = 1;
    size_t begun = 0;

    for (const struct command_option *option = command->options; option->name != NULL; option++) {
        begun += strncmp(option->name, typed, length) == 0;
        names[count++] = option->name;
    }
    closest = suggest_closest(typed, names, count);
    if (begun > 1)
        text_format(out, "'%s' begins more than one option; try --help", word);
    else if (closest != NULL)
        text_format(out, "'%s' is no option; did you mean '--%s'?", word, closest);
    else
        text_format(out, "'%s' is no option; try --help", word);
}

/*
 * The option that getopt stumbled over, as it was written, but for a value behind it, which may be a secret. Only of a long
 * one is it certain that getopt has moved on behind it. What it calls a letter beyond ASCII depends on the libc, and may be negative.
 */
static void
add_written(char *const *argv, struct text *out)
{
    bool is_long = optopt == 0 || optopt >= NO_LETTER || optopt == 'h'; /* -h cannot be wrong, --help=value is */

    if (is_long)
        text_add_bytes(out, argv[optind - 1], strcspn(argv[optind - 1], "="));
    else if (optopt > 0 && optopt <= ASCII_MAX)
        text_format(out, "-%c", optopt);
    else
        text_add(out, "-...");
}

/* `found`: '?', or ':' where a value is missing, as getopt tells it. */
static int
complain_of_option(const struct command *command, int found, char *const *argv)
{
    const struct command_option *option = optopt == 0 ? NULL : find_option(command, optopt);
    struct text written = TEXT_EMPTY;
    struct text problem = TEXT_EMPTY;

    add_written(argv, &written);
    if (option != NULL && found == ':')
        text_format(&problem, "'%s' needs a value: --%s=%s", text_string(&written), option->name, option->value);
    else if (option != NULL || optopt == 'h')
        text_format(&problem, "'%s' takes no value; try --help", text_string(&written));
    else if (optopt == 0)
        add_unknown(command, text_string(&written), &problem);
    else
        text_format(&problem, "'%s' is no option; try --help", text_string(&written));
    (void)command_complain(command->name, EX_USAGE, "%s", text_string(&problem));
    text_clear(&written);
    text_clear(&problem);
    return EX_USAGE;
}

static bool
take_options(const struct command *command, int argc, char **argv, int *status)
{
    struct option names[OPTIONS_MAX + 2];
    struct text letters = TEXT_EMPTY;
    bool goes_on = true;
    int found;

    list_options(command, names, &letters);
    *status = EX_USAGE;
    optind = 0; /* 'help NAME' has read a command line before */
    while (goes_on && (found = getopt_long(argc, argv, text_string(&letters), names, NULL)) != -1) {
        const struct command_option *option = find_option(command, found);

        if (found == 'h') {
            print_help(command);
            *status = command_finish(command->name);
            goes_on = false;
        } else if (option == NULL) {
            *status = complain_of_option(command, found, argv);
            goes_on = false;
        } else
            goes_on = take_option(command, option, optarg);
    }
    text_clear(&letters);
    return goes_on;
}

static bool
has_option(const struct command *command, const char *name)
{
    const struct command_option *option = command->options;

    while (option->name != NULL && strcmp(option->name, name) != 0)
        option++;
    return option->name != NULL;
}

static int
complain_of_extra(const struct command *command, const char *extra)
{
    if (strstr(extra, "://") != NULL) /* it may have a password in it */
        return command_complain(command->name, EX_USAGE, "'...://...' is one too many; try --help");
    if (command->operands_most == 0 && has_option(command, "config"))
        return command_complain(
            command->name, EX_USAGE, "a schedule is named by --config: %s --config '%s'", command->name, extra);
    return command_complain(command->name, EX_USAGE, "'%s' is one too many; try --help", extra);
}

bool
command_read(const struct command *command, int argc, char **argv, int *status)
{
    int operands;

    if (!take_options(command, argc, argv, status))
        return false;
    operands = argc - optind;
    if (operands >= command->operands_least && operands <= command->operands_most)
        return true;
    if (operands > command->operands_most)
        *status = complain_of_extra(command, argv[optind + command->operands_most]);
    else /* the synopsis ends with what is wanted */
        *status =
            command_complain(command->name, EX_USAGE, "%s is missing; try --help", strrchr(command->synopsis, ' ') + 1);
    return false;
}
