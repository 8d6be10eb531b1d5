#ifndef CLI_DOCTOR_JOB_H
#define CLI_DOCTOR_JOB_H

/* weavestream-backup-job doctor: the other half of `doctor`: what Postgres, the backup directory and the mail server say (jobs/doctor). */
int cli_doctor_job(int argc, char **argv);

#endif
