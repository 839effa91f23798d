#!/bin/bash
# What the gateway of the examples costs, beside nginx as a proxy before the
# same server: large bodies both ways, the same to an end that reads slowly,
# small requests, idle clients. The proxies have a core, clients and servers
# the other. Installs what it lacks (Debian), builds, runs.
#
#   bench/gateway.sh [--quick] [--check] [--json FILE] [--build DIR]
#
#   --quick   smaller bodies, shorter runs, fewer of them
#   --check   exit with 1 when what can be counted (bodies that differ, memory)
#             is worse than asked; times are only shown
#   --json    the same figures for programs
#   --build   where to build [build/bench]
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)

# shellcheck source=bench/lib.sh
. "$root/bench/lib.sh"
name_width=50
# shellcheck source=bench/table.sh
. "$root/bench/table.sh"

read_options "$@"

# --- servers and proxies -----------------------------------------------------
#
# Each has a name; its process is ${pids[NAME]}, it listens at ${ports[NAME]},
# and what it says is in $work/NAME.log.

declare -A pids=() ports=()

# One that says its port in the last word of its first line.
start() { # name, core, program, arguments
  local name=$1 core=$2 wait
  shift 2
  local -n pin=pin_$core
  : >"$work/$name.log"
  "${pin[@]}" "$@" >>"$work/$name.log" 2>&1 &
  pids[$name]=$!
  for ((wait = 0; wait < 100; wait++)); do
    [ ! -s "$work/$name.log" ] || break
    sleep 0.05
  done
  ports[$name]=$(sed -n '1s/.*[^0-9]//; 1p' "$work/$name.log")
  [ -n "${ports[$name]}" ] || { cat "$work/$name.log" >&2 && exit 1; }
}

stop() { # name
  kill "${pids[$1]}" 2>/dev/null || true
  wait "${pids[$1]}" 2>/dev/null || true
  unset "pids[$1]"
}

start_gateway() { # name, server
  start "$1" server "$build/examples/gateway" --listen 127.0.0.1:0 \
    --upstream "127.0.0.1:${ports[$2]}" --max-connections 64 \
    --max-clients 5000
}

listens() { (: </dev/tcp/127.0.0.1/"$1") 2>/dev/null; }

write_config() { # name; the body of http {} from stdin
  mkdir -p "$work/$1"
  cat >"$work/$1/nginx.conf" <<END
daemon off;
master_process off;
pid $work/$1/nginx.pid;
error_log $work/$1.log warn;
events { worker_connections 1000; multi_accept on; }
http {
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  client_max_body_size 0;
  client_body_temp_path $work/$1/t1;
  proxy_temp_path $work/$1/t2;
  fastcgi_temp_path $work/$1/t3;
  uwsgi_temp_path $work/$1/t4;
  scgi_temp_path $work/$1/t5;
$(cat)
}
END
}

# Where a port was taken meanwhile nginx exits, and others are tried. PORT is
# where it listens.
start_nginx() { # name, core, the body of http {}
  local name=$1 core=$2 body=$3 tries wait port
  local -n pin=pin_$core
  for ((tries = 0; tries < 8; tries++)); do
    port=$(random_port)
    ports_free "$port" || continue
    write_config "$name" <<<"${body//PORT/127.0.0.1:$port backlog=4096}"
    PATH=$PATH:/usr/sbin "${pin[@]}" nginx -p "$work/$name" \
      -c "$work/$name/nginx.conf" 2>>"$work/$name.log" &
    pids[$name]=$!
    ports[$name]=$port
    for ((wait = 0; wait < 100; wait++)); do
      kill -0 "${pids[$name]}" 2>/dev/null || break
      if listens "$port"; then return; fi
      sleep 0.05
    done
    stop "$name"
  done
  cat "$work/$name.log" >&2
  exit 1
}

clean_up() {
  local name
  for name in "${!pids[@]}"; do stop "$name"; done
  rm -rf "$work"
}

# --- measuring ---------------------------------------------------------------

# User and system, in seconds.
cpu_of() { # name
  calc %.2f "$(sed 's/.*) //' "/proc/${pids[$1]}/stat" |
    awk '{ print $12 + $13 }') / $(getconf CLK_TCK)"
}

status_kb() { # name, VmHWM|VmRSS
  awk -v key="$2:" '$1 == key { print $2 }' "/proc/${pids[$1]}/status"
}

peak_mib() { # name: of all its life
  calc %.1f "$(status_kb "$1" VmHWM) / 1024"
}

last() { # file, key
  awk -v key="$2" '$1 == key { value = $2 } END { print value }' "$1"
}

