/* Who makes requests and does other things to the pool; how each call ends is
 * judged in judge.c. */
#include <stdlib.h>
#include <string.h>

#include "streams.h"

#define RECENT 60u /* ids that deeds are done to */

static uint32_t from(world_t *world, uint32_t min, uint32_t max) {
  return random_from(&world->chance, min, max);
}

/* --- deeds -----------------------------------------------------------------
 */

static uint32_t recent(world_t *world) {
  uint32_t back = from(world, 1, RECENT);

  return back < world->call_count ? world->call_count - back : 0;
}

static void cancel(world_t *world, uint32_t id) {
  call_t *call = &world->calls[id];
  int rc;

  world->in_call = 1;
  rc = pool_cancel(world->pool, call->call);
  world->in_call = 0;
  if (rc == 0 && (call->done || call->cancelled))
    trace_fail("call %u: cancelled after its end", id);
  if (rc != 0 && rc != POOL_EGONE)
    trace_fail("call %u: cancel says %d", id, rc);
  call->cancelled |= (uint8_t)(rc == 0);
}

static void cancel_old(world_t *world) {
  uint32_t id = from(world, 0, world->call_count - 1);
  int rc;

  while (id > 0 && !world->calls[id].done)
    id--;
  if (!world->calls[id].done)
    return;
  world->in_call = 1;
  rc = pool_cancel(world->pool, world->calls[id].call);
  world->in_call = 0;
  if (rc != POOL_EGONE)
    trace_fail("call %u: found after its end", id);
}

static void block_loop(world_t *world) {
  uint64_t us = from(world, 20, 3000) * 1000ull;

  world->lost_us += us;
  kernel_jump(us);
  uv_update_time(&world->loop);
}

void user_acts_in_callback(world_t *world) {
  if (world->close_next) {
    world->close_next = 0;
    world_hit(world, KIND_CLOSE_IN_CALLBACK);
    user_close(world);
    return;
  }
  if (world->phase != PHASE_CHAOS)
    return;
  if (world_strikes(world, KIND_CANCEL_IN_CALLBACK))
    cancel(world, recent(world));
  if (world_strikes(world, KIND_REQUEST_IN_CALLBACK))
    user_request(world);
  if (world_strikes(world, KIND_BLOCKED_LOOP))
    block_loop(world);
}

/* --- from time to time -----------------------------------------------------
 */

static void add_site(world_t *world, site_t *site) {
  int rc;

  world->in_call = 1;
  rc = pool_add_endpoint(world->pool, site->address);
  world->in_call = 0;
  if (rc == UV_ENOMEM && world->on[KIND_NO_MEMORY])
    return;
  if (rc != 0)
    trace_fail("an endpoint cannot be added: %s", pool_err_name(rc));
  site->in_pool = 1;
  site->out_since_ms = 0; /* it is another one */
}

static void add_sites_back(world_t *world, int all) {
  uint32_t i;

  for (i = 0; i < world->endpoints; i++)
    if (!world->sites[i].in_pool &&
        (all || world->sites[i].back_ms <= uv_now(&world->loop)))
      add_site(world, &world->sites[i]);
}

static void remove_site(world_t *world) {
  site_t *site = &world->sites[from(world, 0, world->endpoints - 1)];
  int rc;

  while (!site->in_pool && site > world->sites)
    site--;
  if (!site->in_pool)
    return;
  world->in_call = 1;
  rc = pool_remove_endpoint(world->pool, site->address);
  world->in_call = 0;
  if (rc != 0)
    trace_fail("an endpoint cannot be removed: %s", pool_err_name(rc));
  site->in_pool = 0;
  world->removals++;
  site->back_ms = uv_now(&world->loop) + from(world, 1, 2000);
}

static void set_limit(world_t *world, uint32_t limit) {
  int rc;

  world->in_call = 1;
  rc = pool_set_max_pending(world->pool, limit);
  world->in_call = 0;
  if (rc != 0)
    trace_fail("the limit cannot be set to %u", limit);
  world->max_pending = limit;
}

static void deeds(world_t *world) {
  uint32_t i;

  if (world_strikes(world, KIND_CANCEL))
    cancel(world, recent(world));
  if (world_strikes(world, KIND_CANCEL_OLD))
    cancel_old(world);
  stream_pause_any(world);
  if (world_strikes(world, KIND_BAD_REQUEST))
    user_ask_badly(world);
  if (world_strikes(world, KIND_LIMIT_CHANGED))
    set_limit(world, from(world, 12, 300));
  if (world_strikes(world, KIND_ENDPOINT_REMOVED))
    remove_site(world);
  if (world_strikes(world, KIND_BURST))
    for (i = from(world, 1, world->max_pending + 20); i > 0; i--)
      user_request(world);
}

static void on_tick(uv_timer_t *timer) {
  world_t *world = universe_now();
  uint32_t batch = world->phase == PHASE_LIVE ? 1 : world->batch;
  uint32_t gap_ms = batch * 1000 / world->rate;
  uint32_t i;

  for (i = 0; i < batch; i++)
    user_request(world);
  if (world->phase == PHASE_CHAOS)
    deeds(world);
  add_sites_back(world, 0);
  uv_timer_start(timer, on_tick, from(world, gap_ms / 2, gap_ms * 3 / 2 + 1),
                 0);
}

