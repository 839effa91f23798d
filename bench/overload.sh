#!/bin/bash
# What becomes of a service when more is asked of it than it can do: the overload
# curve, and a brownout with what comes after it. A server of known capacity,
# and callers who come whatever becomes of the earlier ones, by way of httpool
# with max_pending set and without, undici, libcurl (multi_socket on libuv) and
# poolee: each with the same limits where it has them, a server of its own and
# the same callers. Installs what it lacks (Debian; npm into the build
# directory), builds, runs: six minutes.
#
#   bench/overload.sh [--quick] [--check] [--json FILE] [--build DIR]
#                     [--plots DIR]
#
#   --quick   fewer loads, shorter runs: under a minute
#   --check   exit with 1 when a figure of httpool is worse than asked
#   --json    the same figures for programs
#   --build   where to build [build/bench]
#   --plots   draw overload.svg and brownout.svg there (gnuplot)
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)

# shellcheck source=bench/lib.sh
. "$root/bench/lib.sh"
# shellcheck source=bench/processes.sh
. "$root/bench/processes.sh"
# shellcheck source=bench/table.sh
. "$root/bench/table.sh"

read_options_and_plots "$@"

# --- the experiment ----------------------------------------------------------
#
# The server: ten workers, each busy for 40 ms with a request: 250 a second.
# Callers wait a second. max_pending comes from Little's law: 250/s * 1 s = 250
# requests would all be answered, the last of them just in time. A sixth of that
# is taken, 40: so the server may become six times slower before those that
# were accepted time out. It is four times the ten that are worked on when all
# is well, which leaves room for bursts.

workers=10 service_us=40000 capacity=250
timeout_ms=1000 max_pending=40 connections=20
brownout_load=0.8 times_slower=5 tries=3

contestants=(httpool no_limit undici libcurl poolee)
limits=(20 40 60 100 200 250 300 1000) # max_pending of httpool, for a table

if [ "$quick" = 1 ]; then
  loads=(0.5 1 5) run_s=3 warm_s=1.5
  before_s=3 brownout_s=5 after_s=8
else
  loads=(0.2 0.4 0.6 0.8 0.9 1 1.25 1.5 2 3 4 5) run_s=15 warm_s=7
  before_s=10 brownout_s=20 after_s=30
fi

# One of them with a server of its own; httpool with another limit is "NUMBER".
start_one() { # name, contestant, requests a second, seconds, args, -- server's
  local name=$1 who=$2 limit=$max_pending arguments=(-r "$3" -t "$4")
  shift 4
  while [ "$1" != -- ]; do arguments+=("$1") && shift; done
  case $who in
    no_limit) who=httpool limit=0 ;;
    [0-9]*) limit=$who who=httpool ;;
  esac
  start_server "$name" bench_overload_server \
    -w "$workers" -s "$service_us" "${@:2}"
  start_client "$name" callers "$who" "$name" -i -s 1 -c "$connections" \
    -m "$limit" -d "$timeout_ms" "${arguments[@]}"
}

# --- what comes of it --------------------------------------------------------
#
# Good is an answer of 200 within the timeout. Of each load what was due in the
# run's warm-up does not count. Refused at once are those that httpool and
# poolee say are too many; they do not count in the latencies, all others do,
# with the time after which they were given up.

good_share() { # name: good ones a second, in % of the capacity
  awk -v from_s="$warm_s" -v to_s="$run_s" -v late_us="${timeout_ms}000" \
    -v capacity="$capacity" '
    FNR == NR { if (!begin || $1 < begin) begin = $1; next }
    $1 >= begin + from_s * 1e6 && $1 < begin + to_s * 1e6 &&
      $4 == 200 && $3 - $1 <= late_us { good++ }
    END { printf "%.1f", 100 * good / (to_s - from_s) / capacity }
  ' "$work/$1.client" "$work/$1.client"
}

percentile() { # of stdin, us: in ms, "-" when there is nothing
  sort -n | awk -v part="$1" '{ v[NR] = $1 }
    END { i = int(NR * part / 100)
      if (NR) printf "%.1f", v[i < NR * part / 100 ? i + 1 : i] / 1000
      else printf "-" }'
}

