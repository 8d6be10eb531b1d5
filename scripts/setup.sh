#!/usr/bin/env bash
# Installs what building and testing weavestream-backup needs, on Debian 12 or 13. See --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# "a|b": whichever the release has, the first one if both.
packages=(
    gcc libc6-dev cmake ninja-build pkg-config
    libhiredis-dev libevent-dev libjansson-dev 'libmsgpack-c-dev|libmsgpack-dev' libssl-dev libcurl4-openssl-dev libpq-dev
    dpkg-dev file # for the Debian package
)
packages_for_tests=(
    # check
    clang clang-format clang-tidy libclang-rt-dev libcmocka-dev shellcheck musl-tools
    # run the tests and the demo: real servers, on ports and in folders of their own
    postgresql pgbouncer redis-server chromium prometheus openssl procps strace tzdata ca-certificates git man-db
    curl rsync restic systemd
)
least_node=18

# For other systems, where nobody can be asked for packages: programs, and libraries as pkg-config names them.
programs=(gcc cmake ninja pkg-config)
programs_for_tests=(clang clang-format clang-tidy shellcheck pgbouncer redis-server redis-cli chromium promtool psql pg_dump pg_restore
    openssl ps strace git man musl-gcc curl rsync restic dpkg-deb dpkg-shlibdeps systemd-analyze)
libraries=(hiredis libevent_core libevent_extra libevent_openssl jansson 'msgpack-c|msgpack' openssl libcurl libpq)
libraries_for_tests=(cmocka)

usage() {
    cat <<'TEXT'
Usage: scripts/setup.sh [--build] [--check]

Installs everything that building and testing need: Debian packages by apt-get (with sudo unless you are root), and the Node clients that
the tests put at the other end of the queue, by npm, into tests/node_modules. Says nothing and changes nothing when all of it is there.

No service is started, now or at boot, and no Postgres cluster is made: the tests start their own servers.

  --build   only what building needs: a compiler, CMake and the libraries
  --check   only say what is missing; exit 1 if something is
  --help    this text
TEXT
}

check_only=''
build_only=''
for option in "$@"; do
    case $option in
    --build) build_only=yes ;;
    --check) check_only=yes ;;
    --help | -h)
        usage
        exit 0
        ;;
    *)
        usage >&2
        exit 64
        ;;
    esac
done
if [[ -z $build_only ]]; then
    packages+=("${packages_for_tests[@]}")
    programs+=("${programs_for_tests[@]}")
    libraries+=("${libraries_for_tests[@]}")
fi

complain() { printf '%s\n' "$@" >&2; }

# --- what is missing ---------------------------------------------------------------------------------------------------------------------

# Prints those of $packages of which no alternative is installed.
missing_packages() {
    local names installed entry name
    mapfile -t names < <(printf '%s\n' "${packages[@]//|/$'\n'}")
    installed=" $(dpkg-query -W -f '${db:Status-Abbrev}${Package} ' "${names[@]}" 2>/dev/null || true) "
    for entry in "${packages[@]}"; do
        for name in ${entry//|/ }; do
            if [[ $installed == *"ii $name "* ]]; then continue 2; fi
        done
        printf '%s\n' "$entry"
    done
}

missing_elsewhere() {
    local name entry
    for name in "${programs[@]}"; do
        command -v "$name" >/dev/null || printf '%s\n' "$name"
    done
    [[ -n $build_only ]] || command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || printf '%s\n' 'initdb (the Postgres server)'
    for entry in "${libraries[@]}"; do
        for name in ${entry//|/ }; do
            if pkg-config --exists "$name" 2>/dev/null; then continue 2; fi
        done
        printf '%s\n' "$entry (library and headers)"
    done
}

node_version() { { node --version 2>/dev/null || true; } | sed -n 's/^v\([0-9]*\)\..*/\1/p'; }

node_modules_current() {
    [[ -n $build_only ]] || [[ -f tests/node_modules/.installed-from && $(<tests/node_modules/.installed-from) == "$(sha256sum <tests/package-lock.json)" ]]
}

# shellcheck disable=SC1091
os=$(. /etc/os-release 2>/dev/null && printf '%s %s' "${ID:-}" "${VERSION_ID:-}") || os=''
node=$(node_version)
missing=()
case $os in
'debian 12' | 'debian 13')
    mapfile -t missing < <(missing_packages)
    node_package=nodejs
    ;;
*)
    mapfile -t missing < <(missing_elsewhere)
    node_package="node ($least_node or newer)"
    ;;
esac
if [[ -z $build_only ]]; then
    if [[ -z $node ]]; then missing+=("$node_package"); fi
    if ! command -v npm >/dev/null; then missing+=(npm); fi
fi

