/* What things cost in bytes: of our memory (what the pool asked its allocator
 * for) and, beside it, of the whole heap, libuv's share and the allocator's
 * own overhead included.
 *
 *   pending  -n requests wait: all memory then, less that of the empty pool
 *   idle     -c connections are at rest: all memory then, less that once they
 *            have timed out, so that what the requests keep is not in it */
#include "common.h"

#include <stdio.h>
#include <string.h>

#include <malloc.h>

#include <httpool.h>

#define IDLE_MS 700

typedef struct {
  uint64_t ours;
  uint64_t heap;
} sample_t;

static bench_options_t options;
static pool_t *pool;
static uint64_t answered;

static sample_t take_sample(void) {
  struct mallinfo2 info = mallinfo2();
  sample_t sample;
  pool_stats_t stats;

  pool_stats(pool, &stats);
  sample.ours = stats.bytes_allocated;
  sample.heap = info.uordblks + info.hblkhd;
  return sample;
}

static void report(const char *what, sample_t more, sample_t less,
                   uint64_t count) {
  printf("%s_bytes %.1f\n", what,
         (double)(more.ours - less.ours) / (double)count);
  printf("%s_heap_bytes %.1f\n", what,
         ((double)more.heap - (double)less.heap) / (double)count);
}

static void on_answer(const pool_result_t *result, void *data) {
  (void)data;
  if (result->error != 0)
    bench_fail("answer", pool_strerror(result->error));
  answered++;
}

static void on_closed_pool(const pool_result_t *result, void *data) {
  (void)result;
  (void)data;
}

static void make_pool(uint32_t max_pending) {
  pool_config_t config;
  char address[32];

  memset(&config, 0, sizeof config);
  config.max_pending = max_pending;
  config.max_connections = options.connections;
  config.max_connecting = options.connections;
  config.idle_timeout_ms = IDLE_MS;
  snprintf(address, sizeof address, "127.0.0.1:%u", options.port);
  if (pool_create(&pool, uv_default_loop(), &config) != 0 ||
      pool_add_endpoint(pool, address) != 0)
    bench_fail("pool", "cannot be made");
}

static void close_pool(void) {
  pool_close(pool, NULL, NULL);
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}

static void send_requests(uint64_t n, pool_done_cb done) {
  uint64_t i;

  for (i = 0; i < n; i++) {
    int err = pool_get(pool, "/users/42", done, NULL);

    if (err != 0)
      bench_fail("request", pool_strerror(err));
  }
}

static void run_until_answered(uint64_t n) {
  while (answered < n)
    uv_run(uv_default_loop(), UV_RUN_ONCE);
}

/* An idle pool holds no loop; a timer of ours does. */
static void on_tick(uv_timer_t *timer) {
  pool_stats_t stats;

  pool_stats(pool, &stats);
  if (stats.idle + stats.closing == 0)
    uv_close((uv_handle_t *)timer, NULL);
}

static void run_until_timed_out(void) {
  uv_timer_t timer;

  uv_timer_init(uv_default_loop(), &timer);
  uv_timer_start(&timer, on_tick, 10, 10);
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}

static void measure_idle(void) {
  sample_t open;
  pool_stats_t stats;

  make_pool(options.connections);
  send_requests(options.connections, on_answer);
  run_until_answered(options.connections);
  pool_stats(pool, &stats);
  printf("idle_connections %u\n", (unsigned)stats.idle);
  open = take_sample();
  run_until_timed_out();
  report("idle", open, take_sample(), stats.idle);
  close_pool();
}

/* The first request opens the connections that the pool may open at once:
 * they are not what is measured here, so there is one. */
static void measure_pending(void) {
  sample_t before;

  options.connections = 1;
  make_pool((uint32_t)options.requests + 1);
  send_requests(1, on_closed_pool);
  before = take_sample();
  send_requests(options.requests, on_closed_pool);
  report("pending", take_sample(), before, options.requests);
  close_pool();
}

int main(int argc, char **argv) {
  bench_options(&options, argc, argv);
  measure_idle();
  measure_pending();
  uv_loop_close(uv_default_loop());
  return 0;
}
