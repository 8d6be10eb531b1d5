#!/bin/sh
# Makes the mounted backup directory writable for the unprivileged user, then becomes that user. Any command of weavestream-backup is run so:
#     docker compose exec backup-worker weavestream-backup-entrypoint list
set -eu

if [ "$(id -u)" -ne 0 ]; then
    exec weavestream-backup "$@"
fi
complain() { echo "weavestream-backup-entrypoint: $*" >&2; }

for id in "$BACKUP_UID" "$BACKUP_GID"; do
    case $id in
    '' | *[!0-9]*)
        complain "BACKUP_UID and BACKUP_GID must be numbers, not '$BACKUP_UID' and '$BACKUP_GID'"
        exit 78
        ;;
    esac
done
mkdir -p "$BACKUP_STORAGE_DIR"
# A network mount may refuse that, and be writable all the same.
chown "$BACKUP_UID:$BACKUP_GID" "$BACKUP_STORAGE_DIR" ||
    complain "going on without: 'weavestream-backup-entrypoint doctor' tells whether user $BACKUP_UID may write there"
exec su-exec "$BACKUP_UID:$BACKUP_GID" weavestream-backup "$@"
