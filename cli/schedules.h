/* schedules: `weavestream-backup schedules`, the schedules of the app against those of the queue, as the ledger sees them. */
#ifndef CLI_SCHEDULES_H
#define CLI_SCHEDULES_H

int cli_schedules(int argc, char **argv);

#endif
