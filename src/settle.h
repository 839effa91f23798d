/* How attempts end, and what becomes of their calls: another attempt, now or
 * after a while, or the end. Nothing here but pool__settle_timer() and
 * pool__settle_answer() runs user code. */
#ifndef POOL_SETTLE_H_
#define POOL_SETTLE_H_

#include "pool.h"

static inline pool__call_t *pool__call_of(pool__attempt_t *attempt) {
  return POOL__OF(attempt, pool__call_t, attempt);
}

/* What an attempt tells of its endpoint. */
typedef enum {
  POOL__GOOD,
  POOL__BUSY_SERVER, /* it says that it is overloaded: no fault, but a reason to
                        go elsewhere */
  POOL__BAD,
  POOL__NOTHING /* it failed for our own reasons, or met a stale connection */
} pool__verdict_t;

/* Whether what began at `since`, and fails now, does so for what we lack, or
 * because our own loop was blocked: it is found late, or timed out while for
 * the most part nobody looked. */
int pool__settle_is_our_fault(const pool_t *pool, uint64_t since, int error);

/* Takes an attempt that is over off its connection, which then is idle, or
 * closing for `error` or because it cannot be used again; and lets the endpoint
 * know. Returns what it was told. */
pool__verdict_t pool__settle_release(pool_t *pool, pool__attempt_t *attempt,
                                     int error);

/* A call's attempt has failed, or could not begin: it is tried again (0), or
 * ENDED (1) and its callback is due. The attempt is on no connection any more;
 * `verdict` is what its release returned. */
int pool__settle_failure(pool_t *pool, pool__call_t *call, int error,
                         pool__verdict_t verdict);

/* A call's attempt, which is on a connection, fails where no callback may run:
 * both of the above, and if the call has ended its callback is put off. */
void pool__settle_fail(pool_t *pool, pool__call_t *call, int error);

/* A call is answered, and ENDED. Asks on_retry, if there is one: 0 when it is
 * tried again; 1 when its callback is due. */
int pool__settle_answer(pool_t *pool, pool__call_t *call,
                        pool__verdict_t verdict);

/* Takes a pending call off its connection, which is closed, and settles how it
 * ends; its callback runs from the loop. */
void pool__settle_abort(pool_t *pool, pool__call_t *call, int error);

/* As above, all calls that wait, in states up to `last`: FRESH for a
 * connection, BACKOFF for their time too. */
void pool__settle_abort_waiting(pool_t *pool, pool__call_state_t last,
                                int error);

/* The callback of a call's timer: its deadline, the end of its backoff, or of
 * its patience. */
void pool__settle_timer(pool__timer_t *timer, uint64_t now);

#endif
