# bash completion for weavestream-backup(1). The words are those of the program's own --help, so that they are always right.

# Prints "--name" or "--name=" for each option of a help on standard input.
_weavestream_backup_options() {
    sed -nE 's/^ {2,6}(-[A-Za-z0-9], )?(--[a-z-]+)(=?).*/\2\3/p'
}

# Prints what the option --$1 may be, as its help on standard input has it: the choices in --name=one|two, or those that are
# listed below it, else @FILE or @DIR if that is what its value is called.
_weavestream_backup_values() {
    local line value inside=''
    while IFS= read -r line; do
        if [[ $line =~ ^\ {2,6}(-[A-Za-z0-9],\ )?--$1=([^ ]+) ]]; then
            value=${BASH_REMATCH[2]}
            case $value in
            FILE | DIR) printf '@%s\n' "$value" ;;
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

    if ((COMP_CWORD == 1)); then
        words=$("$program" --help 2>/dev/null | sed -nE 's/^ {2}([a-z]+) .*/\1/p')
        mapfile -t COMPREPLY < <(compgen -W "$words --help --version" -- "$current")
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
    fi
    if [[ $option == --* ]]; then
        words=$(_weavestream_backup_values "${option#--}" <<<"$help")
        case $words in
        @FILE) _weavestream_backup_files -f ;;
        @DIR) _weavestream_backup_files -d ;;
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
