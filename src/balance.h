/* Which endpoint: decisions without effects. */
#ifndef POOL_BALANCE_H_
#define POOL_BALANCE_H_

#include "endpoint.h"

/* What a connect may go to. */
typedef struct {
  uint32_t max_connections; /* of an endpoint, in any state */
  uint32_t max_connecting;  /* of them, being opened */
} pool__balance_limits_t;

/* The endpoint whose idle connection serves the next request: the first on the
 * ready list. NULL when there is none. O(1). */
static inline pool__endpoint_t *
pool__balance_ready(const pool__endpoints_t *all) {
  pool__link_t *link = pool__list_first(&all->ready);

  return link == NULL ? NULL : POOL__OF(link, pool__endpoint_t, ready);
}

/* The endpoint that a new connection goes to: of those with room the one with
 * the fewest attempts and connects in hand, the first of equals. One whose
 * latest connect failed a moment ago is passed over; but when there is no
 * connection at all, the one that failed longest ago is tried all the same.
 * NULL when there is none. O(endpoints). */
pool__endpoint_t *pool__balance_connect(const pool__endpoints_t *all,
                                        const pool__balance_limits_t *limits);

/* Whether every endpoint has failed to connect since `serial`, and has no open
 * connection that could come free: whoever waits since then has nowhere left
 * to go. O(endpoints). */
int pool__balance_exhausted(const pool__endpoints_t *all, uint64_t serial);

#endif
