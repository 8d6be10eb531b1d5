#include "jobs/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/libc.h"
#include "common/memory.h"
#include "common/signals.h"
#include "jobs/process_reads.h"
#include "jobs/stop.h"

#define WORDS_BYTES 4096   /* kept of what it prints */
#define HEADLINE_BYTES 700 /* of those, in an error text */
#define DATA_PIPE_BYTES (1024 * 1024)
#define TICK_MS 100
#define REAP_MS 5
#define TERM_GRACE_MS 400 /* from SIGTERM to SIGKILL: pg_dump needs a moment to cancel its query */

struct process {
    char *name; /* argv[0] */
    pid_t pid;
    int output; /* what it prints; -1 once that has ended */
    int data;   /* its standard output, if that is for the caller; else -1 */
    bool reaped;
    int status; /* as waitpid gave it, once reaped */
    struct text heard;
    bool cut; /* the front of `heard` is missing */
    struct text words;
};

/*
 * What a PostgreSQL client may inherit. Of the PG variables those are left out that hold a secret, that we set ourselves, or that change
 * what a dump contains. Messages are forced to English: they end up in rows and mails, and some are told apart by their words.
 */
static const char *const inherited[] = { "PATH", "HOME", "USER", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "ASAN_OPTIONS",
    "LSAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "SSL_CERT_FILE", "SSL_CERT_DIR", "KRB5CCNAME", "KRB5_CONFIG",
    NULL };
static const char *const not_inherited[] = { "PGPASSWORD", "PGOPTIONS", "PGAPPNAME", "PGCLIENTENCODING", "PGDATESTYLE",
    "PGTZ", "PGGEQO", NULL };
static const char *const always[] = { "LC_ALL=C.UTF-8", NULL };

static bool
is_listed(const char *const *list, const char *entry, size_t name_length)
{
    for (; *list != NULL; list++)
        if (strncmp(*list, entry, name_length) == 0 && (*list)[name_length] == '\0')
            return true;
    return false;
}

static bool
may_client_inherit(const char *name, size_t length)
{
    if (strncmp(name, "PG", 2) == 0)
        return !is_listed(not_inherited, name, length);
    return is_listed(inherited, name, length);
}

static bool
is_overridden(const char *entry, const char *const *more)
{
    size_t length = strcspn(entry, "=") + 1;

    for (; more != NULL && *more != NULL; more++)
        if (strncmp(entry, *more, length) == 0)
            return true;
    return false;
}

struct list {
    char **strings; /* NULL at its end */
    size_t count;
};

static struct list
list_make(void)
{
    return (struct list){ .strings = memory_new(sizeof(char *)) };
}

static void
list_add(struct list *list, const char *string)
{
    list->strings = memory_resize(list->strings, (list->count + 2) * sizeof(*list->strings));
    list->strings[list->count++] = memory_copy_string(string);
    list->strings[list->count] = NULL;
}

/* exec wants strings that may be written to. */
static void
list_add_all(struct list *list, const char *const *strings)
{
    for (; strings != NULL && *strings != NULL; strings++)
        list_add(list, *strings);
}

char **
process_environment(char *const *environment, process_inherit_fn *may_inherit, const char *const *more)
{
    struct list list = list_make();

    if (may_inherit == NULL)
        may_inherit = may_client_inherit;
    for (; *environment != NULL; environment++)
        if (may_inherit(*environment, strcspn(*environment, "=")) && !is_overridden(*environment, more) &&
            !is_overridden(*environment, always))
            list_add(&list, *environment);
    list_add_all(&list, always);
    list_add_all(&list, more);
    return list.strings;
}

void
process_free_list(char **list)
{
    for (char **string = list; string != NULL && *string != NULL; string++)
        free(*string);
    free(list);
}

/* Looked up by us, so that between fork and exec nothing is left to do but system calls. */
static bool
find_program(const char *name, struct text *path, struct error *err)
{
    const char *folders = getenv("PATH");
    int why = ENOENT;

    if (strchr(name, '/') != NULL) {
        text_add(path, name);
        return true;
    }
    for (const char *folder = folders; folder != NULL;) {
        size_t length = strcspn(folder, ":");

        text_reset(path);
        text_add_bytes(path, folder, length);
        text_format(path, "%s%s", length == 0 ? "./" : "/", name);
        if (access(text_string(path), X_OK) == 0)
            return true;
        if (errno == EACCES)
            why = EACCES; /* something is there: the better reason, as execvp has it */
        folder = folder[length] == ':' ? folder + length + 1 : NULL;
    }
    (void)error_set(err, ERROR_CONFIG, "%s: %s (is the PostgreSQL client installed? PATH=%s)", name, strerror(why),
        folders == NULL ? "" : folders);
    return false;
}

struct image {
    const char *path;
    char **argv;
    char **environment;
    int handed_down;
    int input;  /* 0: nothing */
    int output; /* 0: with its words */
};

