/* Brings waiting calls and connections together.
 *
 * One queue for the whole pool, bound late: a call goes where the balancer
 * says; if there is no idle connection there, one is opened and the call waits,
 * and whichever connection comes free or is opened first, on whatever good
 * endpoint, serves the oldest call. A connection is opened on behalf of nobody;
 * that is why one that cannot be opened fails at most one call, and only if
 * that call has seen every endpoint fail and nothing else is open.
 *
 * Calls that want a new connection have a list of their own: they would hold up
 * the others, who can do with any. */
#include "dispatch.h"

#include <assert.h>

#include "conns.h"
#include "hint.h"
#include "settle.h"
#include "stream.h"

#define BACKOFF_MIN_MS 100u
#define BACKOFF_MAX_MS 10000u
#define LACK_MAX_MS    2000u
#define PASSED_MAX     16u /* waiting calls that are passed over */

static uint32_t length_of(const pool_t *pool, pool__call_state_t state) {
  return pool->calls.lists[state].length;
}

/* Connections being opened that calls may have. */
static uint32_t connecting(const pool_t *pool) {
  return pool->endpoints.conns[POOL__CONN_CONNECTING] - pool->pings.connecting;
}

static uint32_t wanted(const pool_t *pool) {
  return length_of(pool, POOL__CALL_WAITING) +
         length_of(pool, POOL__CALL_FRESH);
}

static pool__balance_case_t case_of(const pool_t *pool,
                                    const pool__call_t *call) {
  pool__balance_case_t given;

  given.now = pool__wheel_now(&pool->wheel);
  given.tried = call->tried;
  given.tried_count = call->tried_count;
  given.repeatable =
      call->head.repeatable && call->tries + 1 < call->max_attempts;
  given.fresh = call->state == POOL__CALL_FRESH;
  given.patient = given.now < call->patient_until ? 1 : 0;
  return given;
}

/* There is something that would do, but the call waits for better. When its
 * patience is over it is looked at again; and after that now and then, for what
 * is poor may be tried once in a while. */
static void look_again(pool_t *pool, pool__call_t *call) {
  uint64_t now = pool__wheel_now(&pool->wheel);
  uint64_t patience = call->patient_until > now ? call->patient_until - now
                                                : POOL__CALL_PATIENCE_MS;

  pool__wheel_arm_by(&pool->wheel, &call->deadline, patience,
                     pool__settle_timer);
}

/* --- calls on connections --------------------------------------------------
 */

/* What flows begins to: there may be room in its upload again; and an answer
 * whose consumer has paused before it came is not read. */
static RARE void begin_flow(pool_t *pool, pool__call_t *call) {
  pool__flow_t *flow = call->flow;

  if (flow->paused)
    pool__conn_stop_reading(call->attempt.conn);
  pool__stream_note_room(pool, flow);
}

/* Starts a call on an idle connection. One that was at rest and turns out to be
 * dead before it took one byte is dropped, and the call still waits: nothing of
 * it can have reached a server. A new one that does so has failed, or a server
 * that resets each connection would be tried without end; and when it is us who
 * lack something, that is no connection's fault. */
static void start(pool_t *pool, pool__call_t *call, pool__conn_t *conn) {
  pool__attempt_t *attempt = &call->attempt;
  int rested = conn->requests > 0 || conn->quiet_turn != pool->env.turn;
  int rc;

  pool__endpoint_move(conn, POOL__CONN_BUSY);
  attempt->flow = call->flow;
  rc = pool__attempt_start(attempt, conn, &call->head, &pool->attempt_limits);
  if (rc < 0 && rested && !attempt->sent && !pool__conn_error_is_local(rc)) {
    pool__attempt_leave(attempt);
    memset(attempt, 0, sizeof *attempt);
    pool->stale++;
    pool__conns_drop(conn, rc);
    return;
  }
  pool__call_activate(&pool->calls, call);
  if (rc >= 0) {
    if (call->flow != NULL)
      begin_flow(pool, call);
    return;
  }
  pool__settle_fail(pool, call, rc);
}

void pool__dispatch_fresh(pool_t *pool, pool__conn_t *conn) {
  pool__link_t *link = pool__list_first(&pool->calls.lists[POOL__CALL_FRESH]);

  if (link != NULL)
    start(pool, POOL__OF(link, pool__call_t, link), conn);
}

/* --- new connections -------------------------------------------------------
 */

