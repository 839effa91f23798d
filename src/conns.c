#include "conns.h"

void pool__conns_drop(pool__conn_t *conn, int error) {
  if (conn->state != POOL__CONN_CONNECTING)
    pool__tell_conn(conn, POOL_EVENT_DISCONNECT, error);
  pool__endpoint_close_conn(conn);
}

void pool__conns_drop_unsolicited(pool__conn_t *conn) {
  pool__pool_of(conn)->unsolicited++;
  pool__tell_conn(conn, POOL_EVENT_UNSOLICITED, 0);
  pool__conns_drop(conn, POOL_EPARSE);
}

static void close_list(pool__list_t *list) {
  pool__link_t *link = pool__list_first(list);

  while (link != NULL) {
    pool__conn_t *conn = POOL__OF(link, pool__conn_t, link);

    link = pool__list_next(list, link);
    if (!pool__ping_is_of(conn))
      pool__conns_drop(conn, 0);
  }
}

static void close_unused_of(pool__endpoint_t *endpoint) {
  close_list(&endpoint->conns[POOL__CONN_IDLE]);
  close_list(&endpoint->conns[POOL__CONN_CONNECTING]);
}

void pool__conns_close_unused(pool_t *pool, pool__endpoint_t *endpoint) {
  pool__list_t *serving = &pool->endpoints.serving;
  pool__link_t *link = pool__list_first(serving);

  if (endpoint != NULL) {
    close_unused_of(endpoint);
    return;
  }
  for (; link != NULL; link = pool__list_next(serving, link))
    close_unused_of(POOL__OF(link, pool__endpoint_t, link));
}

/* --- at rest ---------------------------------------------------------------
 */

static void on_after_poll(uv_check_t *handle) {
  pool_t *pool = POOL__OF(handle, pool_t, after_poll);

  pool->env.turn++;
  pool->watches_poll = 0;
  uv_check_stop(handle);
}

/* Whether nothing can be on a connection that was just read from, while the
 * loop still hands out what one poll found. Not so if the read filled the
 * buffer, or its consumer had paused: there was time for the server to leave,
 * and a read that finds bytes does not find the end behind them. Nor after its
 * first answer: some servers close behind each without saying so, and once in
 * its life a connection can show whether its does. */
static int is_quiet(const pool__conn_t *conn) {
  return !conn->unread && !conn->was_deaf && conn->requests != 1;
}

void pool__conns_rest(pool__conn_t *conn, uint32_t idle_ms) {
  pool_t *pool = pool__pool_of(conn);

  conn->quiet_turn = is_quiet(conn) ? pool->env.turn : pool->env.turn - 1;
  conn->was_deaf = 0;
  conn->idle_ms = idle_ms;
  pool__endpoint_move(conn, POOL__CONN_IDLE);
  if (!pool->watches_poll) {
    pool->watches_poll = 1;
    uv_check_start(&pool->after_poll, on_after_poll);
  }
  if (idle_ms != POOL_OFF)
    pool__conn_arm_by(conn, idle_ms);
}

void pool__conns_check_idle(pool__conn_t *conn, uint64_t now) {
  uint64_t due = conn->moved_at + conn->idle_ms;

  if (conn->idle_ms == POOL_OFF)
    return;
  if (due > now)
    pool__conn_arm_by(conn, due - now);
  else
    pool__conns_drop(conn, 0);
}

int pool__conns_look_at(const pool__conn_t *conn) {
  int rc = pool__conn_peek(conn);

  if (rc == UV_EOF)
    return POOL_EHANGUP;
  return rc == UV_EPROTO ? POOL_EPARSE : rc;
}

pool__conn_t *pool__conns_check_out(pool__endpoint_t *endpoint) {
  pool__list_t *idle = &endpoint->conns[POOL__CONN_IDLE];
  pool__conn_t *conn = POOL__OF(pool__list_first(idle), pool__conn_t, link);
  pool_t *pool = pool__pool_of(conn);
  int error =
      conn->quiet_turn == pool->env.turn ? 0 : pool__conns_look_at(conn);

  if (error == 0)
    return conn;
  if (error == POOL_EPARSE) {
    pool__conns_drop_unsolicited(conn);
  } else {
    pool->stale++;
    pool__conns_drop(conn, error);
  }
  return NULL;
}
