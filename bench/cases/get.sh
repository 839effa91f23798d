# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154
# get: small GETs on 1 to 1,024 connections, by all contestants

case_get() {
  local c counts levels=(1 16 64 256 1024)
  [ "$quick" = 0 ] || levels=(1 64 1024)
  for c in "${levels[@]}"; do
    # All that can be counted is counted once; the rest changes little.
    counts=(httpool uv)
    [ "$c" != 64 ] || [ "$quick" = 1 ] || counts=("${peers[@]}")
    compare "get$c" "small GETs, connections: $c" -c "$c"
    counted_rows "get$c" 3800 2 0
    [ "$c" != 64 ] || [ "$check" = 1 ] || get_rows
  done
  [ "$check" = 1 ] || plot_get "${levels[@]}"
}

get_rows() {
  local cpu=(timed get64 cpu_us) peer
  ratio_row 'CPU, times that of the bare loop' 1.10 "${cpu[@]}" httpool uv
  ratio_row 'CPU, times that of wrk' 0.95 "${cpu[@]}" httpool wrk
  ratio_row 'requests/s, times those of wrk' '>1' timed get64 per_second \
    httpool wrk
  # In a closed loop the faster has the higher rate; for the same rate, "paced".
  ratio_row 'p99, times that of wrk, each at its own rate' - timed get64 \
    p99_us httpool wrk
  for peer in evhttp curl_socket curl_poll "${node_peers[@]}"; do
    ratio_row "CPU of $peer, times ours" "$(asked_of "$peer")" "${cpu[@]}" \
      "$peer" httpool
  done
  # Of these what the server's core can do is the most there can be.
  for peer in evhttp curl_socket curl_poll "${node_peers[@]}"; do
    ratio_row "requests/s, times those of $peer" "$(asked_of "$peer")" timed \
      get64 per_second httpool "$peer"
  done
}

asked_of() { # peer: how many times as fast we are to be
  case $1 in
    undici*) echo '>2.5' ;;
    poolee) echo '>8' ;;
    agent) echo - ;;
    *) echo '>2' ;;
  esac
}
