/* The life of a pool: create, endpoints, drain, close, and the work that was
 * put off to the loop. */
#include "pool.h"

#include <assert.h>

#include "config.h"
#include "conns.h"
#include "dispatch.h"
#include "settle.h"
#include "stream.h"

/* --- create -------------------------------------------------------------- */

static void init_handles(pool_t *pool, uv_loop_t *loop) {
  int err = uv_idle_init(loop, &pool->later);

  assert(err == 0); /* these only fill in the handle */
  err = uv_check_init(loop, &pool->after_poll);
  assert(err == 0);
  (void)err;
  uv_unref((uv_handle_t *)&pool->after_poll);
  pool__wheel_init(&pool->wheel, loop, pool->config.resolution_ms);
  pool->handles = 3;
}

static void init_endpoints(pool_t *pool) {
  const pool_config_t *config = &pool->config;
  pool__endpoint_limits_t limits;

  limits.max_connections = config->max_connections;
  limits.max_connecting = config->max_connecting;
  pool__endpoints_init(&pool->endpoints, &pool->mem, &limits);
  pool->health.limits.eject_after = config->eject_after;
  pool->health.limits.eject_ms = config->eject_ms;
  pool->health.limits.pings = config->ping_path != NULL ? 1 : 0;
  pool->health.all = &pool->endpoints;
  pool->health.wheel = &pool->wheel;
  pool->health.random = &pool->random;
  pool->health.typical = &pool->budget.window;
  pool->health.ops = &pool__ping_health_ops;
  pool->config.ping_path = NULL; /* the caller's: it may go */
}

static void init_rooms(pool_t *pool, uv_loop_t *loop) {
  const pool_config_t *config = &pool->config;

  pool__calls_init(&pool->calls, &pool->mem, &pool->wheel, config->max_pending,
                   config->high_water_bytes);
  pool__reply_stash_init(&pool->replies, &pool->mem, config->max_head_bytes,
                         config->max_body_bytes);
  pool->attempt_limits.head_timeout_ms = config->head_timeout_ms;
  pool->attempt_limits.stall_timeout_ms = config->stall_timeout_ms;
  pool->attempt_limits.timeout_ms = config->attempt_timeout_ms;
  pool->attempt_limits.is_timed = config->head_timeout_ms != POOL_OFF ||
                                  config->stall_timeout_ms != POOL_OFF ||
                                  config->attempt_timeout_ms != POOL_OFF;
  pool->attempt_limits.expect_ms = config->expect_timeout_ms;
  pool->attempt_limits.min_rate = config->min_rate;
  pool->attempt_limits.rate_window_ms = config->rate_window_ms;
  pool__budget_init(&pool->budget, config->retry_ratio, uv_now(loop));
  pool->random.state = config->seed != 0
                           ? config->seed
                           : uv_hrtime() ^ (uint64_t)(uintptr_t)pool;
  init_endpoints(pool);
  pool->env.loop = loop;
  pool->env.wheel = &pool->wheel;
  pool->env.ops = &pool__hear_ops;
  pool->env.owner = pool;
}

static void free_pool(pool_t *pool) {
  pool__mem_t mem = pool->mem;

  pool__events_clear(&pool->events);
  pool__pings_clear(&pool->pings);
  pool__mem_give(&mem, pool->env.read_buf,
                 pool->env.read_buf == NULL ? 0 : POOL__CONN_READ_BYTES);
  pool__mem_give(&mem, pool, sizeof *pool);
}

int pool_create_sized(pool_t **out, uv_loop_t *loop, const pool_config_t *given,
                      size_t size) {
  pool_config_t config;
  pool__mem_t mem;
  pool_t *pool;
  int err;

  if (out == NULL || loop == NULL)
    return UV_EINVAL;
  err = pool__config_read(&config, given, size);
  if (err != 0)
    return err;
  pool__mem_init(&mem, &config.allocator);
  pool = pool__mem_take(&mem, 1, sizeof *pool);
  if (pool == NULL)
    return UV_ENOMEM;
  pool->mem = mem;
  pool->config = config;
  err = pool__pings_init(&pool->pings, &pool->mem, &config);
  if (err != 0)
    goto fail;
  err = pool__events_init(&pool->events, &pool->mem, config.on_event != NULL);
  if (err != 0)
    goto fail;
  err = UV_ENOMEM;
  pool->env.read_buf = pool__mem_take(&pool->mem, 1, POOL__CONN_READ_BYTES);
  if (pool->env.read_buf == NULL)
    goto fail;
  init_rooms(pool, loop);
  init_handles(pool, loop); /* from here on there are handles to close */
  *out = pool;
  return 0;

fail:
  free_pool(pool);
  return err;
}

/* --- endpoints ----------------------------------------------------------- */

