#include "attempt.h"

#include <assert.h>

#include "hint.h"

static uint64_t now_of(const pool__attempt_t *attempt) {
  return pool__wheel_now(attempt->conn->env->wheel);
}

static int has_head(const pool__attempt_t *attempt) {
  return attempt->reply != NULL && pool__reply_has_head(attempt->reply);
}

/* What is due until the head of the answer is there: the head itself a fixed
 * time after the request is sent, whatever interim responses come; and all,
 * counted from then. */
static uint64_t answer_due(const pool__attempt_t *attempt,
                           const pool__attempt_limits_t *limits,
                           uint64_t from) {
  uint64_t due = UINT64_MAX;

  if (limits->head_timeout_ms != POOL_OFF && attempt->sent_at != 0 &&
      !has_head(attempt))
    due = attempt->sent_at + limits->head_timeout_ms;
  if (limits->timeout_ms != POOL_OFF && from + limits->timeout_ms < due)
    due = from + limits->timeout_ms;
  return due;
}

/* The next byte either way is due after a quiet time. */
static uint64_t byte_due(const pool__attempt_t *attempt,
                         const pool__attempt_limits_t *limits) {
  return limits->stall_timeout_ms == POOL_OFF
             ? UINT64_MAX
             : attempt->conn->moved_at + limits->stall_timeout_ms;
}

