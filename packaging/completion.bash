# bash completion for mymalloc and mymalloc-run                            -*- shell-script -*-
# shellcheck shell=bash

# What the command itself says of its subcommands, or of one's flags.
_mymalloc_words() {
  "$1" --help 2>/dev/null | sed -n 's/^  \([a-z][a-z-]*\)  .*/\1/p'
}

_mymalloc_flags() {
  "$1" "$2" --help 2>/dev/null |
    sed -n 's/^  --\[no-\]\([a-z-]*\)$/--\1\n--no-\1/p; s/^  \(--[a-z-]*=\)\.\.\.$/\1/p'
}

# The words from number $1 on are another command's.
_mymalloc_program() {
  if declare -F _command_offset >/dev/null; then
    _command_offset "$1"
  elif [ "$COMP_CWORD" -eq "$1" ]; then
    mapfile -t COMPREPLY < <(compgen -c -- "${COMP_WORDS[COMP_CWORD]}")
  fi
}

# The number of the word that is the program of `mymalloc run`, as far as it is typed.
_mymalloc_first_operand() {
  local -i i
  for ((i = 2; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in
      --) break ;;
      -*) ;;
      =) i+=1 ;; # A flag's value: readline has `=` as a word.
      *) echo "$i" && return ;;
    esac
  done
  if [ "${COMP_WORDS[i]}" = -- ] && ((i < COMP_CWORD)); then i+=1; fi
  echo "$i"
}

_mymalloc() {
  local word=${COMP_WORDS[COMP_CWORD]} first
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_mymalloc_words "$1") --help" -- "$word")
    return
  fi
  if [ "${COMP_WORDS[1]}" = run ]; then
    first=$(_mymalloc_first_operand)
    if ((first < COMP_CWORD)) || [[ $word != -* ]]; then
      _mymalloc_program "$first"
      return
    fi
  fi
  if [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_mymalloc_flags "$1" "${COMP_WORDS[1]}") --help" -- "$word")
    if [[ ${COMPREPLY-} == *= ]]; then compopt -o nospace; fi
  else
    compopt -o default
  fi
}

_mymalloc_run() {
  COMPREPLY=()
  _mymalloc_program 1
}

complete -F _mymalloc mymalloc
complete -F _mymalloc_run mymalloc-run
