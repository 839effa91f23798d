#!/usr/bin/env bash
# Large bodies through the gateway, to who reads slowly, and bodies that are
# cut; as TAP. $PROGRAM is the gateway.
set -u
# shellcheck source=tests/gateway/lib.sh
. "$(dirname "$0")/lib.sh"
ends=$(dirname "$0")/relay.py

# end NAME: a client of relay.py.
end() {
  timeout 60 python3 "$ends" "$1" "$port"
}

# 32 MiB, of all its life. A build with sanitizers keeps what was freed.
little_memory() {
  local most=32768
  ! grep -q __asan_init "$PROGRAM" || most=400000
  peak_kb
  [ "$(peak_kb)" -lt "$most" ]
}

slow() {
  end "$1" && little_memory
}

# Nothing is left of what was cut.
is_quiet() {
  curl_ "http://127.0.0.1:$port/.gateway" >"$work/status"
  cat "$work/status"
  grep -qx 'pool_pending 0' "$work/status" && grep -qx 'clients 1' "$work/status"
}

quiet_soon() {
  local i
  for ((i = 0; i < 50; i++)); do
    if is_quiet; then return 0; fi
    sleep 0.1
  done
  return 1
}

for tool in curl python3; do
  if ! has $tool; then
    echo "1..0 # SKIP $tool is not installed"
    exit 77
  fi
done
origin=$(free_port)
python3 "$ends" serve "$origin" &
pids+=($!)
wait_for "$origin"
start_gateway "127.0.0.1:$origin"
check "256 MiB to a slow client, whole, in little memory" slow download
check "256 MiB to a slow server, whole, in little memory" slow upload
check "a body that was cut before its length is seen to be" end cut_length
check "a body that was cut between chunks has no last one" end cut_chunks
check "a body that was cut and has no end ends in a reset" end cut_open
check "an upload that was cut never looks whole" end cut_upload
check "nothing is left of them" quiet_soon
check "it stops when it is told to" stop_gateway
finish
