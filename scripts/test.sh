#!/usr/bin/env bash
# Builds and tests everything. See --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
    cat <<'TEXT'
Usage: scripts/test.sh [--quick] [--label LABEL] [--only REGEX]

Sets up what is needed (scripts/setup.sh), checks the formatting, builds with gcc and clang (warnings are errors), with the sanitizers and
as released, runs clang-tidy, and runs all tests: unit tests and the replay of the fuzzers' seeds as built for development and with the
sanitizers; integration tests (a real Redis, Postgres and bullmq) and tests of faults as released, with the sanitizers, or both; a short run of the
mixed fleet (workers of both kinds on one queue, in trouble) and conformance tests (our worker beside bullmq's own) as released. The last line
counts what was tested.

  --quick         builds for development and as released only, each test once, no checks of the source text
  --label LABEL   only tests with this label (unit, fuzz, integration, faults, fleet, conformance, ...), each once
  --only REGEX    only tests whose name matches, as `ctest -R` takes it, each once
  --help          this text

One integration test by hand:  node tests/integration/run.mjs --only 'part of its name' tests/integration/FILE.test.mjs
(as released; WEAVESTREAM_BACKUP_BIN_DIR=build/asan for another build).
TEXT
}

quick='' label='' only=''
while (($# > 0)); do
    case $1 in
    --quick) quick=yes ;;
    --label | --only)
        if (($# < 2)); then
            usage >&2
            exit 64
        fi
        quick=yes
        if [[ $1 == --label ]]; then label=$2; else only=$2; fi
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

. scripts/lib/steps.sh

# The source files that are ours, in the index or not yet.
sources() { git ls-files --cached --others --exclude-standard -z -- "$@" | while IFS= read -r -d '' file; do
    if [[ -f $file ]]; then printf '%s\0' "$file"; fi
done; }

check_format() {
    if sources '*.c' '*.h' | xargs -0 -r clang-format --dry-run -Werror -- 2>&1 | { grep -F ' error: ' || true; }; then return 0; fi
    echo "'clang-format -i FILE' mends these."
    return 1
}
check_shell() { sources '*.sh' '*.bash' '.ci/run' 'packaging/post*' 'packaging/prerm' 'tests/system/*' | xargs -0 -r shellcheck -x --; }
check_node() {
    local file
    while IFS= read -r -d '' file; do node --check "$file" || return 1; done < <(sources '*.mjs')
    # What is installed is told by name, version and checksum; from where is up to who installs it.
    if grep -n '"resolved"' tests/package-lock.json; then
        echo 'tests/package-lock.json records download addresses. Run npm in tests/, whose .npmrc leaves them out.'
        return 1
    fi
}

build() {
    local preset=$1
    shift
    cmake --preset "$preset" && cmake --build --preset "$preset" "$@"
}
# All that clang-tidy finds, one line each.
lint() {
    cmake --preset lint && cmake --build --preset lint -- -k 0 | grep --line-buffered -E '^\[[0-9]+/|(error|warning): |^ninja: '
}

# Counts single tests in ctest's report: "passed failed". Programs that count (cmocka; our Node runner) are believed; any other test is one.
count_tests() {
    awk '
        /<testcase / { status = $0; sub(/.* status="/, "", status); sub(/".*/, "", status); good = bad = 0; inside = 1 }
        inside && /\[  PASSED  \].*[0-9]+ test\(s\)/ { match($0, /[0-9]+ test\(s\)/); good += substr($0, RSTART) + 0 }
        inside && /\[  (FAILED|SKIPPED)  ?\].*[0-9]+ test\(s\)/ { match($0, /[0-9]+ test\(s\)/); bad += substr($0, RSTART) + 0 }
        inside && /(^|>)[0-9]+ passed, [0-9]+ failed/ { match($0, /[0-9]+ passed/); good += substr($0, RSTART) + 0
                                                   match($0, /[0-9]+ failed/); bad += substr($0, RSTART) + 0 }
        /<\/testcase>/ {
            if (status != "run" && bad == 0) bad = 1
            if (status == "run" && good + bad == 0) good = 1
            passed += good; failed += bad; inside = 0
        }
        END { print passed + 0, failed + 0 }' "$1"
}

# run_tests PRESET REPORT CTEST-OPTIONS...
run_tests() {
    local preset=$1 report=$2 passed failed status=0
    # Most of them wait most of the time.
    ctest --test-dir "build/$preset" "${@:3}" --parallel "$(($(nproc) + 1))" --no-tests=error --output-on-failure \
        --output-junit "$report" --test-output-size-passed 10000000 --test-output-size-failed 10000000 || status=$?
    if [[ -f $report ]]; then
        read -r passed failed < <(count_tests "$report")
        echo "$passed passed, $failed failed" >"$STEP_NOTE"
        if ((failed > 0 && status == 0)); then status=1; fi
    fi
    return "$status"
}

# A build that failed is counted, and there is nothing to test in it.
built=' '
try_build() {
    local title=$1 preset=$2
    if step "$title" build "${@:2}"; then built+="$preset "; fi
}

# try_tests TITLE PRESET CTEST-OPTIONS...
try_tests() {
    local title=$1 preset=$2
    if [[ $built != *" $preset "* ]]; then return; fi
    runs=$((runs + 1))
    step "$title" run_tests "$preset" "$reports/$runs.xml" "${@:3}" || true
}

# The same, if there are such tests.
try_tests_if_any() {
    if [[ $built == *" $2 "* && $(ctest --test-dir "build/$2" --show-only "${@:3}") == *'Total Tests: '[1-9]* ]]; then try_tests "$@"; fi
}

runs=0
reports=$steps_folder/reports
mkdir "$reports"
# initdb once for all test files; Postgres runs as another user and must get through.
chmod 755 "$steps_folder"
export WEAVESTREAM_TEST_CACHE=$steps_folder/cache
mkdir "$WEAVESTREAM_TEST_CACHE"

started=$SECONDS
unit='^(unit|fuzz)$' # the fuzzers replay their seeds
whole='^(integration|faults|fleet)$'
if [[ -n $quick ]]; then
    try_build 'Build for development (gcc, warnings are errors)' dev
    try_build 'Build as released' release
    if [[ -n $label || -n $only ]]; then
        filter=(${label:+--label-regex "^$label\$"} ${only:+--tests-regex "$only"})
        try_tests_if_any 'Unit tests' dev --label-regex "$unit" "${filter[@]}"
        try_tests_if_any 'Tests of the whole' release --label-exclude "$unit" "${filter[@]}"
    else
        try_tests 'Unit tests' dev --label-regex "$unit"
        try_tests 'Integration tests, faults and fleet' release --label-regex "$whole"
        try_tests 'Conformance tests' release --label-regex '^conformance$'
    fi
else
    step 'Formatting (clang-format)' check_format || true
    step 'Scripts (shellcheck)' check_shell || true
    step 'Node files and their lock file' check_node || true
    try_build 'Build for development (gcc, warnings are errors)' dev --target all all_verify_interface_header_sets
    try_build 'Build with the sanitizers' asan
    try_build 'Build with clang (warnings are errors)' clang
    try_build 'Build as released' release
    # Beside the tests, which spend their time waiting, and behind them when they do not.
    step_begin 'Static analysis (clang-tidy)' lint
    renice --priority 19 --pgrp $! >/dev/null
    try_tests 'Unit tests' dev --label-regex "$unit"
    try_tests 'Unit tests with the sanitizers' asan --label-regex "$unit"
    try_tests 'Conformance tests, as released' release --label-regex '^conformance$'
    try_tests 'Integration tests, faults and fleet, as released' release --label-regex "$whole" --label-exclude '^sanitized_only$'
    try_tests 'Integration tests and faults with the sanitizers' asan --label-regex "$whole" --label-exclude '^released_only$'
    steps_wait || true
fi

# Single tests count, and each other step as one.
passed=$steps_passed failed=$steps_failed
shopt -s nullglob
tested=0
for report in "$reports"/*.xml; do
    read -r good bad < <(count_tests "$report")
    if ((good + bad == 0)); then continue; fi
    tested=$((tested + good + bad))
    passed=$((passed + good)) failed=$((failed + bad))
    if ((bad > 0)); then failed=$((failed - 1)); else passed=$((passed - 1)); fi
done
if ((tested == 0)); then
    echo 'FAILED No test ran.'
    failed=$((failed + 1))
fi
printf '\nin %s\n' "$(steps_time $((SECONDS - started)))"
printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
