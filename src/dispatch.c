/* Brings waiting calls and connections together.
 *
 * One queue for the whole pool, bound late: a call that finds no idle
 * connection waits, and whichever connection comes free or is opened first, on
 * whatever endpoint, serves the oldest call. A connection is opened on behalf
 * of nobody; that is why one that cannot be opened fails at most one call, and
 * only if that call has seen every endpoint fail and nothing else is open.
 *
 * Each function that a connection calls first makes the pool's state whole
 * again: the connection is idle or closing, the next call has it. Only then,
 * as its last act, does it finish a call, which runs user code. (A pool that
 * is closed by it stays whole until its handles' close callbacks.) */
#include "dispatch.h"

#include <assert.h>

#define BACKOFF_MIN_MS 100u
#define BACKOFF_MAX_MS 10000u

static pool_t *pool_of(const pool__conn_t *conn) {
  return conn->env->owner;
}

static pool__call_t *call_of(pool__attempt_t *attempt) {
  return POOL__OF(attempt, pool__call_t, attempt);
}

/* --- the end of connections ------------------------------------------- */

/* Closes a connection that serves nobody (any more). `error` is for the event:
 * 0 when that is our own wish. */
static void drop(pool__conn_t *conn, int error) {
  if (conn->state != POOL__CONN_CONNECTING)
    pool__tell(pool_of(conn), POOL_EVENT_DISCONNECT, conn->endpoint, error);
  pool__endpoint_close_conn(conn);
}

static void close_list(pool__list_t *list) {
  pool__link_t *link;

  while ((link = pool__list_first(list)) != NULL)
    drop(POOL__OF(link, pool__conn_t, link), 0);
}

static void close_unused_of(pool__endpoint_t *endpoint) {
  close_list(&endpoint->conns[POOL__CONN_IDLE]);
  close_list(&endpoint->conns[POOL__CONN_CONNECTING]);
}

void pool__dispatch_close_unused(pool_t *pool, pool__endpoint_t *endpoint) {
  pool__list_t *serving = &pool->endpoints.serving;
  pool__link_t *link = pool__list_first(serving);

  if (endpoint != NULL) {
    close_unused_of(endpoint);
    return;
  }
  for (; link != NULL; link = pool__list_next(serving, link))
    close_unused_of(POOL__OF(link, pool__endpoint_t, link));
}

static int may_rest(const pool_t *pool, const pool__attempt_t *attempt) {
  const pool__conn_t *conn = attempt->conn;

  return pool__attempt_keeps_alive(attempt) &&
         conn->requests < pool->config.max_requests &&
         !conn->endpoint->leaving && pool->state != POOL__CLOSING;
}

static void on_after_poll(uv_check_t *handle) {
  pool_t *pool = POOL__OF(handle, pool_t, after_poll);

  pool->env.turn++;
  uv_check_stop(handle);
}

/* Whether nothing can be on a connection that was just read from, while the
 * loop still hands out what one poll found. Not so if the read filled the
 * buffer. Nor after its first answer: some servers close behind each without
 * saying so, and once in its life a connection can show whether its does. */
static int is_quiet(const pool__conn_t *conn) {
  return !conn->read_full && conn->requests != 1;
}

/* BUSY or CONNECTING to IDLE. One that is not known to be quiet is looked at
 * before use. */
static void rest(pool_t *pool, pool__conn_t *conn, uint32_t idle_ms) {
  conn->quiet_turn = is_quiet(conn) ? pool->env.turn : pool->env.turn - 1;
  conn->idle_ms = idle_ms;
  pool__endpoint_move(conn, POOL__CONN_IDLE);
  uv_check_start(&pool->after_poll, on_after_poll);
  if (idle_ms != POOL_OFF)
    pool__conn_arm_by(conn, idle_ms);
}

static uint32_t idle_ms_of(const pool_t *pool, const pool__attempt_t *attempt) {
  uint32_t hint = attempt->reply->guard.keep_alive_ms;
  uint32_t own = pool->config.idle_timeout_ms;

  return hint < own ? hint : own;
}

/* Takes an attempt that is over off its connection, which then is idle, or
 * closing for `error` or because it cannot be used again. */
