#!/bin/bash
# What endpoints that fail, are slow or are all down do to the users of a pool,
# and what the pool does to them: httpool beside poolee, the node.js module, as
# its users set it up. Both see the same servers and the same requests, which
# come at a fixed rate whatever becomes of them. Installs what it lacks
# (Debian; poolee from npm into the build directory), builds, runs.
#
#   bench/resilience.sh [--quick] [--check] [--json FILE] [--build DIR]
#
#   --quick   shorter runs, fewer of them
#   --check   exit with 1 when a figure of httpool is worse than asked
#   --json    the same figures for programs
#   --build   where to build [build/bench]
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)

# shellcheck source=bench/lib.sh
. "$root/bench/lib.sh"
# shellcheck source=bench/processes.sh
. "$root/bench/processes.sh"
name_width=50
# shellcheck source=bench/table.sh
. "$root/bench/table.sh"

read_options "$@"
pin_servers=("${pin_server[@]}") pin_clients=("${pin_client[@]}")

# --- servers and clients -----------------------------------------------------

# Both have settings that are large enough not to matter.
start_caller() { # name, httpool|poolee, server, arguments
  start_client "$1" callers "${@:2:2}" -m 10000 -c 100 "${@:4}"
}

# Both contestants, each with a server of its own: NAME.httpool, NAME.poolee.
start_both() { # name, arguments of the servers, --, arguments of the clients
  local name=$1 who plan=()
  shift
  while [ "$1" != -- ]; do plan+=("$1") && shift; done
  shift
  for who in "${contestants[@]}"; do
    start_server "$name.$who" bench_resilience_server "${plan[@]}"
    start_caller "$name.$who" "$who" "$name.$who" "$@"
  done
}

# --- the report --------------------------------------------------------------

contestants=(httpool poolee)

one_a_line() { printf '%s\n' "$@"; }

# The median over what a function says of each run of each contestant.
both() { # function, table, how many
  local who i figures
  for who in "${contestants[@]}"; do
    figures=()
    for ((i = 1; i <= $3; i++)); do
      figures+=("$("$1" "$2.$i.$who")")
    done
    median "${figures[@]}"
  done
}

# --- 1: an endpoint that fails fast ------------------------------------------

share_of_last() { # of five endpoints, in per cent of the requests
  awk '$1 == "request" { all++; last += $3 == 4 }
    END { printf "%.2f", 100 * last / all }' "$work/$1.server"
}

fast_failure() {
  local i repeats=$((quick ? 1 : 3))
  title 'one of five endpoints answers 503 after 1 ms' "${contestants[@]}"
  about     'the others 200 after 50 to 90 ms; 1,000 requests a second, 70 in hand' \
    'if the good ones had them all; the 503 is taken for an answer'
  for ((i = 1; i <= repeats; i++)); do
    start_both "fails.$i" -s "$i" 50-90 50-90 50-90 50-90 1@503 -- \
      -e 5 -r 1000 -t $((quick ? 4 : 5)) -s "$i"
    finish
  done
  row 'share of the requests that go there' '%' '<= 3' \
    "$(both share_of_last fails "$repeats")"
}

# --- 2: a slow endpoint ------------------------------------------------------

# Of latencies in ms, without those of requests that were due in the first two
# seconds, while neither knows the endpoints.
percentile() { # name, in per cent
  awk 'FNR == NR { if (!from || $1 < from) from = $1; next }
    $1 >= from + 2e6 { print ($3 - $1) / 1000 }' \
    "$work/$1.client" "$work/$1.client" | sort -n |
    awk -v part="$2" '{ v[NR] = $1 } END { i = int(NR * part / 100)
      printf "%.1f", v[i < NR * part / 100 ? i + 1 : i] }'
}
p50() { percentile "$1" 50; }
p99() { percentile "$1" 99; }

slow_endpoint() {
  local i repeats=$((quick ? 1 : 5)) figures
  title 'one of five endpoints takes five times as long' "${contestants[@]}"
  about     '100 ms on average, the others 20 ms, exponentially distributed; 500' \
    "requests a second; median of $repeats, without their first two seconds"
  for ((i = 1; i <= repeats; i++)); do
    start_both "slow.$i" -s "$i" ~20 ~20 ~20 ~20 ~100 -- \
      -e 5 -r 500 -t $((quick ? 7 : 10)) -s "$i"
    finish
  done
  row 'share of the requests that go there' '%' '' \
    "$(both share_of_last slow "$repeats")"
  row 'latency, p50' ms '' "$(both p50 slow "$repeats")"
  mapfile -t figures < <(both p99 slow "$repeats")
  row 'latency, p99' ms '' "$(one_a_line "${figures[@]}")"
  row "latency, p99, as part of poolee's" ratio '<= 0.7' \
    "$(one_a_line "$(calc %.2f "${figures[0]} / ${figures[1]}")" 1)"
}

# --- 3: the load in an outage ------------------------------------------------

# What arrived at the servers, pings too, for each request offered: in each
# second of the outage, and as the last line in all after ten of them.
load_ratios() { # name, seconds of the outage
  awk -v length_s="$2" '
    function second_of(us) { return us < from ? -1 : int((us - from) / 1e6) }
    $1 == "outage" { from = $2; next }
    FNR == NR { arrived[second_of($2)]++; next }
    { offered[second_of($1)]++ }
    END {
      for (s = 0; s < length_s; s++) {
        printf "%.2f\n", arrived[s] / offered[s]
        if (s >= 10) { late += arrived[s]; of += offered[s] }
      }
      printf "%.2f\n", late / of
    }
  ' "$work/$1.server" "$work/$1.client"
}

