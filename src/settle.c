#include "settle.h"

#include "conns.h"
#include "dispatch.h"

static uint64_t now_of(const pool_t *pool) {
  return pool__wheel_now(&pool->wheel);
}

/* --- what an attempt tells of its endpoint ---------------------------------
 */

static pool__retry_class_t class_of(const pool__attempt_t *attempt, int error,
                                    int repeatable) {
  pool__retry_failure_t failure = {0};

  failure.error = error;
  failure.sent = attempt->sent ? 1 : 0;
  failure.reused = attempt->reused ? 1 : 0;
  failure.answered = attempt->reply != NULL;
  failure.repeatable = repeatable ? 1 : 0;
  return pool__retry_class(&failure);
}

/* Whether a call may be sent again after it was sent: by its kind, and because
 * nothing of its bodies is gone. */
static int is_repeatable(const pool__call_t *call) {
  return call->head.repeatable &&
         (call->flow == NULL || pool__flow_is_whole(call->flow));
}

/* 500, 502 and 504: it is broken, or what is behind it. 429 and 503: it has too
 * much to do, and to take it out would give more to the others. */
static pool__verdict_t verdict_of_status(int status) {
  if (status < 429)
    return POOL__GOOD;
  if (status == 429 || status == 503)
    return POOL__BUSY_SERVER;
  return status == 500 || status == 502 || status == 504 ? POOL__BAD
                                                         : POOL__GOOD;
}

int pool__settle_is_our_fault(const pool_t *pool, uint64_t since, int error) {
  const pool__wheel_t *wheel = &pool->wheel;
  uint64_t now = now_of(pool);
  uint64_t blocked = pool__wheel_blocked_ms(wheel, since, now);

  if (pool__conn_error_is_local(error))
    return 1;
  if (error == UV_ETIMEDOUT)
    return blocked > (now - since) / 2;
  return blocked > 0 && pool__wheel_is_late(wheel);
}

static pool__verdict_t verdict_of(const pool_t *pool,
                                  const pool__attempt_t *attempt, int error) {
  pool__retry_class_t class;

  if (error == 0)
    return verdict_of_status(pool__reply_status(attempt->reply));
  class = class_of(attempt, error, 1);
  if (attempt->excused || class == POOL__RETRY_NEVER ||
      class == POOL__RETRY_STALE ||
      pool__settle_is_our_fault(pool, attempt->started_at, error))
    return POOL__NOTHING;
  return POOL__BAD;
}

/* From the end of the request to the first byte of the answer, without the time
 * in which nobody looked for it. */
static uint64_t latency_of(const pool_t *pool, const pool__attempt_t *attempt) {
  uint64_t from = attempt->sent_at;
  uint64_t to = attempt->first_byte_at;

  if (from == 0 || from > to) /* it came while the body was on its way */
    from = attempt->started_at;
  if (to <= from)
    return 0;
  if (pool->wheel.blocked_at <= from)
    return to - from;
  return to - from - pool__wheel_blocked_ms(&pool->wheel, from, to);
}

static void note_load(pool_t *pool, const pool__attempt_t *attempt,
                      pool__verdict_t verdict, uint64_t now) {
  pool__load_t *load = &attempt->endpoint->load;
  pool__load_t *typical = &pool->endpoints.typical;

  if (verdict == POOL__BAD || verdict == POOL__BUSY_SERVER)
    pool__load_failed(load, typical, now);
  else if (verdict == POOL__GOOD)
    pool__load_answered(load, typical, now, latency_of(pool, attempt));
}

static void note_health(pool_t *pool, pool__endpoint_t *endpoint,
                        pool__verdict_t verdict, uint64_t began, uint64_t now) {
  if (endpoint->health == POOL_ON_TRIAL && began < endpoint->health_at)
    return; /* it is not the trial: it began before */
  if (verdict == POOL__BAD)
    pool__health_bad(&pool->health, endpoint, now);
  else if (verdict == POOL__GOOD ||
           (verdict == POOL__BUSY_SERVER && endpoint->health == POOL_ON_TRIAL))
    pool__health_good(&pool->health, endpoint, now);
}

/* A call on a new connection needs one, and there is no room for it: a
 * connection that is free now makes some. */
