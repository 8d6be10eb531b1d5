/* cron: the command `weavestream-backup cron`. */
#ifndef CLI_CRON_H
#define CLI_CRON_H

int cli_cron(int argc, char **argv); /* argv[0] is "cron"; returns the exit status */

#endif