/* In the child: system calls only. Comes back, with errno, only if it could not become the program. */
static void
become_program(const struct image *image, int output, int data, pid_t parent)
{
    sigset_t none;
    int input = image->input;

    (void)setpgid(0, 0);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)signal(SIGTERM, SIG_DFL);
    (void)signal(SIGINT, SIG_DFL);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1)
        return;
    if (getppid() != parent)
        _exit(127); /* our parent died before its death could be signalled */
    if (input == 0)
        input = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (input == -1 || dup2(input, STDIN_FILENO) == -1)
        return;
    if (image->output != 0)
        data = image->output;
    if (dup2(data == -1 ? output : data, STDOUT_FILENO) == -1 || dup2(output, STDERR_FILENO) == -1)
        return;
    (void)close_range(3, ~0U, CLOSE_RANGE_CLOEXEC); /* also what we inherited; ours are born so, if the kernel cannot */
    if (image->handed_down != PROCESS_NO_FD && fcntl(image->handed_down, F_SETFD, 0) == -1)
        return;
    (void)sigemptyset(&none);
    if (sigprocmask(SIG_SETMASK, &none, NULL) == -1)
        return;
    (void)execve(image->path, image->argv, image->environment);
}

/* The errno with which exec came back, or 0: the pipe closed itself because it succeeded. */
static int
read_exec_result(int fd)
{
    int errnum = 0;
    ssize_t count;

    do
        count = read(fd, &errnum, sizeof(errnum));
    while (count == -1 && errno == EINTR);
    return count == (ssize_t)sizeof(errnum) ? errnum : 0;
}

/* Non-blocking at our end; as large as anybody may have it, so that neither side waits for the other more than it must. */
static bool
open_data_pipe(int data[2])
{
    if (pipe2(data, O_CLOEXEC) == -1)
        return false;
    (void)fcntl(data[0], F_SETPIPE_SZ, DATA_PIPE_BYTES);
    return fcntl(data[0], F_SETFL, O_NONBLOCK) != -1;
}

static bool
fork_program(struct process *process, const struct image *image, bool piped, struct error *err)
{
    int output[2] = { -1, -1 };
    int data[2] = { -1, -1 };
    int result[2] = { -1, -1 };
    pid_t parent = getpid();
    bool ok = false;
    int errnum;

    if (pipe2(output, O_CLOEXEC) == -1 || pipe2(result, O_CLOEXEC) == -1 || (piped && !open_data_pipe(data))) {
        (void)error_set_errno(err, errno, "pipe");
        goto out;
    }
    process->pid = fork();
    if (process->pid == -1) {
        (void)error_set_errno(err, errno, "fork");
        goto out;
    }
    if (process->pid == 0) {
        become_program(image, output[1], data[1], parent);
        errnum = errno;
        (void)!write(result[1], &errnum, sizeof(errnum)); /* if nobody reads it, nobody is left to tell */
        _exit(127);
    }
    (void)setpgid(process->pid, process->pid); /* the child does it too: whoever is first */
    (void)close(result[1]);
    result[1] = -1;
    process->output = output[0];
    output[0] = -1;
    process->data = data[0];
    data[0] = -1;
    (void)fcntl(process->output, F_SETFL, O_NONBLOCK);
    errnum = read_exec_result(result[0]);
    if (errnum != 0) {
        (void)error_set(err, ERROR_CONFIG, "start '%s': %s", image->path, strerror(errnum));
        goto out;
    }
    ok = true;
out:
    for (int i = 0; i < 2; i++) {
        if (output[i] != -1)
            (void)close(output[i]);
        if (data[i] != -1)
            (void)close(data[i]);
        if (result[i] != -1)
            (void)close(result[i]);
    }
    return ok;
}

struct process *
process_start(const struct process_command *command, struct error *err)
{
    struct process *process = memory_new(sizeof(*process));
    struct image image = { .handed_down = command->handed_down, .input = command->input, .output = command->output };
    struct list argv = list_make();
    struct text path = TEXT_EMPTY;
    bool ok;

    process->name = memory_copy_string(command->argv[0]);
    process->pid = -1;
    process->output = -1;
    process->data = -1;
    list_add_all(&argv, command->argv);
    image.argv = argv.strings;
    image.environment = process_environment(environ, command->may_inherit, command->environment);
    ok = find_program(process->name, &path, err);
    image.path = text_string(&path);
    ok = ok && fork_program(process, &image, command->piped, err);
    if (!ok) {
        process_free(process);
        process = NULL;
    }
    process_free_list(image.environment);
    process_free_list(image.argv);
    text_clear(&path);
    return process;
}

static void
keep_last_words(struct process *process)
{
    struct text *heard = &process->heard;
    size_t excess;

    if (heard->length <= (size_t)2 * WORDS_BYTES)
        return;
    excess = heard->length - WORDS_BYTES;
    memmove(heard->data, heard->data + excess, WORDS_BYTES + 1);
    heard->length = WORDS_BYTES;
    process->cut = true;
}