static void release(pool_t *pool, pool__attempt_t *attempt, int error) {
  pool__conn_t *conn = attempt->conn;
  int rests = error == 0 && may_rest(pool, attempt);
  uint32_t idle_ms = rests ? idle_ms_of(pool, attempt) : 0;

  if (error == 0)
    conn->endpoint->succeeded++;
  else if (attempt->sends > 0)
    conn->endpoint->failed++;
  if (error != 0 && error != UV_ECANCELED && error != POOL_ECLOSING)
    conn->endpoint->last_error = error;
  pool__attempt_leave(attempt);
  if (rests)
    rest(pool, conn, idle_ms);
  else
    drop(conn, error);
}

/* --- the end of calls -------------------------------------------------- */

void pool__dispatch_abort(pool_t *pool, pool__call_t *call, int error) {
  if (call->state == POOL__CALL_ACTIVE)
    release(pool, &call->attempt, error);
  else if (call->attempt.endpoint == NULL &&
           pool->endpoints.conns[POOL__CONN_CONNECTING] > 0)
    call->attempt.phase = POOL_CONNECTING;
  pool__call_end(&pool->calls, call, error);
  pool__wake(pool);
}

void pool__dispatch_deadline(pool__timer_t *timer, uint64_t now) {
  pool__call_t *call = POOL__OF(timer, pool__call_t, deadline);
  pool_t *pool = call->pool;

  if (call->state == POOL__CALL_FREE || call->state == POOL__CALL_ENDED)
    return; /* the call that it was set for has ended */
  if (call->due > now) {
    if (call->due != UINT64_MAX)
      pool__wheel_arm(&pool->wheel, timer, call->due - now,
                      pool__dispatch_deadline);
    return;
  }
  pool__dispatch_abort(pool, call, UV_ETIMEDOUT);
  pool__dispatch(pool);
  pool__finish(pool, call);
  pool__check(pool);
}

/* An attempt has ended, with an answer (0) or an error. The last act. */
static void conclude(pool_t *pool, pool__attempt_t *attempt, int error) {
  pool__call_t *call = call_of(attempt);

  release(pool, attempt, error);
  pool__call_end(&pool->calls, call, error);
  pool__dispatch(pool);
  pool__finish(pool, call);
  pool__check(pool);
}

/* --- waiting calls to idle connections --------------------------------- */

/* Looks at a connection that must be quiet: 0, or why it cannot be used. */
static int look_at(const pool__conn_t *conn) {
  int rc = pool__conn_peek(conn);

  if (rc == UV_EOF)
    return POOL_EHANGUP;
  return rc == UV_EPROTO ? POOL_EPARSE : rc;
}

static void drop_unsolicited(pool_t *pool, pool__conn_t *conn) {
  pool->unsolicited++;
  pool__tell(pool, POOL_EVENT_UNSOLICITED, conn->endpoint, 0);
  drop(conn, POOL_EPARSE);
}

/* An idle connection that is good for use, or NULL. */
static pool__conn_t *check_out(pool_t *pool) {
  pool__endpoint_t *endpoint;

  while ((endpoint = pool__balance_ready(&pool->endpoints)) != NULL) {
    pool__list_t *idle = &endpoint->conns[POOL__CONN_IDLE];
    pool__conn_t *conn = POOL__OF(pool__list_first(idle), pool__conn_t, link);
    int error = conn->quiet_turn == pool->env.turn ? 0 : look_at(conn);

    if (error == 0)
      return conn;
    if (error == POOL_EPARSE) {
      drop_unsolicited(pool, conn);
    } else {
      pool->stale++;
      drop(conn, error);
    }
  }
  return NULL;
}

/* Starts a waiting call on an idle connection. One that was at rest and turns
 * out to be dead before it took one byte is dropped, and the call still waits:
 * nothing of it can have reached a server. A new one that does so has failed,
 * or a server that resets each connection would be tried without end. */
static void start(pool_t *pool, pool__call_t *call, pool__conn_t *conn) {
  pool__attempt_t *attempt = &call->attempt;
  int rested = conn->requests > 0 || conn->quiet_turn != pool->env.turn;
  int rc;

  pool__endpoint_move(conn, POOL__CONN_BUSY);
  rc = pool__attempt_start(attempt, conn, &call->head, &pool->attempt_limits);
  if (rc < 0 && rested && attempt->sends == 0) {
    pool__attempt_leave(attempt);
    memset(attempt, 0, sizeof *attempt);
    pool->stale++;
    drop(conn, rc);
    return;
  }
  pool__call_activate(&pool->calls, call);
  if (rc < 0)
    pool__dispatch_abort(pool, call, rc);
}

