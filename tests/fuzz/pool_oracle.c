#include "pool_oracle.h"

#include "pool_actor.h"

uint32_t oracle_serving(const world_t *world) {
  uint32_t n = 0;
  uint32_t i;

  for (i = 0; i < world->place_count; i++)
    n += world->places[i].serves;
  return n;
}

void oracle_name(const world_t *world, const char *endpoint) {
  uint32_t i = 0;

  while (i < world->place_count && strcmp(world->places[i].name, endpoint) != 0)
    i++;
  FUZZ_CHECK(i < world->place_count);
}

/* --- numbers ---------------------------------------------------------------
 */

static void check_counters(const world_t *world, const pool_stats_t *stats) {
  FUZZ_CHECK(stats->accepted == stats->succeeded + stats->failed +
                                    stats->cancelled + stats->pending);
  FUZZ_CHECK(stats->pending == world->pending);
  FUZZ_CHECK(stats->max_pending == world->max_pending);
  FUZZ_CHECK(stats->refused == world->refused);
  FUZZ_CHECK(stats->succeeded == world->succeeded);
  FUZZ_CHECK(stats->failed == world->failed);
  FUZZ_CHECK(stats->cancelled == world->cancelled);
  FUZZ_CHECK(stats->endpoints == oracle_serving(world));
  FUZZ_CHECK(stats->waiting + stats->active <= stats->pending);
  FUZZ_CHECK(stats->busy == stats->active);
  FUZZ_CHECK(stats->bytes_allocated == world->heap.bytes);
}

void oracle_stats(const world_t *world) {
  pool_stats_t stats;

  pool_stats(world->pool, &stats);
  check_counters(world, &stats);
}

/* An endpoint that was removed and added again has connections twice. */
static uint32_t count_twins(const pool__list_t *endpoints, const char *name) {
  pool__link_t *link = pool__list_first(endpoints);
  uint32_t n = 0;

  for (; link != NULL; link = pool__list_next(endpoints, link))
    n += strcmp(POOL__OF(link, pool__endpoint_t, link)->name, name) == 0;
  return n;
}

static void check_sockets(const world_t *world, const pool_stats_t *stats) {
  const pool__endpoints_t *all = &world->pool->endpoints;
  uint32_t i;

  FUZZ_CHECK(kernel_open_files() ==
             stats->connecting + stats->idle + stats->busy);
  for (i = 0; i < world->place_count; i++) {
    const place_t *place = &world->places[i];
    uint32_t twins = count_twins(&all->serving, place->name) +
                     count_twins(&all->leaving, place->name);

    FUZZ_CHECK(tcp_clients_of(place->port, place->v6) <=
               twins * world->pool->config.max_connections);
  }
}

void oracle_poll(const world_t *world) {
  pool_stats_t stats;

  pool__check(world->pool);
  pool_stats(world->pool, &stats);
  check_counters(world, &stats);
  check_sockets(world, &stats);
}

/* --- results ---------------------------------------------------------------
 */

uint64_t oracle_digest(const pool_result_t *result) {
  uint64_t sum = (uint64_t)result->status;
  size_t i, k;

  for (i = 0; i < result->header_count; i++) {
    const pool_header_t *h = &result->headers[i];

    FUZZ_CHECK(strlen(h->name) == h->name_len && h->name_len > 0);
    FUZZ_CHECK(strlen(h->value) == h->value_len);
    for (k = 0; k < h->name_len; k++)
      sum = sum * 31 + (unsigned char)h->name[k];
    for (k = 0; k < h->value_len; k++)
      sum = sum * 31 + (unsigned char)h->value[k];
  }
  for (i = 0; i < result->body_len; i++)
    sum = sum * 31 + (unsigned char)result->body[i];
  return sum;
}

static void check_failure(const pool_result_t *result) {
  FUZZ_CHECK(result->error < 0 && result->status == 0);
  FUZZ_CHECK(result->header_count == 0 && result->body_len == 0);
}

/* Some timer can have fired: of connects, of a request under way, or its
 * deadline. */
static int can_time_out(const call_t *call, pool_phase_t phase) {
  const pool_config_t *config = &call->world->pool->config;

  if (timeline_now() + 1000 + call->behind_us >= call->due_us)
    return 1;
  if (phase <= POOL_CONNECTING)
    return config->connect_timeout_ms != POOL_OFF;
  return config->head_timeout_ms != POOL_OFF ||
         config->stall_timeout_ms != POOL_OFF;
}

/* A request fails for a reason that is there: where servers answer well and
 * nothing is in the way, none does. */
