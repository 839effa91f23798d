#include "balance.h"

#include "health.h"

#define RAMP_MIN   (POOL__LOAD_ONE / 10) /* it begins with a tenth */
#define POOR_TIMES 8u  /* the pool's penalty: an endpoint to be passed over */
#define LOOKS      64u /* at others, when the first choice will not do */

/* --- cost ------------------------------------------------------------------
 */

static uint32_t ramp_of(const pool__endpoint_t *endpoint, uint64_t now) {
  uint64_t ramp;

  if (endpoint->health == POOL_HEALTHY)
    return POOL__LOAD_ONE;
  if (endpoint->health != POOL_SLOW_START)
    return RAMP_MIN;
  ramp = (now - endpoint->health_at) * POOL__LOAD_ONE / POOL__HEALTH_RAMP_MS;
  if (ramp > POOL__LOAD_ONE)
    return POOL__LOAD_ONE;
  return ramp < RAMP_MIN ? RAMP_MIN : (uint32_t)ramp;
}

static pool__load_now_t load_of(const pool__endpoint_t *endpoint,
                                uint64_t now) {
  return pool__load_now(&endpoint->load, &endpoint->all->typical, now);
}

/* At most 2^17 * 2^24 * 2^18 in hand, latency and penalty. */
static uint64_t cost_at(const pool__endpoint_t *endpoint, uint64_t now,
                        uint64_t latency_us, uint32_t penalty) {
  uint64_t cost =
      (pool__endpoint_in_hand(endpoint) + 1ull) * latency_us * penalty;

  return cost * 16 / ((uint64_t)endpoint->weight * ramp_of(endpoint, now));
}

uint64_t pool__balance_cost(const pool__endpoint_t *endpoint, uint64_t now) {
  pool__load_now_t load = load_of(endpoint, now);

  return cost_at(endpoint, now, load.latency_us, load.penalty);
}

static pool__endpoint_t *cheaper(pool__endpoint_t *a, pool__endpoint_t *b,
                                 uint64_t now) {
  pool__load_now_t of_a = load_of(a, now);
  pool__load_now_t of_b = load_of(b, now);
  uint64_t cost_a, cost_b;

  if (of_a.latency_us < 2 * of_b.latency_us &&
      of_b.latency_us < 2 * of_a.latency_us)
    of_a.latency_us = of_b.latency_us;
  cost_a = cost_at(a, now, of_a.latency_us, of_a.penalty);
  cost_b = cost_at(b, now, of_b.latency_us, of_b.penalty);
  if (cost_a != cost_b)
    return cost_a < cost_b ? a : b;
  return pool__list_empty(&a->conns[POOL__CONN_IDLE]) ? b : a;
}

/* --- who will do -----------------------------------------------------------
 */

static int was_tried(const pool__endpoint_t *endpoint,
                     const pool__balance_case_t *given) {
  uint32_t i;

  for (i = 0; i < given->tried_count; i++)
    if (given->tried[i] == endpoint->id)
      return 1;
  return 0;
}

static int is_poor(const pool__endpoint_t *endpoint, uint64_t now) {
  const pool__load_t *typical = &endpoint->all->typical;

  return endpoint->load.fails > typical->fails &&
         load_of(endpoint, now).penalty >
             POOR_TIMES * pool__load_now(typical, typical, now).penalty;
}

static int can_serve(const pool__endpoint_t *endpoint,
                     const pool__balance_case_t *given) {
  return !given->fresh ||
         (pool__endpoint_has_room(endpoint) && !pool__endpoint_rests(endpoint));
}

/* One on trial may fail it: that should hurt nobody, at first. */
static int may_try(const pool__endpoint_t *endpoint,
                   const pool__balance_case_t *given) {
  return endpoint->health != POOL_ON_TRIAL || given->repeatable ||
         given->now >= endpoint->health_at + POOL__TRIAL_PATIENCE_MS;
}

/* What the call would rather not have. */
static int is_disliked(const pool__endpoint_t *endpoint,
                       const pool__balance_case_t *given) {
  return !may_try(endpoint, given) || was_tried(endpoint, given);
}

/* Who is out of patience may see whether one that is poor still is; one request
 * at a time, for it has more than one who would. */
static int may_probe(const pool__endpoint_t *endpoint,
                     const pool__balance_case_t *given) {
  return !given->patient && pool__endpoint_in_hand(endpoint) == 0 &&
         given->now >= endpoint->load.noted_at + POOL__BALANCE_PROBE_MS;
}

static int will_do(const pool__endpoint_t *endpoint,
                   const pool__balance_case_t *given) {
  return can_serve(endpoint, given) &&
         !(given->patient && is_disliked(endpoint, given)) &&
         (!is_poor(endpoint, given->now) || may_probe(endpoint, given));
}

/* --- choice ----------------------------------------------------------------
 */

