#include "balance.h"

static uint32_t in_hand(const pool__endpoint_t *endpoint) {
  return endpoint->conns[POOL__CONN_BUSY].length +
         endpoint->conns[POOL__CONN_CONNECTING].length;
}

static int has_room(const pool__endpoint_t *endpoint,
                    const pool__balance_limits_t *limits) {
  return pool__endpoint_conns(endpoint) < limits->max_connections &&
         endpoint->conns[POOL__CONN_CONNECTING].length < limits->max_connecting;
}

static int backs_off(const pool__endpoint_t *endpoint) {
  return pool__timer_armed(&endpoint->backoff);
}

pool__endpoint_t *pool__balance_connect(const pool__endpoints_t *all,
                                        const pool__balance_limits_t *limits) {
  pool__link_t *link = pool__list_first(&all->serving);
  pool__endpoint_t *best = NULL;
  pool__endpoint_t *last_resort = NULL;
  int hope = 0;

  for (; link != NULL; link = pool__list_next(&all->serving, link)) {
    pool__endpoint_t *endpoint = POOL__OF(link, pool__endpoint_t, link);

    /* Any connection: it comes free, is opened, or makes room. */
    hope |= pool__endpoint_conns(endpoint) > 0;
    if (!has_room(endpoint, limits))
      continue;
    if (backs_off(endpoint)) {
      if (last_resort == NULL ||
          endpoint->fail_serial < last_resort->fail_serial)
        last_resort = endpoint;
    } else if (best == NULL || in_hand(endpoint) < in_hand(best)) {
      best = endpoint;
    }
  }
  return best == NULL && !hope ? last_resort : best;
}

int pool__balance_exhausted(const pool__endpoints_t *all, uint64_t serial) {
  pool__link_t *link = pool__list_first(&all->serving);

  for (; link != NULL; link = pool__list_next(&all->serving, link)) {
    pool__endpoint_t *endpoint = POOL__OF(link, pool__endpoint_t, link);

    if (endpoint->fail_serial <= serial ||
        !pool__list_empty(&endpoint->conns[POOL__CONN_IDLE]) ||
        !pool__list_empty(&endpoint->conns[POOL__CONN_BUSY]))
      return 0;
  }
  return 1;
}
