#!/bin/sh
# Makes the bind-mounted backup directory writable for the unprivileged user, then becomes that user.
set -eu

if [ "$(id -u)" -ne 0 ]; then
    exec weavestream-backup "$@"
fi
directory=${BACKUP_STORAGE_DIR:?}
mkdir -p "$directory"
chown "${BACKUP_UID}:${BACKUP_GID}" "$directory"
exec setpriv --reuid="$BACKUP_UID" --regid="$BACKUP_GID" --clear-groups --no-new-privs weavestream-backup "$@"