ratio_rows() { # kind, what that is
  local ours theirs
  mapfile -t ours <"$work/$1.httpool.ratios"
  mapfile -t theirs <"$work/$1.poolee.ratios"
  row "$2: first second" ratio '' "$(one_a_line "${ours[0]}" "${theirs[0]}")"
  row "$2: after ten seconds" ratio '<= 1.02' \
    "$(one_a_line "${ours[-1]}" "${theirs[-1]}")"
}

seconds_table() { # seconds
  local second kind line name
  printf '\n  second by second  %18s %19s %19s\n' 'hang-ups' '503, retried' \
    'hang-ups, pings'
  printf '  %16s  %9s %9s %9s %9s %9s %9s\n' '' httpool poolee httpool poolee \
    httpool poolee
  for ((second = 0; second < $1; second++)); do
    line=()
    for kind in hangup fail pinged; do
      for name in "$kind.httpool" "$kind.poolee"; do
        line+=("$(sed -n "$((second + 1))p" "$work/$name.ratios")")
      done
      note "outage, $kind: second $second" ratio \
        "$(one_a_line "${line[@]: -2}")"
    done
    printf '  %16s ' "$second"
    printf ' %9s' "${line[@]}"
    echo
  done
}

outage_load() {
  local down_s=$((quick ? 13 : 20)) servers=(~20 ~20 ~20 ~20 ~20) name
  local when=3000:$((3000 + down_s * 1000))
  local load=(-e 5 -r 50 -t $((down_s + 4)))
  title 'requests at the servers for each one offered, all down' "${contestants[@]}"
  about     "three seconds after the start, for $down_s seconds; 50 GETs a second"
  start_both hangup -o "hangup:$when" "${servers[@]}" -- "${load[@]}"
  start_both fail -o "fail:$when" "${servers[@]}" -- "${load[@]}" -j
  start_both pinged -o "hangup:$when" "${servers[@]}" -- "${load[@]}" -g
  finish
  for name in {hangup,fail,pinged}.{httpool,poolee}; do
    load_ratios "$name" "$down_s" >"$work/$name.ratios"
  done
  ratio_rows hangup 'they hang up'
  ratio_rows fail 'they answer 503, to be retried'
  ratio_rows pinged 'they hang up, with pings'
  seconds_table "$down_s"
}

# --- 4: the way back ---------------------------------------------------------

# ms from the end of the outage to the first success (without one, to the end
# of the run), and to the last failure of a request that was due after it.
first_success() { # server, client
  awk '$1 == "outage" { to = $3 } FNR == NR { next }
    $4 == 200 && $3 >= to && (!first || $3 < first) { first = $3 }
    { end = $3 }
    END { printf "%.0f", ((first ? first : end) - to) / 1000 }
  ' "$work/$1.server" "$work/$2.client"
}
last_failure() {
  awk '$1 == "outage" { to = $3 } FNR == NR { next }
    $4 != 200 && $1 >= to && $3 > last { last = $3 }
    END { printf "%.0f", last ? (last - to) / 1000 : 0 }
  ' "$work/$1.server" "$work/$2.client"
}

of_copies() { # function, median|worst, server, kind, how many
  local who i figures
  for who in "${contestants[@]}"; do
    figures=()
    for ((i = 1; i <= $5; i++)); do
      figures+=("$("$1" "$3" "$3.$4.$who.$i")")
    done
    if [ "$2" = median ]; then
      median "${figures[@]}"
    else
      printf '%s\n' "${figures[@]}" | sort -n | tail -1
    fi
  done
}

recovery_rows() { # server, kind, how many, what that is
  row "$4: first success" ms '' \
    "$(of_copies first_success median "$1" "$2" "$3")"
  [ "$3" = 1 ] || row "$4: first success, worst of $3" ms '' \
    "$(of_copies first_success worst "$1" "$2" "$3")"
  row "$4: last failure" ms '' \
    "$(of_copies last_failure median "$1" "$2" "$3")"
}

start_copies() { # server, kind, how many, arguments
  local server=$1 kind=$2 copies=$3 who i
  shift 3
  for who in "${contestants[@]}"; do
    for ((i = 1; i <= copies; i++)); do
      start_caller "$server.$kind.$who.$i" "$who" "$server" -s "$i" "$@"
    done
  done
}

recovery() {
  local down_s=$((quick ? 6 : 20)) copies=$((quick ? 3 : 5)) outage name
  local load=(-e 5 -r 25 -t $((3 + down_s + (quick ? 8 : 20))))
  title 'well again: ms until the first success' "${contestants[@]}"
  about     "after $down_s seconds in which all were down; 25 requests a second;" \
    "with pings, the median of $copies"
  for outage in refuse hangup; do
    name='connections refused'
    if [ "$outage" = hangup ]; then
      [ "$quick" = 0 ] || break
      name='hang-ups'
    fi
    start_server "$outage" bench_resilience_server \
      -o "$outage:3000:$((3000 + down_s * 1000))" ~20 ~20 ~20 ~20 ~20
    start_copies "$outage" plain 1 "${load[@]}"
    start_copies "$outage" pings "$copies" "${load[@]}" -g
    finish
    recovery_rows "$outage" plain 1 "$name"
    recovery_rows "$outage" pings "$copies" "$name, pings"
  done
}

# --- all of it ---------------------------------------------------------------

work=$(mktemp -d)
trap clean_up EXIT
trap 'exit 130' INT TERM

install_missing node:nodejs npm:npm
build_all
install_node_modules poolee
fast_failure
slow_endpoint
outage_load
recovery
conclude
