/* How long things took, as a histogram: its size is fixed and its error at
 * most 1 in 64, from a nanosecond to a quarter of an hour. */
#ifndef BENCH_LATENCY_H_
#define BENCH_LATENCY_H_

#include <stdint.h>

#define BENCH_LATENCY_ROWS  34 /* each twice as long as the one before */
#define BENCH_LATENCY_STEPS 64 /* of a row */

typedef struct {
  uint64_t count;
  uint64_t max_ns;
  uint32_t counts[BENCH_LATENCY_ROWS][BENCH_LATENCY_STEPS];
} bench_latency_t;

void bench_latency_add(bench_latency_t *latency, uint64_t ns);

/* What `share` of all (0 to 1) took at most, in ns. */
uint64_t bench_latency_at(const bench_latency_t *latency, double share);

/* Prints p50_us, p99_us, p999_us and max_us. */
void bench_latency_print(const bench_latency_t *latency);

#endif
