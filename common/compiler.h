/* compiler: what we tell the compiler about our functions beyond the language. */
#ifndef COMMON_COMPILER_H
#define COMMON_COMPILER_H

/* The format string, argument number `at`, and what it formats, from argument number `from` on (0: a va_list), are checked like printf's. */
#define PRINTF_LIKE(at, from) __attribute__((format(printf, at, from)))

/* Ignoring the result is a mistake; where it is meant, cast to void and say why. */
#define MUST_CHECK __attribute__((warn_unused_result))

#endif
