#!/bin/bash
# Measures what httpool costs, beside what was asked for and beside a bare
# libuv + llhttp loop. Installs what it lacks (Debian), builds, runs.
#
#   bench/run.sh [--quick] [--check] [--json FILE] [--build DIR]
#
#   --quick   fewer requests and repetitions
#   --check   exit with 1 when a counted figure (instructions, system calls,
#             allocations, bytes) is worse than asked; times are only printed
#   --json    the same figures for programs
#   --build   where to build [build/bench]
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)

# shellcheck source=bench/lib.sh
. "$root/bench/lib.sh"

read_options "$@"

# --- the server --------------------------------------------------------------

listen_lines() {
  local i
  for ((i = 0; i < endpoints; i++)); do
    echo "    listen 127.0.$((i / 250)).$((i % 250 + 1)):$port backlog=4096;"
  done
}

write_config() {
  cat >"$work/nginx.conf" <<EOF
daemon off;
master_process off;
pid $work/nginx.pid;
error_log $work/error.log warn;
worker_rlimit_nofile $files;
events { worker_connections $((files - 100)); multi_accept on; }
http {
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  client_body_temp_path $work/t1;
  proxy_temp_path $work/t2;
  fastcgi_temp_path $work/t3;
  uwsgi_temp_path $work/t4;
  scgi_temp_path $work/t5;
  server {
$(listen_lines)
    location / { default_type text/plain; return 200 "hello world\n"; }
  }
}
EOF
}

# One that listens; where the port was taken meanwhile, nginx exits and the
# next one is tried.
start_server() {
  local tries wait
  for ((tries = 0; tries < 8; tries++)); do
    port=$(random_port)
    ports_free "$port" || continue
    write_config
    PATH=$PATH:/usr/sbin "${pin_server[@]}" nginx -p "$work" \
      -c "$work/nginx.conf" 2>>"$work/error.log" &
    server=$!
    for ((wait = 0; wait < 100; wait++)); do
      kill -0 "$server" 2>/dev/null || break
      if (: </dev/tcp/127.0.0.1/"$port") 2>/dev/null; then return; fi
      sleep 0.05
    done
  done
  cat "$work/error.log" >&2
  exit 1
}

server=
clean_up() {
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$work"
}

# --- measuring -----------------------------------------------------------

# The value of a key in the "key value" lines of a program.
value() { awk -v key="$2" '$1 == key { print $2 }' "$1"; }

run() { # program, arguments
  local program=$1
  shift
  "${pin_client[@]}" "$build/bench/bench_$program" -p "$port" "$@"
}

# What one request costs in the timed stretch of a run.
instructions() { # requests, program, arguments
  local n=$1 program=$2
  shift 2
  rm -f "$work"/callgrind.out*
  "${pin_client[@]}" valgrind --tool=callgrind \
    --zero-before=bench_run_begin --dump-before=bench_run_report \
    --callgrind-out-file="$work/callgrind.out" \
    "$build/bench/bench_$program" -p "$port" -n "$n" "$@" \
    >"$work/run.callgrind" 2>"$work/tool.callgrind" ||
    { cat "$work/tool.callgrind" >&2 && exit 1; }
  calc %.0f "$(awk '/^(totals|summary):/ { print $2; exit }' \
    "$work/callgrind.out.1") / $n"
}

# Two runs of different lengths, and how the counts of a tool differ over how
# the exchanges do.
exchanges_between() {
  echo $(($(value "$work/run.$long" exchanges) - \
    $(value "$work/run.$short" exchanges)))
}

# Lines "name calls-per-request" of the system calls that a request makes.
system_calls() { # short, long, program, arguments
  local short=$1 long=$2 program=$3 n
  shift 3
  for n in "$short" "$long"; do
    strace -c -f -o "$work/tool.$n" "$build/bench/bench_$program" \
      -p "$port" -n "$n" "$@" >"$work/run.$n"
  done
  awk -v n="$(exchanges_between)" '
    $1 !~ /^[0-9.]+$/ || $NF == "total" { next }
    FNR == NR { short[$NF] = $4; next }
    { per = ($4 - short[$NF]) / n; if (per >= 0.0005) print $NF, per }
  ' "$work/tool.$short" "$work/tool.$long" | sort -k2 -rn
}

# --- the report ------------------------------------------------------------

rows=() worse=0