# A server may tell of a body later than the client does.
hashes_of() { # server, after how many that were there before
  local wait
  for ((wait = 0; wait < 100; wait++)); do
    [ "$(grep -c ^hash "$work/$1.log")" -le "$2" ] || break
    sleep 0.05
  done
  last "$work/$1.log" hash
}

# A body through a proxy: adds to $work/KEY.mibs, .cpu and .differ (1 if what
# came is not what went).
relay() { # key, proxy, server, get|put, MiB, options of the client
  local key=$1 proxy=$2 server=$3 way=$4 mib=$5 before cpu differ=1
  shift 5
  before=$(grep -c ^hash "$work/$server.log" || true)
  cpu=$(cpu_of "$proxy")
  "${pin_client[@]}" "$build/bench/bench_relay" "$way" \
    -p "${ports[$proxy]}" -n "$mib" "$@" >"$work/client.log"
  calc '%.4f\n' "($(cpu_of "$proxy") - $cpu) * 1024 / $mib" >>"$work/$key.cpu"
  calc '%.1f\n' "$mib * 1000 / $(last "$work/client.log" ms)" \
    >>"$work/$key.mibs"
  if [ "$(hashes_of "$server" "$before")" = \
    "$(last "$work/client.log" hash)" ] &&
    [ "$(last "$work/client.log" bytes)" = $((mib * 1048576)) ]; then
    differ=0
  fi
  echo $differ >>"$work/$key.differ"
}

# Small requests: adds to $work/KEY.rate and .cpu (us of one).
load() { # key, proxy, seconds
  local key=$1 proxy=$2 cpu count
  cpu=$(cpu_of "$proxy")
  "${pin_client[@]}" wrk -t1 -c64 -d"$3" \
    "http://127.0.0.1:${ports[$proxy]}/hello" >"$work/client.log"
  cpu=$(calc %.2f "$(cpu_of "$proxy") - $cpu")
  if grep -E 'Socket errors|Non-2xx' "$work/client.log" >&2; then exit 1; fi
  count=$(awk '/requests in/ { print $1 }' "$work/client.log")
  calc '%.3f\n' "$cpu * 1e6 / $count" >>"$work/$key.cpu"
  awk '/^Requests\/sec/ { print $2 }' "$work/client.log" >>"$work/$key.rate"
}

middle() { # of a file with a number in each line
  local figures
  mapfile -t figures <"$1"
  median "${figures[@]}"
}

sum() { awk '{ sum += $1 } END { print sum + 0 }' "$1"; }

# --- the report --------------------------------------------------------------

proxies=(gateway nginx)

# As of table.sh, each figure an argument; nginx's may be left out.
pair() { printf '%s\n' "$1" "${2:--}"; }

# --- large bodies ------------------------------------------------------------

# nginx streams as the gateway does, with as much room for each body; and once
# more as it comes, where it gathers.
start_relays() {
  start origin client "$build/bench/bench_relay" serve
  start_gateway gateway origin
  local streams="proxy_buffering off; proxy_request_buffering off;
    proxy_buffer_size 64k; proxy_buffers 8 64k; proxy_busy_buffers_size 128k;
    client_body_buffer_size 64k;"
  local to="location / { proxy_pass http://127.0.0.1:${ports[origin]};
    proxy_http_version 1.1; }"
  start_nginx nginx server "server { listen PORT; $streams $to }"
  start_nginx default server "server { listen PORT; $to }"
}

relay_rows() { # what, get|put
  local ours theirs
  ours=$(middle "$work/$2.gateway.mibs")
  theirs=$(middle "$work/$2.nginx.mibs")
  row "$1" MiB/s '' "$(pair "$ours" "$theirs")"
  timed_row "$1, times that of nginx" ratio '>= 0.8' \
    "$(pair "$(calc %.2f "$ours / $theirs")" 1)"
  row "$1: CPU of the proxy" s/GiB '' "$(pair \
    "$(calc %.3f "$(middle "$work/$2.gateway.cpu")")" \
    "$(calc %.3f "$(middle "$work/$2.nginx.cpu")")")"
  row "$1: came otherwise than they went" bodies '<= 0' \
    "$(pair "$(sum "$work/$2.gateway.differ")" "$(sum "$work/$2.nginx.differ")")"
  row "$1, nginx as it comes" MiB/s '' \
    "$(pair "$ours" "$(middle "$work/$2.default.mibs")")"
  row "$1, nginx as it comes: CPU" s/GiB '' "$(pair \
    "$(calc %.3f "$(middle "$work/$2.gateway.cpu")")" \
    "$(calc %.3f "$(middle "$work/$2.default.cpu")")")"
}

