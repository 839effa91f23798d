# Draws what overload.sh measured. Given: data, out, kind ("curve", "time");
# for "time" also capacity, from, to, slow, load and tries. No background, and
# colours that can be seen on white and on black.
grey = '#7d8590'
set terminal svg size 720,400 dynamic font 'sans-serif,13'
set output out
set border 3 linecolor rgb grey
set tics nomirror textcolor rgb grey
set grid ytics linecolor rgb grey linewidth 0.4 dashtype 3
set key outside right center Left reverse textcolor rgb grey samplen 2 \
  spacing 1.4
set title textcolor rgb grey
set xlabel textcolor rgb grey
set ylabel textcolor rgb grey
set lmargin 9

# Where two go the same way both can be seen: dashes on a solid line.
set linetype 1 linecolor rgb '#2da44e' linewidth 5
set linetype 2 linecolor rgb '#e5534b' linewidth 3
set linetype 3 linecolor rgb '#d29922' linewidth 2 dashtype '-'
set linetype 4 linecolor rgb '#539bf5' linewidth 2
set linetype 5 linecolor rgb '#b083f0' linewidth 2 dashtype '-'
array name[5]
name[1] = 'httpool'
name[2] = 'httpool, no limit'
name[3] = 'undici'
name[4] = 'libcurl'
name[5] = 'poolee, same limit'
behind = '2 3 4 1 5'

if (kind eq 'curve') {
  set title 'Answered in time, when more is asked than the server can do'
  set xlabel 'requests offered, x capacity'
  set ylabel 'answered in time, % of capacity'
  set xrange [0:5]
  set yrange [0:110]
} else {
  set title sprintf( \
    'A server at 1/%d of its speed for %d seconds, then well again', \
    slow, to - from)
  set xlabel sprintf( \
    'seconds; load %.1f x capacity, callers ask up to %d times', load, tries)
  set ylabel 'answered in time, per second'
  set yrange [0:capacity * 1.1]
  set object rectangle from first from, graph 0 to first to, graph 1 \
    behind fillcolor rgb grey fillstyle solid 0.15 noborder
}
plot for [i in behind] data using 1:(column(i + 1)) with lines \
    linetype i notitle, \
  for [i = 1:5] keyentry with lines linetype i title name[i]
