#include "health.h"

#define RATE_LEAST  20u    /* attempts that a rate is made of */
#define RATE_GOOD   80u    /* in a hundred: good enough whatever others do */
#define RATE_MARGIN 10u    /* in a hundred below the pool's */
#define CLEAN_MS    10000u /* without a change: an ejection is forgiven */
#define DOUBLINGS   6u     /* 5 s to 320 s */

static uint64_t now_of(const pool__health_t *health) {
  return pool__wheel_now(health->wheel);
}

/* Half of it for certain, half at random. */
static uint32_t jittered(pool__health_t *health, uint32_t ms) {
  return ms - ms / 2 + pool__random_below(health->random, ms / 2 + 1);
}

static uint32_t doubled(uint32_t ms, uint32_t times, uint32_t max_ms) {
  uint64_t more = (uint64_t)ms << (times < DOUBLINGS ? times : DOUBLINGS);

  return more < max_ms ? (uint32_t)more : max_ms;
}

static void on_timer(pool__timer_t *timer, uint64_t now);

/* The endpoint stands elsewhere from now on, for `in_ms` or, with 0, until
 * something happens. */
static void change(pool__health_t *health, pool__endpoint_t *endpoint,
                   pool_health_t to, pool_health_reason_t reason,
                   uint32_t in_ms) {
  if (in_ms > 0)
    pool__wheel_arm(health->wheel, &endpoint->health_timer, in_ms, on_timer);
  else
    pool__wheel_disarm(health->wheel, &endpoint->health_timer);
  endpoint->health_at = now_of(health);
  endpoint->health_owner = health;
  pool__endpoint_set_health(endpoint, to);
  health->ops->on_change(health, endpoint, reason, in_ms);
}

/* --- out -------------------------------------------------------------------
 */

static uint32_t ping_gap(pool__health_t *health, pool__endpoint_t *endpoint) {
  uint32_t ms;

  endpoint->ping_gap_ms =
      endpoint->ping_gap_ms == 0
          ? doubled(POOL__HEALTH_PING_MS, endpoint->ejected_in_row - 1,
                    POOL__HEALTH_PING_MAX_MS)
          : doubled(endpoint->ping_gap_ms, 1, POOL__HEALTH_PING_MAX_MS);
  ms = endpoint->ping_gap_ms;
  if (pool__health_all_out(health->all) && ms > POOL__HEALTH_PING_ALL_MS)
    ms = POOL__HEALTH_PING_ALL_MS;
  return jittered(health, ms);
}

/* The last one has gone out: those that were to be asked late are asked soon.
 */
static void ask_all_soon(pool__health_t *health) {
  pool__list_t *serving = &health->all->serving;
  pool__link_t *link = pool__list_first(serving);

  for (; link != NULL; link = pool__list_next(serving, link)) {
    pool__endpoint_t *endpoint = POOL__OF(link, pool__endpoint_t, link);

    if (pool__timer_armed(&endpoint->health_timer))
      pool__wheel_arm_by(health->wheel, &endpoint->health_timer,
                         jittered(health, POOL__HEALTH_PING_ALL_MS), on_timer);
  }
}

static void take_out(pool__health_t *health, pool__endpoint_t *endpoint,
                     pool_health_reason_t reason) {
  uint32_t ms;

  if (now_of(health) >= endpoint->health_at + CLEAN_MS &&
      endpoint->health != POOL_ON_TRIAL)
    endpoint->ejected_in_row = 0;
  endpoint->ejected_in_row++;
  endpoint->ejections++;
  health->all->ejections++;
  endpoint->ping_gap_ms = 0;
  if (health->limits.pings)
    ms = ping_gap(health, endpoint);
  else
    ms = jittered(health,
                  doubled(health->limits.eject_ms, endpoint->ejected_in_row - 1,
                          POOL__HEALTH_OUT_MAX_MS));
  change(health, endpoint, POOL_OUT, reason, ms);
  if (pool__health_all_out(health->all))
    ask_all_soon(health);
}

/* On suspicion at most half may be out. */
static int may_suspect(const pool__health_t *health) {
  return health->all->health[POOL_OUT] + 1 <= health->all->serving.length / 2;
}

static void suspect(pool__health_t *health, pool__endpoint_t *endpoint,
                    pool_health_reason_t reason) {
  if (may_suspect(health))
    take_out(health, endpoint, reason);
  else if (health->limits.pings)
    health->ops->on_ask(health, endpoint);
}

/* --- back ------------------------------------------------------------------
 */

static void forget(pool__endpoint_t *endpoint) {
  pool__endpoint_set_down(endpoint, 0);
  endpoint->fails_in_row = 0;
  pool__window_clear(&endpoint->window);
}

static void try_out(pool__health_t *health, pool__endpoint_t *endpoint,
                    pool_health_reason_t reason) {
  forget(endpoint);
  change(health, endpoint, POOL_ON_TRIAL, reason, 0);
}

/* Its share grows slowly, unless that would leave the load to a few. */
static void bring_back(pool__health_t *health, pool__endpoint_t *endpoint) {
  const uint32_t *counts = health->all->health;

  forget(endpoint);
  if ((counts[POOL_SLOW_START] + 1) * 2 > health->all->serving.length)
    change(health, endpoint, POOL_HEALTHY, POOL_BECAUSE_TRIAL, 0);
  else
    change(health, endpoint, POOL_SLOW_START, POOL_BECAUSE_TRIAL,
           POOL__HEALTH_RAMP_MS);
}

