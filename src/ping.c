#include "ping.h"

#include "conns.h"
#include "dispatch.h"
#include "settle.h"

static pool_t *pool_of(const pool__endpoint_t *endpoint) {
  return POOL__OF(endpoint->all, pool_t, endpoints);
}

/* --- what is needed --------------------------------------------------------
 */

int pool__pings_init(pool__pings_t *pings, pool__mem_t *mem,
                     const pool_config_t *config) {
  pool_request_t request;

  memset(pings, 0, sizeof *pings);
  pool__head_init(&pings->head, mem);
  pings->limits.head_timeout_ms = POOL_OFF;
  pings->limits.stall_timeout_ms = POOL_OFF;
  pings->limits.timeout_ms = config->ping_timeout_ms;
  pings->limits.is_timed = 1;
  if (config->ping_path == NULL)
    return 0;
  memset(&request, 0, sizeof request);
  request.path = config->ping_path;
  return pool__head_write(&pings->head, &request, config->max_head_bytes);
}

void pool__pings_clear(pool__pings_t *pings) {
  pool__head_clear(&pings->head);
}

int pool__ping_add(pool__endpoint_t *endpoint) {
  endpoint->ping =
      pool__mem_take(endpoint->all->mem, 1, sizeof *endpoint->ping);
  return endpoint->ping == NULL ? UV_ENOMEM : 0;
}

void pool__ping_remove(pool__endpoint_t *endpoint) {
  if (endpoint->ping == NULL)
    return;
  pool__mem_give(endpoint->all->mem, endpoint->ping, sizeof *endpoint->ping);
  endpoint->ping = NULL;
}

/* --- its life --------------------------------------------------------------
 */

static pool__ping_end_t end_of(int error) {
  if (error == 0)
    return POOL__PING_ANSWERED;
  return pool__conn_error_is_local(error) ? POOL__PING_VOID : POOL__PING_FAILED;
}

static uint32_t connect_ms(const pool_t *pool) {
  uint32_t own = pool->config.connect_timeout_ms;
  uint32_t ping = pool->pings.limits.timeout_ms;

  return own < ping ? own : ping;
}

static void on_ask(pool__health_t *health, pool__endpoint_t *endpoint) {
  pool_t *pool = pool_of(endpoint);
  pool__conn_t *conn;
  int err;

  if (endpoint->ping->conn != NULL)
    return; /* it is being asked */
  if (pool->state == POOL__CLOSING)
    return;
  if (!pool__endpoint_has_room(endpoint)) {
    endpoint->ping->needs_room = 1;
    return;
  }
  err = pool__endpoint_connect(endpoint, &pool->env, &conn);
  if (err != 0) {
    pool__dispatch_note_fail(pool, endpoint, err);
    pool__health_pinged(health, endpoint, end_of(err));
    return;
  }
  endpoint->ping->conn = conn;
  pool->pings.connecting++;
  if (connect_ms(pool) != POOL_OFF)
    pool__conn_arm_by(conn, connect_ms(pool));
}

void pool__ping_has_room(pool__endpoint_t *endpoint) {
  if (!pool__ping_needs_room(endpoint) || endpoint->leaving)
    return;
  endpoint->ping->needs_room = 0;
  on_ask(&pool_of(endpoint)->health, endpoint);
}

static void on_change(pool__health_t *health, pool__endpoint_t *endpoint,
                      pool_health_reason_t reason, uint32_t in_ms) {
  pool_t *pool = pool_of(endpoint);
  pool__window_sum_t sum =
      pool__window_sum(&endpoint->window, pool__wheel_now(&pool->wheel));
  pool_event_t event;

  (void)health;
  memset(&event, 0, sizeof event);
  event.type = POOL_EVENT_HEALTH;
  event.error = endpoint->last_error;
  event.endpoint = endpoint->name;
  event.delay_ms = in_ms;
  event.health = endpoint->health;
  event.reason = reason;
  event.fails_in_row = endpoint->fails_in_row;
  event.recent = (uint32_t)(sum.good + sum.bad);
  event.recent_fails = (uint32_t)sum.bad;
  event.out = pool->endpoints.health[POOL_OUT];
  event.endpoints = pool->endpoints.serving.length;
  pool__tell(pool, &event);
  pool__wake(pool); /* for who waits: there is a way for them, or none left */
  if (endpoint->health != POOL_OUT)
    return;
  pool__wheel_disarm(&pool->wheel, &endpoint->backoff);
  pool__endpoint_rise(endpoint);
  pool__ping_stop(endpoint);
  pool__conns_close_unused(pool, endpoint);
}

const pool__health_ops_t pool__ping_health_ops = {
    .on_change = on_change,
    .on_ask = on_ask,
};

void pool__ping_connected(pool__conn_t *conn) {
  pool_t *pool = pool__pool_of(conn);
  pool__attempt_t *attempt = &conn->endpoint->ping->attempt;
  int rc;

  pool->pings.connecting--;
  pool->pings.active++;
  pool->pings.sent++;
  conn->endpoint->pings++;
  memset(attempt, 0, sizeof *attempt);
  attempt->is_ping = 1;
  pool__endpoint_move(conn, POOL__CONN_BUSY);
  rc = pool__attempt_start(attempt, conn, &pool->pings.head,
                           &pool->pings.limits);
  if (rc < 0)
    pool__ping_conclude(attempt, rc);
}

void pool__ping_not_connected(pool__conn_t *conn, int error) {
  pool_t *pool = pool__pool_of(conn);

  pool->pings.connecting--;
  conn->endpoint->ping->conn = NULL;
  pool__health_pinged(&pool->health, conn->endpoint,
                      pool__settle_is_our_fault(pool, conn->moved_at, error)
                          ? POOL__PING_VOID
                          : POOL__PING_FAILED);
}

/* Takes the attempt off its connection. */
static void leave(pool_t *pool, pool__attempt_t *attempt, int error) {
  attempt->endpoint->ping->conn = NULL;
  pool->pings.active--;
  pool__settle_release(pool, attempt, error);
  pool__reply_give(attempt->reply);
  attempt->reply = NULL;
}

void pool__ping_conclude(pool__attempt_t *attempt, int error) {
  pool__endpoint_t *endpoint = attempt->endpoint;
  pool_t *pool = pool_of(endpoint);
  pool__ping_end_t end = end_of(error);

  if (error == 0 && pool__reply_status(attempt->reply) >= 400)
    end = POOL__PING_FAILED;
  if (error != 0 && pool__settle_is_our_fault(pool, attempt->started_at, error))
    end = POOL__PING_VOID;
  leave(pool, attempt, error);
  pool__health_pinged(&pool->health, endpoint, end);
  if (endpoint->health == POOL_OUT) /* its connection would serve nobody */
    pool__conns_close_unused(pool, endpoint);
}

void pool__ping_stop(pool__endpoint_t *endpoint) {
  pool_t *pool = pool_of(endpoint);
  pool__conn_t *conn = endpoint->ping == NULL ? NULL : endpoint->ping->conn;

  if (endpoint->ping != NULL)
    endpoint->ping->needs_room = 0;
  if (conn == NULL)
    return;
  if (conn->state == POOL__CONN_BUSY) {
    leave(pool, conn->attempt, UV_ECANCELED);
    return;
  }
  endpoint->ping->conn = NULL;
  pool->pings.connecting--;
  pool__conns_drop(conn, 0);
}
