/* The invariants of a pool, asserted after each turn of a debug build: each
 * thing is in exactly one place, and every count is what it counts. */
#include "pool.h"

#ifdef HTTPOOL_CHECK

#include <stdio.h>
#include <stdlib.h>

/* Not assert(): a checking build checks even where NDEBUG is defined. */
#define CHECK(fact)                                                            \
  do {                                                                         \
    if (!(fact)) {                                                             \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #fact);       \
      abort();                                                                 \
    }                                                                          \
  } while (0)

static void check_call(const pool_t *pool, const pool__call_t *call,
                       pool__call_state_t state) {
  CHECK(call->state == state);
  CHECK(call->pool == pool && call->done != NULL);
  CHECK(pool__call_find(&pool->calls, pool__call_id(call)) == call);
  CHECK((call->attempt.conn != NULL) == (state == POOL__CALL_ACTIVE));
  if (call->flow != NULL)
    CHECK(call->flow->call == call);
  if (state == POOL__CALL_ACTIVE)
    CHECK(call->attempt.flow == call->flow);
  if (state == POOL__CALL_ENDED)
    return;
  CHECK(call->error == 0);
  if (state == POOL__CALL_BACKOFF)
    CHECK(pool__timer_armed(&call->deadline) &&
          call->deadline.due <= call->retry_at);
  if (state == POOL__CALL_FRESH)
    CHECK(pool__timer_armed(&call->deadline) &&
          call->deadline.due <= call->patient_until);
  if (call->due != UINT64_MAX)
    CHECK(pool__timer_armed(&call->deadline) &&
          call->deadline.due <= call->due);
}

static void check_conn(const pool_t *pool, const pool__endpoint_t *endpoint,
                       const pool__conn_t *conn, pool__conn_state_t state) {
  CHECK(conn->state == state);
  CHECK(conn->endpoint == endpoint);
  CHECK(conn->env == &pool->env);
  CHECK((conn->attempt != NULL) == (state == POOL__CONN_BUSY));
  CHECK(!uv_is_closing((const uv_handle_t *)&conn->tcp) ==
        (state != POOL__CONN_CLOSING));
  if (state == POOL__CONN_CLOSING)
    CHECK(!pool__timer_armed(&conn->timer));
  if (state == POOL__CONN_IDLE)
    CHECK(!conn->sending);
  if (state != POOL__CONN_BUSY)
    return;
  CHECK(conn->attempt->conn == conn && conn->attempt->endpoint == endpoint);
  if (conn->attempt->is_ping)
    CHECK(conn->attempt == &endpoint->ping->attempt &&
          endpoint->ping->conn == conn);
  else
    check_call(pool, POOL__OF(conn->attempt, pool__call_t, attempt),
               POOL__CALL_ACTIVE);
}

/* Whether a request could go there, by other means than endpoint.c. */
static int is_able(const pool_t *pool, const pool__endpoint_t *endpoint) {
  const pool__list_t *conns = endpoint->conns;
  uint32_t in_hand =
      conns[POOL__CONN_BUSY].length + conns[POOL__CONN_CONNECTING].length;
  uint32_t all = in_hand + conns[POOL__CONN_IDLE].length +
                 conns[POOL__CONN_CLOSING].length;

  if (endpoint->leaving || endpoint->health == POOL_OUT ||
      (endpoint->health == POOL_ON_TRIAL && in_hand > endpoint->leftover))
    return 0;
  return conns[POOL__CONN_IDLE].length > 0 ||
         (!pool__timer_armed(&endpoint->backoff) &&
          all < pool->config.max_connections &&
          conns[POOL__CONN_CONNECTING].length < pool->config.max_connecting);
}

/* What is known of an endpoint beside its lists. */
static void check_standing(const pool__endpoint_t *endpoint) {
  const pool__list_t *busy = &endpoint->conns[POOL__CONN_BUSY];
  pool__link_t *link = pool__list_first(busy);
  uint32_t old = 0;

  for (; link != NULL; link = pool__list_next(busy, link))
    old += POOL__OF(link, pool__conn_t, link)->attempt->started_at <
           endpoint->health_at;
  if (endpoint->health == POOL_ON_TRIAL)
    CHECK(endpoint->leftover == old);
  CHECK(pool__link_listed(&endpoint->trial) ==
        (endpoint->health == POOL_ON_TRIAL &&
         endpoint->able != POOL__ENDPOINT_UNABLE));
  CHECK(endpoint->usable ==
        (!endpoint->leaving && endpoint->health != POOL_OUT &&
         (!pool__endpoint_rests(endpoint) || busy->length > 0 ||
          endpoint->conns[POOL__CONN_IDLE].length > 0)));
}

