#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

/* weavestream-backup doctor: looks at everything that backups need, and says on one page what is wrong and what to do. */
int cli_doctor(int argc, char **argv);

#endif