/* Of those at rest the one that failed longest ago, unless one is being tried;
 * each has its turn, so if there is no room yet it is waited for. */
static pool__endpoint_t *wake_one(const pool__endpoints_t *all) {
  pool__link_t *link = pool__list_first(&all->resting);
  pool__endpoint_t *first;
  uint32_t looks = LOOKS;

  if (link == NULL)
    return NULL;
  first = POOL__OF(link, pool__endpoint_t, rest);
  for (; link != NULL && looks > 0;
       link = pool__list_next(&all->resting, link), looks--) {
    pool__endpoint_t *endpoint = POOL__OF(link, pool__endpoint_t, rest);

    if (!pool__list_empty(&endpoint->conns[POOL__CONN_CONNECTING]))
      return NULL;
  }
  return pool__endpoint_has_room(first) ? first : NULL;
}

static pool__endpoint_t *two_choices(const pool__endpoints_t *all,
                                     pool__random_t *random, uint64_t now) {
  uint32_t a, b;

  if (all->able_count == 1)
    return all->able[0];
  a = pool__random_below(random, all->able_count);
  b = pool__random_below(random, all->able_count - 1);
  if (b >= a)
    b++;
  return cheaper(all->able[a], all->able[b], now);
}

/* Some able endpoints behind one another, from a random one on: the first that
 * will do. As many as there are to pass over, and some more. */
static pool__endpoint_t *look_on(const pool__endpoints_t *all,
                                 pool__random_t *random,
                                 const pool__balance_case_t *given) {
  uint32_t looks = given->fresh ? all->able_count : LOOKS + given->tried_count;
  uint32_t at = pool__random_below(random, all->able_count);
  uint32_t i;

  for (i = 0; i < looks && i < all->able_count; i++) {
    if (will_do(all->able[at], given))
      return all->able[at];
    at = at + 1 < all->able_count ? at + 1 : 0;
  }
  return NULL;
}

/* One on trial that this request may go to, before all others. */
static pool__endpoint_t *on_trial(const pool__endpoints_t *all,
                                  const pool__balance_case_t *given) {
  pool__link_t *link = pool__list_first(&all->trials);
  pool__endpoint_t *endpoint;

  if (link == NULL)
    return NULL;
  endpoint = POOL__OF(link, pool__endpoint_t, trial);
  if (!can_serve(endpoint, given) || is_disliked(endpoint, given))
    return NULL;
  return endpoint;
}

pool__endpoint_t *pool__balance_pick(const pool__endpoints_t *all,
                                     pool__random_t *random,
                                     const pool__balance_case_t *given) {
  pool__endpoint_t *chosen;
  pool__endpoint_t *other;

  if (all->able_count == 0)
    return all->usable > 0 ? NULL : wake_one(all);
  chosen = on_trial(all, given);
  if (chosen != NULL)
    return chosen;
  chosen = two_choices(all, random, given->now);
  if (will_do(chosen, given))
    return chosen;
  other = look_on(all, random, given);
  if (other != NULL)
    return other;
  if (!can_serve(chosen, given) ||
      (all->usable > all->able_count && pool__balance_elsewhere(all, given)))
    return NULL;
  return chosen;
}

pool__endpoint_t *pool__balance_ready(const pool__endpoints_t *all,
                                      const pool__balance_case_t *given) {
  pool__link_t *link = pool__list_first(&all->ready);
  uint32_t looks = LOOKS;

  for (; link != NULL && looks > 0;
       link = pool__list_next(&all->ready, link), looks--) {
    pool__endpoint_t *endpoint = POOL__OF(link, pool__endpoint_t, ready);

    if (will_do(endpoint, given))
      return endpoint;
  }
  return NULL;
}

int pool__balance_elsewhere(const pool__endpoints_t *all,
                            const pool__balance_case_t *given) {
  pool__link_t *link = pool__list_first(&all->serving);

  if (all->usable > given->tried_count)
    return 1;
  for (; link != NULL; link = pool__list_next(&all->serving, link)) {
    const pool__endpoint_t *endpoint = POOL__OF(link, pool__endpoint_t, link);

    if (endpoint->usable && !was_tried(endpoint, given))
      return 1;
  }
  return 0;
}

int pool__balance_exhausted(const pool__endpoints_t *all, uint64_t serial) {
  pool__link_t *link = pool__list_first(&all->serving);

  for (; link != NULL; link = pool__list_next(&all->serving, link)) {
    pool__endpoint_t *endpoint = POOL__OF(link, pool__endpoint_t, link);

    if (endpoint->health != POOL_OUT &&
        (endpoint->fail_serial <= serial ||
         !pool__list_empty(&endpoint->conns[POOL__CONN_IDLE]) ||
         !pool__list_empty(&endpoint->conns[POOL__CONN_BUSY])))
      return 0;
  }
  return 1;
}
