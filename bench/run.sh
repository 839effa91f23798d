#!/bin/bash
# Measures what httpool costs, beside what was asked for and beside what its
# users would take instead: a bare libuv + llhttp loop, libcurl, libevent,
# node's clients, load generators. Installs what it lacks (Debian, npm),
# builds, runs.
#
#   bench/run.sh [--quick] [--check] [--only CASE[,CASE]] [--list]
#                [--json FILE] [--plots DIR] [--build DIR]
#
#   --quick   fewer requests, repetitions and contestants: less than three
#             minutes once all is built
#   --check   only what can be counted (instructions, system calls, allocator
#             calls, bytes), of httpool and the bare loop; exits with 1 when a
#             figure is worse than asked
#   --only    these cases
#   --list    says which cases there are
#   --json    the same figures for programs
#   --plots   where to draw [build/bench/plots]
#   --build   where to build [build/bench]
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)

# shellcheck source=bench/lib.sh
. "$root/bench/lib.sh"
for part in "$root"/bench/suite/*.sh "$root"/bench/cases/*.sh; do
  # shellcheck source=/dev/null
  . "$part"
done

read_suite_options() {
  local rest=()
  only='' list=0 plots=''
  while [ $# -gt 0 ]; do
    case $1 in
      --only) only=${2:?--only needs cases} && shift ;;
      --plots) plots=${2:?--plots needs a directory} && shift ;;
      --list) list=1 ;;
      *) rest+=("$1") ;;
    esac
    shift
  done
  read_options "${rest[@]}"
  plots=${plots:-$build/plots}
}

# Ours in this order, then whatever others there are. Each bench/cases/NAME.sh
# has a line "# NAME: what it is" and a function case_NAME; what it needs
# beyond the common things is its own affair, and with --check it only counts.
find_cases() {
  local file
  cases=(get paced post large chunked headers endpoints refusal memory scale burst
    gateway overload resilience)
  for file in "$root"/bench/cases/*.sh; do
    file=$(basename "$file" .sh)
    case " ${cases[*]} " in *" $file "*) ;; *) cases+=("$file") ;; esac
  done
}

list_cases() {
  local name
  for name in "${cases[@]}"; do
    printf '%-12s %s\n' "$name" \
      "$(sed -n "s/^# $name: //p" "$root/bench/cases/$name.sh")"
  done
}

choose_cases() {
  local name wanted
  [ -n "$only" ] || return 0
  IFS=, read -ra wanted <<<"$only"
  for name in "${wanted[@]}"; do
    case " ${cases[*]} " in
      *" $name "*) ;;
      *) echo "bench: no case $name; there are: ${cases[*]}" >&2 && exit 2 ;;
    esac
  done
  cases=("${wanted[@]}")
}

# shellcheck disable=SC2034 # the cases read them
choose_peers() {
  if [ "$check" = 1 ]; then
    peers=(httpool uv)
  else
    find_peers
  fi
}

# Each connection takes a descriptor here and one of the server's.
raise_limits() {
  files=$((many_conns + endpoints + 1000))
  ulimit -n "$files" 2>/dev/null && return
  files=$(ulimit -Hn)
  ulimit -n "$files"
  many_conns=$(((files - endpoints - 1000) / 500 * 500))
  [ "$many_conns" -ge 500 ] || { echo 'bench: too few open files' >&2; exit 1; }
  echo "bench: only $files open files: $many_conns connections at most" >&2
}

# What is known by then is told, also when not all went well.
clean_up() {
  end_progress
  stop_scripts
  stop_server
  [ -z "$json" ] || write_json "$json"
  sum_up
  rm -rf "$work"
}

read_suite_options "$@"
find_cases
[ $list = 0 ] || { list_cases && exit; }
choose_cases

work=$(mktemp -d)
mkdir "$work/samples"
trap clean_up EXIT
trap 'exit 130' INT TERM
# shellcheck disable=SC2034 # the cases read them
repeats=$((quick ? 2 : 3)) timed_n=$((quick ? 20000 : 100000))
# shellcheck disable=SC2034
counted_n=$((quick ? 2000 : 10000)) shorter=$((quick ? 1000 : 2000))
endpoints=500 many_conns=10000 current=bench worse=0 failed=0

install_missing nginx:nginx-light valgrind:valgrind strace:strace
[ "$check" = 1 ] || install_peers
raise_limits
examples=ON build_all
choose_peers
start_server
describe_run
for current in "${cases[@]}"; do
  "case_$current"
done
end_scripts
[ "$failed" = 0 ] || exit 1
[ "$check" = 0 ] || [ "$worse" = 0 ]
