#!/usr/bin/env bash
# Copies dumps and files to another host, and proves the copies. See --help.
# shellcheck disable=SC2016,SC2088 # scripts and paths for the other host are in single quotes
set -euo pipefail

usage() {
    cat <<'TEXT'
Usage: scripts/offhost-sync.sh [OPTION]... DATA_DIR TARGET
       RESTIC_REPOSITORY=... scripts/offhost-sync.sh [OPTION]... DATA_DIR

Copies what a restore needs, DATA_DIR/backup and DATA_DIR/files, away from this host, and proves what it copied. TARGET is a folder, or one on
another host as rsync takes it (user@host:folder). Without TARGET, restic keeps the copies in RESTIC_REPOSITORY. Run it every night, after the
last backup.

  -k, --keep N      how many snapshots of the files (restic: of everything) are kept there (default: 7)
  --dumps-only      leave DATA_DIR/files out
  --verify-all      prove all dumps there again, not only those that are not proven yet (restic: the newest)
  -n, --dry-run     say what would be done, and do nothing
  -h, --help        this text

Only whole dumps are copied: those with a manifest, of the size that it says. After that, each copy's SHA-256 is taken where it lies and compared
with its manifest; what is not proven is looked at again by each run. Dumps come first, then files, so that no dump is there whose files are not.

At TARGET, backup/ has dumps and manifests; they stay there when they are pruned here: how long is up to you. .proven lists the copies that are
proven. files/ has a snapshot for each run, named by its time (UTC); what did not change is a hard link to the one before, so a snapshot costs what
is new in it.

Environment:
  OFFHOST_PING_URL   told of start, success and failure, as healthchecks.io and Uptime Kuma take it
  RSYNC_RSH          how to reach the other host (default: ssh, which gives up a host that says nothing for two minutes)
  RESTIC_...         as restic takes it; the repository must have been made by 'restic init'

Exit status: 0 all is copied and proven; 1 a dump or a copy is not what its manifest says, there is no dump, or the clock is behind the newest
snapshot; 64 wrong usage; 66 DATA_DIR is not there; 69 the target cannot be reached or written; 75 the same is running already.
TEXT
}

say() { printf '%s\n' "$*"; }
complain() { printf 'offhost-sync: %s\n' "$*" >&2; }

# The reason of a failure, for the ping: the last complaint.
failure=''
fail() {
    local status=$1
    shift
    complain "$*"
    failure=$*
    exit "$status"
}

wrong_usage() {
    complain "$*"
    complain "try 'scripts/offhost-sync.sh --help'"
    exit 64
}

keep=7 with_files=yes verify_all='' dry_run=''
positional=()
while (($# > 0)); do
    case $1 in
    -k | --keep)
        if [[ ! ${2:-} =~ ^[1-9][0-9]{0,3}$ ]]; then wrong_usage "$1 takes a number from 1 to 9999"; fi
        keep=$2
        shift
        ;;
    --dumps-only) with_files='' ;;
    --verify-all) verify_all=yes ;;
    -n | --dry-run) dry_run=yes ;;
    -h | --help)
        usage
        exit 0
        ;;
    -*) wrong_usage "there is no option $1" ;;
    *) positional+=("$1") ;;
    esac
    shift
