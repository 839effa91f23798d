#include "stream.h"

#include "dispatch.h"
#include "hear.h"
#include "settle.h"

/* --- the answer ------------------------------------------------------------
 */

/* Whether a callback has left all as it was; and what it returned. */
static int goes_on(pool__conn_t *conn, pool__attempt_t *attempt, int says) {
  if (conn->attempt != attempt)
    return POOL__GONE;
  if (says == POOL_PAUSE)
    pool__flow_pause(attempt->flow);
  return POOL__GOES_ON;
}

static int tell_head(pool_t *pool, pool__conn_t *conn,
                     pool__attempt_t *attempt) {
  pool__call_t *call = pool__call_of(attempt);
  pool__flow_t *flow = attempt->flow;
  pool_result_t head;

  flow->head_seen = 1;
  pool__flow_count_from(flow, pool__wheel_now(&pool->wheel));
  if (flow->on_head == NULL)
    return POOL__GOES_ON;
  flow->told = 1;
  pool__call_tell(&pool->calls, call, &head);
  return goes_on(conn, attempt,
                 flow->on_head(pool, pool__call_id(call), &head, call->data));
}

static int tell_piece(pool_t *pool, pool__conn_t *conn,
                      pool__attempt_t *attempt) {
  pool__call_t *call = pool__call_of(attempt);
  pool__reply_t *reply = attempt->reply;

  attempt->flow->told = 1;
  return goes_on(conn, attempt,
                 attempt->flow->on_body(pool, pool__call_id(call), reply->piece,
                                        reply->piece_len, call->data));
}

/* One step of the answer; *took: the bytes that are done with. */
static int step(pool_t *pool, pool__conn_t *conn, const char *bytes, size_t len,
                size_t *took) {
  pool__attempt_t *attempt = conn->attempt;
  pool__reply_t *reply = attempt->reply;
  int64_t n = pool__reply_step(reply, bytes, len);
  int rc;

  if (n < 0)
    return (int)n;
  *took = (size_t)n;
  pool__flow_count(attempt->flow, *took);
  rc = pool__attempt_continue(attempt, &pool->attempt_limits);
  if (rc != POOL__GOES_ON)
    return rc;
  pool__stream_note_room(pool, attempt->flow);
  if (pool__reply_has_head(reply) && !attempt->flow->head_seen)
    return tell_head(pool, conn, attempt);
  return reply->piece_len > 0 ? tell_piece(pool, conn, attempt) : POOL__GOES_ON;
}

/* An answer is over when it is whole, and its consumer wants to know. */
static int outcome_of(pool__attempt_t *attempt) {
  if (!pool__reply_is_over(attempt->reply) || attempt->flow->paused)
    return POOL__GOES_ON;
  attempt->phase = POOL_COMPLETE;
  return 0;
}

/* Feeds bytes until they are used up (*len is 0 then) or the consumer pauses.
 */
static int feed(pool_t *pool, pool__conn_t *conn, const char **bytes,
                size_t *len) {
  pool__attempt_t *attempt = conn->attempt;
  int rc = pool__attempt_hear(attempt, &pool->replies);

  if (rc != 0)
    return rc;
  while (*len > 0 && !attempt->flow->paused) {
    size_t took = 0;

    rc = step(pool, conn, *bytes, *len, &took);
    if (rc != POOL__GOES_ON)
      return rc;
    *bytes += took;
    *len -= took;
  }
  return outcome_of(attempt);
}

int pool__stream_read(pool_t *pool, pool__conn_t *conn, const char *bytes,
                      size_t len) {
  pool__flow_t *flow = conn->attempt->flow;
  int rc = feed(pool, conn, &bytes, &len);

  if (rc != POOL__GOES_ON || !flow->paused)
    return rc;
  pool__conn_stop_reading(conn);
  return pool__flow_hold(flow, bytes, len) == 0 ? POOL__GOES_ON : UV_ENOMEM;
}

/* --- turns -----------------------------------------------------------------
 */

/* What is left over from a pause; the socket is read again. */
static int go_on(pool_t *pool, pool__call_t *call) {
  pool__conn_t *conn = call->attempt.conn;
  pool__flow_t *flow = call->flow;
  size_t len = pool__flow_held(flow);
  const char *bytes = len > 0 ? flow->held.bytes + flow->held_from : NULL;
  int rc = pool__conn_go_on_reading(conn);

  if (rc != 0)
    return rc;
  if (len == 0 && call->attempt.reply == NULL)
    return POOL__GOES_ON;
  rc = feed(pool, conn, &bytes, &len);
  if (rc == POOL__GONE)
    return rc;
  pool__flow_keep(flow, len);
  if (flow->paused)
    pool__conn_stop_reading(conn);
  return rc;
}

void pool__stream_drain(pool_t *pool, pool__call_t *call) {
  pool__flow_t *flow = call->flow;

  if (flow->on_drain != NULL && pool__upload_has_drained(&flow->upload))
    flow->on_drain(pool, pool__call_id(call), call->data);
}

void pool__stream_note_room(pool_t *pool, pool__flow_t *flow) {
  if (flow->on_drain == NULL || !flow->upload.was_full)
    return;
  pool__flow_set_due(flow);
  pool__wake(pool);
}

