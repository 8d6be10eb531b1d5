#!/bin/sh
# Makes the mounted backup directory writable for the unprivileged user, then becomes that user. Any command of weavestream-backup is run so:
#     docker compose exec backup-worker weavestream-backup-entrypoint list
set -eu

if [ "$(id -u)" -ne 0 ]; then
    exec weavestream-backup "$@"
fi
mkdir -p "$BACKUP_STORAGE_DIR"
chown "$BACKUP_UID:$BACKUP_GID" "$BACKUP_STORAGE_DIR"
exec su-exec "$BACKUP_UID:$BACKUP_GID" weavestream-backup "$@"
