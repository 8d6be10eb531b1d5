/*
 * env_file: the app's .env, as compose reads it: NAME=value a line, comments, quotes, `export` in front.
 *
 * It holds secrets: what is read is overwritten when it is cleared.
 */
#ifndef JOBS_ENV_FILE_H
#define JOBS_ENV_FILE_H

#include <stdbool.h>

#include "common/error.h"
#include "common/secret.h"
#include "common/text.h"

/* The whole file, "-" for standard input; what is larger than 1 MB, or has a NUL byte, is none. */
bool env_file_read(const char *path, struct secret *out, struct error *err) MUST_CHECK;

/* The variable's value in the file's text: the last one counts. False: it is not set, or empty. */
bool env_file_find(const char *text, const char *name, struct secret *out);

/* What a path is called before people. */
const char *env_file_name(const char *path);

#endif
