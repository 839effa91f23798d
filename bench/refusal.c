/* What it costs to be refused: a pool that is full, and -n more requests. No
 * server is needed, for the loop never runs between the first request and the
 * last refusal. */
#include "common.h"

#include <string.h>

#include <httpool.h>

static void on_done(const pool_result_t *result, void *data) {
  (void)result;
  (void)data;
}

static void refuse_all(pool_t *pool, const bench_options_t *options) {
  bench_run_t run;

  bench_run_init(&run, options);
  bench_run_begin(&run);
  for (; run.finished < options->requests; run.finished++)
    if (pool_get(pool, BENCH_PATH, on_done, NULL) != POOL_EOVERLOADED)
      bench_fail("refusal", "there was none");
  bench_run_report(&run);
}

int main(int argc, char **argv) {
  bench_options_t options;
  pool_config_t config;
  pool_t *pool;

  bench_options(&options, argc, argv);
  memset(&config, 0, sizeof config);
  config.max_pending = 1;
  if (pool_create(&pool, uv_default_loop(), &config) != 0 ||
      pool_add_endpoint(pool, "127.0.0.1:9") != 0 ||
      pool_get(pool, BENCH_PATH, on_done, NULL) != 0)
    bench_fail("pool", "cannot be made full");
  refuse_all(pool, &options);
  pool_close(pool, NULL, NULL);
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  uv_loop_close(uv_default_loop());
  return 0;
}
