/* The health of endpoints: the only writer of where one stands.
 *
 *                    .-- panic, limit ---.
 *                    v                   |
 *   HEALTHY ------> OUT ----> ON_TRIAL --+--> SLOW_START ------> HEALTHY
 *      fails, rate   ^  time,     |  answered      ten seconds
 *                    |  or ping   | failed
 *                    `------------'
 *
 * Taken out is who fails eject_after times in a row, or, of at least 20 in ten
 * seconds, more than a fifth and ten in a hundred more than the pool does:
 * for eject_ms, doubled each time it comes at once again, half of it at random
 * so that pools do not come back in step. Without a way to ask, at most half
 * are out, and never the only one.
 *
 * With pings an endpoint that is out is asked until it answers; and one that
 * may not be taken out for there are too many out already is asked too. Who
 * does not answer a ping is down, which is more than a suspicion: all may be.
 * When the ones that are down leave less than half in service, those that are
 * merely suspected come back (panic). While all are out nothing but a ping can
 * end that: then pings come often.
 *
 * Decisions only: what happens then is for the owner's functions. Memory is the
 * endpoints'. */
#ifndef POOL_HEALTH_H_
#define POOL_HEALTH_H_

#include "endpoint.h"
#include "random.h"

#define POOL__HEALTH_RAMP_MS     10000u
#define POOL__HEALTH_OUT_MAX_MS  300000u
#define POOL__HEALTH_PING_MS     1000u /* until the first one, about */
#define POOL__HEALTH_PING_MAX_MS 15000u
#define POOL__HEALTH_PING_ALL_MS 2000u /* at most, while all are out */

typedef struct {
  uint32_t eject_after; /* or POOL_OFF */
  uint32_t eject_ms;
  unsigned pings : 1; /* there is a way to ask */
} pool__health_limits_t;

typedef struct pool__health_s pool__health_t;

/* What follows. Neither runs user code. */
typedef struct {
  /* It stands elsewhere now; `in_ms` to its next change, 0 when open. */
  void (*on_change)(pool__health_t *health, pool__endpoint_t *endpoint,
                    pool_health_reason_t reason, uint32_t in_ms);
  /* It is to be asked; pool__health_pinged() follows, at once if there is no
   * socket for it. */
  void (*on_ask)(pool__health_t *health, pool__endpoint_t *endpoint);
} pool__health_ops_t;

struct pool__health_s {
  pool__health_limits_t limits;
  pool__endpoints_t *all;
  pool__wheel_t *wheel;
  pool__random_t *random;
  const pool__window_t *typical; /* how the pool does: first attempts */
  const pool__health_ops_t *ops;
};

/* An attempt or a connect went well, or badly. Not to be told: refusals for
 * overload, connections that were stale, ends of our own making, and what
 * failed while our own loop was blocked. */
void pool__health_good(pool__health_t *health, pool__endpoint_t *endpoint,
                       uint64_t now);
void pool__health_bad(pool__health_t *health, pool__endpoint_t *endpoint,
                      uint64_t now);

typedef enum {
  POOL__PING_ANSWERED,
  POOL__PING_FAILED,
  POOL__PING_VOID /* it tells nothing: ask again */
} pool__ping_end_t;

/* How a ping ended. */
void pool__health_pinged(pool__health_t *health, pool__endpoint_t *endpoint,
                         pool__ping_end_t end);

/* An endpoint serves no more: its timer stops, and others may have to come
 * back. Call it after pool__endpoint_leave(). */
void pool__health_left(pool__health_t *health, pool__endpoint_t *endpoint);

/* Every endpoint is out: no request could go anywhere. */
static inline int pool__health_all_out(const pool__endpoints_t *all) {
  return all->health[POOL_OUT] == all->serving.length;
}

#endif
