# shellcheck shell=bash
# shellcheck disable=SC2154
# memory: of an idle connection, of a pending request, of very many

case_memory() {
  local idle pending
  title "memory: $many_conns connections, 100,000 pending"
  progress 'many connections'
  run memory -c "$many_conns" -n 100000 >"$work/memory"
  idle=$(value "$work/memory" idle_heap_bytes)
  pending=$(value "$work/memory" pending_heap_bytes)
  row 'idle connection, ours' bytes 768 \
    "$(value "$work/memory" idle_bytes)" - counted
  row 'idle connection, whole heap' bytes - "$idle" - counted
  row 'pending request without body, ours' bytes 1024 \
    "$(value "$work/memory" pending_bytes)" - counted
  row 'pending request without body, whole heap' bytes - "$pending" - counted
  row "all $many_conns connections, whole heap" MiB - \
    "$(calc %.1f "$idle * $many_conns / 1048576")" - counted
  row 'all 100000 pending, whole heap' MiB - \
    "$(calc %.1f "$pending * 100000 / 1048576")" - counted
  [ "$check" = 1 ] || resident_rows
}

# What a process has resident for each connection that has served: how it
# grows from a thousand connections to five times that.
resident_rows() {
  local peer few=1000 many=$((quick ? 3000 : many_conns / 2))
  title 'resident memory for each connection'
  for peer in "${peers[@]}"; do
    case $(kind_of "$peer") in
      load) continue ;;
      node) [ "$quick" = 0 ] || continue ;;
    esac
    progress "$peer"
    run_peer "$peer" 10 -c "$few" >"$work/few"
    run_peer "$peer" 10 -c "$many" >"$work/many"
    [ -n "$(value "$work/many" rss_kib)" ] || continue
    row "$peer" bytes - "$(calc %.0f "($(value "$work/many" rss_kib) - \
      $(value "$work/few" rss_kib)) * 1024 / ($many - $few)")" - timed
  done
}
