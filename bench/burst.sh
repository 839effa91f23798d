#!/bin/bash
# A loop that makes 200,000 requests before it lets the process do anything
# else, as a bug or a flood of events does it: through httpool with its default
# max_pending, undici, libcurl (multi_socket on libuv) and poolee. Installs what
# it lacks (Debian; npm into the build directory), builds, runs.
#
#   bench/burst.sh [--quick] [--check] [--json FILE] [--build DIR]
#
#   --quick   20,000 requests: ten seconds, not two minutes
#   --check   exit with 1 when a figure of httpool is worse than asked
#   --json    the same figures for programs
#   --build   where to build [build/bench]
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)

# shellcheck source=bench/lib.sh
. "$root/bench/lib.sh"
# shellcheck source=bench/processes.sh
. "$root/bench/processes.sh"
# shellcheck source=bench/table.sh
. "$root/bench/table.sh"

read_options "$@"
pin_servers=("${pin_server[@]}") pin_clients=("${pin_client[@]}")

# The server can do 10,000 a second. A request may take ten seconds; there are
# 20 connections for each, and the max_pending that is httpool's and poolee's
# default.
#
# libcurl gets a tenth of the requests. Its time grows with their square: it
# looks for each that ends in the list of those that wait; with all of them it
# is not done after five minutes.
most=$((quick ? 20000 : 200000))
contestants=(httpool undici libcurl poolee)
declare -A calls=([httpool]=$most [undici]=$most [libcurl]=$((most / 10))
  [poolee]=$most)

run_all() {
  local who
  for who in "${contestants[@]}"; do
    echo "bench: $who" >&2
    start_server "$who" bench_overload_server -w 10 -s 1000
    start_client "$who" burst "$who" "$who" -c 20 -m 1000 -d 10000 \
      -n "${calls[$who]}"
    finish
  done
}

of_each() { # key, what it is divided by, digits behind the point
  local who
  for who in "${contestants[@]}"; do
    awk -v key="$1" -v by="${2:-1}" -v digits="${3:-0}" \
      '$1 == key { printf "%.*f\n", digits, $2 / by }' "$work/$who.client"
  done
}

how_many() {
  local who
  for who in "${contestants[@]}"; do echo "${calls[$who]}"; done
}

report() {
  title 'requests made in one loop' "${contestants[@]}"
  row 'how many' '' '' "$(how_many)"
  row 'the loop takes' ms '' "$(of_each loop_ms 1 1)"
  row 'longest time in which a 10 ms timer waits' ms '<= 100' "$(of_each gap_ms)"
  row 'until a later request is answered' ms '<= 500' "$(of_each answers_ms)"
  row 'until all are ended' ms '' "$(of_each ended_ms)"
  row 'memory on top, at the peak' MiB '<= 4' "$(of_each peak_kib 1024 1)"
  row 'refused within the loop' '' '' "$(of_each refused)"
  row 'failed later' '' '' "$(of_each failed)"
  row 'answered' '' '' "$(of_each answered)"
}

work=$(mktemp -d)
trap clean_up EXIT
trap 'exit 130' INT TERM

# shellcheck disable=SC2119
prepare_contestants
run_all
report
conclude
