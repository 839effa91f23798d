/* The numbers of a pool and of its endpoints. */
#include "config.h"
#include "pool.h"

static void count_calls(const pool_t *pool, pool_stats_t *stats) {
  const pool__calls_t *calls = &pool->calls;

  stats->max_pending = calls->max_pending;
  stats->pending = calls->pending;
  stats->peak_pending = calls->peak_pending;
  stats->waiting = calls->lists[POOL__CALL_WAITING].length;
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
}

void pool_stats_sized(const pool_t *pool, pool_stats_t *out, size_t size) {
  pool_stats_t stats;

  if (out == NULL)
    return;
  memset(&stats, 0, sizeof stats);
  if (pool != NULL) {
    count_calls(pool, &stats);
    count_conns(pool, &stats);
    stats.events_lost = pool->events.lost_ever;
    stats.bytes_allocated = pool->mem.bytes;
  }
  pool__sized_write(out, size, &stats, sizeof stats);
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
  pool__sized_write(out, size, &stats, sizeof stats);
  return 0;
}
