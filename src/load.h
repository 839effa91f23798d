/* What an endpoint costs: how long it takes, how often it fails.
 *
 * Latency is a peak EWMA (Finagle's PeakEwma): a slower answer counts at once
 * and in full, faster ones bring it down over ten seconds. What is not observed
 * any more decays towards what is typical of the pool, so that an endpoint that
 * was slow or failed once is tried again some day.
 *
 * A failed attempt tells no latency: it would make an endpoint that fails fast
 * the cheapest of all. It raises the penalty instead, a factor from 1, when all
 * goes well, to 1024.
 *
 * Everything is integer: the same in every build. Times are in ms of the
 * loop's clock. */
#ifndef POOL_LOAD_H_
#define POOL_LOAD_H_

#include <stdint.h>

#define POOL__LOAD_TAU_MS 10000u /* of the decay */
#define POOL__LOAD_ONE    256u   /* a penalty of 1, and a full ramp */

typedef struct {
  uint64_t latency_ns; /* peak EWMA, or 0 before the first answer */
  uint32_t fails;      /* EWMA of failures, in 2^-20 */
  uint64_t noted_at;
} pool__load_t;

/* An attempt was answered after `took_ms`, or failed. `typical` is the pool's,
 * and takes part. */
void pool__load_answered(pool__load_t *load, pool__load_t *typical,
                         uint64_t now, uint64_t took_ms);
void pool__load_failed(pool__load_t *load, pool__load_t *typical, uint64_t now);

/* As it is now: latency in us, at least 1000; the penalty in POOL__LOAD_ONE. */
typedef struct {
  uint64_t latency_us;
  uint32_t penalty;
} pool__load_now_t;

pool__load_now_t pool__load_now(const pool__load_t *load,
                                const pool__load_t *typical, uint64_t now);

#endif
