# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # the scripts set some, and read others
# Tables with a column for each contestant, the same as JSON, and the options
# of the scripts that have plots too; to be sourced after lib.sh.

rows=() worse=0 columns=() heading=''
name_width=${name_width:-40} # of what a row is called

# Those of lib.sh, and --plots DIR.
read_options_and_plots() {
  local others=()
  plots=
  while [ $# -gt 0 ]; do
    if [ "$1" = --plots ]; then
      plots=${2:?--plots needs a directory} && shift
    else
      others+=("$1")
    fi
    shift
  done
  read_options "${others[@]}"
}

title() { # what, column...
  heading=$1
  columns=("${@:2}")
  printf '\n%-*s' $((name_width + 2)) "$heading"
  printf ' %9s' "${columns[@]}"
  printf '  %s\n' asked
}

# Lines on what the table is about.
about() { printf '  %s\n' "$@"; }

# Whether the first contestant's figure is as asked: "", or "<= N", ">= N". One
# that is not there never is.
verdict() { # asked, figure
  if [ -z "$1" ]; then
    echo ''
  elif [ "$2" != - ] && [ "$(calc %d "($2 $1)")" = 1 ]; then
    echo ok
  else
    echo worse
  fi
}

# What is asked for is of the first contestant. Figures are one on a line, "-"
# where there is none.
row() { # name, unit, asked, figures
  local figures figure how
  mapfile -t figures <<<"$4"
  for figure in "${figures[@]}"; do
    [[ $figure =~ ^(-|-?[0-9.]+)$ ]] ||
      { echo "bench: $1: no figure: '$figure'" >&2 && exit 1; }
  done
  how=$(verdict "$3" "${figures[0]}")
  [ "$how" != worse ] || worse=1
  printf '  %-*s' "$name_width" "$1"
  printf ' %9s' "${figures[@]}"
  printf '  %-4s %s %s\n' "$2" "$3" "$how"
  rows+=("$(row_json "$1" "$2" "$3" "$how" "${figures[@]}")")
}

# One that is a time, and so the machine's too: --check lets it pass.
timed_row() { # as row()
  local before=$worse
  row "$@"
  worse=$before
}

# For the JSON only, under the same title.
note() { # name, unit, figures
  local figures
  mapfile -t figures <<<"$3"
  rows+=("$(row_json "$1" "$2" '' '' "${figures[@]}")")
}

null_for_none() { if [ "$1" = - ]; then echo null; else echo "$1"; fi; }

row_json() { # name, unit, asked, verdict, figures
  local i first=1
  printf '{"table": "%s", "name": "%s", "unit": "%s", ' "$heading" "$1" "$2"
  printf '"asked": "%s", "verdict": "%s", "figures": {' "$3" "$4"
  for ((i = 0; i < ${#columns[@]}; i++)); do
    [ $first = 1 ] || printf ', '
    first=0
    printf '"%s": %s' "${columns[i]}" "$(null_for_none "${*:5+i:1}")"
  done
  printf '}}\n'
}

write_json() {
  local i
  for ((i = 0; i < ${#rows[@]}; i++)); do
    [ "$i" = 0 ] && printf '[' || printf ',\n '
    printf '%s' "${rows[i]}"
  done >"$json"
  echo ']' >>"$json"
}

# The end of a script: writes what is to be written, judges if it is to.
conclude() {
  [ -z "$json" ] || write_json
  [ "$worse" = 0 ] || printf '\nA figure is worse than asked.\n'
  [ "$check" = 0 ] || [ "$worse" = 0 ] || exit 1
}
