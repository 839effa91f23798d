# shellcheck shell=bash
# shellcheck disable=SC2154 # the driver sets them
# The pictures of bench/run.sh: SVG, by gnuplot, in $plots. To be sourced.

# plot NAME: gnuplot's commands come from stdin, behind the common ones.
plot() {
  has gnuplot || { echo "bench: no gnuplot, no $1.svg" >&2 && return; }
  mkdir -p "$plots"
  {
    cat <<COMMANDS
set terminal svg size 800,450 font 'sans-serif,13' background '#ffffff'
set output '$plots/$1.svg'
set style data linespoints
set style fill solid 0.8
set border 3
set tics nomirror out
set grid ytics lc rgb '#dddddd'
set key outside right top
set linetype 1 lc rgb '#c0392b'
set linetype 2 lc rgb '#2c3e50'
set linetype 3 lc rgb '#95a5a6'
set linetype 4 lc rgb '#e67e22'
set linetype 5 lc rgb '#2980b9'
set linetype 6 lc rgb '#8e44ad'
set linetype 7 lc rgb '#27ae60'
set linetype 8 lc rgb '#16a085'
set datafile missing '-'
COMMANDS
    cat
  } | gnuplot || return 1
  echo "bench: $plots/$1.svg" >&2
}

plot_get() { # numbers of connections
  local c peer
  for c; do
    for peer in "${peers[@]}"; do
      printf '%s %s %s %s\n' "$c" "$(figure "get$c" "$peer" cpu_us %.3f)" \
        "$(figure "get$c" "$peer" per_second %.0f)" \
        "$(figure "get$c" "$peer" p99_us %.0f)" >>"$work/get.$peer"
    done
  done
  plot_lines cpu 2 'CPU of a small GET (user + system)' 'microseconds'
  plot_lines rate 3 'Small GETs on one core' 'requests per second'
  plot_lines p99 4 'p99 of a small GET, closed loop' 'microseconds'
  plot_bars
}

plot_lines() { # name, column, title, unit
  local peer lines=
  for peer in "${peers[@]}"; do
    # Not all tell all: h2load has no percentiles.
    awk -v column="$2" '$column != "-" { any = 1 } END { exit !any }' \
      "$work/get.$peer" || continue
    lines+="${lines:+, }'$work/get.$peer' using 1:$2 title '$peer' noenhanced"
    lines+=" lw $([ "$peer" = httpool ] && echo 4 || echo 1.5)"
  done
  plot "get_$1" <<COMMANDS
set title '$3'
set xlabel 'connections'
set ylabel '$4'
set logscale xy
set xrange [0.8:1300]
set xtics (1, 16, 64, 256, 1024)
plot $lines
COMMANDS
}

# User and system time side by side, at 64 connections, the least first.
plot_bars() {
  local peer
  for peer in "${peers[@]}"; do
    printf '%s %s %s %s\n' "$peer" "$(figure get64 "$peer" user_us %.3f)" \
      "$(figure get64 "$peer" system_us %.3f)" \
      "$(figure get64 "$peer" cpu_us %.3f)"
  done | sort -n -k4 >"$work/bars"
  plot get_bars <<COMMANDS
set title 'CPU of a small GET, 64 connections'
set ylabel 'microseconds'
set style data histograms
set style histogram rowstacked
set boxwidth 0.7
set xtics rotate by -35 noenhanced
set yrange [0:*]
plot '$work/bars' using 2:xtic(1) title 'user' lt 5, \
  '' using 3 title 'system' lt 3, \
  '' using (column(0)):(column(2) + column(3)):(sprintf('%.1f', column(4))) \
    with labels offset 0,0.7 notitle
COMMANDS
}