static uint64_t earlier(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

/* The same for bodies that flow: nothing is due while it is the user who is
 * waited for, and no answer before so long after the user's last byte. A body
 * that is held back goes after a while, and those that move have to move fast
 * enough. */
static APART uint64_t flow_due(const pool__attempt_t *attempt,
                               const pool__attempt_limits_t *limits) {
  const pool__flow_t *flow = attempt->flow;
  uint64_t due = UINT64_MAX;

  if (!has_head(attempt) && !pool__flow_is_slowed(flow))
    due = answer_due(attempt, limits, pool__attempt_waits_since(attempt));
  if (!pool__flow_waits(flow, has_head(attempt)))
    due = earlier(due, byte_due(attempt, limits));
  if (flow->upload.held && !has_head(attempt))
    due = earlier(due, attempt->started_at + limits->expect_ms);
  if (limits->min_rate != POOL_OFF)
    due = earlier(due, flow->moved_from + limits->rate_window_ms);
  return due;
}

static uint64_t next_due(const pool__attempt_t *attempt,
                         const pool__attempt_limits_t *limits) {
  if (attempt->flow != NULL)
    return flow_due(attempt, limits);
  return earlier(answer_due(attempt, limits, attempt->started_at),
                 byte_due(attempt, limits));
}

static APART void arm(pool__attempt_t *attempt,
                      const pool__attempt_limits_t *limits, uint64_t now) {
  uint64_t due = next_due(attempt, limits);

  if (due != UINT64_MAX)
    pool__conn_arm_by(attempt->conn, due > now ? due - now : 0);
}

static inline void set_timer(pool__attempt_t *attempt,
                             const pool__attempt_limits_t *limits,
                             uint64_t now) {
  if (limits->is_timed || attempt->flow != NULL)
    arm(attempt, limits, now);
}

/* All of the request has been given to the kernel. */
static void note_sent(pool__attempt_t *attempt, uint64_t now) {
  attempt->sent_at = now;
  if (attempt->phase == POOL_SENDING)
    attempt->phase = POOL_AWAITING;
}

/* The same of a flow's pieces that were given to it last. */
static APART void note_flow_landed(pool__attempt_t *attempt, uint64_t now) {
  pool__upload_t *upload = &attempt->flow->upload;

  if (!attempt->flow->has_upload) {
    note_sent(attempt, now);
    return;
  }
  pool__flow_count(attempt->flow, upload->in_flight - upload->counted);
  pool__upload_landed(upload);
  if (pool__upload_is_over(upload))
    note_sent(attempt, now);
}

static inline void note_landed(pool__attempt_t *attempt, uint64_t now) {
  if (attempt->flow == NULL)
    note_sent(attempt, now);
  else
    note_flow_landed(attempt, now);
}

static APART unsigned body_pieces(const pool__attempt_t *attempt,
                                  uv_buf_t *pieces) {
  pool__flow_t *flow = attempt->flow;

  pool__flow_count_from(flow, attempt->started_at);
  return flow->has_upload ? pool__upload_send(&flow->upload, pieces) : 0;
}

int pool__attempt_start(pool__attempt_t *attempt, pool__conn_t *conn,
                        const pool__head_t *head,
                        const pool__attempt_limits_t *limits) {
  uv_buf_t pieces[POOL__HEAD_PIECES + POOL__UPLOAD_PIECES];
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
  if (attempt->flow != NULL)
    count += body_pieces(attempt, pieces + count);
  rc = pool__conn_send(conn, pieces, count, &sent);
  if (sent) {
    attempt->sent = 1;
    conn->requests++;
    conn->endpoint->attempts += !attempt->is_ping;
  } else if (attempt->flow != NULL) {
    pool__upload_rewind(&attempt->flow->upload);
  }
  if (rc < 0)
    return rc;
  if (rc == 0)
    note_landed(attempt, attempt->started_at);
  set_timer(attempt, limits, attempt->started_at);
  return POOL__GOES_ON;
}

static int is_broken_pipe(int error) {
  return error == UV_EPIPE || error == UV_ECONNRESET;
}

int pool__attempt_sent(pool__attempt_t *attempt, int status,
                       const pool__attempt_limits_t *limits) {
  uint64_t now = now_of(attempt);

  if (is_broken_pipe(status)) {
    attempt->broke = 1;
    return POOL__GOES_ON; /* on_end is next, or an answer and on_end */
  }
  if (status != 0)
    return status;
  attempt->conn->moved_at = now;
  note_landed(attempt, now);
  set_timer(attempt, limits, now);
  return attempt->flow == NULL ? POOL__GOES_ON
                               : pool__attempt_flush(attempt, limits);
}

/* When the pipe is broken, what the server said before that is to be read
 * still, and its end. What could not be sent stays in flight: no byte more goes
 * out. */
int pool__attempt_flush(pool__attempt_t *attempt,
                        const pool__attempt_limits_t *limits) {
  pool__upload_t *upload = &attempt->flow->upload;
  uv_buf_t pieces[POOL__UPLOAD_PIECES];
  uint64_t now = now_of(attempt);
  unsigned count;
  int sent;
  int rc;

  if (attempt->conn->sending || upload->in_flight > 0 || attempt->sent_at != 0)
    return POOL__GOES_ON;
  count = pool__upload_send(upload, pieces);
  if (count > 0) {
    rc = pool__conn_send(attempt->conn, pieces, count, &sent);
    if (rc < 0) {
      attempt->broke = is_broken_pipe(rc) ? 1 : 0;
      return attempt->broke && pool__conn_peek(attempt->conn) != 0
                 ? POOL__GOES_ON
                 : rc;
    }
    attempt->conn->moved_at = now;
    attempt->conn->unsent = POOL__CONN_MANY; /* with those before it */
    if (rc > 0)
      return POOL__GOES_ON;
  }
  note_landed(attempt, now);
  set_timer(attempt, limits, now);
  return POOL__GOES_ON;
}

int pool__attempt_continue(pool__attempt_t *attempt,
                           const pool__attempt_limits_t *limits) {
  pool__upload_t *upload = &attempt->flow->upload;

  if (!upload->held || !attempt->reply->continued || has_head(attempt))
    return POOL__GOES_ON;
  upload->held = 0;
  return pool__attempt_flush(attempt, limits);
}

void pool__attempt_wait_anew(pool__attempt_t *attempt,
                             const pool__attempt_limits_t *limits) {
  uint64_t now = now_of(attempt);

  attempt->conn->moved_at = now;
  pool__flow_count_from(attempt->flow, now);
  set_timer(attempt, limits, now);
}

int pool__attempt_read(pool__attempt_t *attempt, pool__reply_stash_t *stash,
                       const char *bytes, size_t len) {
  int rc = pool__attempt_hear(attempt, stash);

  if (rc != 0)
    return rc;
  rc = pool__reply_feed(attempt->reply, bytes, len);
  if (rc <= 0)
    return rc == 0 ? POOL__GOES_ON : rc;
  attempt->phase = POOL_COMPLETE;
  return 0;
}

int pool__attempt_hear(pool__attempt_t *attempt, pool__reply_stash_t *stash) {
  if (attempt->reply != NULL)
    return 0;
  attempt->reply = pool__reply_take(stash, attempt->head->is_head);
  if (attempt->reply == NULL)
    return UV_ENOMEM;
  if (attempt->flow != NULL && attempt->flow->on_body != NULL)
    pool__reply_stream(attempt->reply);
  attempt->first_byte_at = attempt->conn->moved_at;
  attempt->phase = POOL_RECEIVING;
  return 0;
}

int pool__attempt_end(pool__attempt_t *attempt, int error) {
  int rc;

  if (error == UV_EOF && attempt->reply != NULL &&
      pool__reply_finish(attempt->reply) > 0) {
    /* A reset that the write was told is told only once. */
    rc = attempt->broke ? POOL_EHANGUP : pool__conn_take_error(attempt->conn);
    if (rc == 0)
      attempt->phase = POOL_COMPLETE;
    return rc;
  }
  return error == UV_EOF ? POOL_EHANGUP : error;
}

/* Whether bytes of a body ought to be moving. */
static int ought_to_move(const pool__attempt_t *attempt) {
  return !pool__flow_waits(attempt->flow, has_head(attempt)) &&
         (has_head(attempt) || attempt->sent_at == 0);
}

/* Of what is in flight, what the kernel has taken by now has moved too. */
static void count_in_flight(pool__attempt_t *attempt) {
  pool__upload_t *upload = &attempt->flow->upload;
  size_t waits = pool__conn_queued(attempt->conn);
  size_t gone = upload->in_flight > waits ? upload->in_flight - waits : 0;

  if (gone <= upload->counted)
    return;
  pool__flow_count(attempt->flow, gone - upload->counted);
  upload->counted = gone;
}

/* The timers of a flow have come, or others. */
static int check_flow(pool__attempt_t *attempt,
                      const pool__attempt_limits_t *limits, uint64_t now) {
  pool__flow_t *flow = attempt->flow;
  uint64_t least; /* bytes in a window */

  if (flow->upload.held && !has_head(attempt) &&
      attempt->started_at + limits->expect_ms <= now) {
    int rc;

    flow->upload.held = 0;
    attempt->conn->moved_at = now;
    rc = pool__attempt_flush(attempt, limits);
    if (rc != POOL__GOES_ON)
      return rc;
  }
  if (limits->min_rate == POOL_OFF ||
      flow->moved_from + limits->rate_window_ms > now)
    return POOL__GOES_ON;
  count_in_flight(attempt);
  least = (uint64_t)limits->min_rate * (now - flow->moved_from) / 1000;
  if (ought_to_move(attempt) && flow->moved < least)
    return UV_ETIMEDOUT;
  pool__flow_count_from(flow, now);
  return POOL__GOES_ON;
}

int pool__attempt_check(pool__attempt_t *attempt,
                        const pool__attempt_limits_t *limits, uint64_t now) {
  /* What the kernel sent is asked for when it matters only: bytes that left
   * since the last look may have left at any time since then. */
  if (next_due(attempt, limits) <= now &&
      limits->stall_timeout_ms != POOL_OFF &&
      pool__conn_wrote_some(attempt->conn))
    attempt->conn->moved_at = now;
  if (attempt->flow != NULL) {
    int rc = check_flow(attempt, limits, now);

    if (rc != POOL__GOES_ON)
      return rc;
  }
  if (next_due(attempt, limits) <= now)
    return UV_ETIMEDOUT;
  set_timer(attempt, limits, now);
  return POOL__GOES_ON;
}

uint64_t pool__attempt_waits_since(const pool__attempt_t *attempt) {
  return attempt->flow != NULL && attempt->sent_at != 0 &&
                 pool__flow_is_written(attempt->flow)
             ? attempt->sent_at
             : attempt->started_at;
}

int pool__attempt_keeps_alive(const pool__attempt_t *attempt) {
  return !attempt->conn->sending && !attempt->conn->deaf &&
         attempt->sent_at != 0 && !attempt->head->wants_close &&
         pool__reply_keeps_alive(attempt->reply);
}

void pool__attempt_leave(pool__attempt_t *attempt) {
  assert(attempt->conn->attempt == attempt);
  attempt->conn->attempt = NULL;
  attempt->conn = NULL;
}
