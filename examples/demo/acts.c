/* The acts of the demo. Each one is written as a script: do something, let the
 * loop run for a while, do the next thing. */
#include "demo.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define TICK_MS 250
#define GIVE_UP 15000 /* ms; no wait is longer */
#define DOWN_MS 100
#define ROUNDS  2 /* of restarts: gracefully, then by kill -9 */

const char *const demo_titles[ACTS] = {
    "normal load, 3 origins",    "one origin killed",
    "each origin restarted",     "one more origin, stuck",
    "200,000 calls in one loop",
};

const char *const demo_origin_options[] = {"--delay", "5", NULL};
static const char *const stuck_options[] = {"--stall", NULL};

/* --- letting the loop run ------------------------------------------------ */

static void on_tick(uv_timer_t *timer) {
  demo_t *demo = timer->data;

  load_top_up(&demo->load);
  report_live(demo);
}

static void on_timer_closed(uv_handle_t *handle) {
  handle->data = NULL;
}

/* Runs the loop until `is_enough` says so, for at most `ms`. */
static void run_until(demo_t *demo, int (*is_enough)(demo_t *demo),
                      uint64_t ms) {
  uint64_t end;
  uv_timer_t tick;

  uv_update_time(demo->loop);
  end = uv_now(demo->loop) + ms;
  uv_timer_init(demo->loop, &tick);
  tick.data = demo;
  uv_timer_start(&tick, on_tick, 0, TICK_MS);
  while (!is_enough(demo) && uv_now(demo->loop) < end)
    uv_run(demo->loop, UV_RUN_ONCE);
  uv_close((uv_handle_t *)&tick, on_timer_closed);
  while (tick.data != NULL)
    uv_run(demo->loop, UV_RUN_NOWAIT);
}

static int never(demo_t *demo) {
  (void)demo;
  return 0;
}

static int has_ended(demo_t *demo) {
  pool_stats_t stats;

  pool_stats(demo->pool, &stats);
  return stats.pending == 0;
}

static void run_for(demo_t *demo, uint64_t ms) {
  run_until(demo, never, ms);
}

static void stop_load(demo_t *demo) {
  demo->load.wanted = 0;
  run_until(demo, has_ended, GIVE_UP);
}

/* --- the acts ------------------------------------------------------------ */

static int act_normal(demo_t *demo) {
  demo->load.wanted = DEMO_CALLERS;
  run_for(demo, 2500);
  stop_load(demo);
  return 0;
}

static int restarted_answers(demo_t *demo) {
  pool_endpoint_stats_t stats;

  if (pool_endpoint_stats(demo->pool, demo->restarted->address, &stats) != 0)
    return 0;
  return stats.succeeded > demo->before_restart;
}

/* The port may be in somebody else's hands for a moment. */
static int start_again(demo_t *demo, child_t *child) {
  pool_endpoint_stats_t before;
  int port = child->port;
  int tries = 20;
  int err = pool_endpoint_stats(demo->pool, child->address, &before);

  if (err != 0)
    return err;
  demo->restarted = child;
  demo->before_restart = before.succeeded;
  while ((err = child_start(child, demo->loop, port, demo_origin_options)) !=
             0 &&
         --tries > 0)
    run_for(demo, 100);
  return err;
}

static int act_killed(demo_t *demo) {
  child_t *victim = &demo->origins[0];
  uint64_t ok, since;
  int err;

  demo->load.wanted = DEMO_CALLERS;
  run_for(demo, 700);
  report_say(demo, "kill -9");
  child_end(victim, SIGKILL);
  ok = demo->load.tally->ok;
  run_for(demo, 700);
  demo->ok_while_down = demo->load.tally->ok - ok;

  report_say(demo, "started again, on the same port");
  err = start_again(demo, victim);
  if (err != 0)
    return err;
  since = uv_now(demo->loop);
  run_until(demo, restarted_answers, GIVE_UP);
  demo->back_ms = uv_now(demo->loop) - since;
  run_for(demo, 700);
  stop_load(demo);
  return 0;
}

/* Down for a moment, and up until it answers again. */
static int restart(demo_t *demo, child_t *child, int signal_number) {
  int err;

  child_end(child, signal_number);
  run_for(demo, DOWN_MS);
  err = start_again(demo, child);
  if (err == 0)
    run_until(demo, restarted_answers, GIVE_UP);
  return err;
}

static int has_made_its_share(demo_t *demo) {
  uint32_t restarts = demo->stops + demo->kills;

  return demo->load.tally->calls >=
         (uint64_t)DEMO_GETS / (ROUNDS * DEMO_ORIGINS + 1) * (restarts + 1);
}

static int has_made_its_calls(demo_t *demo) {
  return demo->load.tally->calls >= DEMO_GETS;
}