latency() { # name, percentile
  awk -v from_s="$warm_s" '
    FNR == NR { if (!begin || $1 < begin) begin = $1; next }
    $1 >= begin + from_s * 1e6 && $4 != "POOL_EOVERLOADED" && $4 != "full" {
      print $3 - $1
    }' "$work/$1.client" "$work/$1.client" | percentile "$2"
}

refusal_took() { # name, percentile; from when the library had it
  awk '$4 == "POOL_EOVERLOADED" || $4 == "full" { print $3 - $2 }' \
    "$work/$1.client" | percentile "$2"
}

wasted_share() { # name: % of the server's work that nobody waited for
  awk '{ n[$1] = $2 } END { printf "%.0f", 100 * n["wasted"] / n["served"] }' \
    "$work/$1.server"
}

# Of each second of a brownout run: the good answers in it; the tries that were
# due in it; and how many of those got a good answer.
by_second() { # name
  local seconds=$((before_s + brownout_s + after_s))
  awk -v late_us="${timeout_ms}000" -v end_s="$seconds" '
    function second(us) { return int((us - begin) / 1e6) }
    FNR == NR { if (!begin || $1 < begin) begin = $1; next }
    { due[second($1)]++ }
    $4 == 200 && $3 - $1 <= late_us { good[second($3)]++; got[second($1)]++ }
    END {
      for (s = 0; s < end_s; s++)
        print s, good[s] + 0, due[s] + 0, got[s] + 0
    }
  ' "$work/$1.client" "$work/$1.client" >"$work/$1.seconds"
}

good_rate() { # name, from second, to second
  awk -v from="$2" -v to="$3" '$1 >= from && $1 < to { good += $2 }
    END { printf "%.0f", good / (to - from) }' "$work/$1.seconds"
}

# Seconds from the brownout's end until nine tenths of all tries get a good
# answer and go on so; "-" when they do not at the end of the run.
back_after() { # name
  awk -v from=$((before_s + brownout_s)) -v end="$after_s" '
    $1 >= from && $1 < from + end - 1 && $4 < 0.9 * $3 { bad = $1 - from + 1 }
    END { printf bad + 0 < end - 1 ? bad + 0 : "-" }' "$work/$1.seconds"
}

of_each() { # function, run, its other arguments
  local who
  for who in "${contestants[@]}"; do
    "$1" "$2.$who" "${@:3}"
    echo
  done
}

# --- the overload curve ------------------------------------------------------

run_load() { # load, contestants
  local who rate
  rate=$(calc %.0f "$1 * $capacity")
  echo "bench: $1 x capacity" >&2
  for who in "${@:2}"; do
    start_one "load.$1.$who" "$who" "$rate" "$run_s" --
  done
  finish
}

curve() {
  local load asked
  for load in "${loads[@]}"; do
    run_load "$load" "${contestants[@]}"
  done

  title 'answered in time, % of capacity' "${labels[@]}"
  for load in "${loads[@]}"; do
    asked=''
    [ "$load" != 5 ] || asked='>= 95'
    row "$load x capacity offered" '%' "$asked" \
      "$(of_each good_share "load.$load")"
  done
  title 'latency of those not refused, p50' "${labels[@]}"
  for load in "${loads[@]}"; do
    row "$load x capacity offered" ms '' "$(of_each latency "load.$load" 50)"
  done
  title 'latency of those not refused, p99' "${labels[@]}"
  for load in "${loads[@]}"; do
    asked=''
    [ "$load" != 5 ] || asked="<= $timeout_ms"
    row "$load x capacity offered" ms "$asked" \
      "$(of_each latency "load.$load" 99)"
  done
  title 'until who is refused knows it' "${labels[@]}"
  row '5 x capacity offered, p50' ms '' "$(of_each refusal_took load.5 50)"
  row '5 x capacity offered, p99' ms '' "$(of_each refusal_took load.5 99)"
  title "the server's work that nobody waited for" "${labels[@]}"
  for load in "${loads[@]}"; do
    row "$load x capacity offered" '%' '' "$(of_each wasted_share "load.$load")"
  done
}

