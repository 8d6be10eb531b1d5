/*
 * enqueue_row: the part of `weavestream-backup enqueue` that needs Postgres: the row of its run.
 *
 *     weavestream-backup-job enqueue-row NAME|ID           makes the row; prints {"runId":"...","configId":"...","configName":"..."}
 *     weavestream-backup-job enqueue-row --close=RUN WHY   closes it again, as failed: the queue did not take the job
 *     weavestream-backup-job enqueue-row --look RUN        what became of it: {"status":"success","error":null,"filename":"...","sizeBytes":1,
 *                                                          "sha256":"...","durationMs":1}; null: not known
 */
#ifndef CLI_ENQUEUE_ROW_H
#define CLI_ENQUEUE_ROW_H

int cli_enqueue_row(int argc, char **argv);

#endif