/* Out again; or, when that may not be, in service as it is: on trial it would
 * be the first in line for ever. */
static void fail_trial(pool__health_t *health, pool__endpoint_t *endpoint) {
  if (may_suspect(health)) {
    take_out(health, endpoint, POOL_BECAUSE_TRIAL_FAILED);
    return;
  }
  change(health, endpoint, POOL_HEALTHY, POOL_BECAUSE_PANIC, 0);
  if (health->limits.pings)
    health->ops->on_ask(health, endpoint);
}

/* The one that has been out longest on suspicion, or NULL. */
static pool__endpoint_t *longest_out(const pool__endpoints_t *all) {
  pool__link_t *link = pool__list_first(&all->serving);
  pool__endpoint_t *found = NULL;

  for (; link != NULL; link = pool__list_next(&all->serving, link)) {
    pool__endpoint_t *endpoint = POOL__OF(link, pool__endpoint_t, link);

    if (endpoint->health == POOL_OUT && !endpoint->is_down &&
        (found == NULL || endpoint->health_at < found->health_at))
      found = endpoint;
  }
  return found;
}

/* Fewer than half in service: what is merely suspected has to serve. */
static void panic(pool__health_t *health) {
  const pool__endpoints_t *all = health->all;
  pool__endpoint_t *endpoint;

  while (all->health[POOL_OUT] * 2 > all->serving.length &&
         all->down < all->health[POOL_OUT] &&
         (endpoint = longest_out(all)) != NULL) {
    forget(endpoint);
    change(health, endpoint, POOL_HEALTHY, POOL_BECAUSE_PANIC, 0);
  }
}

/* --- what is told ----------------------------------------------------------
 */

void pool__health_good(pool__health_t *health, pool__endpoint_t *endpoint,
                       uint64_t now) {
  endpoint->fails_in_row = 0;
  pool__window_note(&endpoint->window, now, 1);
  if (endpoint->health == POOL_ON_TRIAL && !endpoint->leaving)
    bring_back(health, endpoint);
}

static int fails_too_often(const pool__health_t *health,
                           const pool__endpoint_t *endpoint, uint64_t now) {
  pool__window_sum_t own = pool__window_sum(&endpoint->window, now);
  pool__window_sum_t pool = pool__window_sum(health->typical, now);
  uint64_t rate, typical; /* of successes, in a hundred */

  if (own.good + own.bad < RATE_LEAST || pool.good + pool.bad < RATE_LEAST)
    return 0;
  rate = own.good * 100 / (own.good + own.bad);
  typical = pool.good * 100 / (pool.good + pool.bad);
  return rate < RATE_GOOD && rate + RATE_MARGIN < typical;
}

void pool__health_bad(pool__health_t *health, pool__endpoint_t *endpoint,
                      uint64_t now) {
  endpoint->fails_in_row++;
  pool__window_note(&endpoint->window, now, 0);
  if (health->limits.eject_after == POOL_OFF || endpoint->leaving ||
      endpoint->health == POOL_OUT)
    return;
  if (endpoint->health == POOL_ON_TRIAL)
    fail_trial(health, endpoint);
  else if (endpoint->fails_in_row >= health->limits.eject_after)
    suspect(health, endpoint, POOL_BECAUSE_FAILS);
  else if (fails_too_often(health, endpoint, now))
    suspect(health, endpoint, POOL_BECAUSE_RATE);
}

void pool__health_pinged(pool__health_t *health, pool__endpoint_t *endpoint,
                         pool__ping_end_t end) {
  if (endpoint->leaving)
    return;
  if (endpoint->health != POOL_OUT) {
    if (end == POOL__PING_ANSWERED)
      endpoint->fails_in_row = 0;
    if (end != POOL__PING_FAILED)
      return;
    pool__endpoint_set_down(endpoint, 1);
    take_out(health, endpoint, POOL_BECAUSE_PING_FAILED);
  } else if (end == POOL__PING_ANSWERED) {
    try_out(health, endpoint, POOL_BECAUSE_PING);
  } else {
    if (end == POOL__PING_FAILED)
      pool__endpoint_set_down(endpoint, 1);
    pool__wheel_arm(health->wheel, &endpoint->health_timer,
                    ping_gap(health, endpoint), on_timer);
  }
  panic(health);
}

void pool__health_left(pool__health_t *health, pool__endpoint_t *endpoint) {
  pool__wheel_disarm(health->wheel, &endpoint->health_timer);
  panic(health);
  if (health->limits.pings && pool__health_all_out(health->all))
    ask_all_soon(health);
}

static void on_timer(pool__timer_t *timer, uint64_t now) {
  pool__endpoint_t *endpoint = POOL__OF(timer, pool__endpoint_t, health_timer);
  pool__health_t *health = endpoint->health_owner;

  (void)now;
  if (endpoint->health == POOL_SLOW_START)
    change(health, endpoint, POOL_HEALTHY, POOL_BECAUSE_STARTED, 0);
  else if (health->limits.pings)
    health->ops->on_ask(health, endpoint);
  else
    try_out(health, endpoint, POOL_BECAUSE_TIME);
}