done
if ((${#positional[@]} < 1 || ${#positional[@]} > 2)); then wrong_usage 'DATA_DIR is missing, or there are too many arguments'; fi
data=${positional[0]%/} target=${positional[1]:-}
if [[ -z $target && -z ${RESTIC_REPOSITORY:-} ]]; then wrong_usage 'TARGET is missing, and RESTIC_REPOSITORY is not set'; fi

# Where the copies are: `path` on `host` (empty: this one), which is `target` for rsync.
host='' path=$target remote=''
if [[ $target =~ ^(([^/:@]+@)?\[([^]/]+)\]:)(.*)$ ]]; then
    remote=${BASH_REMATCH[1]} host=${BASH_REMATCH[2]}${BASH_REMATCH[3]} path=${BASH_REMATCH[4]}
elif [[ $target =~ ^[^/:]*:(:|//) ]]; then
    wrong_usage 'TARGET is a folder, or user@host:folder; where rsync is a daemon, copies cannot be proven'
elif [[ $target =~ ^(([^/:]+):)(.*)$ ]]; then
    remote=${BASH_REMATCH[1]} host=${BASH_REMATCH[2]} path=${BASH_REMATCH[3]}
elif [[ -n $target && $(realpath -m -- "$target") == "$(realpath -m -- "$data")"?(/*) ]]; then
    wrong_usage 'TARGET is in DATA_DIR'
fi
if [[ -n $host ]]; then # a path is taken from the home folder anyway
    case $path in
    '' | '~' | '~/') path=. ;;
    '~/'*) path=${path#'~/'} ;;
    esac
fi
path=${path%/} target=$remote${path%/}
export RSYNC_RSH=${RSYNC_RSH:-ssh -o ConnectTimeout=30 -o ServerAliveInterval=30 -o ServerAliveCountMax=4}

# --- telling how it went -----------------------------------------------------------------------------------------------------------------

# tell start|success|fail [WORDS]; the URL is a secret, so it is not among curl's arguments.
tell() {
    local what=$1 url=${OFFHOST_PING_URL:-} base query='' words=()
    if [[ -z $url || -n $dry_run ]]; then return; fi
    base=${url%%\?*}
    if [[ $url == *\?* ]]; then query=\?${url#*\?}; fi
    case $what,$base in
    start,*/api/push/*) return ;;
    success,*/api/push/*) url="$base?status=up&msg=OK" ;;
    fail,*/api/push/*) url="$base?status=down&msg=off-host%20copy%20failed" ;;
    start,*) url=$base/start$query ;;
    fail,*) url=$base/fail$query words=(--data-raw "$2") ;;
    esac
    printf 'url = "%s"\n' "$url" | curl --config - --silent --show-error --fail --max-time 10 --retry 1 \
        --output /dev/null "${words[@]}" || complain 'the ping could not be sent'
}

finish() {
    local status=$?
    trap - EXIT
    case $status in
    0) tell success ;;
    75) ;; # the other run tells
    *) tell fail "${failure:-exit status $status}" ;;
    esac
    rm -rf "$scratch"
    exit "$status"
}
scratch=$(mktemp -d)
trap finish EXIT
child=''
trap 'stop 130' INT
trap 'stop 143' TERM
stop() {
    if [[ -n $child ]]; then kill -- "-$child" 2>/dev/null || true; fi
    exit "$1"
}

for folder in backup ${with_files:+files}; do
    if [[ ! -d $data/$folder ]]; then fail 66 "'$data/$folder' is not there: is '$data' Weavestream's DATA_DIR, and mounted?"; fi
done
dumps=$(cd "$data/backup" && pwd)

exec 9<"$dumps"
if ! flock --nonblock 9; then fail 75 "another run for '$data' is not over yet"; fi

# What takes long: it and all that it has started end when we are told to end, and it does not hold the lock should it outlive us.
run() {
    setsid "$@" <&0 9<&- &
    child=$!
    local status=0
    wait "$child" || status=$?
    child=''
    return "$status"
}
rsync() { run rsync "$@"; }
restic() { run restic "$@"; }

# --- what is to be copied ----------------------------------------------------------------------------------------------------------------

# The value of a manifest's key that holds a number or a string.
manifest_value() { sed -n "s/^ *\"$2\": *\"\{0,1\}\([0-9a-f]*\)\"\{0,1\},\{0,1\}\$/\1/p" "$1" | head -n 1; }

# Writes $scratch/sums, "SHA-256  name" of each whole dump, oldest first, and $scratch/names, these and their manifests.
damaged=()
choose_dumps() {
    local dump manifest sum
    damaged=()
    : >"$scratch/sums"
    : >"$scratch/names"
    for dump in "$dumps"/weavestream-postgres-*.dump; do
        if [[ ! -e $dump ]]; then continue; fi
        if [[ ! ${dump##*/} =~ ^weavestream-postgres-[0-9TZ:-]+\.dump$ ]]; then
            complain "'${dump##*/}' is left out: no worker has named it so"
            continue
        fi
        manifest=${dump%.dump}.manifest.json
        if [[ ! -e $manifest ]]; then
            complain "'${dump##*/}' is left out: it has no manifest"
            continue
        fi
        sum=$(manifest_value "$manifest" sha256 || true)
        if [[ ! $sum =~ ^[0-9a-f]{64}$ || $(manifest_value "$manifest" sizeBytes) != "$(stat -c %s "$dump")" ]]; then
            if [[ ! -e $manifest || ! -e $dump ]]; then continue; fi # it is just being pruned
            complain "'${dump##*/}' is left out: its size is not what its manifest says"
            damaged+=("${dump##*/}")
            continue
        fi
        printf '%s  %s\n' "$sum" "${dump##*/}" >>"$scratch/sums"
        printf '%s\n' "${dump##*/}" "${manifest##*/}" >>"$scratch/names"
    done
    if [[ ! -s $scratch/sums ]]; then fail 1 "there is no whole dump in '$dumps'"; fi
}

# Of $scratch/wanted, $scratch/wrong are the names of those that are not what they should be.
judge_copies() {
    if [[ -s $scratch/wrong ]]; then
        fail 1 "copies are not what their manifests say: $(paste -sd ' ' "$scratch/wrong"); remove them there, and run this again"
    fi
    say "proven: $(wc -l <"$scratch/wanted") of $(wc -l <"$scratch/sums") dumps"
}

# --- with rsync --------------------------------------------------------------------------------------------------------------------------

# there SCRIPT [ARGUMENT]...: a shell script where the copies are.
there() {
    local word command=''
    if [[ -z $host ]]; then
        run sh -c "$1" sh "${@:2}"
        return
    fi
    for word in sh -c "$1" sh "${@:2}"; do command+="'${word//\'/\'\\\'\'}' "; done
    run $RSYNC_RSH "$host" "$command"
}

# A dump may be pruned while we copy: then what is there is listed anew.
copy_dumps() {
    local tries status
    for tries in 1 2 3; do
        choose_dumps
        status=0
        rsync -a ${dry_run:+--dry-run} --out-format=%n --files-from="$scratch/names" "$dumps/" "$target/backup/" >"$scratch/copied" || status=$?
        case $status in
        0) return ;;
        23 | 24) if ((tries == 3)); then break; fi ;;
        *) break ;;
        esac
    done
    fail 69 "the dumps could not be copied to '$target' (rsync ended with $status)"
}

# What is proven there stands in a list, so that what a run has copied and not proven is proven by the next.
verify_copies() {
    local status=0
    there 'cat "$1/.proven" 2>/dev/null || true' "$path" >"$scratch/proven" || fail 69 "'$target' cannot be reached"
    awk -v all="$verify_all" 'FILENAME == ARGV[1] { proven[$0]; next } FILENAME == ARGV[2] { copied[$0]; next }
        all || !($0 in proven) || $2 in copied' "$scratch/proven" "$scratch/copied" "$scratch/sums" >"$scratch/wanted"
    if [[ -s $scratch/wanted ]]; then
        there 'cd "$1" && LC_ALL=C sha256sum -c -' "$path/backup" <"$scratch/wanted" >"$scratch/checked" || status=$?
        if ((status > 1)); then fail 69 "the copies in '$target' cannot be read (status $status)"; fi
        awk 'FILENAME == ARGV[1] { if (sub(/: OK$/, "")) good[$0]; next } FILENAME == ARGV[2] { wanted[$2]; if ($2 in good) print; next }
            !($2 in wanted)' "$scratch/checked" "$scratch/wanted" "$scratch/proven" >"$scratch/now_proven"
        there 'cat >"$1/.proven.new" && mv "$1/.proven.new" "$1/.proven"' "$path" <"$scratch/now_proven" || fail 69 "'$target' cannot be written"
        awk 'NR == FNR { proven[$0]; next } !($0 in proven) { print $2 }' "$scratch/now_proven" "$scratch/wanted" >"$scratch/wrong"
    fi
    judge_copies
}

# Under a name of its own until it is whole; a run that was cut off is gone on with.
snapshot_files() {
    local last now status=0
    last=$(there 'cd "$1" 2>/dev/null || exit 0; ls -1d [0-9]*Z 2>/dev/null | sort | tail -n 1' "$path/files") || fail 69 "'$target' cannot be reached"
    now=$(date -u +%Y-%m-%dT%H-%M-%SZ)
    if [[ $now == "$last" ]]; then sleep 1 && now=$(date -u +%Y-%m-%dT%H-%M-%SZ); fi
    if [[ $now < $last ]]; then # it would be the first to be removed
        fail 1 "the files are not copied: their newest snapshot is of $last, and it is $now: set the clock right, or remove that snapshot"
    fi
    rsync -a --delete ${dry_run:+--dry-run} ${last:+--link-dest="../$last"} "$data/files/" "$target/files/.unfinished/" || status=$?
    case $status in
    0 | 24) ;; # 24: the app has removed a file meanwhile
    *) fail 69 "the files could not be copied to '$target' (rsync ended with $status)" ;;
    esac
    if [[ -n $dry_run ]]; then return; fi
    there 'cd "$1" && mv -T .unfinished "$2" && ls -1d [0-9]*Z | sort | head -n "-$3" | while read -r old; do rm -rf "$old"; done' \
        "$path/files" "$now" "$keep" || fail 69 "the snapshot '$now' could not be finished in '$target/files'"
    say "files: snapshot $now, the last $keep are kept"
}