void
process_listen(struct process *process)
{
    char bytes[4096];

    while (process->output != -1) {
        ssize_t count = read(process->output, bytes, sizeof(bytes));

        if (count > 0) {
            text_add_bytes(&process->heard, bytes, (size_t)count);
            keep_last_words(process);
        } else if (count == -1 && errno == EAGAIN)
            return;
        else if (count == 0 || errno != EINTR) {
            (void)close(process->output);
            process->output = -1;
        }
    }
}

int
process_data(const struct process *process)
{
    return process->data;
}

int64_t
process_bytes_read(const struct process *process)
{
    return process_reads(process->pid);
}

/* The last `most` bytes of `bytes`, from the start of a line where something had to go; without the blanks around. */
static void
add_tail(struct text *out, const char *bytes, size_t length, size_t most, bool cut)
{
    const char *newline;

    while (length > 0 && strchr(" \t\r\n", bytes[length - 1]) != NULL)
        length--;
    if (length > most) {
        bytes += length - most;
        length = most;
        cut = true;
    }
    newline = cut ? memchr(bytes, '\n', length) : NULL;
    if (newline != NULL) {
        length -= (size_t)(newline + 1 - bytes);
        bytes = newline + 1;
    }
    while (length > 0 && strchr(" \t\r\n", *bytes) != NULL) {
        bytes++;
        length--;
    }
    text_add_utf8(out, bytes, length);
}

const char *
process_words(struct process *process)
{
    process_listen(process);
    text_reset(&process->words);
    add_tail(&process->words, text_string(&process->heard), process->heard.length, WORDS_BYTES, process->cut);
    return text_string(&process->words);
}

static bool
reap(struct process *process, int flags)
{
    pid_t pid;

    if (process->reaped)
        return true;
    do
        pid = waitpid(process->pid, &process->status, flags);
    while (pid == -1 && errno == EINTR);
    process->reaped = pid == process->pid;
    return process->reaped;
}

bool
process_has_ended(struct process *process)
{
    return reap(process, WNOHANG);
}

/* Waits without regard to stop signals, because this is part of stopping; they were told from one another by the caller. */
static void
kill_and_reap(struct process *process)
{
    struct moment deadline = moment_add_ms(moment_now(), TERM_GRACE_MS);

    if (process->pid <= 0 || process->reaped)
        return;
    (void)kill(-process->pid, SIGTERM);
    (void)kill(-process->pid, SIGCONT);
    while (!reap(process, WNOHANG) && !moment_is_past(deadline)) {
        process_listen(process); /* it may be blocked on telling us */
        (void)poll(NULL, 0, 10);
    }
    (void)kill(-process->pid, SIGKILL);
    (void)reap(process, 0);
}

static bool
describe_end(struct process *process, struct error *err)
{
    struct text words = TEXT_EMPTY;
    struct text name = TEXT_EMPTY;
    int status = process->status;
    bool ok = WIFEXITED(status) && WEXITSTATUS(status) == 0;

    if (ok)
        return true;
    process_listen(process);
    add_tail(&words, text_string(&process->heard), process->heard.length, HEADLINE_BYTES, process->cut);
    if (words.length == 0)
        text_add(&words, "it said nothing");
    if (WIFSIGNALED(status)) {
        signal_add_name(&name, WTERMSIG(status));
        (void)error_set(
            err, ERROR_LOST, "%s: killed by %s: %s", process->name, text_string(&name), text_string(&words));
    } else
        (void)error_set(
            err, ERROR_REFUSED, "%s: exit status %d: %s", process->name, WEXITSTATUS(status), text_string(&words));
    text_clear(&name);
    text_clear(&words);
    return false;
}

bool
process_finish(struct process *process, process_tick_fn *on_tick, void *owner, struct error *err)
{
    struct moment next_tick = moment_add_ms(moment_now(), TICK_MS);

    while (!reap(process, WNOHANG)) {
        /* What it prints ends a moment before it can be reaped. */
        struct moment look_again = process->output == -1 ? moment_add_ms(moment_now(), REAP_MS) : next_tick;

        if (!stop_wait(process->output, POLLIN, look_again, err)) {
            kill_and_reap(process);
            return error_add(err, "%s", process->name);
        }
        process_listen(process);
        if (!moment_is_past(next_tick))
            continue;
        if (on_tick != NULL && !on_tick(owner, err)) {
            kill_and_reap(process);
            return false;
        }
        next_tick = moment_add_ms(moment_now(), TICK_MS);
    }
    return describe_end(process, err);
}

void
process_free(struct process *process)
{
    if (process == NULL)
        return;
    kill_and_reap(process);
    if (process->output != -1)
        (void)close(process->output);
    if (process->data != -1)
        (void)close(process->data);
    text_clear(&process->heard);
    text_clear(&process->words);
    free(process->name);
    free(process);
}