/* --- new connections ----------------------------------------------------- */

static void on_backoff(pool__timer_t *timer, uint64_t now) {
  pool__endpoint_t *endpoint = POOL__OF(timer, pool__endpoint_t, backoff);
  pool_t *pool = POOL__OF(endpoint->all, pool_t, endpoints);

  (void)now;
  pool__dispatch(pool);
  pool__check(pool);
}

static void back_off(pool_t *pool, pool__endpoint_t *endpoint) {
  uint32_t doublings = endpoint->fails_in_row - 1;
  uint32_t ms = BACKOFF_MAX_MS;

  if (doublings < 7)
    ms = BACKOFF_MIN_MS << doublings;
  if (ms > BACKOFF_MAX_MS)
    ms = BACKOFF_MAX_MS;
  if (!endpoint->leaving)
    pool__wheel_arm(&pool->wheel, &endpoint->backoff, ms, on_backoff);
}

static void note_connect_fail(pool_t *pool, pool__endpoint_t *endpoint,
                              int error) {
  if (!pool__timer_armed(&endpoint->backoff))
    endpoint->fails_in_row++; /* several that fail at once count as one */
  endpoint->fail_serial = ++pool->fail_serial;
  endpoint->last_error = error;
  endpoint->connect_fails++;
  pool->endpoints.connect_fails++;
  pool__tell(pool, POOL_EVENT_CONNECT_FAIL, endpoint, error);
  back_off(pool, endpoint);
}

/* The call, if any, that ends because a connect failed. */
static pool__call_t *whom_it_fails(const pool_t *pool) {
  pool__call_t *call = pool__call_first_waiting(&pool->calls);

  if (call == NULL ||
      pool->calls.lists[POOL__CALL_WAITING].length <=
          pool->endpoints.conns[POOL__CONN_CONNECTING] ||
      !pool__balance_exhausted(&pool->endpoints, call->serial))
    return NULL;
  return call;
}

/* Settles it; returns the call whose callback is due, or NULL. */
static pool__call_t *fail_connect(pool_t *pool, pool__endpoint_t *endpoint,
                                  int error) {
  pool__call_t *call;

  note_connect_fail(pool, endpoint, error);
  call = whom_it_fails(pool);
  if (call == NULL)
    return NULL;
  call->attempt.endpoint = endpoint;
  call->attempt.phase = POOL_CONNECTING;
  pool__dispatch_abort(pool, call, error);
  return call;
}

/* Often under load: every connection that may be is there, and asking each
 * endpoint would tell nothing. */
static int is_full(const pool_t *pool) {
  const uint32_t *conns = pool->endpoints.conns;
  uint64_t room =
      (uint64_t)pool->endpoints.serving.length * pool->config.max_connections;

  return pool__list_empty(&pool->endpoints.leaving) &&
         (uint64_t)conns[POOL__CONN_CONNECTING] + conns[POOL__CONN_IDLE] +
                 conns[POOL__CONN_BUSY] + conns[POOL__CONN_CLOSING] >=
             room;
}

static void open_connections(pool_t *pool) {
  const pool__list_t *waiting = &pool->calls.lists[POOL__CALL_WAITING];

  if (is_full(pool))
    return;
  while (pool->endpoints.conns[POOL__CONN_CONNECTING] < waiting->length) {
    pool__endpoint_t *endpoint =
        pool__balance_connect(&pool->endpoints, &pool->balance_limits);
    pool__conn_t *conn;
    int err;

    if (endpoint == NULL)
      return;
    err = pool__endpoint_connect(endpoint, &pool->env, &conn);
    if (err != 0)
      fail_connect(pool, endpoint, err);
    else if (pool->config.connect_timeout_ms != POOL_OFF)
      pool__conn_arm_by(conn, pool->config.connect_timeout_ms);
  }
}

void pool__dispatch(pool_t *pool) {
  pool__call_t *call;
  pool__conn_t *conn;

  while ((call = pool__call_first_waiting(&pool->calls)) != NULL &&
         (conn = check_out(pool)) != NULL)
    start(pool, call, conn);
  if (call != NULL)
    open_connections(pool);
  else if (pool->state == POOL__DRAINING)
    pool__dispatch_close_unused(pool, NULL);
}

