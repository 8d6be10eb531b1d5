/* worker: the command `weavestream-backup worker`. */
#ifndef CLI_WORKER_H
#define CLI_WORKER_H

int cli_worker(int argc, char **argv); /* argv[0] is "worker"; returns the exit status */

#endif