int pool_add_endpoint(pool_t *pool, const char *address) {
  pool__endpoint_t *endpoint;
  int err;

  if (pool == NULL || address == NULL)
    return UV_EINVAL;
  if (pool->state != POOL__OPEN)
    return POOL_ECLOSING;
  err = pool__endpoint_add(&pool->endpoints, address, &endpoint);
  if (err != 0)
    return err;
  if (pool->health.limits.pings && pool__ping_add(endpoint) != 0) {
    pool__endpoint_destroy(endpoint);
    return UV_ENOMEM;
  }
  pool__dispatch(pool);
  pool__check(pool);
  return 0;
}

/* The calls that are on connections of these endpoints, and pings there. */
static void end_active(pool_t *pool, const pool__list_t *endpoints, int error) {
  pool__link_t *link = pool__list_first(endpoints);

  for (; link != NULL; link = pool__list_next(endpoints, link)) {
    pool__endpoint_t *endpoint = POOL__OF(link, pool__endpoint_t, link);
    pool__list_t *busy = &endpoint->conns[POOL__CONN_BUSY];
    pool__link_t *first;

    pool__ping_stop(endpoint);
    while ((first = pool__list_first(busy)) != NULL) {
      pool__attempt_t *attempt = POOL__OF(first, pool__conn_t, link)->attempt;

      pool__settle_abort(pool, pool__call_of(attempt), error);
    }
  }
}

int pool_remove_endpoint(pool_t *pool, const char *address) {
  pool__endpoint_t *endpoint;
  int err;

  if (pool == NULL || address == NULL)
    return UV_EINVAL;
  if (pool->state == POOL__CLOSING)
    return POOL_ECLOSING;
  err = pool__endpoint_find(&pool->endpoints, address, &endpoint);
  if (err != 0)
    return err;
  pool__endpoint_leave(endpoint);
  pool__wheel_disarm(&pool->wheel, &endpoint->backoff);
  pool__ping_stop(endpoint);
  pool__health_left(&pool->health, endpoint);
  pool__dispatch(pool); /* those with nowhere to go end as they are */
  pool__conns_close_unused(pool, endpoint);
  pool__dispatch(pool);
  pool__wake(pool);
  pool__check(pool);
  return 0;
}

/* --- what was put off ---------------------------------------------------- */

void pool__finish(pool_t *pool, pool__call_t *call) {
  if (pool->state == POOL__DRAINING && pool->calls.pending == 1)
    pool__wake(pool); /* for tell_drained() */
  pool__call_finish(&pool->calls, call);
}

void pool__tell(pool_t *pool, const pool_event_t *event) {
  if (pool->events.ring == NULL || pool->state == POOL__CLOSING)
    return;
  pool__events_add(&pool->events, event);
  pool__wake(pool);
}

void pool__tell_endpoint(pool_t *pool, pool_event_type_t type,
                         const pool__endpoint_t *endpoint, int error) {
  pool_event_t event;

  memset(&event, 0, sizeof event);
  event.type = type;
  event.error = error;
  event.endpoint = endpoint == NULL ? NULL : endpoint->name;
  pool__tell(pool, &event);
}

void pool__tell_conn(const pool__conn_t *conn, pool_event_type_t type,
                     int error) {
  pool__tell_endpoint(pool__pool_of(conn), type, conn->endpoint, error);
}

/* Only what is there now: a callback that ends calls at once, again and again,
 * gets a turn of the loop for each round. */
static void finish_ended(pool_t *pool) {
  pool__list_t *ended = &pool->calls.lists[POOL__CALL_ENDED];
  uint32_t left = ended->length;
  pool__link_t *link;

  while (left-- > 0 && (link = pool__list_first(ended)) != NULL)
    pool__finish(pool, POOL__OF(link, pool__call_t, link));
}

static void tell_events(pool_t *pool) {
  uint32_t left = pool->events.count;
  pool_event_t event;

  while (left-- > 0 && pool->state != POOL__CLOSING &&
         pool__events_take(&pool->events, &event))
    pool->config.on_event(pool, &event, pool->config.data);
}

static void stop_pings(pool_t *pool) {
  pool__list_t *serving = &pool->endpoints.serving;
  pool__link_t *link = pool__list_first(serving);

  for (; link != NULL; link = pool__list_next(serving, link)) {
    pool__endpoint_t *endpoint = POOL__OF(link, pool__endpoint_t, link);

    pool__wheel_disarm(&pool->wheel, &endpoint->health_timer);
    pool__ping_stop(endpoint);
  }
}

/* Programs wait for these two, so they are never lost: while the ring is full
 * they are put off, and the ring is emptied in each turn. */
static void tell_drained(pool_t *pool) {
  if (pool->state != POOL__DRAINING || pool->drained_told ||
      pool->calls.pending > 0 || pool__events_full(&pool->events))
    return;
  stop_pings(pool);
  pool->drained_told = 1;
  pool__tell_endpoint(pool, POOL_EVENT_DRAINED, NULL, 0);
}

static void tell_removed(pool_t *pool, pool__endpoint_t *endpoint) {
  if (endpoint->farewelled || pool__events_full(&pool->events))
    return;
  endpoint->farewelled = 1;
  pool__tell_endpoint(pool, POOL_EVENT_REMOVED, endpoint, 0);
}

