/* verify: the command that proves a dump, on a terminal or in a script. */
#ifndef CLI_VERIFY_H
#define CLI_VERIFY_H

int cli_verify(int argc, char **argv); /* the exit status */

#endif
