/* run: the command `weavestream-backup run`. */
#ifndef CLI_RUN_H
#define CLI_RUN_H

int cli_run(int argc, char **argv); /* argv[0] is "run"; returns the exit status */

#endif
