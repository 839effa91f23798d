/* The life of a pool: create, endpoints, drain, close, and the work that was
 * put off to the loop. */
#include "pool.h"

#include <assert.h>

#include "config.h"
#include "dispatch.h"

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

static void init_rooms(pool_t *pool, uv_loop_t *loop) {
  const pool_config_t *config = &pool->config;

  pool__calls_init(&pool->calls, &pool->mem, &pool->wheel, config->max_pending);
  pool__endpoints_init(&pool->endpoints, &pool->mem);
  pool__reply_stash_init(&pool->replies, &pool->mem, config->max_head_bytes,
                         config->max_body_bytes);
  pool->attempt_limits.head_timeout_ms = config->head_timeout_ms;
  pool->attempt_limits.stall_timeout_ms = config->stall_timeout_ms;
  pool->balance_limits.max_connections = config->max_connections;
  pool->balance_limits.max_connecting = config->max_connecting;
  pool->env.loop = loop;
  pool->env.wheel = &pool->wheel;
  pool->env.ops = &pool__dispatch_ops;
  pool->env.owner = pool;
}

static void free_pool(pool_t *pool) {
  pool__mem_t mem = pool->mem;

  pool__events_clear(&pool->events);
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
  pool__dispatch(pool);
  pool__check(pool);
  return 0;
}

static void end_waiting(pool_t *pool, int error) {
  pool__call_t *call;

  while ((call = pool__call_first_waiting(&pool->calls)) != NULL)
    pool__dispatch_abort(pool, call, error);
}

/* The calls that are on connections of these endpoints. */
static void end_active(pool_t *pool, const pool__list_t *endpoints, int error) {
  pool__link_t *link = pool__list_first(endpoints);

  for (; link != NULL; link = pool__list_next(endpoints, link)) {
    pool__list_t *busy =
        &POOL__OF(link, pool__endpoint_t, link)->conns[POOL__CONN_BUSY];
    pool__link_t *first;

    while ((first = pool__list_first(busy)) != NULL) {
      pool__attempt_t *attempt = POOL__OF(first, pool__conn_t, link)->attempt;

      pool__dispatch_abort(pool, POOL__OF(attempt, pool__call_t, attempt),
                           error);
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
  if (pool__list_empty(&pool->endpoints.serving))
    end_waiting(pool, POOL_ENOENDPOINT);
  pool__dispatch_close_unused(pool, endpoint);
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

void pool__tell(pool_t *pool, pool_event_type_t type,
                const pool__endpoint_t *endpoint, int error) {
  if (pool->events.ring == NULL || pool->state == POOL__CLOSING)
    return;
  pool__events_add(&pool->events, type,
                   endpoint == NULL ? NULL : endpoint->name, error);
  pool__wake(pool);
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

/* Programs wait for these two, so they are never lost: while the ring is full
 * they are put off, and the ring is emptied in each turn. */
static void tell_drained(pool_t *pool) {
  if (pool->state != POOL__DRAINING || pool->drained_told ||
      pool->calls.pending > 0 || pool__events_full(&pool->events))
    return;
  pool->drained_told = 1;
  pool__tell(pool, POOL_EVENT_DRAINED, NULL, 0);
}

static void tell_removed(pool_t *pool, pool__endpoint_t *endpoint) {
  if (endpoint->farewelled || pool__events_full(&pool->events))
    return;
  endpoint->farewelled = 1;
  pool__tell(pool, POOL_EVENT_REMOVED, endpoint, 0);
}

/* Removed endpoints without connections: first a farewell, and when nothing
 * that waits to be told can name them any more, their end. */
static void reap_endpoints(pool_t *pool) {
  pool__list_t *leaving = &pool->endpoints.leaving;
  pool__link_t *link = pool__list_first(leaving);

  while (link != NULL) {
    pool__endpoint_t *endpoint = POOL__OF(link, pool__endpoint_t, link);

    link = pool__list_next(leaving, link);
    if (pool__endpoint_conns(endpoint) > 0)
      continue;
    tell_removed(pool, endpoint);
    if (pool->events.count == 0 &&
        pool__list_empty(&pool->calls.lists[POOL__CALL_ENDED]))
      pool__endpoint_destroy(endpoint);
  }
}

static void close_handles(pool_t *pool);

static void on_later(uv_idle_t *handle) {
  pool_t *pool = POOL__OF(handle, pool_t, later);

  finish_ended(pool);
  tell_events(pool);
  reap_endpoints(pool);
  tell_drained(pool);
  pool__check(pool);
  if (!pool__list_empty(&pool->calls.lists[POOL__CALL_ENDED]))
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
    pool__endpoint_destroy(endpoint);
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
  end_waiting(pool, POOL_ECLOSING);
  pool__dispatch_close_unused(pool, NULL);
  pool__wake(pool);
  pool__check(pool);
}