large_bodies() {
  local way i
  title "$repeats bodies of $size_mib MiB each way, one at a time" "${proxies[@]}"
  about     'nginx without buffering, and with buffers of 64 KiB'
  start_relays
  for way in get put; do
    for ((i = 0; i < repeats; i++)); do
      relay "$way.gateway" gateway origin "$way" "$size_mib"
      relay "$way.nginx" nginx origin "$way" "$size_mib"
    done
    relay "$way.default" default origin "$way" $((quick ? 256 : 1024))
  done
  relay_rows download get
  relay_rows upload put
  row 'most that was resident' MiB '<= 32' \
    "$(pair "$(peak_mib gateway)" "$(peak_mib nginx)")"
  stop gateway
  stop nginx
  stop default
  stop origin
}

# --- slow readers ------------------------------------------------------------

slow_row() { # what, gateway, get|put
  row "$1" MiB/s '' "$(pair "$(middle "$work/slow.$3.mibs")")"
  row "$1: came otherwise than they went" bodies '<= 0' \
    "$(pair "$(sum "$work/slow.$3.differ")")"
  row "$1: most that was resident" MiB '<= 32' "$(pair "$(peak_mib "$2")")"
}

slow_readers() {
  local pace=(-r 256 -z $((quick ? 100 : 1000)))
  local mib=$((quick ? 256 : size_mib))
  title "the same, $mib MiB to one that reads slowly" "${proxies[@]}"
  about     "256 MiB a second, and nothing for ${pace[3]} ms after each tenth"
  start fast client "$build/bench/bench_relay" serve
  start slow client "$build/bench/bench_relay" serve "${pace[@]}"
  start_gateway down fast
  start_gateway up slow
  relay slow.get down fast get "$mib" "${pace[@]}"
  slow_row download down get
  relay slow.put up slow put "$mib"
  slow_row upload up put
  stop down
  stop up
  stop fast
  stop slow
}

# --- small requests ----------------------------------------------------------

start_smalls() {
  start_nginx server client 'server { listen PORT;
    location / { default_type text/plain; return 200 "hello world\n"; } }'
  start_gateway gateway server
  start_nginx nginx server "upstream servers {
      server 127.0.0.1:${ports[server]};
      keepalive 64; keepalive_requests 1000000000; keepalive_timeout 1h;
    }
    server { listen PORT; location / { proxy_pass http://servers;
      proxy_http_version 1.1; proxy_set_header Connection ''; } }"
}

small_requests() {
  local i seconds=$((quick ? 2 : 5)) ours theirs
  title 'small requests, 64 connections, before the same server' "${proxies[@]}"
  about     "an answer of 12 bytes; median of $small_repeats; wrk as the client"
  start_smalls
  for ((i = 0; i < small_repeats; i++)); do
    load small.gateway gateway "$seconds"
    load small.nginx nginx "$seconds"
  done
  ours=$(middle "$work/small.gateway.cpu")
  theirs=$(middle "$work/small.nginx.cpu")
  row 'CPU of the proxy for a request' us '' \
    "$(pair "$(calc %.2f "$ours")" "$(calc %.2f "$theirs")")"
  timed_row 'CPU of the proxy, times that of nginx' ratio '<= 1' \
    "$(pair "$(calc %.3f "$ours / $theirs")" 1)"
  row 'requests' /s '' "$(pair \
    "$(calc %.0f "$(middle "$work/small.gateway.rate")")" \
    "$(calc %.0f "$(middle "$work/small.nginx.rate")")")"
}

# --- idle clients ------------------------------------------------------------

# Opens a thousand connections, asks for something on each, and lets them be.
resident_bytes() { # name
  local fds=() fd i before
  before=$(status_kb "$1" VmRSS)
  for ((i = 0; i < 900; i++)); do
    exec {fd}<>"/dev/tcp/127.0.0.1/${ports[$1]}"
    printf 'GET / HTTP/1.1\r\nHost: a\r\n\r\n' >&"$fd"
    read -r -t 5 -u "$fd" _
    fds+=("$fd")
  done
  sleep 0.2
  calc %.0f "($(status_kb "$1" VmRSS) - $before) * 1024 / ${#fds[@]}"
  for fd in "${fds[@]}"; do exec {fd}>&-; done
}

idle_clients() {
  stop gateway
  stop nginx
  stop server
  start_smalls
  title '900 clients that have asked once, and are idle' "${proxies[@]}"
  row 'resident, for each of them' bytes '' \
    "$(pair "$(resident_bytes gateway)" "$(resident_bytes nginx)")"
  stop gateway
  stop nginx
  stop server
}

# --- all of it ---------------------------------------------------------------

work=$(mktemp -d)
trap clean_up EXIT
trap 'exit 130' INT TERM
size_mib=$((quick ? 512 : 10240)) repeats=2
small_repeats=$((quick ? 1 : 5))

install_missing nginx:nginx-light wrk:wrk
examples=ON build_all
large_bodies
slow_readers
small_requests
idle_clients
conclude