# name, unit, asked ("-": nothing), measured, bare ("-": none), counted|timed
row() {
  local verdict=
  [[ $4 =~ ^-?[0-9.]+$ ]] || { echo "bench: $1: no figure: '$4'" >&2; exit 1; }
  if [ "$3" != - ]; then
    verdict=ok
    if [ "$(calc %d "($4 > $3)")" = 1 ]; then
      verdict=worse
      [ "$6" = timed ] || worse=1
    fi
  fi
  rows+=("$1|$2|$3|$4|$5|$6|$verdict")
  printf '%-52s %9s %10s %9s  %-12s %s\n' "$1" "$3" "$4" "$5" "$2" "$verdict"
}

title() { printf '\n%-52s %9s %10s %9s\n' "$1" asked measured bare; }

write_json() {
  local first=1 name unit asked measured bare kind verdict line
  {
    echo '['
    for line in "${rows[@]}"; do
      IFS='|' read -r name unit asked measured bare kind verdict <<<"$line"
      [ $first = 1 ] || echo ','
      first=0
      printf '  {"name": "%s", "unit": "%s", "kind": "%s", ' \
        "$name" "$unit" "$kind"
      printf '"asked": %s, "measured": %s, "bare": %s, "verdict": "%s"}' \
        "${asked/#-/null}" "$measured" "${bare/#-/null}" "$verdict"
    done
    printf '\n]\n'
  } >"$json"
}

# --- what is measured --------------------------------------------------------

warm_request() {
  title 'one warm request, 16 connections'
  row 'instructions in user space' Ir 3800 \
    "$(instructions 10000 httpool_plain -c 16)" \
    "$(instructions 10000 uv_plain -c 16)" counted
  local pool bare name per beside
  pool=$(system_calls 2000 12000 httpool_plain -c 16)
  bare=$(system_calls 2000 12000 uv_plain -c 16)
  # epoll_wait is shared by all that is ready at once: the waits are the
  # loop's, the other calls the request's.
  row 'system calls, without epoll_wait' calls 2 "$(own_calls "$pool")" \
    "$(own_calls "$bare")" counted
  while read -r name per; do
    beside=$(awk -v name="$name" '$1 == name { print $2 }' <<<"$bare")
    row "  $name" calls - "$(calc %.3f "$per")" \
      "$(calc %.3f "${beside:-0}")" counted
  done <<<"$pool"
  run httpool_counted -c 16 -n 10000 >"$work/pool"
  run uv_counted -c 16 -n 10000 >"$work/bare"
  row 'allocator calls in the process' calls 0 \
    "$(calc %.4f "$(value "$work/pool" allocs)")" \
    "$(calc %.4f "$(value "$work/bare" allocs)")" counted
}

own_calls() {
  awk '$1 !~ /^epoll_p?wait/ { sum += $2 } END { printf "%.2f", sum }' <<<"$1"
}

refusal_ns() { calc %.2f "1e9 / $(value "$1" per_second)"; }

refusal() {
  title 'one refusal'
  row 'instructions, with pool_get()' Ir 60 \
    "$(instructions 10000 refusal_plain)" - counted
  row 'system calls' calls 0 \
    "$(own_calls "$(system_calls 2000 12000 refusal_plain)")" - counted
  run refusal_counted -n 1000000 >"$work/pool"
  row 'allocator calls in 1,000,000' calls 0 \
    "$(calc %.0f "1e6 * $(value "$work/pool" allocs)")" - counted
  run refusal_plain -n $((quick ? 1000000 : 20000000)) >"$work/pool"
  row 'time' ns - "$(refusal_ns "$work/pool")" - timed
}

memory() {
  title 'memory'
  run memory -c 1000 -n 10000 >"$work/pool"
  row 'idle connection, ours' bytes 1024 \
    "$(value "$work/pool" idle_bytes)" - counted
  row 'idle connection, whole heap' bytes - \
    "$(value "$work/pool" idle_heap_bytes)" - counted
  row 'pending request without body, ours' bytes 1536 \
    "$(value "$work/pool" pending_bytes)" - counted
  row 'pending request without body, whole heap' bytes - \
    "$(value "$work/pool" pending_heap_bytes)" - counted
}

# The cost of a request with few connections and with many.
scale() {
  title 'ten connections and ten thousand, 1 endpoint / 500 endpoints'
  local few many spread
  few=$(instructions 10000 httpool_plain -c 10)
  many=$(instructions 20000 httpool_plain -c "$many_conns")
  spread=$(instructions 20000 httpool_plain -c "$many_conns" -e 500)
  row '10: instructions' Ir - "$few" - counted
  row "$many_conns on 1: instructions" Ir - "$many" - counted
  row "$many_conns on 500: instructions" Ir - "$spread" - counted
  row "$many_conns on 1: times those at 10" ratio 1.3 \
    "$(calc %.3f "$many / $few")" - counted
  row "$many_conns on 500: times those at 10" ratio 1.3 \
    "$(calc %.3f "$spread / $few")" - counted
  row '500 on 500 and 500 waiting: instructions' Ir - \
    "$(instructions 10000 httpool_plain -c 500 -e 500 -w 500)" - counted
  scale_time
}

