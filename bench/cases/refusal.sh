# shellcheck shell=bash
# shellcheck disable=SC2154
# refusal: what one refused request costs

case_refusal() {
  title 'one refusal'
  row 'instructions, with pool_get()' Ir 60 \
    "$(instructions 10000 refusal_plain)" - counted
  refusal_calls 2000 12000 >"$work/refusal" || exit 1
  row 'system calls' calls 0 "$(own_calls "$(<"$work/refusal")")" - counted
  run refusal_counted -n 1000000 >"$work/run"
  row 'allocator calls in 1,000,000' calls 0 \
    "$(calc %.0f "1e6 * $(value "$work/run" allocs)")" - counted
  run refusal_plain -n $((quick ? 1000000 : 20000000)) >"$work/run"
  row 'time' ns - \
    "$(calc %.2f "1e9 / $(value "$work/run" per_second)")" - timed
}

refusal_calls() { # short, long
  local short=$1 long=$2 n
  for n in "$short" "$long"; do
    strace -c -f -o "$work/tool.$n" "$build/bench/bench_refusal_plain" \
      -n "$n" >"$work/run.$n" || return 1
  done
  calls_between
}
