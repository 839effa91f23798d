/* Brings waiting calls and connections together. */
#ifndef POOL_DISPATCH_H_
#define POOL_DISPATCH_H_

#include "pool.h"

/* Gives connections to waiting calls, oldest first, and opens connections while
 * calls that wait outnumber those being opened. Runs no user code. */
void pool__dispatch_now(pool_t *pool);
static inline void pool__dispatch(pool_t *pool) {
  if (pool->calls.lists[POOL__CALL_WAITING].length +
              pool->calls.lists[POOL__CALL_FRESH].length >
          0 ||
      pool->state != POOL__OPEN)
    pool__dispatch_now(pool);
}

/* Gives a connection that was opened just now to a call that wants a new one,
 * if there is such a call. */
void pool__dispatch_fresh(pool_t *pool, pool__conn_t *conn);

/* Every connection that may be is there. */
int pool__dispatch_is_full(const pool_t *pool);

/* Why no request could go anywhere: POOL_ENOENDPOINT, POOL_EUNHEALTHY; or 0. */
static inline int pool__dispatch_nowhere(const pool_t *pool) {
  if (pool->endpoints.health[POOL_OUT] < pool->endpoints.serving.length)
    return 0;
  return pool__list_empty(&pool->endpoints.serving) ? POOL_ENOENDPOINT
                                                    : POOL_EUNHEALTHY;
}

/* A connection could not be opened: notes it; and settles what follows, and
 * returns the call whose callback is due, or NULL. `begun`: pool->fail_serial
 * when the connect began, at `since`. */
void pool__dispatch_note_fail(pool_t *pool, pool__endpoint_t *endpoint,
                              int error);
pool__call_t *pool__dispatch_connect_fail(pool_t *pool,
                                          pool__endpoint_t *endpoint,
                                          uint64_t begun, uint64_t since,
                                          int error);

#endif
