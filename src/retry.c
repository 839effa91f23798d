#include "retry.h"

#include <uv.h>

#include "httpool.h"

#define DOUBLINGS_MAX 20u /* base_ms of a day still fits */

/* --- classes ---------------------------------------------------------------
 */

/* Ends that say nothing of the endpoint, or that another try would meet too. */
static int is_final(int error) {
  return error == UV_ECANCELED || error == POOL_ECLOSING ||
         error == POOL_EOVERLOADED || error == POOL_ENOENDPOINT ||
         error == POOL_EUNHEALTHY || error == POOL_ETOOLARGE ||
         error == UV_ENOMEM || error == UV_EINVAL;
}

static int is_hangup(int error) {
  return error == POOL_EHANGUP || error == UV_ECONNRESET || error == UV_EPIPE;
}

pool__retry_class_t pool__retry_class(const pool__retry_failure_t *failure) {
  if (is_final(failure->error))
    return POOL__RETRY_NEVER;
  if (!failure->sent)
    return POOL__RETRY_UNSENT;
  if (!failure->repeatable)
    return POOL__RETRY_NEVER;
  if (failure->reused && !failure->answered && is_hangup(failure->error))
    return POOL__RETRY_STALE;
  return POOL__RETRY_AMBIGUOUS;
}

/* --- decisions -------------------------------------------------------------
 */

static uint32_t backoff_ms(const pool__retry_case_t *given) {
  uint32_t doublings = given->attempts - 1;
  uint64_t most = given->base_ms;

  most <<= doublings < DOUBLINGS_MAX ? doublings : DOUBLINGS_MAX;
  if (most > POOL__RETRY_CAP_MS)
    most = POOL__RETRY_CAP_MS;
  return (uint32_t)(given->random % (most + 1));
}

static uint32_t delay_ms(const pool__retry_case_t *given) {
  if (given->class == POOL__RETRY_UNSENT && given->attempts <= 1 &&
      given->elsewhere)
    return 0;
  if (given->class == POOL__RETRY_JUDGED && given->delay_ms != POOL__RETRY_ANY)
    return given->delay_ms;
  return backoff_ms(given);
}

static int is_in_time(const pool__retry_case_t *given, uint32_t delay) {
  uint64_t left = given->due > given->now ? given->due - given->now : 0;

  return given->due == UINT64_MAX || delay + given->likely_ms < left;
}

int pool__retry_decide(const pool__retry_case_t *given,
                       pool__retry_plan_t *plan) {
  pool__retry_plan_t made = {0};

  if (given->class == POOL__RETRY_NEVER || given->max_attempts <= 1)
    return 0;
  if (given->class == POOL__RETRY_STALE && !given->had_free) {
    made.is_free = made.is_fresh = 1;
  } else {
    if (given->attempts >= given->max_attempts)
      return 0;
    made.delay_ms = delay_ms(given);
  }
  if (!is_in_time(given, made.delay_ms))
    return 0;
  *plan = made;
  return 1;
}
