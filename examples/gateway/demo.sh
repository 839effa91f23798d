#!/bin/sh
# The gateway, before two slow servers: curl through it, and a burst beyond its
# limit. What is started ends with it.
#   examples/gateway/demo.sh BUILD-DIRECTORY
set -eu

build=$1
work=$(mktemp -d)
pids=

finish() {
  # shellcheck disable=SC2086 # a list of numbers
  [ -z "$pids" ] || kill $pids 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM

# Starts a program that says its port in the last word of its first line.
start() {
  name=$1
  shift
  "$@" >"$work/$name" &
  pids="$pids $!"
  tries=0
  while [ ! -s "$work/$name" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || exit 1
    sleep 0.05
  done
}

port_of() {
  sed -n '1s/.*[^0-9]//; 1p' "$work/$1"
}

start one "$build/examples/origin" --delay 200
start two "$build/examples/origin" --delay 200
start gateway "$build/examples/gateway" --listen 127.0.0.1:0 --upstream \
  "127.0.0.1:$(port_of one),127.0.0.1:$(port_of two)" --max-pending 40
url=http://127.0.0.1:$(port_of gateway)

echo
echo "A gateway before two servers that take 200 ms, with --max-pending 40."
echo
echo "\$ curl -i $url/hello"
curl -si --max-time 10 "$url/hello" | sed 's/^/    /'
echo
echo
echo "150 requests at once:"
curl -s --max-time 30 -Z --parallel-immediate --parallel-max 150 \
  -o /dev/null -w '%{http_code} %{time_total}\n' "$url/[1-150]" \
  >"$work/burst" 2>/dev/null
for code in 200 503; do
  grep "^$code" "$work/burst" | sort -k2 -n | awk -v code=$code '
    { t[NR] = $2 * 1000 }
    END {
      if (NR > 0)
        printf "    %d times %s: median %d ms, slowest %d ms\n", NR, code,
               t[int((NR + 1) / 2)], t[NR]
    }'
done
echo
echo "\$ curl $url/.gateway"
curl -s --max-time 10 "$url/.gateway" | sed 's/^/    /'

fail=0
[ "$(grep -c '^200' "$work/burst")" -ge 40 ] || fail=1
[ "$(grep -c '^503' "$work/burst")" -ge 1 ] || fail=1
[ "$(wc -l <"$work/burst")" -eq 150 ] || fail=1
[ "$fail" -eq 0 ]
