/* What holds between any two polls, and at the end. */
#include <string.h>

#include "pool.h"
#include "streams.h"

#define SLOTS_AT_ONCE   32u
#define READ_BYTES      65536u /* of one read */
#define LONG_HEAD_BYTES 8192u  /* of a request, at most */

/* What README's table comes to for what there is now. An endpoint that was
 * removed and added again is there twice for a while, or more often. */
static uint64_t memory_bound(const world_t *world, const pool_stats_t *s) {
  const pool_config_t *config = &world->config;
  uint64_t conns = s->connecting + s->idle + s->busy + s->closing;
  uint64_t gathered = s->pending - world->telling; /* others hold a read */
  uint64_t gathering = s->busy < gathered ? s->busy : gathered;
  uint64_t answer = 18432 + 2ull * config->max_head_bytes;
  uint64_t bodies =
      gathering * config->max_body_bytes + (s->busy - gathering) * READ_BYTES +
      (uint64_t)world->uploading * (config->high_water_bytes + 64);
  uint64_t kept = s->succeeded + s->failed > 0 ? 32 * 66 * 1024 : 0;
  uint64_t endpoints = world->endpoints + world->removals;

  return 80 * 1024 + 1024 * endpoints + conns * 1024 + s->busy * answer +
         bodies + kept + (uint64_t)(s->peak_pending + SLOTS_AT_ONCE) * 1024 +
         (uint64_t)s->peak_pending * 4096 +
         (uint64_t)s->pending * LONG_HEAD_BYTES + world->copied;
}

static int has_pings(const world_t *world) {
  return world->config.ping_path != NULL;
}

/* Retries are paid for: by what a quiet pool has, by time, by successes. One
 * that was not sent is paid back. */
static void check_budget(const world_t *world, const pool_stats_t *s) {
  uint64_t paid = s->retries - s->replays;
  uint64_t ratio = world->config.retry_ratio;
  uint64_t most = 12 + timeline_now() / 1000000 +
                  (s->succeeded + s->failed) * ratio / 100 + world->given_up;

  if (world->config.max_attempts == 1 ? s->retries > 0 : paid > most)
    trace_fail("%llu retries, and %llu replays; %llu could be paid for",
               (unsigned long long)paid, (unsigned long long)s->replays,
               (unsigned long long)most);
  if (world->mode == WORLD_QUIET && (s->retries > 0 || s->ejections > 0))
    trace_fail("%llu retries and %llu ejections in a world without faults",
               (unsigned long long)s->retries,
               (unsigned long long)s->ejections);
}

/* Who is out comes back, is tried or asked, when that was said. */
static void check_out(const world_t *world, const pool_stats_t *s) {
  uint64_t slack_ms = 200 + world->config.resolution_ms;
  uint64_t now_ms = uv_now(&world->loop);
  uint32_t i;

  if (s->events_lost > 0 || world->lost_us > 0 || has_pings(world) ||
      world->drained > 0)
    return;
  for (i = 0; i < world->endpoints; i++)
    if (world->sites[i].out_since_ms > 0 && world->sites[i].in_pool &&
        now_ms > world->sites[i].out_until_ms + slack_ms)
      trace_fail("endpoint %u is out for longer than was said", i);
  if (s->out > s->endpoints / 2)
    trace_fail("%u of %u endpoints are out", s->out, s->endpoints);
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
  if (s->active > s->busy ||
      s->busy - s->active > (has_pings(world) ? s->endpoints : 0) ||
      s->waiting + s->active + s->backoff > s->pending)
    trace_fail("%u active on %u busy connections, %u waiting, %u backing off "
               "of %u",
               s->active, s->busy, s->waiting, s->backoff, s->pending);
  if (s->bytes_allocated != world->heap.bytes)
    trace_fail("%llu bytes allocated, not %zu",
               (unsigned long long)s->bytes_allocated, world->heap.bytes);
  if (s->bytes_allocated > memory_bound(world, s))
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
      now->retries < old->retries || now->replays < old->replays ||
      now->ejections < old->ejections || now->pings < old->pings ||
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
  check_budget(world, &stats);
  check_out(world, &stats);
  streams_check(world);
  world->last_stats = stats;
}

/* In a world without faults connections are opened once and used on and on. */
static void check_reuse(const world_t *world) {
  const pool_stats_t *s = &world->last_stats;

  if (s->accepted > 2000 && s->reuses * 100 < s->accepted * 95)
    trace_fail("%llu reuses for %llu calls", (unsigned long long)s->reuses,
               (unsigned long long)s->accepted);
  if (s->accepted == 0 || s->connect_fails + s->unsolicited > 0)
    trace_fail("%llu calls in a world without faults, %llu connects failed",
               (unsigned long long)s->accepted,
               (unsigned long long)s->connect_fails);
}

/* With one kind that strikes single calls or connections, each strike fails no
 * more than one call but those that it struck. */
static void check_bystanders(const world_t *world) {
  if (world->mode == WORLD_SINGLE && !kind_is_wide(world->single) &&
      world->bystanders > world->hits[world->single])
    trace_fail("%s struck %llu times, and failed %llu bystanders",
               kind_info(world->single)->name,
               (unsigned long long)world->hits[world->single],
               (unsigned long long)world->bystanders);
}

/* One endpoint that never takes a connection is tried less and less often; for
 * what the process itself lacks it rests for two seconds at most. */
static void check_backoff(const world_t *world) {
  uint32_t rest_ms = world->single == KIND_NO_ADDRESS ? 1800 : 9000;
  uint64_t rounds = 12 + world->chaos_ms / rest_ms;

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

/* No connection is left: what was opened was closed, and told. */
static void check_opened(const world_t *world) {
  const pool_stats_t *s = &world->last_stats;

  if (s->events_lost == 0 &&
      (s->connects != world->opened ||
       s->connects - s->idle - s->busy != world->hung_up))
    trace_fail("%llu connects; events told of %llu, and of %llu ends",
               (unsigned long long)s->connects,
               (unsigned long long)world->opened,
               (unsigned long long)world->hung_up);
}

/* Of an endpoint that was out until lately a ping's connection may be left. */
static void check_rest(const world_t *world) {
  uint32_t most = has_pings(world) ? world->endpoints : 0;

  if (world->pending > 0 || tcp_clients() > most)
    trace_fail("at rest there are %u pending, %u sockets", world->pending,
               tcp_clients());
}

void oracle_at_rest(world_t *world) {
  check_rest(world);
  check_opened(world);
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
  check_bystanders(world);
}
