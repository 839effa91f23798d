# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # the driver sets some, and reads others
# One exchange, by all contestants: A B C, A B C, ... so that a change of the
# machine's mood is in all; then a table of the medians. To be sourced.

counts=(httpool uv) # contestants that are counted, if a case says nothing else
timed_keys=(user_us system_us per_second)
latency_keys=(p50_us p99_us p999_us max_us)

# compare ID TITLE OPTION...: all that is known of this exchange, and the title
# of the rows that follow. `without` are the contestants that cannot do it,
# `counts` are those whose instructions and calls are counted.
compare() {
  local id=$1 title=$2 peer in_it=()
  shift 2
  for peer in "${peers[@]}"; do
    ! is_left_out "$peer" || continue
    in_it+=("$peer")
  done
  for peer in "${in_it[@]}"; do
    case " ${counts[*]} " in *" $peer "*) count_peer "$id" "$peer" "$@" ;; esac
  done
  if [ "$check" = 0 ]; then
    take_times "$@"
    take_latencies "$@"
    section=$title
    print_table "$id" "$title" "${in_it[@]}"
    note_table "$id" "${in_it[@]}"
  fi
  title "$title"
}

# In a hurry all meet in one exchange, and a few in the others, once: programs
# on node take long to start.
is_left_out() { # peer; uses id of compare()
  case " ${without[*]:-} " in *" $1 "*) return 0 ;; esac
  is_short || return 1
  case $1 in httpool | uv | evhttp | curl_socket | wrk) return 1 ;; esac
}

is_short() { [ "$quick" = 1 ] && [ "$id" != get64 ]; }

how_often() { if is_short; then echo 1; else echo "$repeats"; fi; }

take_times() { # options; uses id and in_it of compare()
  local i peer most
  most=$(how_often)
  for ((i = 1; i <= most; i++)); do
    for peer in "${in_it[@]}"; do
      progress "$peer, $i of $most"
      time_peer "$id" "$peer" "$@"
    done
  done
}

# What takes long gets fewer requests: programs on node, and one connection,
# where the server's core and ours wait for each other. What h2load needs to
# start is in its figures, so it gets more.
requests_for() { # peer, options
  local n=$timed_n
  [ "$1" != h2load ] || n=$((n * 4))
  [ "$(kind_of "$1")" != node ] || n=$((n / 4))
  [[ " $* " != *' -c 1 '* ]] || n=$((n / 4))
  echo "$n"
}

# On node a look at the clock is nothing beside the rest.
time_peer() { # id, peer, options
  local id=$1 peer=$2 key
  shift 2
  [ "$(kind_of "$peer")" != node ] || set -- -l "$@"
  run_peer "$peer" "$(requests_for "$peer" "$@")" "$@" >"$work/run" || exit 1
  for key in "${timed_keys[@]}"; do
    sample "$id" "$peer" "$key" "$(value "$work/run" "$key")"
  done
  sample_cpu "$id" "$peer"
  case $(kind_of "$peer") in
    node) sample_latency "$id" "$peer" ;;
    load) [ "$peer" != wrk ] || sample_latency "$id" "$peer" ;;
  esac
}

sample_cpu() { # id, peer
  sample "$1" "$2" cpu_us "$(calc %.4f "$(value "$work/run" user_us) + \
    $(value "$work/run" system_us)")"
}

sample_latency() { # id, peer
  local key
  for key in "${latency_keys[@]}"; do
    sample "$1" "$2" "$key" "$(value "$work/run" "$key")"
  done
}

# In runs of their own, for reading the clock costs; wrk always reads it.
take_latencies() { # options; uses id and in_it of compare()
  local i peer
  for ((i = 1; i <= (quick ? 1 : repeats); i++)); do
    for peer in "${in_it[@]}"; do
      [ "$(kind_of "$peer")" = c ] || continue
      progress "$peer, latency, $i"
      run_peer "$peer" "$(requests_for "$peer" "$@")" -l "$@" >"$work/run" ||
        exit 1
      sample_latency "$id" "$peer"
    done
  done
}

count_peer() { # id, peer, options
  local id=$1 peer=$2 calls kind
  kind=$(kind_of "$2")
  shift 2
  case $kind in
    c)
      sample "$id" "$peer" instructions \
        "$(instructions "$counted_n" "${peer}_plain" "$@")"
      run "${peer}_counted" -n 5000 "$@" >"$work/run" || exit 1
      sample "$id" "$peer" allocs "$(value "$work/run" allocs)"
      ;;
    load)
      sample "$id" "$peer" instructions \
        "$(instructions_between "$shorter" "$(longer "$peer")" "$peer" "$@")"
      ;;
    node) ;; # callgrind knows nothing of code that is made at run time
  esac
  system_calls "$shorter" "$(longer "$peer")" "$peer" "$@" \
    >"$work/samples/$id.$peer.names" || exit 1
  sample "$id" "$peer" calls \
    "$(own_calls "$(<"$work/samples/$id.$peer.names")")"
}

