/* httpool. */
#include "contestant.h"

#include <stdio.h>
#include <string.h>

#include <httpool.h>

#include "../common.h"

#define NO_LIMIT 10000000u

static pool_t *pool;

static int on_retry(pool_t *of, const pool_result_t *result, void *data) {
  (void)of;
  (void)data;
  return result->status >= 500 ? POOL_BACKOFF : POOL_KEEP;
}

static void add_endpoint(unsigned i, unsigned port) {
  char host[32], address[48];
  int err;

  bench_host(i, host, sizeof host);
  snprintf(address, sizeof address, "%s:%u", host, port);
  err = pool_add_endpoint(pool, address);
  if (err != 0)
    bench_fail(address, pool_strerror(err));
}

void contestant_open(uv_loop_t *loop, const contestant_settings_t *settings) {
  pool_config_t config;
  unsigned i;
  int err;

  memset(&config, 0, sizeof config);
  config.max_connections = settings->max_connections;
  config.max_pending = settings->max_pending;
  if (settings->max_pending == 0)
    config.max_pending = NO_LIMIT;
  config.timeout_ms = settings->timeout_ms;
  config.seed = settings->seed;
  config.ping_path = settings->pings ? "/ping" : NULL;
  config.on_retry = settings->rejects ? on_retry : NULL;
  err = pool_create(&pool, loop, &config);
  if (err != 0)
    bench_fail("pool", pool_strerror(err));
  for (i = 0; i < settings->endpoints; i++)
    add_endpoint(i, settings->port);
}

static void on_done(const pool_result_t *result, void *request) {
  contestant_done(request, result->status,
                  result->error == 0 ? NULL : pool_err_name(result->error));
}

void contestant_get(void *request) {
  int err = pool_get(pool, "/", on_done, request);

  if (err != 0)
    contestant_done(request, 0, pool_err_name(err));
}

void contestant_close(void) {
  pool_close(pool, NULL, NULL);
}
