# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154
# get: small GETs on 1 to 1,024 connections, by all contestants

case_get() {
  local c levels=(1 16 64 256 1024)
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
  # In a closed loop the faster has the higher rate and the shorter times.
  ratio_row 'p99, times that of wrk, each at its own rate' 1 timed get64 \
    p99_us httpool wrk
  for peer in evhttp curl_socket curl_poll; do
    ratio_row "CPU of $peer, times ours" '>2' "${cpu[@]}" "$peer" httpool
  done
  for peer in "${node_peers[@]}"; do
    case $peer in
      undici*) ratio_row "CPU of $peer, times ours" '>2.5' "${cpu[@]}" \
        "$peer" httpool ;;
      poolee) ratio_row "CPU of $peer, times ours" '>8' "${cpu[@]}" \
        "$peer" httpool ;;
      *) ratio_row "CPU of $peer, times ours" - "${cpu[@]}" \
        "$peer" httpool ;;
    esac
  done
}