sync_by_rsync() {
    if [[ -z $dry_run ]]; then
        there 'mkdir -p "$1/backup" "$1/files"' "$path" || fail 69 "'$target' cannot be reached or written"
    fi
    copy_dumps
    sed "s/^/${dry_run:+would be }copied: /" "$scratch/copied"
    if [[ -z $dry_run ]]; then verify_copies; fi
    if [[ -n $with_files ]]; then snapshot_files; fi
}

# --- with restic -------------------------------------------------------------------------------------------------------------------------

verify_restic() {
    local snapshot=$1 sum name
    if [[ -n $verify_all ]]; then cp "$scratch/sums" "$scratch/wanted"; else tail -n 1 "$scratch/sums" >"$scratch/wanted"; fi
    while read -r sum name; do
        run sh -c 'restic --quiet dump "$1" "$2" </dev/null | sha256sum' sh "$snapshot" "$dumps/$name" >"$scratch/sum" || true
        if [[ $(<"$scratch/sum") != "$sum "* ]]; then printf '%s\n' "$name"; fi
    done <"$scratch/wanted" >"$scratch/wrong"
    judge_copies
}

# The folder is among the tags: another one's snapshots in the same repository are none of our business.
sync_by_restic() {
    local snapshot name tags="weavestream,$dumps"
    choose_dumps
    while read -r name; do printf '%s\n' "$dumps/$name"; done <"$scratch/names" >"$scratch/paths"
    if [[ -n $with_files ]]; then (cd "$data/files" && pwd) >>"$scratch/paths"; fi
    if [[ -n $dry_run ]]; then
        sed 's/^/would be copied: /' "$scratch/paths"
        return
    fi
    restic --json backup --tag "$tags" --files-from-verbatim "$scratch/paths" >"$scratch/report" || fail 69 "restic could not copy everything (it ended with $?): was its repository made, by 'restic init'?"
    snapshot=$(sed -n 's/.*"message_type":"summary".*"snapshot_id":"\([0-9a-f]*\)".*/\1/p' "$scratch/report")
    verify_restic "$snapshot"
    restic --quiet forget --tag "$tags" --group-by host,tags --keep-last "$keep" --prune || fail 69 "restic could not forget old snapshots (it ended with $?)"
    say "snapshot $snapshot, the last $keep are kept"
}

tell start
if ((${#positional[@]} == 2)); then sync_by_rsync; else sync_by_restic; fi
if ((${#damaged[@]} > 0)); then fail 1 "not what their manifests say, and not copied: ${damaged[*]}; 'weavestream-backup verify' tells more"; fi
