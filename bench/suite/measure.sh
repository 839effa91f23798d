# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # the driver sets some, and reads others
# How bench/run.sh measures. To be sourced.

# The value of a key in the "key value" lines of a program.
value() { awk -v key="$2" '$1 == key { print $2 }' "$1"; }

# A program of ours that is no contestant.
run() { # program, arguments
  local program=$1
  shift
  "${pin_client[@]}" "$build/bench/bench_$program" -p "$port" "$@"
}

# What one request costs in the timed stretch of a run.
instructions() { # requests, program, arguments
  local n=$1 program=$2
  shift 2
  progress "$program $*: instructions"
  rm -f "$work"/callgrind.out*
  "${pin_client[@]}" valgrind --tool=callgrind \
    --zero-before=bench_run_begin --dump-before=bench_run_report \
    --callgrind-out-file="$work/callgrind.out" \
    "$build/bench/bench_$program" -p "$port" -n "$n" "$@" \
    >"$work/run.callgrind" 2>"$work/tool.callgrind" ||
    { cat "$work/tool.callgrind" >&2 && exit 1; }
  calc %.0f "$(callgrind_total "$work/callgrind.out.1") / $n"
}

callgrind_total() { awk '/^(totals|summary):/ { print $2; exit }' "$1"; }

# Of a program that is not ours: two runs of different lengths, and how the
# counts differ over how the exchanges do.
instructions_between() { # short, long, peer, options
  local short=$1 long=$2 peer=$3 n
  shift 3
  progress "$peer $*: instructions"
  for n in "$short" "$long"; do
    under=(valgrind --tool=callgrind "--callgrind-out-file=$work/between.$n")
    run_peer "$peer" "$n" "$@" >"$work/run.$n" || exit 1
  done
  under=()
  calc %.0f "($(callgrind_total "$work/between.$long") - \
    $(callgrind_total "$work/between.$short")) / $(exchanges_between)"
}

exchanges_between() {
  calc %.0f "$(value "$work/run.$long" exchanges) - \
    $(value "$work/run.$short" exchanges)"
}

# Lines "name calls-per-request" of the system calls that a request makes.
system_calls() { # short, long, peer, options
  local short=$1 long=$2 peer=$3 n
  shift 3
  progress "$peer $*: system calls"
  for n in "$short" "$long"; do
    under=(strace -c -f -o "$work/tool.$n")
    run_peer "$peer" "$n" "$@" >"$work/run.$n" || exit 1
  done
  under=()
  calls_between
}

calls_between() {
  local n
  n=$(exchanges_between)
  if [ "$n" -le 0 ] || [ ! -s "$work/tool.$long" ]; then
    echo 'bench: strace told nothing' >&2
    return 1
  fi
  awk -v n="$n" '
    $1 !~ /^[0-9.]+$/ || $NF == "total" { next }
    FNR == NR { short[$NF] = $4; next }
    { per = ($4 - short[$NF]) / n; if (per >= 0.0005) print $NF, per }
  ' "$work/tool.$short" "$work/tool.$long" | sort -k2 -rn
}

# Waits are shared by all that is ready at once: they are the loop's, the other
# calls the request's.
own_calls() {
  awk '$1 !~ /^(epoll_p?wait|poll|select)/ { sum += $2 }
    END { printf "%.2f", sum }' <<<"$1"
}

# What was measured of a contestant in a case, run by run: a file each.
sample() { # case, peer, key, value
  is_number "$4" || { echo "bench: $1, $2: no $3: '$4'" >&2 && exit 1; }
  echo "$4" >>"$work/samples/$1.$2.$3"
}

# Its median, or "-".
figure() { # case, peer, key, format
  local file=$work/samples/$1.$2.$3 figures
  [ -s "$file" ] || { echo - && return; }
  mapfile -t figures <"$file"
  calc "$4" "$(median "${figures[@]}")"
}

spread() { # case, peer, key, format: the least and the most
  local file=$work/samples/$1.$2.$3
  [ -s "$file" ] || { echo - && return; }
  sort -n "$file" | awk -v format="$4" '
    NR == 1 { least = $1 }
    END { printf format "-" format, least, $1 }'
}