static void on_backoff(pool__timer_t *timer, uint64_t now) {
  pool__endpoint_t *endpoint = POOL__OF(timer, pool__endpoint_t, backoff);
  pool_t *pool = POOL__OF(endpoint->all, pool_t, endpoints);

  (void)now;
  pool__endpoint_rise(endpoint);
  pool__dispatch(pool);
  pool__check(pool);
}

static void back_off(pool_t *pool, pool__endpoint_t *endpoint,
                     uint32_t max_ms) {
  uint32_t doublings = endpoint->connect_fails_in_row - 1;
  uint32_t ms = max_ms;

  if (endpoint->leaving || endpoint->health == POOL_OUT)
    return;
  if (doublings < 7)
    ms = BACKOFF_MIN_MS << doublings;
  if (ms > max_ms)
    ms = max_ms;
  pool__wheel_arm(&pool->wheel, &endpoint->backoff, ms, on_backoff);
  pool__endpoint_rest(endpoint);
}

void pool__dispatch_note_fail(pool_t *pool, pool__endpoint_t *endpoint,
                              int error) {
  endpoint->fail_serial = ++pool->fail_serial;
  endpoint->last_error = error;
  endpoint->connect_fails++;
  pool->endpoints.connect_fails++;
  pool__tell_endpoint(pool, POOL_EVENT_CONNECT_FAIL, endpoint, error);
}

/* Connects that were under way together fail together: that counts as one
 * failure. What we lack ourselves is no failure of the endpoint: it rests, or
 * we would ask in vain again and again, but never for long. */
static void note_connect_fail(pool_t *pool, pool__endpoint_t *endpoint,
                              uint64_t begun, uint64_t since, int error) {
  int is_first = endpoint->fail_serial <= begun;
  int is_local = pool__conn_error_is_local(error);
  uint64_t now = pool__wheel_now(&pool->wheel);

  endpoint->connect_fails_in_row += !pool__endpoint_rests(endpoint);
  pool__dispatch_note_fail(pool, endpoint, error);
  if (is_first && !pool__settle_is_our_fault(pool, since, error)) {
    pool__load_failed(&endpoint->load, &pool->endpoints.typical, now);
    pool__health_bad(&pool->health, endpoint, now);
  }
  back_off(pool, endpoint, is_local ? LACK_MAX_MS : BACKOFF_MAX_MS);
}

/* The call, if any, that ends because a connect failed. One that wanted a new
 * connection takes any from now on: there may be none to have. */
static pool__call_t *whom_it_fails(pool_t *pool) {
  pool__link_t *fresh = pool__list_first(&pool->calls.lists[POOL__CALL_FRESH]);
  pool__call_t *call;

  if (fresh != NULL)
    pool__call_wait(&pool->calls, POOL__OF(fresh, pool__call_t, link));
  call = pool__call_first_waiting(&pool->calls);
  if (call == NULL || wanted(pool) <= connecting(pool) ||
      !pool__balance_exhausted(&pool->endpoints, call->serial))
    return NULL;
  return call;
}

pool__call_t *pool__dispatch_connect_fail(pool_t *pool,
                                          pool__endpoint_t *endpoint,
                                          uint64_t begun, uint64_t since,
                                          int error) {
  pool__call_t *call;

  note_connect_fail(pool, endpoint, begun, since, error);
  call = whom_it_fails(pool);
  if (call == NULL)
    return NULL;
  call->attempt.endpoint = endpoint;
  call->attempt.phase = POOL_CONNECTING;
  call->tries++;
  return pool__settle_failure(pool, call, error,
                              pool__conn_error_is_local(error) ? POOL__NOTHING
                                                               : POOL__BAD)
             ? call
             : NULL;
}

int pool__dispatch_is_full(const pool_t *pool) {
  const uint32_t *conns = pool->endpoints.conns;
  uint64_t room =
      (uint64_t)pool->endpoints.serving.length * pool->config.max_connections;

  return pool__list_empty(&pool->endpoints.leaving) &&
         (uint64_t)conns[POOL__CONN_CONNECTING] + conns[POOL__CONN_IDLE] +
                 conns[POOL__CONN_BUSY] + conns[POOL__CONN_CLOSING] >=
             room;
}

static void open_at(pool_t *pool, pool__endpoint_t *endpoint) {
  pool__conn_t *conn;
  int err = pool__endpoint_connect(endpoint, &pool->env, &conn);

  if (err == 0) {
    conn->begun = pool->fail_serial;
    if (pool->config.connect_timeout_ms != POOL_OFF)
      pool__conn_arm_by(conn, pool->config.connect_timeout_ms);
  } else if (pool__dispatch_connect_fail(pool, endpoint, pool->fail_serial,
                                         pool__wheel_now(&pool->wheel),
                                         err) != NULL) {
    pool__wake(pool);
  }
}

