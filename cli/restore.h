/* restore: the command that puts a dump into a database. */
#ifndef CLI_RESTORE_H
#define CLI_RESTORE_H

int cli_restore(int argc, char **argv); /* the exit status */

#endif