# So many requests that counts differ from those of the shorter run.
longer() { # peer
  if [ "$1" = wrk ]; then echo 100000; else echo $((4 * shorter)); fi
}

# counted_rows ID INSTRUCTIONS CALLS ALLOCS: what was counted, and was asked.
counted_rows() {
  local name per beside names=$work/samples/$1
  row 'instructions in user space' Ir "$2" \
    "$(figure "$1" httpool instructions %.0f)" \
    "$(figure "$1" uv instructions %.0f)" counted
  row 'system calls, without epoll_wait' calls "$3" \
    "$(figure "$1" httpool calls %.2f)" "$(figure "$1" uv calls %.2f)" counted
  while read -r name per; do
    beside=$(awk -v name="$name" '$1 == name { print $2 }' "$names.uv.names")
    row "  $name" calls - "$(calc %.3f "$per")" \
      "$(calc %.3f "${beside:-0}")" counted
  done <"$names.httpool.names"
  row 'allocator calls in the process' calls "$4" \
    "$(figure "$1" httpool allocs %.4f)" "$(figure "$1" uv allocs %.4f)" counted
}

print_table() { # id, title, peers
  local id=$1 title=$2 peer
  shift 2
  end_progress
  printf '\n%s\n%-15s %6s %12s %6s %6s %6s %8s %15s' "$title" '' CPU/us \
    min-max user system ratio req/s min-max
  printf ' %6s %5s %6s %7s %7s %7s\n' instr calls allocs p50/us p99 p99.9
  for peer; do
    printf '%-15s %6s %12s %6s %6s %6s %8s %15s' "$peer" \
      "$(figure "$id" "$peer" cpu_us %.2f)" \
      "$(spread "$id" "$peer" cpu_us %.2f)" \
      "$(figure "$id" "$peer" user_us %.2f)" \
      "$(figure "$id" "$peer" system_us %.2f)" \
      "$(ratio "$id" cpu_us "$peer" httpool)" \
      "$(figure "$id" "$peer" per_second %.0f)" \
      "$(spread "$id" "$peer" per_second %.0f)"
    printf ' %6s %5s %6s %7s %7s %7s\n' \
      "$(figure "$id" "$peer" instructions %.0f)" \
      "$(figure "$id" "$peer" calls %.2f)" \
      "$(figure "$id" "$peer" allocs %.2f)" \
      "$(figure "$id" "$peer" p50_us %.0f)" \
      "$(figure "$id" "$peer" p99_us %.0f)" \
      "$(figure "$id" "$peer" p999_us %.0f)"
  done
}

# How the pool's CPU time compares, where nothing particular was asked.
own_rows() { # id
  local peer
  ratio_row 'CPU, times that of the bare loop' - timed "$1" cpu_us httpool uv
  for peer in "${peers[@]}"; do
    case $peer in httpool | uv | epoll) continue ;; esac
    ratio_row "CPU of $peer, times ours" - timed "$1" cpu_us "$peer" httpool
  done
}

# How many times the one is the other, or "-".
ratio() { # id, key, peer, other
  local of by
  of=$(figure "$1" "$3" "$2" %.6f) by=$(figure "$1" "$4" "$2" %.6f)
  if is_number "$of" && is_number "$by" && [ "$by" != 0.000000 ]; then
    calc %.2f "$of / $by"
  else
    echo -
  fi
}

# A row for such a ratio, where both are known: the median over the runs, each
# beside the other's run of the same turn, and the least and the most.
ratio_row() { # name, asked, timed|counted, id, key, peer, other
  local of=$work/samples/$4.$6.$5 by=$work/samples/$4.$7.$5 ratios
  [ -s "$of" ] && [ -s "$by" ] || return 0
  mapfile -t ratios < <(paste "$of" "$by" |
    awk 'NF == 2 && $2 > 0 { printf "%.4f\n", $1 / $2 }' | sort -n)
  [ ${#ratios[@]} -gt 0 ] || return 0
  row "$1" ratio "$2" "$(calc %.2f "$(median "${ratios[@]}")")" - "$3" \
    "$(calc '%.2f' "${ratios[0]}")-$(calc '%.2f' "${ratios[-1]}")"
}

note_table() { # id, peers
  local id=$1 peer key unit measured kind
  shift
  for peer; do
    while read -r key unit kind; do
      measured=$(figure "$id" "$peer" "$key" %.4f)
      ! is_number "$measured" || note "$key" "$unit" - "$measured" \
        "$(figure "$id" uv "$key" %.4f)" "$kind" '' "$peer" \
        "$(spread "$id" "$peer" "$key" %.4f)"
    done <<KEYS
cpu_us us timed
user_us us timed
system_us us timed
per_second requests/s timed
p50_us us timed
p99_us us timed
p999_us us timed
instructions Ir counted
calls calls counted
allocs calls counted
KEYS
  done
}
