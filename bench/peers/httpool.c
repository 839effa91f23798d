/* The same exchange through a pool: as many requests in hand as there are
 * connections (or more: the rest waits), each callback making the next. */
#include "../common.h"
#include "../pause.h"

#include <stdio.h>
#include <string.h>

#include <httpool.h>

/* Many, because libuv polls for a new socket only when its loop comes round,
 * which takes long while a thousand others have something to say; but fewer
 * than a listening socket's backlog. */
#define MAX_CONNECTING 2000u

static bench_options_t options;
static bench_run_t run;
static pool_t *pool;

/* Every connection is open, and has served twice on average. */
static int is_warm(void) {
  pool_stats_t stats;

  if (!bench_run_may_begin(&run))
    return 0;
  pool_stats(pool, &stats);
  return stats.busy + stats.idle == options.connections &&
         stats.waiting <= options.waiters;
}

static void on_done(const pool_result_t *result, void *data);

/* All that a request carries to its callback is when it was sent. */
static void send_request(void *unused) {
  void *sent = (void *)(uintptr_t)bench_run_sent(&run);
  int err;

  (void)unused;
  err = pool_send(pool, options.method, options.path, options.body,
                  options.body_len, on_done, sent);

  if (err != 0)
    bench_fail("request", pool_strerror(err));
}

static void close_all(void) {
  bench_pause_close();
  pool_close(pool, NULL, NULL);
}

static void on_done(const pool_result_t *result, void *sent) {
  if (result->error != 0)
    bench_fail("answer", pool_strerror(result->error));
  bench_expect(&options, result->status, result->body_len);
  if (is_warm())
    bench_run_begin(&run);
  if (!bench_run_next(&run, (uintptr_t)sent)) {
    if (bench_run_is_over(&run))
      close_all();
  } else if (options.pause_ms > 0) {
    bench_pause(NULL);
  } else {
    send_request(NULL);
  }
}

static void make_pool(void) {
  pool_config_t config;
  char host[32], address[48];
  unsigned i;
  int err;

  memset(&config, 0, sizeof config);
  config.max_pending = options.connections + options.waiters;
  config.max_connections = options.connections / options.endpoints;
  config.max_connecting = config.max_connections < MAX_CONNECTING
                              ? config.max_connections
                              : MAX_CONNECTING;
  config.connect_timeout_ms = 60000;
  config.idle_timeout_ms = 60000;
  err = pool_create(&pool, uv_default_loop(), &config);
  if (err != 0)
    bench_fail("pool", pool_strerror(err));
  for (i = 0; i < options.endpoints; i++) {
    bench_host(i, host, sizeof host);
    snprintf(address, sizeof address, "%s:%u", host, options.port);
    err = pool_add_endpoint(pool, address);
    if (err != 0)
      bench_fail(address, pool_strerror(err));
  }
}

int main(int argc, char **argv) {
  unsigned i;

  bench_options(&options, argc, argv);
  bench_run_init(&run, &options);
  bench_pause_init(uv_default_loop(), options.pause_ms,
                   options.connections + options.waiters, send_request);
  make_pool();
  for (i = 0; i < options.connections + options.waiters; i++)
    send_request(NULL);
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  uv_loop_close(uv_default_loop());
  return 0;
}