scale_time() {
  local n=$((quick ? 50000 : 200000)) i
  local few=() few_bare=() many=() many_bare=() spread=() spread_bare=()
  for ((i = 0; i < repeats; i++)); do
    few+=("$(cpu_us httpool -c 10 -n "$n")")
    few_bare+=("$(cpu_us uv -c 10 -n "$n")")
    many+=("$(cpu_us httpool -c "$many_conns" -n "$n")")
    many_bare+=("$(cpu_us uv -c "$many_conns" -n "$n")")
    spread+=("$(cpu_us httpool -c "$many_conns" -e 500 -n "$n")")
    spread_bare+=("$(cpu_us uv -c "$many_conns" -e 500 -n "$n")")
  done
  local a b c d
  a=$(median "${few[@]}") b=$(median "${few_bare[@]}")
  row '10: CPU' us - "$a" "$b" timed
  c=$(median "${many[@]}") d=$(median "${many_bare[@]}")
  row "$many_conns on 1: CPU" us - "$c" "$d" timed
  row "$many_conns on 1: CPU, times that at 10" ratio 1.3 \
    "$(calc %.2f "$c / $a")" "$(calc %.2f "$d / $b")" timed
  c=$(median "${spread[@]}") d=$(median "${spread_bare[@]}")
  row "$many_conns on 500: CPU" us - "$c" "$d" timed
  row "$many_conns on 500: CPU, times that at 10" ratio 1.3 \
    "$(calc %.2f "$c / $a")" "$(calc %.2f "$d / $b")" timed
}

cpu_us() { # httpool|uv, arguments: user + system of the client, per request
  local loop=$1
  shift
  run "${loop}_plain" "$@" >"$work/cpu"
  calc %.2f "$(value "$work/cpu" user_us) + $(value "$work/cpu" system_us)"
}

median_of() { # a file with a number in each line
  local figures
  mapfile -t figures <"$1"
  median "${figures[@]}"
}

# Pool, bare, pool, bare, ... so that a change of the machine's mood is in
# both.
cpu_table() {
  title 'CPU of the client for one request'
  local c i key n=$((quick ? 30000 : 150000))
  for c in 1 16 64 256; do
    for key in user system; do : >"$work/httpool.$key" && : >"$work/uv.$key"; done
    for ((i = 0; i < repeats; i++)); do
      for loop in httpool uv; do
        run "${loop}_plain" -c "$c" -n "$n" >"$work/cpu"
        for key in user system; do
          value "$work/cpu" "${key}_us" >>"$work/$loop.$key"
        done
      done
    done
    cpu_rows "$c"
  done
}

cpu_rows() {
  local pu ps bu bs
  pu=$(median_of "$work/pool.user") ps=$(median_of "$work/pool.system")
  bu=$(median_of "$work/bare.user") bs=$(median_of "$work/bare.system")
  row "$1 connections: user" us - "$(calc %.2f "$pu")" "$(calc %.2f "$bu")" \
    timed
  row "$1 connections: system" us - "$(calc %.2f "$ps")" \
    "$(calc %.2f "$bs")" timed
  row "$1 connections: pool / bare" ratio - \
    "$(calc %.2f "($pu + $ps) / ($bu + $bs)")" 1 timed
}

# --- all of it ---------------------------------------------------------------

work=$(mktemp -d)
trap clean_up EXIT
trap 'exit 130' INT TERM
endpoints=500 repeats=$((quick ? 3 : 5)) many_conns=10000

install_missing nginx:nginx-light valgrind:valgrind strace:strace
files=$((many_conns + endpoints + 1000))
ulimit -n "$files" 2>/dev/null || {
  files=$(ulimit -Hn)
  ulimit -n "$files"
  many_conns=$(((files - endpoints - 1000) / 500 * 500))
  [ "$many_conns" -ge 500 ] || { echo 'bench: too few open files' >&2; exit 1; }
  echo "bench: only $files open files: $many_conns connections at most" >&2
}
build_all
start_server
warm_request
refusal
memory
scale
cpu_table
[ -z "$json" ] || write_json
if [ $check = 1 ] && [ $worse = 1 ]; then
  printf '\nA counted figure is worse than asked.\n'
  exit 1
fi
