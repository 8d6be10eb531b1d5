/* prune: the command `weavestream-backup prune`. */
#ifndef CLI_PRUNE_H
#define CLI_PRUNE_H

int cli_prune(int argc, char **argv); /* argv[0] is "prune"; returns the exit status */

#endif
