/* enqueue: `weavestream-backup enqueue`, a run now, through the queue. */
#ifndef CLI_ENQUEUE_H
#define CLI_ENQUEUE_H

int cli_enqueue(int argc, char **argv);

#endif
