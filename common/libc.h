/*
 * libc: what glibc has and another C library (musl) may lack, under glibc's names. The build finds out what is missing (HAVE_...); that is
 * defined here, as a bare system call or as nothing at all.
 */
#ifndef COMMON_LIBC_H
#define COMMON_LIBC_H

#include <linux/close_range.h> /* the flags of close_range() */
#include <stddef.h>
#include <stdio.h>

#ifndef HAVE_CLOSE_RANGE
int close_range(unsigned first, unsigned last, int flags); /* safe between fork and exec */
#else
#include <unistd.h>
#endif

#ifndef HAVE_RENAMEAT2
#define RENAME_NOREPLACE (1U << 0)
int renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
#endif

#ifndef HAVE_MALLOC_TRIM
int malloc_trim(size_t pad); /* gives nothing back */
#else
#include <malloc.h>
#endif

#endif
