# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # the driver sets some, and reads others
# What bench/run.sh tells: rows with verdicts, JSON, progress. To be sourced.

rows=() section=

# Once, before the first table.
describe_run() {
  describe_machine
  PATH=$PATH:/usr/sbin nginx -v 2>&1
  [ "$check" = 1 ] || describe_peers
  [ "$quick" = 0 ] || echo 'In a hurry: times are from short runs.'
}

# On a terminal: what is done now, in a line that does not stay.
progress() {
  [ ! -t 2 ] || printf '\r\033[K%.*s\r' 78 "$current: $*" >&2
}

end_progress() {
  [ ! -t 2 ] || printf '\r\033[K' >&2
}

title() {
  section=$1
  end_progress
  printf '\n%-52s %9s %10s %9s\n' "$1" asked measured bare
}

is_number() { [[ $1 =~ ^-?[0-9.]+$ ]]; }

# name, unit, asked ("-": nothing; "2": at most; ">2": at least), measured,
# bare ("-": none), counted|timed, spread ("LEAST-MOST", or nothing)
row() {
  local verdict=
  is_number "$4" || { echo "bench: $1: no figure: '$4'" >&2 && exit 1; }
  if [ "$3" = - ]; then
    verdict=''
  elif [ "$6" = timed ] && [ "$quick" = 1 ]; then
    verdict='(short)' # what is timed in a hurry decides nothing
  else
    verdict=ok
    is_as_asked "$3" "$4" || verdict=worse
    [ $verdict = ok ] || [ "$6" = timed ] || worse=1
  fi
  note "$1" "$2" "$3" "$4" "$5" "$6" "$verdict" - "${7:--}"
  end_progress
  printf '%-52s %9s %10s %9s  %-12s %s\n' "$1" "${3/>/>=}" "$4" "$5" \
    "$2${7:+ $7}" "$verdict"
}

is_as_asked() { # asked, measured
  case $1 in
    '>'*) [ "$(calc %d "($2 >= ${1#>})")" = 1 ] ;;
    *) [ "$(calc %d "($2 <= $1)")" = 1 ] ;;
  esac
}

# For the JSON only: as a row, with its verdict, its contestant and its spread.
note() {
  local IFS='|'
  rows+=("$current|$section|$*")
}

# What is worse than asked, all together.
sum_up() {
  local line fields any=0
  end_progress
  for line in "${rows[@]}"; do
    IFS='|' read -ra fields <<<"$line"
    [ "${fields[8]}" = worse ] || continue
    [ $any = 1 ] || printf '\nWorse than asked:\n'
    any=1
    printf '  %s: %s: %s, asked %s\n' "${fields[1]}" "${fields[2]}" \
      "${fields[5]}" "${fields[4]/>/>=}"
  done
}

# A JSON number, or null.
number() { if is_number "$1"; then echo "$1"; else echo null; fi; }

json_of() { # case, title, the fields of a row
  local spread=null case=$1 title=$2
  shift 2
  [ "$9" = - ] || spread="[${9/-/, }]"
  printf '  {"case": "%s", "title": "%s", "who": "%s", ' "$case" "$title" \
    "${8/#-/httpool}"
  printf '"name": "%s", "unit": "%s", "kind": "%s", ' "$1" "$2" "$6"
  printf '"asked": %s, "at_least": %s, ' "$(number "${3#>}")" \
    "$([[ $3 == '>'* ]] && echo true || echo false)"
  printf '"measured": %s, "bare": %s, "verdict": "%s", "spread": %s}' \
    "$4" "$(number "$5")" "$7" "$spread"
}

write_json() { # file
  local comma='' line fields
  {
    echo '['
    for line in "${rows[@]}"; do
      IFS='|' read -ra fields <<<"$line"
      printf '%s' "$comma"
      json_of "${fields[@]}"
      comma=$',\n'
    done
    printf '\n]\n'
  } >"$1"
}
