#include "common/libc.h"

#include <sys/syscall.h>
#include <unistd.h>

#ifndef HAVE_CLOSE_RANGE
int
close_range(unsigned first, unsigned last, int flags)
{
    return (int)syscall(SYS_close_range, first, last, (unsigned)flags);
}
#endif

#ifndef HAVE_RENAMEAT2
int
renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    return (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, flags);
}
#endif

#ifndef HAVE_MALLOC_TRIM
int
malloc_trim(size_t pad)
{
    (void)pad;
    return 0;
}
#endif
