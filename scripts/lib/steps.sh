# shellcheck shell=bash
# steps: long work, told step by step. Sourced by the scripts beside it.
#
#     step 'Build (gcc)' cmake --build --preset dev      runs it, its output goes to a log
#     step_begin 'Lint' cmake --build --preset lint      the same, without waiting
#     steps_wait                                         waits for all that were begun
#     steps_passed, steps_failed                         how many
#
# What a step writes into the file $STEP_NOTE is told beside its title.
#
# On a terminal a line shows what runs, for how long, and its last word; in a pipe each step is one line once it is done. A step that fails
# shows the end of its log, makes step and steps_wait return 1, and the others go on. The script's end, by whatever cause, ends its steps.

steps_folder=$(mktemp -d "${TMPDIR:-/tmp}/weavestream-backup-steps-XXXXXX")
steps_passed=0
steps_failed=0
# What ninja, ctest and cmocka say of each thing that goes well; left out when a failure is shown.
steps_good_news='^-- |^\[[0-9]+/[0-9]+\] (Building|Linking|Generating)|^ *Start +[0-9]+:|   Passed  |^\[ +(RUN|OK) +\]|^ok   '
declare -A steps_title=() steps_log=() steps_since=() # by process id, of those that run

if [[ -t 1 ]]; then steps_live=yes; else steps_live=''; fi
if [[ -n $steps_live && -z ${NO_COLOR:-} ]]; then
    steps_green=$'\e[32m' steps_red=$'\e[31m' steps_dim=$'\e[2m' steps_plain=$'\e[0m'
else
    steps_green='' steps_red='' steps_dim='' steps_plain=''
fi

steps_time() {
    local seconds=$1
    if ((seconds < 60)); then printf '%d s' "$seconds"; else printf '%d min %02d s' $((seconds / 60)) $((seconds % 60)); fi
}

# Each step has a process group of its own, so that its end takes along all that it started.
steps_end_all() {
    local pid
    for pid in "${!steps_title[@]}"; do kill -TERM -- "-$pid" 2>/dev/null || true; done
    for pid in "${!steps_title[@]}"; do wait "$pid" 2>/dev/null || true; done
    if [[ -n $steps_live ]]; then printf '\r\e[K'; fi
    rm -rf "$steps_folder"
}
trap steps_end_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

step_begin() {
    local title=$1 log
    shift
    log=$(mktemp "$steps_folder/log-XXXXXX")
    set -m
    STEP_NOTE=$log.note "$@" </dev/null >"$log" 2>&1 &
    set +m
    steps_title[$!]=$title steps_log[$!]=$log steps_since[$!]=$SECONDS
}

steps_draw() {
    local pid longest='' line word
    for pid in "${!steps_title[@]}"; do
        if [[ -z $longest || ${steps_since[$pid]} -lt ${steps_since[$longest]} ]]; then longest=$pid; fi
    done
    if [[ -z $longest ]]; then return; fi
    line="      ${steps_title[$longest]}"
    for pid in "${!steps_title[@]}"; do
        if [[ $pid != "$longest" ]]; then line+=" + ${steps_title[$pid]}"; fi
    done
    line+="  $(steps_time $((SECONDS - steps_since[$longest])))  "
    word=$(tail -c 400 "${steps_log[$longest]}" | tr '\r' '\n' | tr -cd '[:print:]\n' | grep . | tail -n 1) || true
    local room=$((${COLUMNS:-$(tput cols 2>/dev/null || echo 80)} - ${#line} - 1))
    if ((room < 0)); then room=0; fi
    printf '\r\e[K%s%s%s%s' "${line:0:${COLUMNS:-200}}" "$steps_dim" "${word:0:room}" "$steps_plain"
}

# The step is done: its line, and the end of its log if it failed.
steps_close() {
    local pid=$1 status=$2 took note=''
    took=$(steps_time $((SECONDS - steps_since[$pid])))
    if [[ -s ${steps_log[$pid]}.note ]]; then note=": $(<"${steps_log[$pid]}.note")"; fi
    if [[ -n $steps_live ]]; then printf '\r\e[K'; fi
    if ((status == 0)); then
        steps_passed=$((steps_passed + 1))
        printf '%sok%s    %s %s(%s)%s\n' "$steps_green" "$steps_plain" "${steps_title[$pid]}$note" "$steps_dim" "$took" "$steps_plain"
    else
        steps_failed=$((steps_failed + 1))
        printf '%sFAILED%s %s (exit code %d after %s); the end of what it said:\n' \
            "$steps_red" "$steps_plain" "${steps_title[$pid]}$note" "$status" "$took"
        { grep -vE "$steps_good_news" "${steps_log[$pid]}" || true; } | tail -n 80 | sed 's/^/      /'
    fi
    unset "steps_title[$pid]"
}

# Waits for that one step, or for all.
steps_wait() {
    local only=${1:-} pid status result=0
    while ((${#steps_title[@]} > 0)); do
        for pid in "${!steps_title[@]}"; do
            if kill -0 "$pid" 2>/dev/null; then continue; fi
            status=0
            wait "$pid" || status=$?
            steps_close "$pid" "$status"
            if ((status != 0)) && [[ -z $only || $only == "$pid" ]]; then result=1; fi
        done
        if [[ -n $only && -z ${steps_title[$only]:-} ]]; then break; fi
        if [[ -n $steps_live ]]; then steps_draw; fi
        sleep 0.1
    done
    return "$result"
}

step() {
    step_begin "$@"
    steps_wait "$!"
}
