/* status: `weavestream-backup status`, how things stand: the queue, by Redis; schedules, lock and disk, by the job program's facts. */
#ifndef CLI_STATUS_H
#define CLI_STATUS_H

int cli_status(int argc, char **argv);

#endif
