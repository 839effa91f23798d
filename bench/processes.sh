# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # the scripts set some, and read others
# Servers and callers that run at the same time, for the scripts that compare
# libraries; to be sourced after lib.sh. Each process has a name: a server's log
# is $work/NAME.server, a client's $work/NAME.client; what is in them, the
# programs' first comments tell.

declare -A server_pids=() client_pids=() ports=()
pin_servers=() pin_clients=() # to be set by who wants them on certain cores

# What the contestants need, as far as it can be had; and all is built. The
# array `contestants` loses those that could not be had.
prepare_contestants() { # command:package ..., besides
  install_missing
  install_what_can_be "$@" node:nodejs npm:npm \
    curl-config:libcurl4-openssl-dev || true
  build_all
  install_node_modules undici poolee || true
  leave_out_missing
  tell_versions
}

leave_out_missing() {
  local who here=()
  for who in "${contestants[@]}"; do
    if can_run "$who"; then
      here+=("$who")
    else
      echo "bench: $who is left out: it could not be had" >&2
    fi
  done
  contestants=("${here[@]}")
}

can_run() { # contestant
  case $1 in
    libcurl) [ -x "$build/bench/bench_callers_curl" ] ;;
    undici | poolee) has_module "$1" ;;
  esac
}

tell_versions() {
  describe_machine
  for who in "${contestants[@]}"; do
    case $who in
      libcurl) echo "libcurl $(pkg-config --modversion libcurl)" ;;
      undici) echo "node $(node --version), ${undici/@/ }" ;;
      poolee) echo "${poolee/@/ }" ;;
    esac
  done
}

# A server whose port was taken meanwhile exits, and the next is tried.
start_server() { # name, program, arguments
  local name=$1 program=$build/bench/$2 tries wait
  shift 2
  for ((tries = 0; tries < 8; tries++)); do
    ports[$name]=$(random_port)
    ports_free "${ports[$name]}" || continue
    "${pin_servers[@]}" "$program" -p "${ports[$name]}" "$@" \
      >"$work/$name.server" 2>"$work/error.log" &
    server_pids[$name]=$!
    for ((wait = 0; wait < 100; wait++)); do
      [ ! -s "$work/$name.server" ] || return 0
      kill -0 "${server_pids[$name]}" 2>/dev/null || break
      sleep 0.05
    done
  done
  cat "$work/error.log" >&2
  exit 1
}

start_client() { # name, program, httpool|libcurl|undici|poolee, server, args
  local name=$1 program=$2 who=$3 port=${ports[$4]} command
  shift 4
  case $who in
    httpool) command=("$build/bench/bench_${program}_pool") ;;
    libcurl) command=("$build/bench/bench_${program}_curl") ;;
    *)
      command=(env NODE_PATH="$build/node/node_modules"
        node --no-deprecation "$root/bench/load/$program.mjs" "$who")
      ;;
  esac
  "${pin_clients[@]}" "${command[@]}" -p "$port" "$@" >"$work/$name.client" &
  client_pids[$name]=$!
}

# A caller that has no CPU when it is to send tells nothing of its library.
was_late() { # name
  awk 'NF == 5 && $2 - $1 > 50000 { late++ } END { exit late <= NR / 50 }' \
    "$work/$1.client"
}

# Waits for the clients, then ends the servers, which write their logs.
finish() {
  local name late=0
  for name in "${!client_pids[@]}"; do
    wait "${client_pids[$name]}" ||
      { echo "bench: client $name failed" >&2 && exit 1; }
    ! was_late "$name" || late=$((late + 1))
  done
  [ "$late" = 0 ] ||
    echo "bench: this machine is too busy: $late of ${#client_pids[@]}" \
      "clients were often late by more than 50 ms" >&2
  client_pids=()
  for name in "${!server_pids[@]}"; do
    kill "${server_pids[$name]}"
    wait "${server_pids[$name]}"
  done
  server_pids=()
}

clean_up() {
  local pid
  for pid in "${client_pids[@]}" "${server_pids[@]}"; do
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  rm -rf "$work"
}
