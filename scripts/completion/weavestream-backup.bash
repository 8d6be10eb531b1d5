# bash completion for weavestream-backup(1). The words are those of the program's own --help, so that they are always right.

# Prints "--name" or "--name=" for each option of a help on standard input.
_weavestream_backup_options() {
    sed -nE 's/^ {2,6}(-[A-Za-z0-9], )?(--[a-z-]+)(=?).*/\2\3/p'
}

# Prints the name of each option with a value that has the letter $1 in a help on standard input.
_weavestream_backup_long() {
    sed -nE "s/^ {2,6}-$1, --([a-z-]+)=.*/\1/p"
}

# Prints the names of the schedules, if the settings are here and the servers answer at once.
_weavestream_backup_schedules() {
    timeout 1 "$1" status --json 2>/dev/null </dev/null |
        grep -oE '"id": ?"[0-9a-f-]{36}", ?"name": ?"[^"\\]*"' | sed -E 's/.*"name": ?"(.*)"$/\1/'
}

# Offers those of the lines on standard input that begin with what is typed, as the shell needs them to be written.
_weavestream_backup_lines() {
    local line plain=${current//\\/}
    while IFS= read -r line; do
        if [[ $line == "${plain#[\"\']}"* ]]; then COMPREPLY+=("$(printf %q "$line")"); fi
    done
}

# Prints what the option --$1 may be, as its help on standard input has it: the choices in --name=one|two, or those that are
# listed below it, else @FILE, @DIR or @SCHEDULE if that is what its value is called.
_weavestream_backup_values() {
    local line value inside=''
    while IFS= read -r line; do
        if [[ $line =~ ^\ {2,6}(-[A-Za-z0-9],\ )?--$1=([^ ]+) ]]; then
            value=${BASH_REMATCH[2]}
            case $value in
            FILE | DIR) printf '@%s\n' "$value" ;;
            'NAME|ID') printf '@SCHEDULE\n' ;;
            *[A-Z]*) inside=yes ;;
            *'|'*) printf '%s\n' "${value//|/$'\n'}" ;;
            esac
        elif [[ $line =~ ^\ {2,6}- || ! $line =~ ^\ {10,} ]]; then
            inside=''
        elif [[ -n $inside && $line =~ ^\ {10,}([a-z]+)\ {2,}[^\ ] ]]; then
            printf '%s\n' "${BASH_REMATCH[1]}"
        fi
    done
}

# Files (-f) or folders (-d), whose names are quoted as they need be, and may be so already.
_weavestream_backup_files() {
    local plain=${current//\\/}
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen "$1" -- "${plain#[\"\']}")
}

_weavestream_backup() {
    local program=${COMP_WORDS[0]} current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local help option='' words i
    COMPREPLY=()

    if [[ $COMP_CWORD == 1 || $COMP_CWORD == 2 && $previous == help ]]; then
        words=$("$program" --help 2>/dev/null | sed -nE 's/^ {2}([a-z]+) .*/\1/p')
        if ((COMP_CWORD == 1)); then words+=' --help --version'; fi
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
        return
    fi
    for ((i = 2; i < COMP_CWORD; i++)); do
        if [[ ${COMP_WORDS[i]} == -- ]]; then return; fi # what follows is no option of ours
    done
    help=$("$program" "${COMP_WORDS[1]}" --help 2>/dev/null </dev/null)

    # bash takes --name=value for three words.
    if [[ $current == = ]]; then
        option=$previous current=''
    elif [[ $previous == = ]]; then
        option=${COMP_WORDS[COMP_CWORD - 2]}
    elif [[ $previous == --* && $help == *"$previous="* ]]; then
        option=$previous
    elif [[ $previous == -[A-Za-z0-9] ]]; then
        option=$(_weavestream_backup_long "${previous#-}" <<<"$help")
        option=${option:+--$option}
    fi
    if [[ $option == --* ]]; then
        words=$(_weavestream_backup_values "${option#--}" <<<"$help")
        case $words in
        @FILE) _weavestream_backup_files -f ;;
        @DIR) _weavestream_backup_files -d ;;
        @SCHEDULE) _weavestream_backup_lines < <(_weavestream_backup_schedules "$program") ;;
        *) mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current") ;;
        esac
    elif [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_weavestream_backup_options <<<"$help")" -- "$current")
        if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]]; then compopt -o nospace 2>/dev/null; fi
    elif [[ $help == *"Usage: "*" FILE"* || $help == *"Usage: "*"[FILE]"* ]]; then
        _weavestream_backup_files -f
    fi
}

complete -F _weavestream_backup weavestream-backup