static void take_turn(pool_t *pool, pool__call_t *call) {
  pool__conn_t *conn = call->attempt.conn;
  int rc;

  if (call->state == POOL__CALL_ENDED)
    return;
  pool__stream_drain(pool, call);
  if (conn == NULL || conn->attempt != &call->attempt || call->flow->paused ||
      !conn->deaf)
    return;
  rc = go_on(pool, call);
  if (rc != POOL__GOES_ON && rc != POOL__GONE)
    pool__hear_conclude(pool, &call->attempt, rc);
}

void pool__stream_turns(pool_t *pool) {
  pool__list_t *due = &pool->calls.flows.due;
  uint32_t left = due->length;
  pool__link_t *link;

  while (left-- > 0 && (link = pool__list_first(due)) != NULL) {
    pool__flow_t *flow = POOL__OF(link, pool__flow_t, link);

    pool__list_remove(due, link);
    take_turn(pool, flow->call);
  }
}

/* --- what users do ---------------------------------------------------------
 */

/* The call that is still under way, and flows; or why there is none. */
static int find(const pool_t *pool, pool_call_t id, pool__call_t **out) {
  pool__call_t *call;

  if (pool == NULL)
    return UV_EINVAL;
  call = pool__call_find(&pool->calls, id);
  if (call == NULL || call->state == POOL__CALL_ENDED)
    return POOL_EGONE;
  *out = call;
  return call->flow == NULL ? UV_EINVAL : 0;
}

/* A call whose body can still be written. */
static int find_upload(const pool_t *pool, pool_call_t id, pool__call_t **out) {
  int err = find(pool, id, out);
  const pool__flow_t *flow;

  if (err != 0)
    return err;
  flow = (*out)->flow;
  return !flow->has_upload || flow->upload.ended ? UV_EINVAL : 0;
}

/* Something was put in: it goes out as far as it can. */
static void push(pool_t *pool, pool__call_t *call, int was_idle) {
  pool__attempt_t *attempt = &call->attempt;
  int rc;

  if (call->state != POOL__CALL_ACTIVE)
    return;
  if (was_idle)
    pool__attempt_wait_anew(attempt, &pool->attempt_limits);
  rc = pool__attempt_flush(attempt, &pool->attempt_limits);
  if (rc == POOL__GOES_ON)
    return;
  pool__settle_fail(pool, call, rc);
  pool__dispatch(pool);
}

/* What follows when something was put in, or was not: what did not fit what was
 * declared ends the call. Returns `err`. */
static int follow(pool_t *pool, pool__call_t *call, int was_idle, int err) {
  if (err == 0) {
    push(pool, call, was_idle);
  } else if (err == POOL_ELENGTH) {
    pool__settle_abort(pool, call, err);
    pool__dispatch(pool);
  }
  pool__check(pool);
  return err;
}

int pool_write(pool_t *pool, pool_call_t id, const char *bytes, size_t len) {
  pool__call_t *call;
  int err = find_upload(pool, id, &call);
  int was_idle;

  if (err != 0)
    return err;
  if (bytes == NULL && len > 0)
    return UV_EINVAL;
  was_idle = pool__upload_is_idle(&call->flow->upload);
  return follow(pool, call, was_idle,
                pool__upload_put(&call->flow->upload, bytes, len));
}

int pool_end(pool_t *pool, pool_call_t id) {
  pool__call_t *call;
  int err = find_upload(pool, id, &call);
  int was_idle;

  if (err != 0)
    return err;
  was_idle = pool__upload_is_idle(&call->flow->upload);
  return follow(pool, call, was_idle, pool__upload_end(&call->flow->upload));
}

static int find_answer(const pool_t *pool, pool_call_t id, pool__call_t **out) {
  int err = find(pool, id, out);
  const pool__flow_t *flow;

  if (err != 0)
    return err;
  flow = (*out)->flow;
  return flow->on_head == NULL && flow->on_body == NULL ? UV_EINVAL : 0;
}

int pool_pause(pool_t *pool, pool_call_t id) {
  pool__call_t *call;
  int err = find_answer(pool, id, &call);

  if (err != 0)
    return err;
  pool__flow_pause(call->flow);
  if (call->attempt.conn != NULL)
    pool__conn_stop_reading(call->attempt.conn);
  return 0;
}

/* What is kept is told from the loop, and so is an answer that is whole; else
 * the socket is all there is. */
static int needs_turn(const pool__attempt_t *attempt) {
  return pool__flow_held(attempt->flow) > 0 ||
         (attempt->reply != NULL && pool__reply_is_over(attempt->reply));
}

int pool_resume(pool_t *pool, pool_call_t id) {
  pool__attempt_t *attempt;
  pool__call_t *call;
  int err = find_answer(pool, id, &call);

  if (err != 0 || !call->flow->paused)
    return err;
  call->flow->paused = 0;
  attempt = &call->attempt;
  if (attempt->conn == NULL)
    return 0;
  pool__attempt_wait_anew(attempt, &pool->attempt_limits);
  if (needs_turn(attempt)) {
    pool__flow_set_due(call->flow);
    pool__wake(pool);
    return 0;
  }
  err = pool__conn_go_on_reading(attempt->conn);
  if (err != 0) {
    pool__settle_fail(pool, call, err);
    pool__dispatch(pool);
  }
  pool__check(pool);
  return 0;
}
