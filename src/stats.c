/* The numbers of a pool and of its endpoints. */
#include "config.h"
#include "pool.h"

static void count_calls(const pool_t *pool, pool_stats_t *stats) {
  const pool__calls_t *calls = &pool->calls;

  stats->max_pending = calls->max_pending;
  stats->pending = calls->pending;
  stats->peak_pending = calls->peak_pending;
  stats->waiting = calls->lists[POOL__CALL_WAITING].length +
                   calls->lists[POOL__CALL_FRESH].length;
  stats->backoff = calls->lists[POOL__CALL_BACKOFF].length;
  stats->active = calls->active;
  stats->accepted = calls->accepted;
  stats->refused = calls->refused;
  stats->succeeded = calls->succeeded;
  stats->failed = calls->failed;
  stats->cancelled = calls->cancelled;
  stats->reuses = calls->reuses;
}

static void count_conns(const pool_t *pool, pool_stats_t *stats) {
  const uint32_t *conns = pool->endpoints.conns;

  stats->connecting = conns[POOL__CONN_CONNECTING];
  stats->idle = conns[POOL__CONN_IDLE];
  stats->busy = conns[POOL__CONN_BUSY];
  stats->closing = conns[POOL__CONN_CLOSING];
  stats->endpoints = pool->endpoints.serving.length;
  stats->connects = pool->endpoints.connects;
  stats->connect_fails = pool->endpoints.connect_fails;
  stats->stale = pool->stale;
  stats->unsolicited = pool->unsolicited;
  stats->out = pool->endpoints.health[POOL_OUT];
  stats->ejections = pool->endpoints.ejections;
  stats->pings = pool->pings.sent;
}

void pool_stats_sized(const pool_t *pool, pool_stats_t *out, size_t size) {
  pool_stats_t stats;

  if (out == NULL)
    return;
  memset(&stats, 0, sizeof stats);
  if (pool != NULL) {
    count_calls(pool, &stats);
    count_conns(pool, &stats);
    stats.retries = pool->retries;
    stats.replays = pool->replays;
    stats.retries_denied = pool->retries_denied;
    stats.events_lost = pool->events.lost_ever;
    stats.bytes_allocated = pool->mem.bytes;
  }
  pool__sized_write(out, size, &stats, sizeof stats);
}

static void tell_health(const pool_t *pool, const pool__endpoint_t *endpoint,
                        pool_endpoint_stats_t *stats) {
  uint64_t now = pool__wheel_now(&pool->wheel);
  pool__window_sum_t sum = pool__window_sum(&endpoint->window, now);
  pool__load_now_t load =
      pool__load_now(&endpoint->load, &pool->endpoints.typical, now);

  stats->health = endpoint->health;
  stats->weight = endpoint->weight;
  if (endpoint->load.latency_ns != 0)
    stats->latency_ms = (uint32_t)(load.latency_us / 1000);
  stats->fails_in_row = endpoint->fails_in_row;
  stats->recent = (uint32_t)(sum.good + sum.bad);
  stats->recent_fails = (uint32_t)sum.bad;
  stats->ejections = endpoint->ejections;
  stats->pings = endpoint->pings;
}

int pool_endpoint_stats_sized(const pool_t *pool, const char *address,
                              pool_endpoint_stats_t *out, size_t size) {
  pool_endpoint_stats_t stats;
  pool__endpoint_t *endpoint;
  int err;

  if (pool == NULL || address == NULL || out == NULL)
    return UV_EINVAL;
  err = pool__endpoint_find(&pool->endpoints, address, &endpoint);
  if (err != 0)
    return err;
  memset(&stats, 0, sizeof stats);
  stats.connecting = endpoint->conns[POOL__CONN_CONNECTING].length;
  stats.idle = endpoint->conns[POOL__CONN_IDLE].length;
  stats.busy = endpoint->conns[POOL__CONN_BUSY].length;
  stats.closing = endpoint->conns[POOL__CONN_CLOSING].length;
  stats.attempts = endpoint->attempts;
  stats.succeeded = endpoint->succeeded;
  stats.failed = endpoint->failed;
  stats.connects = endpoint->connects;
  stats.connect_fails = endpoint->connect_fails;
  stats.last_error = endpoint->last_error;
  tell_health(pool, endpoint, &stats);
  pool__sized_write(out, size, &stats, sizeof stats);
  return 0;
}
