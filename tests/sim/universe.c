/* The phases of a universe.
 *
 *   WARM_UP -> CHAOS -> SETTLE -> LIVE -> ENDING -> OVER
 *
 * All faults end with CHAOS. SETTLE is as long as what they left behind may
 * hurt: deadlines, backoff. In LIVE no call may fail or be refused. Then the
 * pool goes, in one of several ways. */
#include <string.h>

#include "world.h"

#define WARM_UP_MS  3000u
#define SETTLE_MS   16000u /* backoff is 10 s at most, deadlines are 5 */
#define LIVE_MS     8000u
#define BUSY_CALLS  30u
#define PATIENCE_MS 1000u

static world_t *current;

world_t *universe_now(void) {
  return current;
}

static void on_stage(uv_timer_t *timer);

static void next_after(world_t *world, uint64_t ms) {
  uv_timer_start(&world->stage, on_stage, ms, 0);
}

static void close_all(world_t *world) {
  if (world->phase != PHASE_OVER)
    user_close(world);
  uv_close((uv_handle_t *)&world->stage, NULL);
}

/* Requests have stopped; the rest depends on how this universe ends. */
static void begin_ending(world_t *world) {
  uint32_t i;

  user_stop(world);
  if (world->ending == KIND_NONE) {
    next_after(world, world->config.idle_timeout_ms + PATIENCE_MS);
    return;
  }
  if (world->ending != KIND_DRAIN || world->mode != WORLD_QUIET)
    for (i = 0; i < BUSY_CALLS; i++)
      user_request(world);
  world->close_next = world->ending == KIND_CLOSE_IN_CALLBACK;
  world->close_on_event = world->ending == KIND_CLOSE_IN_EVENT;
  if (world->ending == KIND_DRAIN) {
    world_hit(world, KIND_DRAIN);
    user_drain(world);
  }
  if (world->ending == KIND_CLOSE_BUSY) {
    world_hit(world, KIND_CLOSE_BUSY);
    close_all(world);
    return;
  }
  next_after(world, world->config.timeout_ms + world->config.idle_timeout_ms +
                        PATIENCE_MS);
}

static void check_ending(world_t *world) {
  if (world->ending == KIND_DRAIN &&
      (world->drained != 1 || world->pending > 0 || tcp_clients() > 0))
    trace_fail("drained %d times, %u pending, %u sockets", world->drained,
               world->pending, tcp_clients());
  if (world->ending == KIND_NONE)
    oracle_at_rest(world);
}

static void on_stage(uv_timer_t *timer) {
  world_t *world = current;

  (void)timer;
  if (world->phase >= PHASE_ENDING) { /* OVER: a callback closed the pool */
    if (world->phase == PHASE_ENDING)
      check_ending(world);
    close_all(world);
    return;
  }
  world->phase++;
  trace("phase", world->phase, 0, 0);
  switch (world->phase) {
  case PHASE_CHAOS:
    chaos_begin(world);
    next_after(world, world->chaos_ms);
    break;
  case PHASE_SETTLE:
    chaos_stop(world);
    user_heal(world);
    next_after(world, SETTLE_MS);
    break;
  case PHASE_LIVE:
    oracle_settled(world);
    world->live_refused = world->refused;
    next_after(world, LIVE_MS);
    break;
  case PHASE_ENDING:
    if (world->refused != world->live_refused)
      trace_fail("refusals in a healthy world");
    begin_ending(world);
    break;
  default:
    break;
  }
}

void universe_run(world_t *world, int print) {
  int rc;

  current = world;
  host_begin(world, print);
  origin_begin(world);
  rc = uv_loop_init(&world->loop);
  if (rc != 0)
    trace_fail("no loop: %s", uv_err_name(rc));
  user_begin(world);
  uv_timer_init(&world->loop, &world->stage);
  next_after(world, WARM_UP_MS);
  uv_run(&world->loop, UV_RUN_DEFAULT);
  if (uv_loop_close(&world->loop) != 0)
    trace_fail("handles are left in the loop");
  oracle_end(world);
  user_end(world);
  world->hits[KIND_NO_MEMORY] = world->heap.failures;
  world->simulated_us = timeline_now();
  world->hash = trace_hash();
  world->calls_of_system = kernel_called_all();
  origin_end(world);
  kernel_end();
}