static int act_rolled(demo_t *demo) {
  int i, err;

  demo->load.wanted = DEMO_CALLERS / 2;
  for (i = 0; i < ROUNDS * DEMO_ORIGINS; i++) {
    uint32_t graceful = i < DEMO_ORIGINS ? 1 : 0;

    run_until(demo, has_made_its_share, GIVE_UP);
    report_say(demo, graceful ? "stopped, and started again"
                              : "kill -9, and started again");
    err = restart(demo, &demo->origins[i % DEMO_ORIGINS],
                  graceful ? SIGTERM : SIGKILL);
    if (err != 0)
      return err;
    demo->stops += graceful;
    demo->kills += 1 - graceful;
  }
  run_until(demo, has_made_its_calls, GIVE_UP);
  stop_load(demo);
  return 0;
}

static int act_stuck(demo_t *demo) {
  int err = child_start(&demo->stuck, demo->loop, 0, stuck_options);

  if (err == 0)
    err = pool_add_endpoint(demo->pool, demo->stuck.address);
  if (err != 0)
    return err;
  demo->load.wanted = DEMO_CALLERS;
  run_for(demo, 2500);
  report_say(demo, "removed from the pool");
  pool_endpoint_stats(demo->pool, demo->stuck.address, &demo->at_stuck);
  err = pool_remove_endpoint(demo->pool, demo->stuck.address);
  run_for(demo, 1000);
  stop_load(demo);
  child_end(&demo->stuck, SIGTERM);
  return err;
}

/* --- the flood ----------------------------------------------------------- */

static void on_flood_done(const pool_result_t *result, void *data) {
  tally_result(data, result);
}

static void count_tcp(uv_handle_t *handle, void *data) {
  unsigned *count = data;

  if (handle->type == UV_TCP)
    (*count)++;
}

static uint64_t bytes_of(const demo_t *demo) {
  pool_stats_t stats;

  pool_stats(demo->pool, &stats);
  return stats.bytes_allocated;
}

/* The most memory this process ever had resident, or 0. Linux only: what
 * getrusage() says is also of the program that started this one. */
static uint64_t peak_rss(void) {
  unsigned long kib = 0;
  char line[128];
  FILE *file = fopen("/proc/self/status", "r");

  if (file == NULL)
    return 0;
  while (kib == 0 && fgets(line, sizeof line, file) != NULL)
    if (sscanf(line, "VmHWM: %lu", &kib) != 1)
      kib = 0;
  fclose(file);
  return kib * (uint64_t)1024;
}

/* Nothing of this runs the loop: no request can end meanwhile, and from the
 * first refusal on every call is refused. */
static void call_in_a_loop(demo_t *demo) {
  flood_t *flood = &demo->flood;
  tally_t *tally = demo->load.tally;
  uint64_t start = uv_hrtime();
  uint64_t full = 0;
  int i;

  for (i = 0; i < DEMO_CALLS; i++) {
    tally_call(tally, pool_get(demo->pool, "/users/42", on_flood_done, tally));
    if (tally->refused == 1 && full == 0) {
      flood->bytes_full = bytes_of(demo);
      full = uv_hrtime();
    }
  }
  flood->accept_ns = full - start;
  flood->refuse_ns = uv_hrtime() - full;
}

static void look_around(demo_t *demo) {
  flood_t *flood = &demo->flood;
  pool_stats_t stats;

  uv_resident_set_memory(&flood->rss_after);
  flood->bytes_after = bytes_of(demo);
  uv_walk(demo->loop, count_tcp, &flood->sockets);
  pool_stats(demo->pool, &stats);
  flood->pending = stats.pending;
  flood->endpoints = stats.endpoints;
  flood->rss_peak = peak_rss();
}

static int act_flood(demo_t *demo) {
  flood_t *flood = &demo->flood;
  uint64_t start;

  uv_resident_set_memory(&flood->rss_before);
  flood->bytes_before = bytes_of(demo);
  uv_update_time(demo->loop);
  start = uv_now(demo->loop);
  call_in_a_loop(demo);
  look_around(demo);
  run_until(demo, has_ended, GIVE_UP);
  flood->drained_ms = (uint32_t)(uv_now(demo->loop) - start);
  return 0;
}

/* --- one after the other ------------------------------------------------- */

int demo_run(demo_t *demo, act_t act) {
  static int (*const scripts[ACTS])(demo_t *) = {
      act_normal, act_killed, act_rolled, act_stuck, act_flood};
  pool_stats_t before, after;
  uint64_t start = uv_hrtime();
  int err;

  demo->act = act;
  demo->load.tally = &demo->tallies[act];
  pool_stats(demo->pool, &before);
  report_say(demo, demo_titles[act]);
  err = scripts[act](demo);
  pool_stats(demo->pool, &after);
  demo->deeds[act].opened = after.connects - before.connects;
  demo->deeds[act].retries = after.retries - before.retries;
  demo->deeds[act].replays = after.replays - before.replays;
  demo->deeds[act].denied = after.retries_denied - before.retries_denied;
  demo->tallies[act].ms = (uint32_t)((uv_hrtime() - start) / 1000000);
  return err;
}