/* --- what connections tell --------------------------------------------- */

static void lose_connect(pool_t *pool, pool__conn_t *conn, int error) {
  pool__endpoint_t *endpoint = conn->endpoint;
  pool__call_t *call;

  drop(conn, error);
  call = fail_connect(pool, endpoint, error);
  pool__dispatch(pool);
  if (call != NULL)
    pool__finish(pool, call);
  pool__check(pool);
}

static void on_connect(pool__conn_t *conn, int status) {
  pool_t *pool = pool_of(conn);

  /* A server that speaks first, or hangs up at once, is no HTTP server: what it
   * sent must not be taken for an answer. */
  if (status == 0)
    status = look_at(conn);
  if (status != 0) {
    lose_connect(pool, conn, status);
    return;
  }
  conn->endpoint->fails_in_row = 0;
  conn->endpoint->connects++;
  pool->endpoints.connects++;
  pool__wheel_disarm(&pool->wheel, &conn->endpoint->backoff);
  pool__wheel_disarm(&pool->wheel, &conn->timer);
  pool__tell(pool, POOL_EVENT_CONNECT, conn->endpoint, 0);
  rest(pool, conn, pool->config.idle_timeout_ms);
  pool__dispatch(pool);
  pool__check(pool);
}

static void on_read(pool__conn_t *conn, const char *bytes, size_t len) {
  pool_t *pool = pool_of(conn);
  int rc;

  if (conn->state == POOL__CONN_IDLE) {
    drop_unsolicited(pool, conn);
    pool__check(pool);
    return;
  }
  rc = pool__attempt_read(conn->attempt, &pool->replies, bytes, len);
  if (rc != POOL__GOES_ON)
    conclude(pool, conn->attempt, rc);
}

static void on_end(pool__conn_t *conn, int error) {
  pool_t *pool = pool_of(conn);

  if (conn->state == POOL__CONN_IDLE) {
    drop(conn, error == UV_EOF ? POOL_EHANGUP : error);
    pool__check(pool);
    return;
  }
  conclude(pool, conn->attempt, pool__attempt_end(conn->attempt, error));
}

static void on_sent(pool__conn_t *conn, int status) {
  pool_t *pool = pool_of(conn);
  int rc = pool__attempt_sent(conn->attempt, status, &pool->attempt_limits);

  if (rc != POOL__GOES_ON)
    conclude(pool, conn->attempt, rc);
}

static void check_idle(pool_t *pool, pool__conn_t *conn, uint64_t now) {
  uint64_t due = conn->moved_at + conn->idle_ms;

  if (conn->idle_ms == POOL_OFF)
    return;
  if (due > now) {
    pool__conn_arm_by(conn, due - now);
    return;
  }
  drop(conn, 0);
  pool__check(pool);
}

static void on_timer(pool__conn_t *conn, uint64_t now) {
  pool_t *pool = pool_of(conn);
  int rc;

  switch (conn->state) {
  case POOL__CONN_CONNECTING:
    lose_connect(pool, conn, UV_ETIMEDOUT);
    return;
  case POOL__CONN_IDLE:
    check_idle(pool, conn, now);
    return;
  case POOL__CONN_BUSY:
    rc = pool__attempt_check(conn->attempt, &pool->attempt_limits, now);
    if (rc != POOL__GOES_ON)
      conclude(pool, conn->attempt, rc);
    return;
  case POOL__CONN_CLOSING:
  case POOL__CONN_STATES:
    break;
  }
  assert(0 && "a closing connection has no timer");
}

static void on_closed(pool__conn_t *conn) {
  pool_t *pool = pool_of(conn);
  int was_leaving = conn->endpoint->leaving;

  pool__endpoint_forget(conn);
  if (pool->state == POOL__CLOSING) {
    pool__maybe_destroy(pool);
    return;
  }
  if (was_leaving)
    pool__wake(pool);   /* it may have been the last one */
  pool__dispatch(pool); /* there is room for another one now */
  pool__check(pool);
}

const pool__conn_ops_t pool__dispatch_ops = {
    .on_connect = on_connect,
    .on_read = on_read,
    .on_end = on_end,
    .on_sent = on_sent,
    .on_timer = on_timer,
    .on_closed = on_closed,
};
