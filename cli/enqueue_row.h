/*
 * enqueue_row: the part of `weavestream-backup enqueue` that needs Postgres: the row of a run that is about to be enqueued.
 *
 *     weavestream-backup-job enqueue-row NAME|ID           makes the row; prints {"runId":"...","configId":"...","config":"..."}
 *     weavestream-backup-job enqueue-row --close=RUN WHY   closes it again, as failed: the queue did not take the job
 */
#ifndef CLI_ENQUEUE_ROW_H
#define CLI_ENQUEUE_ROW_H

int cli_enqueue_row(int argc, char **argv);

#endif
