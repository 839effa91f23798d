# shellcheck shell=bash
# shellcheck disable=SC2154
# paced: latency of small GETs at a rate that is far below what can be done

# Each of 64 connections pauses for 4 ms behind each answer, so all contestants
# have the same rate, about 15,000 requests a second.
case_paced() {
  local paced=(httpool uv) ms=4 peer
  title "latency of small GETs, 64 connections, $ms ms between"
  [ "$check" = 0 ] || return 0 # it counts nothing
  ! has wrk || paced+=(wrk)
  take_paced
  for peer in "${paced[@]}"; do
    row "$peer: rate" requests/s - "$(figure paced "$peer" per_second %.0f)" \
      - timed
    row "$peer: p50" us - "$(figure paced "$peer" p50_us %.0f)" - timed
    row "$peer: p99" us - "$(figure paced "$peer" p99_us %.0f)" - timed
    row "$peer: p99.9" us - "$(figure paced "$peer" p999_us %.0f)" - timed
  done
  ratio_row 'p99, times that of wrk' 1 timed paced p99_us httpool wrk
}

take_paced() { # uses paced and ms of case_paced()
  local i peer n=$((quick ? 10000 : 100000))
  for ((i = 1; i <= repeats; i++)); do
    for peer in "${paced[@]}"; do
      progress "$peer, $i of $repeats"
      run_peer "$peer" "$n" -l -c 64 -d "$ms" >"$work/run" || exit 1
      sample paced "$peer" per_second "$(value "$work/run" per_second)"
      sample_latency paced "$peer"
    done
  done
}
