/* The retry budget of a pool: how many retries it can afford.
 *
 * Successes pay for retries: each answered first attempt puts in a share of a
 * token, each retry takes out a whole one. So retries are that share of what
 * succeeds, at most; where nothing succeeds there soon are none, and retries
 * make no outage worse. (Finagle's RetryBudget pays per request instead: in a
 * total outage its clients go on retrying.)
 *
 * One token a second comes on top while at least half of the latest ten
 * seconds' attempts were answered, or there were none: a pool with little to do
 * can retry too. What is not spent within ten seconds is gone. A pool begins
 * with the ten tokens of a quiet one.
 *
 * Time is in ms of the loop's clock and may not go back. Nothing here has a
 * timer: seconds are caught up with when somebody asks. */
#ifndef POOL_BUDGET_H_
#define POOL_BUDGET_H_

#include "window.h"

#define POOL__BUDGET_SECONDS POOL__WINDOW_SECONDS

typedef struct {
  uint64_t second;       /* the newest one */
  uint32_t per_cent;     /* of a token, for each success */
  pool__window_t window; /* first attempts: answered, or not */
  /* Tokens that are left of what each second put in, in thousandths; by second,
   * modulo. */
  uint32_t milli[POOL__BUDGET_SECONDS];
} pool__budget_t;

/* `per_cent`: tokens for a hundred successes. */
void pool__budget_init(pool__budget_t *budget, uint32_t per_cent, uint64_t now);

/* A first attempt came to its end: answered, or not. */
void pool__budget_note(pool__budget_t *budget, uint64_t now, int answered);

/* A retry is to be scheduled: 1, and it is paid for; or 0. `live` retries are
 * scheduled or under way, of `in_hand` calls that are under way or wait for
 * their retry: at most half of them, or ten. (A server that dies takes its
 * share of them with it, and there may be two servers only; the tokens bound
 * the rest.) */
int pool__budget_take(pool__budget_t *budget, uint64_t now, uint32_t live,
                      uint32_t in_hand);

/* One that was paid for was not even tried after all. */
void pool__budget_give_back(pool__budget_t *budget, uint64_t now);

/* Tokens that are there, in thousandths. */
uint32_t pool__budget_left(pool__budget_t *budget, uint64_t now);

#endif