static int is_in_the_way(const pool_t *pool) {
  const uint32_t *conns = pool->endpoints.conns;
  uint32_t fresh = pool->calls.lists[POOL__CALL_FRESH].length;

  return fresh > 0 &&
         fresh > conns[POOL__CONN_CONNECTING] - pool->pings.connecting +
                     conns[POOL__CONN_CLOSING] &&
         pool__dispatch_is_full(pool);
}

static int may_rest(const pool_t *pool, const pool__attempt_t *attempt) {
  const pool__conn_t *conn = attempt->conn;

  return pool__attempt_keeps_alive(attempt) &&
         conn->requests < pool->config.max_requests &&
         !conn->endpoint->leaving && pool->state != POOL__CLOSING &&
         (attempt->is_ping || conn->endpoint->health != POOL_OUT) &&
         !pool__ping_needs_room(conn->endpoint) && !is_in_the_way(pool);
}

static uint32_t idle_ms_of(const pool_t *pool, const pool__attempt_t *attempt) {
  uint32_t hint = attempt->reply->guard.keep_alive_ms;
  uint32_t own = pool->config.idle_timeout_ms;

  return hint < own ? hint : own;
}

pool__verdict_t pool__settle_release(pool_t *pool, pool__attempt_t *attempt,
                                     int error) {
  pool__conn_t *conn = attempt->conn;
  pool__endpoint_t *endpoint = conn->endpoint;
  pool__verdict_t verdict = verdict_of(pool, attempt, error);
  uint64_t now = now_of(pool);
  int rests;

  if (error != 0 && error != UV_ECANCELED && error != POOL_ECLOSING)
    endpoint->last_error = error;
  if (endpoint->leftover > 0 && attempt->started_at < endpoint->health_at)
    endpoint->leftover--;
  if (!attempt->is_ping) {
    endpoint->succeeded += error == 0;
    endpoint->failed += error != 0 && attempt->sent;
    note_load(pool, attempt, verdict, now);
    note_health(pool, endpoint, verdict, attempt->started_at, now);
  }
  rests = error == 0 && may_rest(pool, attempt);
  pool__attempt_leave(attempt);
  if (rests)
    pool__conns_rest(conn, idle_ms_of(pool, attempt));
  else
    pool__conns_drop(conn, error);
  return verdict;
}

/* --- retries ---------------------------------------------------------------
 */

/* The retry that the budget paid for is over, or was not tried after all. (A
 * connect that failed is a try.) */
static void close_retry(pool_t *pool, pool__call_t *call, int was_sent) {
  if (!call->paid)
    return;
  call->paid = 0;
  pool->retries_live--;
  if (!was_sent)
    pool__budget_give_back(&pool->budget, now_of(pool));
}

static void tell_retry(pool_t *pool, const pool__call_t *call, int error,
                       pool__retry_class_t class, uint32_t delay_ms) {
  pool_event_t event;

  memset(&event, 0, sizeof event);
  event.type = POOL_EVENT_RETRY;
  event.error = error;
  if (call->attempt.endpoint != NULL)
    event.endpoint = call->attempt.endpoint->name;
  event.delay_ms = delay_ms;
  event.retry = (pool_retry_t) class;
  event.call = pool__call_id(call);
  event.attempts = call->sends;
  pool__tell(pool, &event);
}

static int decide(pool_t *pool, const pool__call_t *call,
                  pool__retry_class_t class, uint32_t asked_ms,
                  pool__retry_plan_t *plan) {
  pool__retry_case_t given = {0};
  pool__balance_case_t where = {0};

  where.tried = call->tried;
  where.tried_count = call->tried_count;
  given.class = class;
  given.attempts = call->tries;
  given.max_attempts = call->max_attempts;
  given.had_free = call->had_free ? 1 : 0;
  given.elsewhere = pool__balance_elsewhere(&pool->endpoints, &where) ? 1 : 0;
  given.delay_ms = asked_ms;
  given.base_ms = pool->config.retry_delay_ms;
  given.now = now_of(pool);
  given.due = call->due;
  given.likely_ms = pool->endpoints.typical.latency_ns / 1000000;
  given.random = pool__random(&pool->random);
  return pool__retry_decide(&given, plan);
}

