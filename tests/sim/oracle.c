/* What holds between any two polls, and at the end. */
#include <string.h>

#include "pool.h"
#include "world.h"

/* More than README's table comes to for these settings. */
static uint64_t memory_bound(const world_t *world) {
  const pool_config_t *config = &world->config;
  uint64_t conns = (uint64_t)world->endpoints * config->max_connections * 2;
  uint64_t answer =
      18432 + 2ull * config->max_head_bytes + config->max_body_bytes;

  return 1000000 + conns * (1024 + answer * 2) +
         (uint64_t)world->last_stats.peak_pending * (1024 + 4096 + 100000);
}

static void check_sums(const world_t *world, const pool_stats_t *s) {
  if (s->accepted != s->succeeded + s->failed + s->cancelled + s->pending)
    trace_fail("%llu accepted, but %llu + %llu + %llu + %u",
               (unsigned long long)s->accepted,
               (unsigned long long)s->succeeded, (unsigned long long)s->failed,
               (unsigned long long)s->cancelled, s->pending);
  if (s->pending != world->pending || s->accepted != world->accepted)
    trace_fail("%u pending, not %u", s->pending, world->pending);
  if (s->refused != world->refused)
    trace_fail("%llu refused, not %llu", (unsigned long long)s->refused,
               (unsigned long long)world->refused);
  if (s->succeeded != world->succeeded || s->cancelled != world->cancelled ||
      s->failed + s->cancelled != world->failed)
    trace_fail("successes and failures are not what the callbacks said");
  if (s->active != s->busy || s->waiting + s->active > s->pending)
    trace_fail("%u active on %u busy connections, %u waiting of %u", s->active,
               s->busy, s->waiting, s->pending);
  if (s->bytes_allocated != world->heap.bytes)
    trace_fail("%llu bytes allocated, not %zu",
               (unsigned long long)s->bytes_allocated, world->heap.bytes);
  if (s->bytes_allocated > memory_bound(world))
    trace_fail("%llu bytes allocated: too many",
               (unsigned long long)s->bytes_allocated);
}

/* Counters never go back. */
static void check_growth(const pool_stats_t *old, const pool_stats_t *now) {
  if (now->accepted < old->accepted || now->refused < old->refused ||
      now->succeeded < old->succeeded || now->failed < old->failed ||
      now->cancelled < old->cancelled || now->connects < old->connects ||
      now->connect_fails < old->connect_fails || now->reuses < old->reuses ||
      now->stale < old->stale || now->unsolicited < old->unsolicited ||
      now->peak_pending < old->peak_pending)
    trace_fail("a counter went back");
}

/* A socket is a connection that is not closing: libuv has closed the socket
 * of one that is. */
static void check_sockets(const world_t *world, const pool_stats_t *s) {
  uint32_t open = kernel_open_files();
  uint32_t i;

  if (open != s->connecting + s->idle + s->busy)
    trace_fail("%u sockets for %u + %u + %u connections", open, s->connecting,
               s->idle, s->busy);
  if (world->on[KIND_ENDPOINT_REMOVED])
    return; /* one that was added again is another one */
  for (i = 0; i < world->endpoints; i++) {
    const site_t *site = &world->sites[i];
    uint32_t sockets = tcp_clients_of(site->port, site->v6);

    if (sockets > world->config.max_connections)
      trace_fail("%u sockets at endpoint %u", sockets, i);
  }
}

void oracle_check(world_t *world) {
  pool_stats_t stats;

  if (world->pool == NULL)
    return;
  world->checks++;
  pool__check(world->pool);
  if (world->phase == PHASE_OVER)
    return;
  pool_stats(world->pool, &stats);
  check_sums(world, &stats);
  check_growth(&world->last_stats, &stats);
  check_sockets(world, &stats);
  world->last_stats = stats;
}

/* In a world without faults connections are opened once and used on and on. */
static void check_reuse(const world_t *world) {
  const pool_stats_t *s = &world->last_stats;

  if (s->accepted > 2000 && s->reuses * 100 < s->accepted * 95)
    trace_fail("%llu reuses for %llu calls", (unsigned long long)s->reuses,
               (unsigned long long)s->accepted);
  if (s->peak_pending > 0 && s->connect_fails + s->unsolicited > 0)
    trace_fail("connects failed in a world without faults");
}

/* One endpoint that never takes a connection is tried less and less often. */
static void check_backoff(const world_t *world) {
  uint64_t rounds = 12 + world->chaos_ms / 9000;

  if (world->mode != WORLD_SINGLE ||
      kind_info(world->single)->group != GROUP_CONNECT ||
      world->single > KIND_SYN_TIMEOUT || world->single == KIND_SLOW_CONNECT)
    return;
  if (world->hits[world->single] > rounds * world->config.max_connecting)
    trace_fail("an endpoint that fails was tried %llu times",
               (unsigned long long)world->hits[world->single]);
}

void oracle_settled(world_t *world) {
  origin_check_rest(world);
  if (world->removals != world->farewells)
    trace_fail("%u endpoints removed, %u events", world->removals,
               world->farewells);
}

/* What the pool says of each endpoint is what its server saw. */
static void check_endpoints(const world_t *world) {
  uint64_t sum = 0;
  uint32_t i;

  for (i = 0; i < world->endpoints; i++) {
    const site_t *site = &world->sites[i];
    pool_endpoint_stats_t s;

    if (pool_endpoint_stats(world->pool, site->address, &s) != 0)
      trace_fail("no numbers of endpoint %u", i);
    if (s.attempts != site->served || s.succeeded != s.attempts ||
        s.failed > 0 || s.last_error != 0 || s.connects != site->connects)
      trace_fail(
          "endpoint %u: %llu attempts, %llu succeeded, %llu connects, "
          "but %llu requests on %llu connections",
          i, (unsigned long long)s.attempts, (unsigned long long)s.succeeded,
          (unsigned long long)s.connects, (unsigned long long)site->served,
          (unsigned long long)site->connects);
    sum += s.attempts;
  }
  if (sum != world->accepted)
    trace_fail("%llu attempts for %llu calls", (unsigned long long)sum,
               (unsigned long long)world->accepted);
}

/* What was sent has succeeded or failed, when nothing is under way. */
static void check_attempts(const world_t *world) {
  uint32_t i;

  for (i = 0; i < world->endpoints; i++) {
    pool_endpoint_stats_t s;

    if (pool_endpoint_stats(world->pool, world->sites[i].address, &s) != 0 ||
        s.attempts != s.succeeded + s.failed)
      trace_fail("endpoint %u: %llu attempts, but %llu + %llu", i,
                 (unsigned long long)s.attempts,
                 (unsigned long long)s.succeeded, (unsigned long long)s.failed);
  }
}

void oracle_at_rest(world_t *world) {
  check_attempts(world);
  if (world->mode == WORLD_QUIET)
    check_endpoints(world);
}

void oracle_end(world_t *world) {
  if (!world->closed)
    trace_fail("the pool's last callback has not run");
  if (world->heap.blocks != 0)
    trace_fail("%zu blocks of memory are left", world->heap.blocks);
  if (kernel_open_files() != 0 || tcp_clients() != 0)
    trace_fail("%u descriptors are left", kernel_open_files());
  if (world->pending != 0)
    trace_fail("%u calls have not ended", world->pending);
  if (world->mode == WORLD_QUIET)
    check_reuse(world);
  check_backoff(world);
}