# --- the brownout ------------------------------------------------------------

run_brownout() {
  local who rate seconds=$((before_s + brownout_s + after_s)) when
  rate=$(calc %.0f "$brownout_load * $capacity")
  when=${before_s}000:$((before_s + brownout_s))000:$times_slower
  echo "bench: brownout, $seconds seconds" >&2
  for who in "${contestants[@]}" "${limits[@]}"; do
    start_one "brownout.$who" "$who" "$rate" "$seconds" -k "$tries" \
      -- -b "$when"
  done
  finish
  for who in "${contestants[@]}" "${limits[@]}"; do
    by_second "brownout.$who"
  done
}

brownout() {
  local back=$((before_s + brownout_s))
  run_brownout
  title "capacity / $times_slower for $brownout_s s" "${labels[@]}"
  row 'answered in time, before' '/s' '' \
    "$(of_each good_rate brownout 1 "$before_s")"
  row 'in it, from its second second on' '/s' '' \
    "$(of_each good_rate brownout $((before_s + 1)) "$back")"
  row 'in the five seconds after it' '/s' '' \
    "$(of_each good_rate brownout "$back" $((back + 5)))"
  row 'all well again after' s '<= 2' "$(of_each back_after brownout)"
  row "the server's work that nobody waited for" '%' '' \
    "$(of_each wasted_share brownout)"
}

by_limit() {
  local contestants=("${limits[@]}")
  run_load 5 "${limits[@]}"
  title 'httpool, by max_pending' "${limits[@]}"
  row 'answered in time at 5 x, % of capacity' '%' '' \
    "$(of_each good_share load.5)"
  row 'p99 at 5 x of those not refused' ms '' "$(of_each latency load.5 99)"
  row 'answered in time in the brownout' '/s' '' \
    "$(of_each good_rate brownout $((before_s + 1)) $((before_s + brownout_s)))"
  row 'all well again after' s '' "$(of_each back_after brownout)"
}

# --- plots -------------------------------------------------------------------

draw() { # name, gnuplot's variables
  gnuplot -e "data = '$work/$1.dat'; out = '$plots/$1.svg'; ${*:2}" \
    "$root/bench/load/overload.gp"
}

draw_all() {
  local load second who
  if ! has gnuplot || [ ${#contestants[@]} -lt 5 ]; then
    echo 'bench: no plots without gnuplot and all contestants' >&2
    return
  fi
  mkdir -p "$plots"
  for load in "${loads[@]}"; do
    echo "$load $(of_each good_share "load.$load" | tr '\n' ' ')"
  done >"$work/overload.dat"
  for ((second = 0; second < before_s + brownout_s + after_s; second++)); do
    printf '%s' "$second.5"
    for who in "${contestants[@]}"; do
      awk -v at="$second" '$1 == at { printf " %s", $2 }' \
        "$work/brownout.$who.seconds"
    done
    echo
  done >"$work/brownout.dat"
  draw overload "kind = 'curve'"
  draw brownout "kind = 'time'; capacity = $capacity; from = $before_s;" \
    "to = $((before_s + brownout_s)); load = $brownout_load;" \
    "slow = $times_slower; tries = $tries"
}

# --- all of it ---------------------------------------------------------------

work=$(mktemp -d)
trap clean_up EXIT
trap 'exit 130' INT TERM

prepare_contestants ${plots:+gnuplot:gnuplot-nox}
labels=("${contestants[@]/_/ }")
printf 'A server that can do %s requests a second; callers wait %s ms.\n' \
  "$capacity" "$timeout_ms"
printf 'max_pending %s for httpool and poolee, %s connections for all.\n' \
  "$max_pending" "$connections"
curve
printf '\nA brownout at %s x capacity; callers ask up to %s times.\n' \
  "$brownout_load" "$tries"
brownout
by_limit
[ -z "$plots" ] || draw_all
conclude
