/* A pool: what it owns, and what its files know of each other.
 *
 *   pool.c      its life: create, drain, close, and work put off to the loop
 *   request.c   the door in: admission, cancel
 *   dispatch.c  brings waiting calls and connections together
 *   conns.c     connections that serve nobody
 *   hear.c      what connections tell
 *   settle.c    how attempts end, and what becomes of their calls
 *   ping.c      asks endpoints whether they are well
 *   stats.c     its numbers
 *   check.c     its invariants, in debug builds
 *
 * User code runs from three doors only: pool__call_finish(), on_retry in
 * settle.c, and the events told in pool.c. Each is the last thing a uv callback
 * does with what it knows, or looks at the pool afresh afterwards. What ends
 * inside a pool_*() call is put off: pool__wake() has it told from the loop. */
#ifndef POOL_POOL_H_
#define POOL_POOL_H_

#include "balance.h"
#include "budget.h"
#include "call.h"
#include "event.h"
#include "health.h"
#include "ping.h"
#include "retry.h"

typedef enum {
  POOL__OPEN,     /* takes requests */
  POOL__DRAINING, /* takes none; what is pending goes on */
  POOL__CLOSING   /* everything ends */
} pool__state_t;

struct pool_s {
  pool__state_t state;
  pool__calls_t calls;
  pool__mem_t mem;
  pool_config_t config; /* without zeroes */
  pool__attempt_limits_t attempt_limits;
  pool__endpoints_t endpoints;
  pool__health_t health;
  pool__pings_t pings;
  pool__budget_t budget;
  pool__random_t random;
  pool__conn_env_t env;
  pool__reply_stash_t replies;
  pool__events_t events;
  uint64_t fail_serial; /* connects that failed so far */
  uint64_t stale;
  uint64_t unsolicited;
  uint64_t retries;
  uint64_t replays;
  uint64_t retries_denied;
  uint32_t retries_live; /* paid for, and not over */
  uv_idle_t
      later; /* started, and keeps the loop alive, while work is put off */
  uv_check_t after_poll; /* started while a connection is fresh from use */
  unsigned handles;      /* of ours, not closed yet; the wheel's too */
  uint8_t watches_poll;  /* after_poll is started */
  unsigned handles_closing : 1;
  unsigned drained_told : 1;
  void (*close_cb)(void *data);
  void *close_data;
  pool__wheel_t wheel;
};

/* What connections tell a pool. */
extern const pool__conn_ops_t pool__hear_ops;

/* Has what was put off done soon, by the loop. */
void pool__wake(pool_t *pool);

/* Queues an event. */
void pool__tell(pool_t *pool, const pool_event_t *event);

/* As above, one of an endpoint, or of none (NULL); one of a connection. */
void pool__tell_endpoint(pool_t *pool, pool_event_type_t type,
                         const pool__endpoint_t *endpoint, int error);
void pool__tell_conn(const pool__conn_t *conn, pool_event_type_t type,
                     int error);

/* Runs the callback of an ENDED call. Nothing but the pool may be relied on
 * after it. */
void pool__finish(pool_t *pool, pool__call_t *call);

/* Frees a closing pool if all its handles and connections are gone. */
void pool__maybe_destroy(pool_t *pool);

/* Asserts every invariant; nothing in release builds. */
#ifdef HTTPOOL_CHECK
void pool__check(const pool_t *pool);
#else
static inline void pool__check(const pool_t *pool) {
  (void)pool;
}
#endif

#endif
