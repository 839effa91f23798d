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

/* Open connections may come free, those being opened may succeed. */
static int has_hope(const pool__endpoints_t *all) {
  return all->conns[POOL__CONN_IDLE] + all->conns[POOL__CONN_BUSY] +
             all->conns[POOL__CONN_CONNECTING] >
         0;
}

pool__endpoint_t *pool__balance_ready(const pool__endpoints_t *all) {
  pool__link_t *link = pool__list_first(&all->ready);

  return link == NULL ? NULL : POOL__OF(link, pool__endpoint_t, ready);
}

pool__endpoint_t *pool__balance_connect(const pool__endpoints_t *all,
                                        const pool__balance_limits_t *limits) {
  pool__link_t *link = pool__list_first(&all->serving);
  pool__endpoint_t *best = NULL;
  pool__endpoint_t *last_resort = NULL;

  for (; link != NULL; link = pool__list_next(&all->serving, link)) {
    pool__endpoint_t *endpoint = POOL__OF(link, pool__endpoint_t, link);

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
  return best == NULL && !has_hope(all) ? last_resort : best;
}

int pool__balance_exhausted(const pool__endpoints_t *all, uint64_t serial) {
  pool__link_t *link = pool__list_first(&all->serving);

  if (all->conns[POOL__CONN_IDLE] + all->conns[POOL__CONN_BUSY] > 0)
    return 0;
  for (; link != NULL; link = pool__list_next(&all->serving, link)) {
    pool__endpoint_t *endpoint = POOL__OF(link, pool__endpoint_t, link);

    if (endpoint->fail_serial <= serial)
      return 0;
  }
  return 1;
}