static int pay(pool_t *pool, pool__call_t *call) {
  uint32_t in_hand =
      pool->calls.active + pool->calls.lists[POOL__CALL_BACKOFF].length;

  if (!pool__budget_take(&pool->budget, now_of(pool), pool->retries_live,
                         in_hand)) {
    pool->retries_denied++;
    return 0;
  }
  call->paid = 1;
  pool->retries_live++;
  return 1;
}

static void begin_retry(pool_t *pool, pool__call_t *call,
                        const pool__retry_plan_t *plan) {
  pool->retries++;
  call->serial = pool->fail_serial;
  if (plan->is_free) {
    call->had_free = 1;
    call->tries--;
    pool->replays++;
    pool__call_again(&pool->calls, call, POOL__CALL_FRESH);
    pool__wheel_arm_by(&pool->wheel, &call->deadline, POOL__CALL_PATIENCE_MS,
                       pool__settle_timer);
  } else if (plan->delay_ms == 0) {
    pool__call_again(&pool->calls, call, POOL__CALL_WAITING);
  } else {
    call->retry_at = now_of(pool) + plan->delay_ms;
    pool__wheel_arm_by(&pool->wheel, &call->deadline, plan->delay_ms,
                       pool__settle_timer);
    pool__call_again(&pool->calls, call, POOL__CALL_BACKOFF);
  }
}

/* Whether the call is tried again; then it is on its way to that. */
static int retry(pool_t *pool, pool__call_t *call, pool__retry_class_t class,
                 uint32_t asked_ms, int error) {
  pool__retry_plan_t plan;

  if (pool->state == POOL__CLOSING ||
      !decide(pool, call, class, asked_ms, &plan))
    return 0;
  if (!plan.is_free && !pay(pool, call))
    return 0;
  tell_retry(pool, call, error, class, plan.delay_ms);
  begin_retry(pool, call, &plan);
  return 1;
}

/* --- the end of calls ------------------------------------------------------
 */

/* First attempts pay for retries. */
static void note_budget(pool_t *pool, const pool__call_t *call,
                        pool__verdict_t verdict) {
  if (call->tries == 1 && verdict != POOL__NOTHING)
    pool__budget_note(&pool->budget, now_of(pool), verdict == POOL__GOOD);
}

int pool__settle_failure(pool_t *pool, pool__call_t *call, int error,
                         pool__verdict_t verdict) {
  pool__retry_class_t class =
      class_of(&call->attempt, error, is_repeatable(call));
  const pool__endpoint_t *endpoint = call->attempt.endpoint;
  int is_stale = class == POOL__RETRY_STALE && !call->had_free;

  pool__call_note_failure(call, error,
                          endpoint == NULL || is_stale ? 0 : endpoint->id);
  note_budget(pool, call, verdict);
  close_retry(pool, call, 1);
  if (retry(pool, call, class, POOL__RETRY_ANY, error))
    return 0;
  pool__call_end(&pool->calls, call, error);
  return 1;
}

void pool__settle_fail(pool_t *pool, pool__call_t *call, int error) {
  pool__verdict_t verdict = pool__settle_release(pool, &call->attempt, error);

  if (pool__settle_failure(pool, call, error, verdict))
    pool__wake(pool);
}

static int is_judged(const pool_t *pool, const pool__call_t *call) {
  return pool->config.on_retry != NULL && is_repeatable(call) &&
         call->max_attempts > 1 && pool->state != POOL__CLOSING;
}

/* Asks the user about the answer of an ENDED call. */
static int __attribute__((noinline)) judge(pool_t *pool, pool__call_t *call) {
  pool_result_t result;
  int says;

  pool__dispatch(pool);
  pool__wake(pool); /* it is ENDED, and may stay so if the pool is closed */
  pool__call_tell(&pool->calls, call, &result);
  says = pool->config.on_retry(pool, &result, pool->config.data);
  if (says == POOL_KEEP)
    return 1;
  pool__call_note_failure(call, POOL_EREJECTED, call->attempt.endpoint->id);
  if (retry(pool, call, POOL__RETRY_JUDGED,
            says < 0 ? POOL__RETRY_ANY : (uint32_t)says, POOL_EREJECTED))
    return 0;
  call->error = POOL_EREJECTED;
  return 1;
}

