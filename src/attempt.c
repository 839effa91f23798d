#include "attempt.h"

#include <assert.h>

static uint64_t now_of(const pool__attempt_t *attempt) {
  return pool__wheel_now(attempt->conn->env->wheel);
}

/* The answer's head is due a fixed time after the request is sent, whatever
 * interim responses come; the next byte either way after a quiet time. */
static uint64_t next_due(const pool__attempt_t *attempt,
                         const pool__attempt_limits_t *limits) {
  int has_head = attempt->reply != NULL && pool__reply_has_head(attempt->reply);
  uint64_t due = UINT64_MAX;

  if (limits->head_timeout_ms != POOL_OFF && attempt->sent_at != 0 && !has_head)
    due = attempt->sent_at + limits->head_timeout_ms;
  if (limits->stall_timeout_ms != POOL_OFF &&
      attempt->conn->moved_at + limits->stall_timeout_ms < due)
    due = attempt->conn->moved_at + limits->stall_timeout_ms;
  if (limits->timeout_ms != POOL_OFF &&
      attempt->started_at + limits->timeout_ms < due)
    due = attempt->started_at + limits->timeout_ms;
  return due;
}

static void set_timer(pool__attempt_t *attempt,
                      const pool__attempt_limits_t *limits, uint64_t now) {
  uint64_t due = next_due(attempt, limits);

  if (due != UINT64_MAX)
    pool__conn_arm_by(attempt->conn, due > now ? due - now : 0);
}

int pool__attempt_start(pool__attempt_t *attempt, pool__conn_t *conn,
                        const pool__head_t *head,
                        const pool__attempt_limits_t *limits) {
  uv_buf_t pieces[POOL__HEAD_PIECES];
  const pool__address_t *address = &conn->endpoint->address;
  unsigned count;
  int sent;
  int rc;

  assert(conn->state == POOL__CONN_BUSY && conn->attempt == NULL);
  conn->attempt = attempt;
  attempt->conn = conn;
  attempt->endpoint = conn->endpoint;
  attempt->head = head;
  attempt->reused = conn->requests > 0;
  attempt->started_at = conn->moved_at = now_of(attempt);
  attempt->sent_at = attempt->first_byte_at = 0;
  attempt->phase = POOL_SENDING;
  count = pool__head_pieces(head, address->host_line, address->host_line_len,
                            pieces);
  rc = pool__conn_send(conn, pieces, count, &sent);
  if (sent) {
    attempt->sent = 1;
    conn->requests++;
    conn->endpoint->attempts += !attempt->is_ping;
  }
  if (rc < 0)
    return rc;
  if (rc == 0) {
    attempt->phase = POOL_AWAITING;
    attempt->sent_at = attempt->started_at;
  }
  set_timer(attempt, limits, attempt->started_at);
  return POOL__GOES_ON;
}

int pool__attempt_sent(pool__attempt_t *attempt, int status,
                       const pool__attempt_limits_t *limits) {
  uint64_t now = now_of(attempt);

  if (status == UV_EPIPE || status == UV_ECONNRESET)
    return POOL__GOES_ON; /* on_end is next, or an answer and on_end */
  if (status != 0)
    return status;
  attempt->conn->moved_at = now;
  attempt->sent_at = now;
  if (attempt->phase == POOL_SENDING)
    attempt->phase = POOL_AWAITING;
  set_timer(attempt, limits, now);
  return POOL__GOES_ON;
}

int pool__attempt_read(pool__attempt_t *attempt, pool__reply_stash_t *stash,
                       const char *bytes, size_t len) {
  int rc;

  if (attempt->reply == NULL) {
    attempt->reply = pool__reply_take(stash, attempt->head->is_head);
    if (attempt->reply == NULL)
      return UV_ENOMEM;
    attempt->first_byte_at = attempt->conn->moved_at;
    attempt->phase = POOL_RECEIVING;
  }
  rc = pool__reply_feed(attempt->reply, bytes, len);
  if (rc <= 0)
    return rc == 0 ? POOL__GOES_ON : rc;
  attempt->phase = POOL_COMPLETE;
  return 0;
}

int pool__attempt_end(pool__attempt_t *attempt, int error) {
  int rc;

  if (error == UV_EOF && attempt->reply != NULL &&
      pool__reply_finish(attempt->reply) > 0) {
    rc = pool__conn_take_error(attempt->conn);
    if (rc == 0)
      attempt->phase = POOL_COMPLETE;
    return rc;
  }
  return error == UV_EOF ? POOL_EHANGUP : error;
}

int pool__attempt_check(pool__attempt_t *attempt,
                        const pool__attempt_limits_t *limits, uint64_t now) {
  /* What the kernel sent is asked for when it matters only: bytes that left
   * since the last look may have left at any time since then. */
  if (next_due(attempt, limits) <= now &&
      limits->stall_timeout_ms != POOL_OFF &&
      pool__conn_wrote_some(attempt->conn))
    attempt->conn->moved_at = now;
  if (next_due(attempt, limits) <= now)
    return UV_ETIMEDOUT;
  set_timer(attempt, limits, now);
  return POOL__GOES_ON;
}

int pool__attempt_keeps_alive(const pool__attempt_t *attempt) {
  return !attempt->conn->sending && attempt->sent_at != 0 &&
         !attempt->head->wants_close && pool__reply_keeps_alive(attempt->reply);
}

void pool__attempt_leave(pool__attempt_t *attempt) {
  assert(attempt->conn->attempt == attempt);
  attempt->conn->attempt = NULL;
  attempt->conn = NULL;
}