/* --- together --------------------------------------------------------------
 */

/* No connection can be opened now, and none comes free that would make room for
 * one: those who want a new one take any, or they would wait for an endpoint
 * that is down. */
static void take_any(pool_t *pool) {
  pool__link_t *link;

  if (connecting(pool) + pool->endpoints.conns[POOL__CONN_CLOSING] > 0)
    return;
  while ((link = pool__list_first(&pool->calls.lists[POOL__CALL_FRESH])) !=
         NULL)
    pool__call_wait(&pool->calls, POOL__OF(link, pool__call_t, link));
}

/* Calls that want a new connection: one has to be on its way for each. */
static void serve_fresh(pool_t *pool) {
  uint32_t left = length_of(pool, POOL__CALL_FRESH);

  while (left-- > 0 && length_of(pool, POOL__CALL_FRESH) > 0 &&
         connecting(pool) < wanted(pool)) {
    pool__link_t *link = pool__list_first(&pool->calls.lists[POOL__CALL_FRESH]);
    pool__balance_case_t given =
        case_of(pool, POOL__OF(link, pool__call_t, link));
    pool__endpoint_t *endpoint =
        pool__balance_pick(&pool->endpoints, &pool->random, &given);

    if (endpoint == NULL) {
      take_any(pool);
      return;
    }
    open_at(pool, endpoint);
  }
}

/* While a connection is being opened for each call that waits, an idle one will
 * do if there is one already. */
static pool__endpoint_t *choose(pool_t *pool, const pool__call_t *call,
                                int covered) {
  pool__balance_case_t given = case_of(pool, call);

  return covered ? pool__balance_ready(&pool->endpoints, &given)
                 : pool__balance_pick(&pool->endpoints, &pool->random, &given);
}

/* What could be done for a waiting call. */
typedef enum {
  NOTHING, /* nor could for those behind it */
  NOT_YET, /* for others, maybe */
  SOMETHING
} served_t;

static served_t serve(pool_t *pool, pool__call_t *call) {
  int covered = connecting(pool) >= wanted(pool);
  pool__endpoint_t *endpoint = pool__balance_only(&pool->endpoints);
  pool__conn_t *conn;

  if (endpoint == NULL)
    endpoint = choose(pool, call, covered);
  if (endpoint == NULL) {
    if (covered ? pool__list_empty(&pool->endpoints.ready)
                : pool->endpoints.able_count == 0)
      return NOTHING;
    look_again(pool, call);
    return NOT_YET;
  }
  if (!pool__list_empty(&endpoint->conns[POOL__CONN_IDLE])) {
    conn = pool__conns_check_out(endpoint);
    if (conn != NULL)
      start(pool, call, conn);
    return SOMETHING;
  }
  if (covered)
    return NOTHING;
  open_at(pool, endpoint);
  if (connecting(pool) < wanted(pool))
    return SOMETHING;
  if (call->state == POOL__CALL_WAITING &&
      !pool__list_empty(&pool->endpoints.ready))
    look_again(pool, call); /* the connect may take long */
  return NOTHING;
}

/* Calls in turn. One may have to wait for another endpoint than those that are
 * at hand: those behind it are not held up by that. */
static void serve_waiting(pool_t *pool) {
  const pool__list_t *waiting = &pool->calls.lists[POOL__CALL_WAITING];
  pool__link_t *link = pool__list_first(waiting);
  uint32_t passed = 0;

  while (link != NULL) {
    pool__call_t *call = POOL__OF(link, pool__call_t, link);
    served_t served;

    assert(call->pool == pool && call->state == POOL__CALL_WAITING);
    served = serve(pool, call);
    if (served == SOMETHING || call->state != POOL__CALL_WAITING) {
      link = pool__list_first(waiting); /* it may have left the queue */
      passed = 0;
      continue;
    }
    if (served == NOTHING || ++passed > PASSED_MAX)
      return;
    link = pool__list_next(waiting, link);
  }
}

void pool__dispatch_now(pool_t *pool) {
  int nowhere;

  if (length_of(pool, POOL__CALL_FRESH) > 0)
    serve_fresh(pool);
  serve_waiting(pool);
  if (wanted(pool) == 0) {
    if (pool->state == POOL__DRAINING)
      pool__conns_close_unused(pool, NULL);
    return;
  }
  nowhere = pool__dispatch_nowhere(pool);
  if (nowhere != 0)
    pool__settle_abort_waiting(pool, POOL__CALL_FRESH, nowhere);
}