int pool__settle_answer(pool_t *pool, pool__call_t *call,
                        pool__verdict_t verdict) {
  note_budget(pool, call, verdict);
  close_retry(pool, call, 1);
  pool__call_end(&pool->calls, call, 0);
  return is_judged(pool, call) ? judge(pool, call) : 1;
}

/* Whether a call that is late was mostly waiting for this very attempt: then
 * the endpoint is stuck, or as good as that. */
static int is_stuck(const pool__call_t *call, uint64_t now) {
  return now - pool__attempt_waits_since(&call->attempt) >=
         (now - call->accepted_at) / 2;
}

static void abort_attempt(pool_t *pool, pool__call_t *call, int error) {
  if (error == UV_ETIMEDOUT)
    pool__call_note_failure(call, error, 0);
  if (error != UV_ETIMEDOUT || !is_stuck(call, now_of(pool)) ||
      (call->flow != NULL && pool__flow_is_slowed(call->flow)))
    call->attempt.excused = 1;
  note_budget(pool, call, pool__settle_release(pool, &call->attempt, error));
}

void pool__settle_abort(pool_t *pool, pool__call_t *call, int error) {
  int was_sent = call->state == POOL__CALL_ACTIVE;

  if (call->state == POOL__CALL_ACTIVE)
    abort_attempt(pool, call, error);
  else if (call->attempt.endpoint == NULL &&
           call->state != POOL__CALL_BACKOFF &&
           pool->endpoints.conns[POOL__CONN_CONNECTING] > 0)
    call->attempt.phase = POOL_CONNECTING;
  close_retry(pool, call, was_sent);
  pool__call_end(&pool->calls, call, error);
  pool__wake(pool);
}

void pool__settle_abort_waiting(pool_t *pool, pool__call_state_t last,
                                int error) {
  pool__call_state_t state = POOL__CALL_WAITING;
  pool__link_t *link;

  for (; state <= last; state++)
    while ((link = pool__list_first(&pool->calls.lists[state])) != NULL)
      pool__settle_abort(pool, POOL__OF(link, pool__call_t, link), error);
}

/* --- its timer -------------------------------------------------------------
 */

static void arm_next(pool_t *pool, pool__call_t *call, uint64_t now) {
  uint64_t next = call->due;

  if (call->state == POOL__CALL_BACKOFF && call->retry_at < next)
    next = call->retry_at;
  if ((call->state == POOL__CALL_WAITING || call->state == POOL__CALL_FRESH) &&
      call->patient_until > now && call->patient_until < next)
    next = call->patient_until;
  if (next != UINT64_MAX)
    pool__wheel_arm(&pool->wheel, &call->deadline, next - now,
                    pool__settle_timer);
}

/* The time of its retry has come. */
static void end_backoff(pool_t *pool, pool__call_t *call, uint64_t now) {
  int error = pool__dispatch_nowhere(pool);

  if (error != 0) {
    pool__settle_abort(pool, call, error);
    return;
  }
  pool__call_wait(&pool->calls, call);
  arm_next(pool, call, now);
  pool__dispatch(pool);
}

void pool__settle_timer(pool__timer_t *timer, uint64_t now) {
  pool__call_t *call = POOL__OF(timer, pool__call_t, deadline);
  pool_t *pool = call->pool;

  if (call->state == POOL__CALL_FREE || call->state == POOL__CALL_ENDED)
    return; /* the call that it was set for has ended */
  if (call->due <= now) {
    pool__settle_abort(pool, call, UV_ETIMEDOUT);
    pool__dispatch(pool);
    pool__finish(pool, call);
    pool__check(pool);
    return;
  }
  if (call->state == POOL__CALL_BACKOFF && call->retry_at <= now) {
    end_backoff(pool, call, now);
    pool__check(pool);
    return;
  }
  arm_next(pool, call, now);
  if (call->patient_until > now)
    return;
  if (call->state == POOL__CALL_FRESH)
    pool__call_wait(&pool->calls, call);
  if (call->state != POOL__CALL_WAITING)
    return;
  pool__dispatch(pool); /* it takes now what it did not like before */
  pool__check(pool);
}
