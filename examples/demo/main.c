/* demo: one pool, a few small origin servers, and five bad days.
 *
 *   main.c    sets everything up and takes it down again
 *   acts.c    what is done, and when
 *   load.c    the requests, and what became of them
 *   child.c   origin servers as child processes
 *   report.c  what is printed, and the verdict
 *
 * Ends with 0 when everything came as expected. */
#include "demo.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static demo_t demo;

static void abandon_all(void) {
  int i;

  for (i = 0; i < DEMO_ORIGINS; i++)
    child_abandon(&demo.origins[i]);
  child_abandon(&demo.stuck);
}

static void must(int err, const char *what) {
  if (err == 0)
    return;
  fprintf(stderr, "demo: %s: %s\n", what, pool_strerror(err));
  abandon_all();
  exit(1);
}

static void on_signal(uv_signal_t *handle, int number) {
  (void)handle;
  abandon_all();
  exit(128 + number);
}

static void watch(uv_signal_t *handle, int number) {
  must(uv_signal_init(demo.loop, handle), "signal");
  must(uv_signal_start(handle, on_signal, number), "signal");
  uv_unref((uv_handle_t *)handle);
}

static void start_origins(void) {
  int i;

  for (i = 0; i < DEMO_ORIGINS; i++)
    must(child_start(&demo.origins[i], demo.loop, 0, demo_origin_options),
         "origin");
}

static void make_pool(void) {
  pool_config_t config;
  int i;

  memset(&config, 0, sizeof config);
  config.max_pending = DEMO_MAX_PENDING;
  config.max_connections = DEMO_MAX_CONNS;
  config.head_timeout_ms = DEMO_HEAD_MS;
  config.timeout_ms = 10000;
  must(pool_create(&demo.pool, demo.loop, &config), "pool_create");
  for (i = 0; i < DEMO_ORIGINS; i++)
    must(pool_add_endpoint(demo.pool, demo.origins[i].address),
         "pool_add_endpoint");
  demo.load.pool = demo.pool;
}

static void on_pool_closed(void *data) {
  int *closed = data;

  *closed = 1;
}

static void close_pool(void) {
  int closed = 0;

  pool_close(demo.pool, on_pool_closed, &closed);
  while (!closed)
    uv_run(demo.loop, UV_RUN_ONCE);
}

static void end_origins(void) {
  int i;

  for (i = 0; i < DEMO_ORIGINS; i++)
    child_end(&demo.origins[i], SIGTERM);
}

int main(void) {
  uv_signal_t signals[2];
  int failed;
  int act;

  demo.loop = uv_default_loop();
  demo.is_terminal = uv_guess_handle(1) == UV_TTY;
  demo.started_at = uv_now(demo.loop);
  signal(SIGPIPE, SIG_IGN); /* a server that went away is an error code */
  watch(&signals[0], SIGINT);
  watch(&signals[1], SIGTERM);
  start_origins();
  make_pool();
  for (act = 0; act < ACTS; act++)
    must(demo_run(&demo, (act_t)act), demo_titles[act]);
  report_table(&demo);
  failed = report_verdict(&demo);

  close_pool();
  end_origins();
  uv_close((uv_handle_t *)&signals[0], NULL);
  uv_close((uv_handle_t *)&signals[1], NULL);
  uv_run(demo.loop, UV_RUN_DEFAULT);
  must(uv_loop_close(demo.loop), "something is left on the loop");
  return failed == 0 ? 0 : 1;
}
