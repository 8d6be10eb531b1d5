/* health: `weavestream-backup health`, which asks a running worker how it is (consumer/http). */
#ifndef CLI_HEALTH_H
#define CLI_HEALTH_H

int cli_health(int argc, char **argv);

#endif