/* --- the pool --------------------------------------------------------------
 */

static void note_health(world_t *world, const pool_event_t *event) {
  uint64_t now_ms = uv_now(&world->loop);
  uint32_t i;

  for (i = 0; i < world->endpoints; i++) {
    site_t *site = &world->sites[i];

    if (strcmp(site->address, event->endpoint) != 0)
      continue;
    site->out_since_ms = event->health == POOL_OUT ? now_ms : 0;
    site->out_until_ms = now_ms + event->delay_ms;
  }
}

static int on_retry(pool_t *pool, const pool_result_t *result, void *data) {
  world_t *world = data;

  if (pool != world->pool || world->in_call || world->closed)
    trace_fail("on_retry at the wrong time");
  return result->status == 503 ? POOL_BACKOFF : POOL_KEEP;
}

static void on_event(pool_t *pool, const pool_event_t *event, void *data) {
  world_t *world = data;

  if (pool != world->pool || world->in_call || world->phase == PHASE_OVER)
    trace_fail("an event at the wrong time");
  trace("event", event->type, event->error, (int64_t)event->lost);
  world->drained += event->type == POOL_EVENT_DRAINED;
  if (event->type == POOL_EVENT_DRAINED && world->pending + tcp_clients() > 0)
    trace_fail("drained, with %u pending and %u sockets", world->pending,
               tcp_clients());
  if (event->type == POOL_EVENT_HEALTH)
    note_health(world, event);
  world->opened += event->type == POOL_EVENT_CONNECT;
  world->hung_up += event->type == POOL_EVENT_DISCONNECT;
  world->farewells += event->type == POOL_EVENT_REMOVED;
  if (world->close_on_event) {
    world_hit(world, KIND_CLOSE_IN_EVENT);
    user_close(world);
  }
}

void user_begin(world_t *world) {
  pool_config_t config = world->config;
  int rc;

  heap_init(&world->heap);
  config.allocator = heap_allocator(&world->heap);
  config.on_event = on_event;
  if (world->judges)
    config.on_retry = on_retry;
  config.data = world;
  rc = pool_create(&world->pool, &world->loop, &config);
  if (rc != 0)
    trace_fail("no pool: %s", pool_err_name(rc));
  world->max_pending = config.max_pending;
  add_sites_back(world, 1);
  uv_timer_init(&world->loop, &world->tick);
  uv_timer_start(&world->tick, on_tick, 1, 0);
}

/* Who set no deadline has to give up at some time. */
static void give_up(world_t *world) {
  uint32_t i;

  for (i = 0; i < world->call_count; i++)
    if (!world->calls[i].done && !world->calls[i].cancelled &&
        world->calls[i].timeout_ms == POOL_OFF)
      cancel(world, i);
}

void user_heal(world_t *world) {
  give_up(world);
  set_limit(world, world->config.max_pending);
  add_sites_back(world, 1);
}

void user_stop(world_t *world) {
  uv_timer_stop(&world->tick);
}

static void on_refused(const pool_result_t *result, void *data) {
  (void)data;
  trace_fail("a refused request ends with %s", pool_err_name(result->error));
}

void user_drain(world_t *world) {
  int rc;

  world->in_call = 1;
  pool_drain(world->pool);
  rc = pool_get(world->pool, "/", on_refused, NULL);
  world->in_call = 0;
  if (rc != POOL_ECLOSING)
    trace_fail("a pool that drains says %s to a request", pool_err_name(rc));
}

static void on_closed(void *data) {
  world_t *world = data;

  if (world->in_call || world->closed)
    trace_fail("the pool's last callback at the wrong time");
  world->closed = 1;
  world->pool = NULL;
  trace("closed", 0, 0, 0);
}

static void on_closed_again(void *data) {
  (void)data;
  trace_fail("the callback of a second pool_close()");
}

void user_close(world_t *world) {
  world->phase = PHASE_OVER;
  world->in_call = 1;
  pool_close(world->pool, on_closed, world);
  pool_close(world->pool, on_closed_again, NULL);
  world->in_call = 0;
  uv_close((uv_handle_t *)&world->tick, NULL);
}

/* A call that came earlier is put on a connection earlier; only one that may
 * not be sent twice is not put on an endpoint that is on trial, and those that
 * may be do not wait for that. */
static void check_turns(const world_t *world) {
  uint64_t latest[2] = {0}; /* of all; of those that may be sent twice */
  uint32_t i;

  for (i = 0; i < world->call_count; i++) {
    const call_t *call = &world->calls[i];
    int repeats = call->repeats && world->config.max_attempts > 1;

    if (!call->done)
      trace_fail("call %u has not ended", i);
    if (call->started_ms == 0)
      continue;
    if (call->started_ms < latest[repeats])
      trace_fail("call %u was overtaken, or overtook others", i);
    if (latest[0] < call->started_ms)
      latest[0] = call->started_ms;
    if (repeats)
      latest[1] = call->started_ms;
  }
}

void user_end(world_t *world) {
  check_turns(world);
  free(world->calls);
  world->calls = NULL;
}
