#include "latency.h"

#include <stdio.h>

/* Row 0 has the times below 64 ns as they are. Row n has those of the size
 * 64 << (n - 1), in steps of 1 << (n - 1). */
void bench_latency_add(bench_latency_t *latency, uint64_t ns) {
  unsigned row = 0;
  uint64_t step = ns;

  while (step >= 2 * BENCH_LATENCY_STEPS) {
    step >>= 1;
    row++;
  }
  if (step >= BENCH_LATENCY_STEPS) {
    step -= BENCH_LATENCY_STEPS;
    row++;
  }
  if (row >= BENCH_LATENCY_ROWS)
    row = BENCH_LATENCY_ROWS - 1;
  latency->counts[row][step]++;
  latency->count++;
  if (ns > latency->max_ns)
    latency->max_ns = ns;
}

static uint64_t end_of(unsigned row, unsigned step) {
  if (row == 0)
    return step;
  return ((uint64_t)(BENCH_LATENCY_STEPS + step + 1) << (row - 1)) - 1;
}

uint64_t bench_latency_at(const bench_latency_t *latency, double share) {
  uint64_t left = (uint64_t)((double)latency->count * share);
  unsigned row, step;

  for (row = 0; row < BENCH_LATENCY_ROWS; row++) {
    for (step = 0; step < BENCH_LATENCY_STEPS; step++) {
      uint64_t end = end_of(row, step);

      if (latency->counts[row][step] > left)
        return end < latency->max_ns ? end : latency->max_ns;
      left -= latency->counts[row][step];
    }
  }
  return latency->max_ns;
}

static void print(const char *key, uint64_t ns) {
  printf("%s %.1f\n", key, (double)ns / 1e3);
}

void bench_latency_print(const bench_latency_t *latency) {
  print("p50_us", bench_latency_at(latency, 0.5));
  print("p99_us", bench_latency_at(latency, 0.99));
  print("p999_us", bench_latency_at(latency, 0.999));
  print("max_us", latency->max_ns);
}
