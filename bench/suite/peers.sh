# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # the driver sets some, and reads others
# The contestants of bench/run.sh, and how each is run. All take the options
# of bench/common.h and print its "key value" lines. To be sourced.

# Ours are always built; the others where their packages could be had.
our_peers=(httpool uv epoll)
c_peers=("${our_peers[@]}" evhttp curl_socket curl_poll)
load_peers=(wrk h2load)
node_peers=(undici_dispatch undici_request agent poolee)

# What the comparisons need beyond what we need ourselves. Without a package
# they do without its contestant.
install_peers() {
  install_what_can_be wrk:wrk h2load:nghttp2-client \
    curl-config:libcurl4-openssl-dev gnuplot:gnuplot-nox \
    /usr/include/event2/http.h:libevent-dev node:nodejs npm:npm || true
  install_node_modules undici poolee ||
    echo 'bench: no contestants on node' >&2
}

# Fills the array `peers` with those that are here.
find_peers() {
  local peer
  peers=()
  for peer in "${c_peers[@]}"; do
    [ ! -x "$build/bench/bench_${peer}_plain" ] || peers+=("$peer")
  done
  for peer in "${load_peers[@]}"; do
    ! has "$peer" || peers+=("$peer")
  done
  for peer in "${node_peers[@]}"; do
    case $peer in
      agent) has node || continue ;;
      *) has_module "${peer%_*}" || continue ;;
    esac
    peers+=("$peer")
  done
}

describe_peers() {
  echo "contestants: ${peers[*]}"
  printf 'libcurl %s, libevent %s' \
    "$(pkg-config --modversion libcurl 2>/dev/null || echo none)" \
    "$(pkg-config --modversion libevent 2>/dev/null || echo none)"
  ! has node || printf ', node %s' "$(node --version)"
  ! has_module undici || printf ', %s' "${undici/@/ }"
  ! has_module poolee || printf ', %s' "${poolee/@/ }"
  ! has wrk || printf ', %s' "$(wrk -v 2>&1 | sed -n '1s/ \[.*//p')"
  ! has h2load || printf ', %s' "$(h2load --version)"
  printf '\n'
  cat <<'LEGEND'
CPU is user and system time for a request, ratio is CPU over that of httpool;
rates and times are medians, between the least and the most of all runs. "bare"
is the loop of libuv and llhttp alone. "-": callgrind tells nothing of node, and
of wrk and h2load no allocations are counted; h2load has no percentiles. The
first requests of a connection are in the figures of wrk and h2load only.
LEGEND
}

kind_of() { # peer
  case " ${c_peers[*]} " in *" $1 "*) echo c && return ;; esac
  case " ${load_peers[*]} " in *" $1 "*) echo load && return ;; esac
  echo node
}

# run_peer PEER REQUESTS OPTION...: what it prints. The array `under` is what
# it is run under: a tool that counts, and that tool's options.
under=()
run_peer() {
  local peer=$1 n=$2
  shift 2
  case $(kind_of "$peer") in
    c)
      "${pin_client[@]}" "${under[@]}" "$build/bench/bench_${peer}_plain" \
        -p "$port" -n "$n" "$@"
      ;;
    node)
      [[ $peer != *_* ]] || set -- "${peer#*_}" "$@"
      NODE_PATH=$build/node/node_modules "${pin_client[@]}" "${under[@]}" \
        node "$root/bench/peers/${peer%_*}.mjs" -p "$port" -n "$n" "$@"
      ;;
    load) run_load "$peer" "$n" "$@" ;;
  esac || { echo "bench: $peer failed: $*" >&2 && return 1; }
}

# wrk and h2load tell neither their CPU time nor all else in our words; what
# they need to start is in their figures.
run_load() { # wrk|h2load, requests, options
  local load=$1 n=$2 option OPTIND=1 TIMEFORMAT='%3U %3S'
  local connections=1 path=/hello method=GET body=0 pause=0
  shift 2
  while getopts c:P:m:b:a:d:l option; do
    case $option in
      c) connections=$OPTARG ;;
      P) path=$OPTARG ;;
      m) method=$OPTARG ;;
      b) body=$OPTARG ;;
      d) pause=$OPTARG ;;
      a | l) ;;
      *) return 1 ;;
    esac
  done
  { time "run_$load" >"$work/load" 2>"$work/load.log"; } 2>"$work/load.time" ||
    { cat "$work/load" "$work/load.log" >&2 && return 1; }
  "tell_$load" "$work/load" >"$work/load.told" || return 1
  cat "$work/load.told"
  awk -v n="$(value "$work/load.told" exchanges)" '
    n > 0 {
      printf "user_us %.4f\nsystem_us %.4f\n", $1 * 1e6 / n, $2 * 1e6 / n
      told = 1
    }
    END { exit !told }' "$work/load.time"
}

# It runs for seconds, not for a number of requests.
run_wrk() {
  "${pin_client[@]}" "${under[@]}" wrk -t1 -c"$connections" \
    -d$((n / 100000 + 1))s -s "$root/bench/peers/wrk.lua" \
    "http://127.0.0.1:$port$path" -- "$method" "$body" "$pause"
}

tell_wrk() {
  [ "$(value "$1" failed)" = 0.0 ] || { cat "$1" >&2 && return 1; }
  grep -E '^[a-z0-9_]+ [0-9.]+$' "$1"
}

run_h2load() {
  local upload=()
  if [ "$body" -gt 0 ]; then
    head -c "$body" /dev/zero | tr '\0' b >"$work/upload"
    upload=(-d "$work/upload")
  fi
  "${pin_client[@]}" "${under[@]}" h2load --h1 -t1 -c"$connections" -n"$n" \
    "${upload[@]}" "http://127.0.0.1:$port$path"
}

tell_h2load() {
  awk '
    /^finished in/ { print "per_second", $4 }
    /^requests:/ { print "exchanges", $2; all = $2 }
    /^status codes:/ { good = $3 == all }
    END { exit !good }' "$1" || { cat "$1" >&2 && return 1; }
}
