#!/usr/bin/env bash
# Shows one backup, from the click on "Run now" to the restored database. See --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
    cat <<'TEXT'
Usage: scripts/demo.sh [--keep] [--megabytes N]

Sets up and builds what is needed, then starts a throw-away Redis and Postgres (ports and folder of their own), fills in the app's tables and
some sample data, starts the worker, has the real bullmq add a job as the app does, and shows what comes of it: progress, the row, the dump
and its manifest, a restored database, the queue in Redis. All of it is stopped and removed at the end.

  --keep          leave it up until Ctrl-C, and tell how to look around
  --megabytes N   how much sample data (40)
  --help          this text
TEXT
}

options=()
while (($# > 0)); do
    case $1 in
    --keep) options+=(--keep) ;;
    --megabytes)
        if [[ ! ${2:-} =~ ^[1-9][0-9]*$ ]]; then
            usage >&2
            exit 64
        fi
        options+=(--megabytes "$2")
        shift
        ;;
    --help | -h)
        usage
        exit 0
        ;;
    *)
        usage >&2
        exit 64
        ;;
    esac
    shift
done

scripts/setup.sh

build() { cmake --preset release && cmake --build --preset release --target weavestream-backup weavestream-backup-job; }

. scripts/lib/steps.sh
step 'Build the worker' build
steps_end_all # the demo itself has the terminal from here on
trap - EXIT INT TERM HUP
exec node scripts/demo/demo.mjs "${options[@]}"
