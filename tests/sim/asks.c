/* Requests: what they are, what pool_request() has to say of them, and their
 * ends. */
#include <stdlib.h>
#include <string.h>

#include "streams.h"

#define SOME_BYTES 2000u
#define MANY_BYTES 100000u

static uint32_t from(world_t *world, uint32_t min, uint32_t max) {
  return random_from(&world->chance, min, max);
}

static void on_done(const pool_result_t *result, void *data) {
  uint32_t id = (uint32_t)(uintptr_t)data;
  world_t *world = universe_now();
  call_t *call = &world->calls[id];

  trace("done", id, result->error, result->status);
  judge_call(world, id, result);
  call->done = 1;
  world->pending--;
  world->copied -= call->copied;
  world->succeeded += result->error == 0;
  world->failed += result->error != 0;
  world->cancelled += result->error == UV_ECANCELED;
  stream_end(world, id);
  user_acts_in_callback(world);
}

/* --- requests --------------------------------------------------------------
 */

static call_t *new_call(world_t *world) {
  call_t *call;

  if (world->call_count == world->call_room) {
    world->call_room = world->call_room == 0 ? 4096 : world->call_room * 2;
    world->calls = realloc(world->calls, world->call_room * sizeof *call);
    if (world->calls == NULL)
      abort();
  }
  call = &world->calls[world->call_count++];
  memset(call, 0, sizeof *call);
  return call;
}

static void choose_request(world_t *world, call_t *call) {
  uint32_t roll = from(world, 0, 99);

  call->method = (uint8_t)(roll < 70   ? METHOD_GET
                           : roll < 80 ? METHOD_HEAD
                           : roll < 94 ? METHOD_POST
                                       : METHOD_POST + 1);
  if (call->method >= METHOD_POST)
    call->sent = from(world, 0, SOME_BYTES);
  if (call->method >= METHOD_POST && world->phase == PHASE_CHAOS &&
      from(world, 0, 99) < 5)
    call->sent = from(world, SOME_BYTES, MANY_BYTES);
  call->kind = KIND_NONE;
  call->phase = (uint8_t)world->phase;
  call->timeout_ms = world->config.timeout_ms;
  if (world_strikes(world, KIND_SHORT_DEADLINE))
    call->timeout_ms = from(world, 1, 50);
  if (world_strikes(world, KIND_NO_DEADLINE))
    call->timeout_ms = POOL_OFF;
  call->says_last = (uint8_t)world_strikes(world, KIND_SAYS_LAST);
  call->repeats = call->method != METHOD_POST || from(world, 0, 9) == 0;
  if (world_strikes(world, KIND_LONG_HEAD))
    call->field = (uint16_t)from(world, 1, 6000);
  stream_choose(world, call);
  call->accepted_ms = uv_now(&world->loop);
  call->lost_us = world->lost_us;
}

static int is_served(const world_t *world) {
  uint32_t i;

  for (i = 0; i < world->endpoints; i++)
    if (world->sites[i].in_pool)
      return 1;
  return 0;
}

/* Every endpoint is out, which may be only while something is wrong. */
static int is_unhealthy(const world_t *world) {
  pool_stats_t stats;

  pool_stats(world->pool, &stats);
  return world->phase < PHASE_LIVE && world->config.ping_path != NULL &&
         stats.out == stats.endpoints;
}

/* What pool_request() has to say. */
static void judge_refusal(world_t *world, int rc, int wanted, int is_sick,
                          uint64_t allocations) {
  int is_full = world->pending >= world->max_pending;

  if (is_full != (rc == POOL_EOVERLOADED))
    trace_fail("%u of %u pending, and pool_request() says %s", world->pending,
               world->max_pending, pool_err_name(rc));
  if (is_full && world->heap.calls != allocations)
    trace_fail("a refused request allocated");
  if (is_full) {
    world->refused++;
    return;
  }
  if (!is_served(world))
    wanted = POOL_ENOENDPOINT;
  else if (is_sick)
    wanted = POOL_EUNHEALTHY;
  if (rc != wanted && !(rc == UV_ENOMEM && world->on[KIND_NO_MEMORY]))
    trace_fail("pool_request() says %s, not %s", pool_err_name(rc),
               pool_err_name(wanted));
}

static size_t write_fields(pool_header_t *fields, const call_t *call,
                           uint32_t id) {
  static const pool_header_t close = {"Connection", "close", 0, 0};
  static const pool_header_t empty = {"Content-Length", "0", 0, 0};
  pool_header_t field = {"X-Long", world_pattern(id), 0, call->field};
  size_t n = 0;

  if (call->field > 0)
    fields[n++] = field;
  if (call->says_last)
    fields[n++] = close;
  if (call->uploads && !call->chunked && call->sent == 0)
    fields[n++] = empty; /* body_len cannot declare it */
  return n;
}

static void make_request(world_t *world, const char *path, int wanted) {
  uint32_t id = world->call_count;
  call_t *call = new_call(world);
  uint64_t allocations = world->heap.calls;
  pool_header_t fields[3];
  pool_request_t request;
  pool_call_t name = {0};
  int is_sick = is_unhealthy(world);
  int rc;

  choose_request(world, call);
  memset(&request, 0, sizeof request);
  request.method = world_methods[call->method];
  request.path = path;
  request.body = call->sent > 0 ? world_pattern(id) : NULL;
  request.body_len = call->sent;
  request.headers = fields;
  request.header_count = write_fields(fields, call, id);
  call->copied = !call->uploads && from(world, 0, 9) == 0 ? call->sent : 0;
  request.flags = call->copied > 0 ? POOL_COPY_BODY : 0;
  if (call->method == METHOD_POST && call->repeats)
    request.flags |= POOL_IDEMPOTENT;
  if (call->timeout_ms != world->config.timeout_ms)
    request.timeout_ms = call->timeout_ms;
  stream_prepare(call, &request);
  world->in_call = 1;
  rc = pool_request(world->pool, &request, on_done, (void *)(uintptr_t)id,
                    &name);
  world->in_call = 0;
  trace("ask", id, call->method, rc);
  judge_refusal(world, rc, wanted, is_sick, allocations);
  call = &world->calls[id];
  call->call = name;
  call->done = rc != 0;
  world->accepted += rc == 0;
  world->pending += rc == 0;
  world->copied += rc == 0 ? call->copied : 0;
  if (rc == 0)
    stream_begin(world, id);
}

static void write_path(char *path, uint32_t id) {
  char digits[12];
  int n = 0;

  do
    digits[n++] = (char)('0' + id % 10);
  while ((id /= 10) > 0);
  *path++ = '/';
  while (n > 0)
    *path++ = digits[--n];
  *path = '\0';
}

void user_request(world_t *world) {
  char path[16];

  if (world->phase >= PHASE_OVER)
    return;
  write_path(path, world->call_count);
  make_request(world, path, 0);
}

void user_ask_badly(world_t *world) {
  make_request(world, "no slash", UV_EINVAL);
}
