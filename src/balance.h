/* Which endpoint: decisions without effects.
 *
 * Power of two choices (Mitzenmacher, "The Power of Two Choices in Randomized
 * Load Balancing", 2001) among the able endpoints: of two at random the one
 * that costs less, which is
 *
 *   (attempts in hand + 1) * latency * penalty / (weight * ramp)
 *
 * Latencies within a factor of two are taken for the same: what is left is
 * noise. Of equals one with an idle connection is chosen. No endpoint can draw
 * more than two of n requests by looking good, and one that fails fast looks
 * bad (load.h).
 *
 * An endpoint is passed over that the call was tried on already, or that fails
 * far more often than the pool does; and if that leaves nothing able while
 * another one will be when something there ends, the call had better wait. Not
 * for long, for an endpoint that is full may be stuck: then what was tried will
 * do, and one that fails is asked again, one request at a time. */
#ifndef POOL_BALANCE_H_
#define POOL_BALANCE_H_

#include "endpoint.h"
#include "random.h"

#define POOL__TRIAL_PATIENCE_MS 10000u
#define POOL__BALANCE_PROBE_MS  250u

/* Who asks. */
typedef struct {
  uint64_t now;
  const uint32_t *tried; /* [tried_count] ids of endpoints, all different */
  uint32_t tried_count;
  unsigned repeatable : 1; /* may be tried again if it fails */
  unsigned fresh : 1;      /* wants a new connection */
  unsigned patient : 1;    /* may still wait for an endpoint it likes better */
} pool__balance_case_t;

/* Where the request goes: over an idle connection if there is one there (and
 * it is not to be fresh), else over a new one. An endpoint on trial gets the
 * next request that is repeatable, or after a while any. When nothing that
 * serves is left but endpoints that rest, without a connection that could come
 * free, the one that failed longest ago is tried all the same. NULL: nowhere
 * now; when something has ended, ask again. O(1), but for requests that want a
 * new connection while most that are able have no room for one. */
pool__endpoint_t *pool__balance_pick(const pool__endpoints_t *all,
                                     pool__random_t *random,
                                     const pool__balance_case_t *given);

/* The endpoint that is the only choice, now and later, for whomever; or NULL.
 */
static inline pool__endpoint_t *
pool__balance_only(const pool__endpoints_t *all) {
  return all->able_count == 1 && all->usable == 1 ? all->able[0] : NULL;
}

/* An endpoint with an idle connection that will do; NULL when there is none at
 * hand. O(1). */
pool__endpoint_t *pool__balance_ready(const pool__endpoints_t *all,
                                      const pool__balance_case_t *given);

/* What a request there costs, for comparison. */
uint64_t pool__balance_cost(const pool__endpoint_t *endpoint, uint64_t now);

/* Whether there is an endpoint in service that was not tried. O(1), but
 * O(endpoints) when so few are usable that all of them may have been. */
int pool__balance_elsewhere(const pool__endpoints_t *all,
                            const pool__balance_case_t *given);

/* Whether every endpoint has failed to connect since `serial`, or is out, and
 * has no open connection that could come free: whoever waits since then has
 * nowhere left to go. O(endpoints). */
int pool__balance_exhausted(const pool__endpoints_t *all, uint64_t serial);

#endif