static void destroy_endpoint(pool__endpoint_t *endpoint) {
  pool__ping_remove(endpoint);
  pool__endpoint_destroy(endpoint);
}

/* Removed endpoints without connections: first a farewell, and when nothing
 * that waits to be told can name them any more, their end. */
static void reap_endpoints(pool_t *pool) {
  pool__list_t *leaving = &pool->endpoints.leaving;
  pool__link_t *link = pool__list_first(leaving);

  while (link != NULL) {
    pool__endpoint_t *endpoint = POOL__OF(link, pool__endpoint_t, link);

    link = pool__list_next(leaving, link);
    if (endpoint->conn_count > 0)
      continue;
    tell_removed(pool, endpoint);
    if (pool->events.count == 0 &&
        pool__list_empty(&pool->calls.lists[POOL__CALL_ENDED]))
      destroy_endpoint(endpoint);
  }
}

static void close_handles(pool_t *pool);

static void on_later(uv_idle_t *handle) {
  pool_t *pool = POOL__OF(handle, pool_t, later);

  if (pool->state != POOL__CLOSING)
    pool__dispatch(pool); /* an endpoint may be back, or gone */
  pool__stream_turns(pool);
  finish_ended(pool);
  tell_events(pool);
  reap_endpoints(pool);
  tell_drained(pool);
  pool__check(pool);
  if (!pool__list_empty(&pool->calls.lists[POOL__CALL_ENDED]) ||
      !pool__list_empty(&pool->calls.flows.due))
    return;
  if (pool->state == POOL__CLOSING)
    close_handles(pool);
  else if (pool->events.count == 0)
    uv_idle_stop(handle);
}

void pool__wake(pool_t *pool) {
  if (pool->handles_closing)
    return;
  uv_idle_start(&pool->later, on_later);
}

/* --- drain and close ----------------------------------------------------- */

void pool_drain(pool_t *pool) {
  if (pool == NULL || pool->state != POOL__OPEN)
    return;
  pool->state = POOL__DRAINING;
  pool__dispatch(pool);
  pool__wake(pool); /* for tell_drained() */
  pool__check(pool);
}

static void destroy_all(pool_t *pool, pool__list_t *endpoints) {
  pool__link_t *link;

  while ((link = pool__list_first(endpoints)) != NULL) {
    pool__endpoint_t *endpoint = POOL__OF(link, pool__endpoint_t, link);

    pool__wheel_disarm(&pool->wheel, &endpoint->backoff);
    pool__wheel_disarm(&pool->wheel, &endpoint->health_timer);
    destroy_endpoint(endpoint);
  }
}

static uint32_t conns_left(const pool_t *pool) {
  uint32_t sum = 0;
  int i;

  for (i = 0; i < POOL__CONN_STATES; i++)
    sum += pool->endpoints.conns[i];
  return sum;
}

void pool__maybe_destroy(pool_t *pool) {
  void (*cb)(void *data) = pool->close_cb;
  void *data = pool->close_data;

  if (pool->handles > 0 || conns_left(pool) > 0)
    return;
  destroy_all(pool, &pool->endpoints.serving);
  destroy_all(pool, &pool->endpoints.leaving);
  pool__endpoints_clear(&pool->endpoints);
  pool__calls_clear(&pool->calls);
  pool__reply_stash_clear(&pool->replies);
  free_pool(pool);
  if (cb != NULL)
    cb(data);
}

static void on_handle_closed(uv_handle_t *handle) {
  pool_t *pool = handle->data;

  pool->handles--;
  pool__maybe_destroy(pool);
}

static void on_wheel_closed(pool__wheel_t *wheel) {
  pool_t *pool = POOL__OF(wheel, pool_t, wheel);

  pool->handles--;
  pool__maybe_destroy(pool);
}

static void close_handles(pool_t *pool) {
  if (pool->handles_closing)
    return;
  pool->handles_closing = 1;
  pool->later.data = pool->after_poll.data = pool;
  uv_close((uv_handle_t *)&pool->later, on_handle_closed);
  uv_close((uv_handle_t *)&pool->after_poll, on_handle_closed);
  pool__wheel_close(&pool->wheel, on_wheel_closed);
}

void pool_close(pool_t *pool, void (*cb)(void *data), void *data) {
  if (pool == NULL || pool->state == POOL__CLOSING)
    return;
  pool->state = POOL__CLOSING;
  pool->close_cb = cb;
  pool->close_data = data;
  end_active(pool, &pool->endpoints.serving, POOL_ECLOSING);
  end_active(pool, &pool->endpoints.leaving, POOL_ECLOSING);
  pool__settle_abort_waiting(pool, POOL__CALL_BACKOFF, POOL_ECLOSING);
  pool__conns_close_unused(pool, NULL);
  pool__wake(pool);
  pool__check(pool);
}
