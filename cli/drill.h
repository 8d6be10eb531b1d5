/* drill: the command that restores the newest dump, into a database that nobody uses. */
#ifndef CLI_DRILL_H
#define CLI_DRILL_H

int cli_drill(int argc, char **argv); /* the exit status */

#endif