static void check_endpoint(const pool_t *pool, const pool__endpoint_t *endpoint,
                           int leaving, uint32_t *sums) {
  uint32_t sum = 0;
  int s;

  CHECK(endpoint->leaving == (unsigned)leaving);
  CHECK((endpoint->able != POOL__ENDPOINT_UNABLE) == is_able(pool, endpoint));
  if (endpoint->able != POOL__ENDPOINT_UNABLE)
    CHECK(pool->endpoints.able[endpoint->able] == endpoint);
  CHECK(pool__endpoint_rests(endpoint) ==
        pool__timer_armed(&endpoint->backoff));
  CHECK(endpoint->conn_count <= pool->config.max_connections);
  CHECK(endpoint->conns[POOL__CONN_CONNECTING].length <=
        pool->config.max_connecting);
  CHECK(
      pool__link_listed(&endpoint->ready) ==
      (is_able(pool, endpoint) && endpoint->conns[POOL__CONN_IDLE].length > 0));
  if (leaving)
    CHECK(endpoint->conns[POOL__CONN_IDLE].length == 0 &&
          endpoint->conns[POOL__CONN_CONNECTING].length == 0);
  for (s = 0; s < POOL__CONN_STATES; s++) {
    const pool__list_t *list = &endpoint->conns[s];
    pool__link_t *link = pool__list_first(list);
    uint32_t n = 0;

    for (; link != NULL; link = pool__list_next(list, link), n++)
      check_conn(pool, endpoint, POOL__OF(link, pool__conn_t, link),
                 (pool__conn_state_t)s);
    CHECK(n == list->length);
    sums[s] += n;
    sum += n;
  }
  CHECK(sum == endpoint->conn_count);
  check_standing(endpoint);
}

static void check_endpoints(const pool_t *pool) {
  const pool__endpoints_t *all = &pool->endpoints;
  uint32_t sums[POOL__CONN_STATES] = {0};
  uint32_t health[POOL_SLOW_START + 1] = {0};
  uint32_t usable = 0, down = 0;
  pool__link_t *link;
  int s;

  for (link = pool__list_first(&all->serving); link != NULL;
       link = pool__list_next(&all->serving, link)) {
    const pool__endpoint_t *endpoint = POOL__OF(link, pool__endpoint_t, link);

    check_endpoint(pool, endpoint, 0, sums);
    health[endpoint->health]++;
    usable += endpoint->usable;
    down += endpoint->is_down;
  }
  for (link = pool__list_first(&all->leaving); link != NULL;
       link = pool__list_next(&all->leaving, link))
    check_endpoint(pool, POOL__OF(link, pool__endpoint_t, link), 1, sums);
  for (s = 0; s < POOL__CONN_STATES; s++)
    CHECK(sums[s] == all->conns[s]);
  for (s = 0; s <= POOL_SLOW_START; s++)
    CHECK(health[s] == all->health[s]);
  CHECK(usable == all->usable && down == all->down);
}

static void check_calls(const pool_t *pool) {
  const pool__calls_t *calls = &pool->calls;
  uint32_t sum = calls->active;
  int s;

  CHECK(pool__list_empty(&calls->lists[POOL__CALL_FREE]));
  CHECK(pool__list_empty(&calls->lists[POOL__CALL_ACTIVE]));
  for (s = 0; s < POOL__CALL_STATES; s++) {
    const pool__list_t *list = &calls->lists[s];
    pool__link_t *link = pool__list_first(list);
    uint32_t n = 0;

    for (; link != NULL; link = pool__list_next(list, link), n++)
      check_call(pool, POOL__OF(link, pool__call_t, link),
                 (pool__call_state_t)s);
    CHECK(n == list->length);
    sum += n;
  }
  CHECK(sum == calls->pending);
  CHECK(calls->accepted ==
        calls->succeeded + calls->failed + calls->cancelled + calls->pending);
  CHECK(calls->active + pool->pings.active ==
        pool->endpoints.conns[POOL__CONN_BUSY]);
  CHECK(pool->wheel.closed || pool->wheel.held || calls->pending == 0);
}

/* Whoever waits has something to wait for, and whoever is put off has a turn
 * coming. */
static void check_progress(const pool_t *pool) {
  const uint32_t *conns = pool->endpoints.conns;

  if (pool->calls.lists[POOL__CALL_ENDED].length > 0 ||
      pool->events.count > 0 || pool->calls.flows.due.length > 0)
    CHECK(uv_is_active((const uv_handle_t *)&pool->later) ||
          pool->handles_closing);
  if (pool->calls.lists[POOL__CALL_WAITING].length +
          pool->calls.lists[POOL__CALL_FRESH].length ==
      0)
    return;
  CHECK(pool->state != POOL__CLOSING);
  CHECK(conns[POOL__CONN_BUSY] + conns[POOL__CONN_CONNECTING] +
            conns[POOL__CONN_CLOSING] >
        0);
}

void pool__check(const pool_t *pool) {
  check_endpoints(pool);
  check_calls(pool);
  check_progress(pool);
  CHECK(pool->replies.lent <= pool->calls.pending + pool->pings.active + 1);
}

#else
typedef int pool__check_is_off; /* a translation unit must not be empty */
#endif