if [[ -z $build_only && -n $node ]] && ((node < least_node)); then
    complain "Node $node is installed at $(command -v node), and the tests need $least_node or newer. Please update it, or take it out of PATH:" \
        'Debian 12 and 13 have a newer one, which this script then installs.'
    exit 1
fi

if [[ -n $check_only ]]; then
    if ((${#missing[@]} > 0)); then printf 'missing: %s\n' "${missing[@]}"; fi
    if ! node_modules_current; then
        printf 'missing: the Node clients in tests/node_modules, as tests/package-lock.json lists them\n'
        exit 1
    fi
    if ((${#missing[@]} > 0)); then exit 1; fi
    exit 0
fi

if ((${#missing[@]} > 0)) && [[ $os != 'debian 12' && $os != 'debian 13' ]]; then
    complain "This script installs packages on Debian 12 and 13 only; this is ${os:-an unknown system}. Here you need:" "${missing[@]/#/  }" \
        '' 'On Debian these are the packages' "  ${packages[*]}" 'and for the tests also nodejs and npm'
    exit 1
fi

if ((${#missing[@]} == 0)) && node_modules_current; then exit 0; fi

# --- install it --------------------------------------------------------------------------------------------------------------------------

. scripts/lib/steps.sh

as_root=()
if ((EUID != 0)); then as_root=(sudo); fi

if ((${#missing[@]} > 0)) && ((EUID != 0)) && ! { command -v sudo >/dev/null && sudo -v; }; then
    complain 'Packages are missing, and only root may install them. Have somebody run:' "  apt-get install --no-install-recommends ${missing[*]%%|*}"
    exit 1
fi

apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 apt-get -q -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@"; }

# While packages are installed: no service starts, and Postgres makes no cluster. Both files are gone afterwards.
quiet_files=()
write_quiet_file() {
    local path=$1 mode=$2
    if [[ -e $path ]]; then return; fi # somebody else's: theirs to decide
    "${as_root[@]}" install -D -m "$mode" /dev/stdin "$path"
    quiet_files+=("$path")
}
remove_quiet_files() {
    if ((${#quiet_files[@]} == 0)); then return; fi
    "${as_root[@]}" rm -f "${quiet_files[@]}"
    "${as_root[@]}" rmdir --ignore-fail-on-non-empty /etc/postgresql-common/createcluster.d 2>/dev/null || true
    quiet_files=()
}
trap 'steps_end_all; remove_quiet_files' EXIT

# "a|b" becomes the first of the two that apt knows.
choose() {
    local entry name
    for entry in "$@"; do
        for name in ${entry//|/ }; do
            if [[ $entry == "$name" || -n $(apt-cache show --no-all-versions "$name" 2>/dev/null) ]]; then
                printf '%s\n' "$name"
                continue 2
            fi
        done
        complain "Neither of $entry is known to apt."
        return 1
    done
}

install_packages() {
    local chosen
    step 'Update the package lists' apt update || return 1
    mapfile -t chosen < <(choose "${missing[@]}")
    if ((${#chosen[@]} != ${#missing[@]})); then return 1; fi
    local server
    local new_servers=()
    for server in redis-server pgbouncer prometheus; do
        if [[ " ${chosen[*]} " == *" $server "* ]]; then new_servers+=("$server.service"); fi
    done

    write_quiet_file /usr/sbin/policy-rc.d 755 <<<$'#!/bin/sh\nexit 101'
    if [[ " ${chosen[*]} " == *' postgresql '* ]]; then
        write_quiet_file /etc/postgresql-common/createcluster.d/weavestream-backup.conf 644 <<<'create_main_cluster = false'
    fi
    step "Install ${chosen[*]}" apt install -y --no-install-recommends "${chosen[@]}" || return 1
    # The packages would have these started at the next boot; who has just got them from us did not ask for that.
    if ((${#new_servers[@]} > 0)) && [[ -d /run/systemd/system ]]; then "${as_root[@]}" systemctl disable --quiet "${new_servers[@]}" || true; fi
    remove_quiet_files
}

install_clients() {
    (cd tests && npm ci --no-audit --no-fund --ignore-scripts) &&
        sha256sum <tests/package-lock.json >tests/node_modules/.installed-from
}

if ((${#missing[@]} > 0)); then
    if ! install_packages; then
        complain 'Not everything could be installed. The list is at the top of scripts/setup.sh.'
        exit 1
    fi
    node=$(node_version)
    if [[ -z $build_only ]] && { [[ -z $node ]] || ((node < least_node)); }; then
        complain "Node $least_node or newer is needed; ${node:-none} was found after the installation."
        exit 1
    fi
fi
if ! node_modules_current; then step 'Install the Node clients for the tests (npm ci)' install_clients; fi