static int is_explained(const call_t *call, const pool_result_t *result) {
  const world_t *world = call->world;

  switch (result->error) {
  case UV_ECANCELED:
    return call->cancelled;
  case POOL_ECLOSING:
    return world->closes;
  case POOL_ENOENDPOINT:
    return world->bare > 0; /* there may be one again by now */
  case UV_ENOMEM:
    return world->heap.failures > 0;
  case POOL_ELENGTH:
    return call->is_wrong;
  case POOL_EPARSE:
    return world->soiled > 0;
  case POOL_ETOOLARGE:
    return world->soiled > 0 || world->pool->config.max_body_bytes < 1000;
  case POOL_EHANGUP:
  case UV_ECONNRESET:
  case UV_EPIPE:
    return world->cuts + world->faults > 0;
  case UV_ETIMEDOUT:
    return can_time_out(call, result->phase) ||
           world->faults + world->turned_away > 0;
  default:
    return world->faults + world->turned_away > 0;
  }
}

static void check_success(const world_t *world, const pool_result_t *result) {
  FUZZ_CHECK(result->status >= 200 && result->status <= 999);
  FUZZ_CHECK(result->phase == POOL_COMPLETE && result->attempts >= 1);
  FUZZ_CHECK(result->endpoint != NULL);
  FUZZ_CHECK(result->body_len <= world->pool->config.max_body_bytes);
}

uint32_t oracle_attempts(const call_t *call) {
  static const char *const methods[] = {"GET",    "HEAD",    "PUT",
                                        "DELETE", "OPTIONS", "TRACE"};
  uint32_t most = call->world->config.max_attempts;
  size_t i;

  for (i = 0; i < sizeof methods / sizeof *methods; i++)
    if (most > 1 && strcmp(call->method, methods[i]) == 0)
      return most + 1; /* with a replay */
  return 1;
}

/* What a clean server's answer must be. */
static void check_answer(const call_t *call, const pool_result_t *result) {
  const char *id = pool_result_header(result, "x-ID");
  size_t i;

  if (call->actor == NULL || call->seen < result->attempts ||
      !actor_is_clean(call->actor))
    return; /* whose head nobody has seen was answered early, by whomever */
  FUZZ_CHECK(call->answered);
  FUZZ_CHECK(id != NULL && strtoul(id, NULL, 10) == call->index);
  FUZZ_CHECK((call->streams ? call->told : result->body_len) ==
             call->answer_len);
  FUZZ_CHECK(!call->soiled && (!call->streams || result->body_len == 0));
  for (i = 0; i < result->body_len; i++)
    FUZZ_CHECK(result->body[i] == (char)('A' + call->index % 26));
}

static void check_time(const world_t *world, const call_t *call) {
  uint64_t late_us = world->jumped_us - call->jumped_us + WORLD_MARGIN_US +
                     world->pool->config.resolution_ms * 1000ull;

  FUZZ_CHECK(call->due_us == UINT64_MAX ||
             timeline_now() <= call->due_us + late_us);
}

uint64_t oracle_result(const call_t *call, const pool_result_t *result) {
  const world_t *world = call->world;

  FUZZ_CHECK(!call->cancelled || result->error == UV_ECANCELED);
  FUZZ_CHECK(!call->paused || result->error != 0);
  FUZZ_CHECK(result->body != NULL && result->body[result->body_len] == '\0');
  FUZZ_CHECK(result->attempts <= oracle_attempts(call));
  FUZZ_CHECK(result->attempts >= call->seen);
  FUZZ_CHECK(result->attempts <= 1 || result->first_error != 0);
  FUZZ_CHECK(result->waited_ms <= result->total_ms);
  if (result->endpoint != NULL)
    oracle_name(world, result->endpoint);
  if (result->error != 0) {
    check_failure(result);
    FUZZ_CHECK(is_explained(call, result));
  } else {
    check_success(world, result);
    check_answer(call, result);
  }
  check_time(world, call);
  oracle_stats(world);
  return oracle_digest(result);
}

/* --- requests --------------------------------------------------------------
 */

oracle_costs_t oracle_costs(const world_t *world) {
  oracle_costs_t costs = {world->heap.calls, world->heap.failures,
                          kernel_called_all(), timeline_now()};

  return costs;
}

/* A refusal costs nothing: no memory, no system call, no time. */
static void check_refusal(const world_t *world, const oracle_costs_t *before) {
  oracle_costs_t after = oracle_costs(world);

  FUZZ_CHECK(after.allocations == before->allocations);
  FUZZ_CHECK(after.calls == before->calls && after.now_us == before->now_us);
}

void oracle_verdict(const world_t *world, int rc, oracle_request_t request,
                    const oracle_costs_t *before) {
  int refusal = world->drains || world->closes         ? POOL_ECLOSING
                : world->pending >= world->max_pending ? POOL_EOVERLOADED
                : oracle_serving(world) == 0           ? POOL_ENOENDPOINT
                                                       : 0;

  if (refusal != 0) {
    FUZZ_CHECK(rc == refusal);
    check_refusal(world, before);
  } else if (rc == UV_ENOMEM) {
    FUZZ_CHECK(world->heap.failures > before->failures);
  } else if (rc == UV_EINVAL) {
    FUZZ_CHECK(request != ORACLE_FINE);
  } else {
    FUZZ_CHECK(rc == 0 && request != ORACLE_BAD);
  }
}
