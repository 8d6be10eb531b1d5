/*
 * resp: commands in the form in which Redis reads them: "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n". (What Redis says is read by hiredis' redisReader.)
 *
 * hiredis can write them as well; it does so with printf, which took a third of all that the loop does for a job (tests/bench/protocol.mjs).
 */
#ifndef PROTOCOL_RESP_H
#define PROTOCOL_RESP_H

#include <stddef.h>

/* The most bytes that a head, or words of these lengths, can take. */
#define RESP_HEAD_SIZE ((size_t)24)
size_t resp_size(size_t count, const size_t *lengths);

/* Each writes at `at` and returns where it ends: there is no NUL. */
char *resp_put_head(char *at, size_t count); /* that many words follow */
char *resp_put_word(char *at, const char *word, size_t length);
char *resp_put_words(char *at, size_t count, const char *const *words, const size_t *lengths);

#endif
