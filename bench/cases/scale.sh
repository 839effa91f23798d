# shellcheck shell=bash
# shellcheck disable=SC2154
# scale: a request's cost among ten thousand connections, against 64

case_scale() {
  title 'many connections, on 1 endpoint and on 500'
  local few many spread n=$((quick ? 10000 : 20000))
  few=$(instructions "$n" httpool_plain -c 64)
  many=$(instructions "$n" httpool_plain -c "$many_conns")
  spread=$(instructions "$n" httpool_plain -c "$many_conns" -e 500)
  row '64: instructions' Ir - "$few" - counted
  row "$many_conns on 1: instructions" Ir - "$many" - counted
  row "$many_conns on 500: instructions" Ir - "$spread" - counted
  row "$many_conns on 1: times those at 64" ratio 1.2 \
    "$(calc %.3f "$many / $few")" - counted
  row "$many_conns on 500: times those at 64" ratio 1.2 \
    "$(calc %.3f "$spread / $few")" - counted
  row '500 on 500 and 500 waiting: instructions' Ir - \
    "$(instructions "$n" httpool_plain -c 500 -e 500 -w 500)" - counted
  [ "$check" = 1 ] || scale_time
}

scale_time() {
  local n=$((quick ? 20000 : 200000)) i peer
  for ((i = 1; i <= (quick ? 1 : repeats); i++)); do
    for peer in httpool uv; do
      cpu_sample few "$peer" -c 64
      cpu_sample many "$peer" -c "$many_conns"
      cpu_sample spread "$peer" -c "$many_conns" -e 500
    done
  done
  cpu_row '64: CPU' few
  cpu_row "$many_conns on 1: CPU" many
  cpu_ratio "$many_conns on 1: CPU, times that at 64" many
  cpu_row "$many_conns on 500: CPU" spread
  cpu_ratio "$many_conns on 500: CPU, times that at 64" spread
}

cpu_sample() { # id, peer, options
  local id=$1 peer=$2
  shift 2
  progress "$peer $*, $i of $repeats"
  run_peer "$peer" "$n" "$@" >"$work/run" || exit 1
  sample_cpu "$id" "$peer"
}

cpu_row() { # name, id
  row "$1" us - "$(figure "$2" httpool cpu_us %.2f)" \
    "$(figure "$2" uv cpu_us %.2f)" timed
}

# The kernel has ten thousand sockets to find in its caches then, whoever asks:
# the bare loop's ratio beside ours says how much of it is that.
cpu_ratio() { # name, id
  row "$1" ratio 1.2 \
    "$(calc %.2f "$(figure "$2" httpool cpu_us %f) / \
      $(figure few httpool cpu_us %f)")" \
    "$(calc %.2f "$(figure "$2" uv cpu_us %f) / $(figure few uv cpu_us %f)")" \
    timed
}
