/* What connections tell.
 *
 * Each function makes the pool's state whole again: the connection is idle or
 * closing, the next call has it. Only then, as its last act, does it finish a
 * call, which runs user code. (A pool that is closed by it stays whole until
 * its handles' close callbacks.) */
#include <assert.h>

#include "conns.h"
#include "dispatch.h"
#include "hear.h"
#include "hint.h"
#include "settle.h"
#include "stream.h"

void pool__hear_conclude(pool_t *pool, pool__attempt_t *attempt, int error) {
  pool__call_t *call;
  pool__verdict_t verdict;
  int ended;

  if (attempt->is_ping) {
    pool__ping_conclude(attempt, error);
    pool__dispatch(pool);
    pool__check(pool);
    return;
  }
  call = pool__call_of(attempt);
  verdict = pool__settle_release(pool, attempt, error);
  ended = error == 0 ? pool__settle_answer(pool, call, verdict)
                     : pool__settle_failure(pool, call, error, verdict);
  pool__dispatch(pool);
  if (ended)
    pool__finish(pool, call);
  pool__check(pool);
}

static void lose_connect(pool_t *pool, pool__conn_t *conn, int error) {
  pool__call_t *call = NULL;

  pool__conns_drop(conn, error);
  if (pool__ping_is_of(conn)) {
    pool__dispatch_note_fail(pool, conn->endpoint, error);
    pool__ping_not_connected(conn, error);
  } else {
    call = pool__dispatch_connect_fail(pool, conn->endpoint, conn->begun,
                                       conn->moved_at, error);
  }
  pool__dispatch(pool);
  if (call != NULL)
    pool__finish(pool, call);
  pool__check(pool);
}

static void on_connect(pool__conn_t *conn, int status) {
  pool_t *pool = pool__pool_of(conn);
  int is_ping = pool__ping_is_of(conn);

  /* A server that speaks first, or hangs up at once, is no HTTP server: what it
   * sent must not be taken for an answer. */
  if (status == 0)
    status = pool__conns_look_at(conn);
  if (status != 0) {
    lose_connect(pool, conn, status);
    return;
  }
  conn->endpoint->connect_fails_in_row = 0;
  conn->endpoint->connects++;
  pool->endpoints.connects++;
  pool__wheel_disarm(&pool->wheel, &conn->endpoint->backoff);
  pool__endpoint_rise(conn->endpoint);
  pool__wheel_disarm(&pool->wheel, &conn->timer);
  pool__tell_conn(conn, POOL_EVENT_CONNECT, 0);
  pool__conns_rest(conn, pool->config.idle_timeout_ms);
  if (is_ping)
    pool__ping_connected(conn);
  else
    pool__dispatch_fresh(pool, conn);
  pool__dispatch(pool);
  pool__check(pool);
}

static APART void read_flow(pool_t *pool, pool__conn_t *conn, const char *bytes,
                            size_t len) {
  int rc = pool__stream_read(pool, conn, bytes, len);

  if (rc == POOL__GONE)
    pool__check(pool);
  else if (rc != POOL__GOES_ON)
    pool__hear_conclude(pool, conn->attempt, rc);
}

static void on_read(pool__conn_t *conn, const char *bytes, size_t len) {
  pool_t *pool = pool__pool_of(conn);
  int rc;

  if (conn->state == POOL__CONN_IDLE) {
    pool__conns_drop_unsolicited(conn);
    pool__check(pool);
    return;
  }
  if (conn->attempt->flow != NULL) {
    read_flow(pool, conn, bytes, len);
    return;
  }
  rc = pool__attempt_read(conn->attempt, &pool->replies, bytes, len);
  if (rc != POOL__GOES_ON)
    pool__hear_conclude(pool, conn->attempt, rc);
}

static void on_end(pool__conn_t *conn, int error) {
  pool_t *pool = pool__pool_of(conn);

  if (conn->state == POOL__CONN_IDLE) {
    pool__conns_drop(conn, error == UV_EOF ? POOL_EHANGUP : error);
    pool__check(pool);
    return;
  }
  pool__hear_conclude(pool, conn->attempt,
                      pool__attempt_end(conn->attempt, error));
}

static const pool__attempt_limits_t *limits_of(const pool_t *pool,
                                               const pool__conn_t *conn) {
  return conn->attempt->is_ping ? &pool->pings.limits : &pool->attempt_limits;
}

static void on_sent(pool__conn_t *conn, int status) {
  pool_t *pool = pool__pool_of(conn);
  int rc = pool__attempt_sent(conn->attempt, status, limits_of(pool, conn));

  if (rc != POOL__GOES_ON)
    pool__hear_conclude(pool, conn->attempt, rc);
  else if (conn->attempt->flow != NULL)
    pool__stream_drain(pool, pool__call_of(conn->attempt));
}

static void on_timer(pool__conn_t *conn, uint64_t now) {
  pool_t *pool = pool__pool_of(conn);
  int rc;

  switch (conn->state) {
  case POOL__CONN_CONNECTING:
    lose_connect(pool, conn, UV_ETIMEDOUT);
    return;
  case POOL__CONN_IDLE:
    pool__conns_check_idle(conn, now);
    pool__check(pool);
    return;
  case POOL__CONN_BUSY:
    rc = pool__attempt_check(conn->attempt, limits_of(pool, conn), now);
    if (rc != POOL__GOES_ON)
      pool__hear_conclude(pool, conn->attempt, rc);
    else if (conn->attempt->flow != NULL)
      pool__stream_note_room(pool, conn->attempt->flow);
    return;
  case POOL__CONN_CLOSING:
  case POOL__CONN_STATES:
    break;
  }
  assert(0 && "a closing connection has no timer");
}

static void on_closed(pool__conn_t *conn) {
  pool_t *pool = pool__pool_of(conn);
  pool__endpoint_t *endpoint = conn->endpoint;

  pool__endpoint_forget(conn);
  if (pool->state == POOL__CLOSING) {
    pool__maybe_destroy(pool);
    return;
  }
  if (endpoint->leaving)
    pool__wake(pool); /* it may have been the last one */
  pool__ping_has_room(endpoint);
  pool__dispatch(pool); /* there is room for another one now */
  pool__check(pool);
}

const pool__conn_ops_t pool__hear_ops = {
    .on_connect = on_connect,
    .on_read = on_read,
    .on_end = on_end,
    .on_sent = on_sent,
    .on_timer = on_timer,
    .on_closed = on_closed,
};
