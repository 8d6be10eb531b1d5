/* list: the command `weavestream-backup list`. */
#ifndef CLI_LIST_H
#define CLI_LIST_H

int cli_list(int argc, char **argv); /* argv[0] is "list"; returns the exit status */

#endif
