#include "pool_user.h"

#include "pool_actor.h"
#include "pool_oracle.h"
#include "pool_stream.h"

#define LONG_VALUE 5000u /* more than a head keeps */
#define OP_STREAM  20u   /* a request whose bodies flow */

static void act(world_t *world, const script_step_t *step);

const script_step_t *user_acts_in_callback(world_t *world) {
  const script_step_t *step =
      world->heals ? NULL : script_next(&world->script, SCRIPT_CALLBACK);

  if (step != NULL)
    act(world, step);
  return step;
}

/* --- callbacks -------------------------------------------------------------
 */

static void count_end(world_t *world, const call_t *call, int error) {
  world->pending--;
  if (error == 0)
    world->succeeded++;
  else if (call->cancelled)
    world->cancelled++;
  else
    world->failed++;
}

static void on_done(const pool_result_t *result, void *data) {
  call_t *call = data;
  world_t *world = call->world;
  uint64_t digest;

  FUZZ_CHECK(!world->in_call && !world->closed && !call->ended);
  trace("done", call->index, result->error, result->status);
  call->ended = 1;
  call->error = result->error;
  count_end(world, call, result->error);
  free(call->body);
  call->body = NULL;
  digest = oracle_result(call, result);
  user_acts_in_callback(world);
  FUZZ_CHECK(oracle_digest(result) == digest);
}

void user_on_event(pool_t *pool, const pool_event_t *event, void *arg) {
  world_t *world = arg;

  FUZZ_CHECK(pool == world->pool && !world->in_call && !world->closes);
  trace("event", event->type, event->error, 0);
  if (event->type == POOL_EVENT_DRAINED) {
    FUZZ_CHECK(world->drains && !world->drained && world->pending == 0);
    FUZZ_CHECK(event->endpoint == NULL);
    world->drained = 1;
  } else {
    oracle_name(world, event->endpoint);
  }
  user_acts_in_callback(world);
}

static void on_closed(void *data) {
  world_t *world = data;

  FUZZ_CHECK(!world->in_call && world->closes && !world->closed);
  FUZZ_CHECK(world->pending == 0);
  FUZZ_CHECK(world->heap.bytes == 0 && world->heap.blocks == 0);
  FUZZ_CHECK(kernel_open_files() == 0);
  world->closed = 1;
  world->pool = NULL;
}

/* --- requests --------------------------------------------------------------
 */

/* A second field. */
typedef struct {
  const char *name; /* NULL: none */
  const char *value;
  oracle_request_t makes_it;
} extra_t;

static const extra_t extras[] = {
    {NULL, NULL, ORACLE_FINE},
    {"Accept", "*/*", ORACLE_FINE},
    {"Connection", "close", ORACLE_FINE},
    {"Host", "example.org:80", ORACLE_FINE},
    {"Transfer-Encoding", "chunked", ORACLE_BAD},
    {"A", "b\r\nX-Id: 0", ORACLE_BAD},
    {"Connection", "keep-alive", ORACLE_FINE},
    {"", "nameless", ORACLE_BAD},
};

static call_t *new_call(world_t *world, const char *method, size_t body_len) {
  call_t *call = &world->calls[world->call_count];

  if (world->call_count == WORLD_CALLS)
    return NULL;
  memset(call, 0, sizeof *call);
  call->world = world;
  call->index = world->call_count;
  call->method = method;
  call->to_head = strcmp(method, "HEAD") == 0;
  call->body_len = body_len;
  call->due_us = UINT64_MAX;
  call->jumped_us = world->jumped_us;
  return call;
}

/* A body that is a block of its own, in the call's letter. */
static char *make_body(const call_t *call) {
  char *body = malloc(call->body_len + (call->body_len == 0));

  FUZZ_CHECK(body != NULL);
  memset(body, 'A' + (int)(call->index % 26), call->body_len);
  return body;
}

static void set_deadline(call_t *call, uint32_t timeout_ms) {
  if (timeout_ms == 0)
    timeout_ms = call->world->pool->config.timeout_ms;
  call->behind_us = timeline_now() - uv_now(call->world->loop) * 1000;
  if (timeout_ms != POOL_OFF)
    call->due_us = timeline_now() + timeout_ms * 1000ull;
}

/* The pool has taken it, or not: the body is whose? */
static void settle(call_t *call, char *body, int rc, pool_call_t id,
                   uint32_t flags) {
  world_t *world = call->world;

  FUZZ_CHECK((rc == 0) == (id.id != 0));
  if (rc == 0 && (flags & POOL_COPY_BODY) == 0)
    call->body = body;
  else
    free(body);
  call->id = id;
  if (rc == 0)
    world->pending++;
  else
    world->call_count--;
  if (rc == POOL_EOVERLOADED)
    world->refused++;
}

static int send_call(call_t *call, pool_request_t *request,
                     oracle_request_t kind) {
  world_t *world = call->world;
  char *body = call->uploads ? NULL : make_body(call);
  oracle_costs_t before = oracle_costs(world);
  pool_call_t id = {0};
  int rc;

  request->method = call->method;
  request->body = body;
  request->body_len = call->body_len;
  set_deadline(call, request->timeout_ms);
  world->call_count++; /* a server may see it before this returns */
  world->in_call++;
  rc = pool_request(world->pool, request, on_done, call, &id);
  world->in_call--;
  trace("request", call->index, rc, 0);
  oracle_verdict(world, rc, kind, &before);
  settle(call, body, rc, id, request->flags);
  return rc;
}

static const char *method_of(unsigned n) {
  static const char *const methods[8] = {"GET",    "POST", "HEAD",    "PUT",
                                         "DELETE", "GET",  "OPTIONS", "OWN"};

  return methods[n % 8];
}

static size_t body_len_of(const char *method, unsigned n) {
  static const uint32_t lens[8] = {0, 1, 0, 30, 300, 2000, 0, 6000};

  return method[0] == 'P' || method[0] == 'O' ? lens[n % 8] : 0;
}

static uint32_t timeout_of(unsigned n) {
  static const uint32_t timeouts_ms[8] = {0, 0, 1, 3, 20, 100, 2000, POOL_OFF};

  return timeouts_ms[n % 8];
}

/* a: method, body; b: second field, timeout, who keeps the body, long head. */
static void act_request(world_t *world, const script_step_t *step) {
  const char *method = method_of(step->a);
  call_t *call = new_call(world, method, body_len_of(method, step->a >> 3));
  const extra_t *extra = &extras[step->b & 7];
  oracle_request_t kind = extra->makes_it;
  pool_request_t request = {.path = "/things?a=b"};
  pool_header_t headers[3] = {{.name = "X-Id"}};
  char id[16];
  char value[LONG_VALUE + 1];

  if (call == NULL)
    return;
  snprintf(id, sizeof id, "%u", call->index);
  headers[0].value = id;
  request.headers = headers;
  request.header_count = 1;
  if (extra->name != NULL) {
    headers[request.header_count].name = extra->name;
    headers[request.header_count++].value = extra->value;
  }
  if ((step->b & 0x80) != 0) {
    memset(value, 'v', LONG_VALUE);
    value[LONG_VALUE] = '\0';
    headers[request.header_count].name = "Long";
    headers[request.header_count++].value = value;
    kind = kind == ORACLE_FINE ? ORACLE_UNSURE : kind;
  }
  request.timeout_ms = timeout_of(step->b >> 3);
  request.flags = (step->b & 0x40) != 0 ? POOL_COPY_BODY : 0;
  if (step->op == OP_STREAM)
    stream_prepare(call, &request, step->a >> 6);
  send_call(call, &request, kind);
}

/* The path, or the value of a field, from the input. */
static void act_raw(world_t *world, const script_step_t *step) {
  call_t *call = new_call(world, method_of(step->b), 0);
  pool_request_t request = {.path = "/"};
  pool_header_t headers[2] = {{.name = "X-Id"}, {.name = "Raw"}};
  char id[16];
  char text[256];

  if (call == NULL)
    return;
  memcpy(text, step->raw, step->raw_len);
  text[step->raw_len] = '\0';
  snprintf(id, sizeof id, "%u", call->index);
  headers[0].value = id;
  headers[1].value = text;
  if ((step->b & 8) != 0)
    request.path = text;
  request.headers = headers;
  request.header_count = (step->b & 8) != 0 ? 1 : 2;
  send_call(call, &request, ORACLE_UNSURE);
}

/* --- everything else -------------------------------------------------------
 */

static void act_burst(world_t *world, const script_step_t *step) {
  script_step_t each = {.a = 0, .b = step->b & 0x38};
  unsigned i;

  for (i = 0; i <= step->a % 8u; i++)
    act_request(world, &each);
}

static void act_cancel(world_t *world, const script_step_t *step) {
  call_t *call;
  int rc;

  if (world->call_count == 0)
    return;
  call = &world->calls[step->a % world->call_count];
  world->in_call++;
  rc = pool_cancel(world->pool, call->id);
  world->in_call--;
  trace("cancel", call->index, rc, 0);
  FUZZ_CHECK(rc == POOL_EGONE ||
             (rc == 0 && !call->ended && !call->cancelled && !world->closes));
  if (rc == 0)
    call->cancelled = 1;
}

/* An id that was never given. */
static void act_cancel_any(world_t *world, const script_step_t *step) {
  pool_call_t id = {(uint64_t)step->a << 56 | step->b};

  world->in_call++;
  FUZZ_CHECK(pool_cancel(world->pool, id) == POOL_EGONE);
  world->in_call--;
}

static void act_max_pending(world_t *world, const script_step_t *step) {
  uint32_t max = step->a % 24u;

  world->in_call++;
  FUZZ_CHECK(pool_set_max_pending(world->pool, max) ==
             (max == 0 ? UV_EINVAL : 0));
  world->in_call--;
  if (max > 0)
    world->max_pending = max;
}

static place_t *place_of(world_t *world, const script_step_t *step) {
  return &world->places[step->a % world->place_count];
}

static void act_add(world_t *world, const script_step_t *step) {
  place_t *place = place_of(world, step);
  uint64_t failures = world->heap.failures;
  int rc;

  world->in_call++;
  rc = pool_add_endpoint(world->pool, place->name);
  world->in_call--;
  trace("add", place->port, rc, 0);
  if (world->drains || world->closes)
    FUZZ_CHECK(rc == POOL_ECLOSING);
  else if (place->serves)
    FUZZ_CHECK(rc == UV_EEXIST);
  else if (rc == 0)
    place->serves = 1;
  else
    FUZZ_CHECK(rc == UV_ENOMEM && world->heap.failures > failures);
}

static void act_remove(world_t *world, const script_step_t *step) {
  place_t *place = place_of(world, step);
  int serves = place->serves;
  int rc;

  if (!world->closes)
    place->serves = 0; /* events may say so before this returns */
  if (oracle_serving(world) == 0)
    world->bare++;
  world->in_call++;
  rc = pool_remove_endpoint(world->pool, place->name);
  world->in_call--;
  trace("remove", place->port, rc, 0);
  FUZZ_CHECK(rc == (world->closes ? POOL_ECLOSING : serves ? 0 : UV_ENOENT));
}

static void act_drain(world_t *world, const script_step_t *step) {
  (void)step;
  world->drains = 1;
  world->in_call++;
  pool_drain(world->pool);
  world->in_call--;
}

void user_closes(world_t *world) {
  world->closes = 1;
  world->in_call++;
  pool_close(world->pool, on_closed, world);
  world->in_call--;
}

static void act_close(world_t *world, const script_step_t *step) {
  (void)step;
  user_closes(world);
}

static void act_look(world_t *world, const script_step_t *step) {
  const place_t *place = place_of(world, step);
  pool_endpoint_stats_t stats;
  int rc;

  oracle_stats(world);
  rc = pool_endpoint_stats(world->pool, place->name, &stats);
  FUZZ_CHECK(rc == (place->serves ? 0 : UV_ENOENT));
  if (rc == 0)
    FUZZ_CHECK(stats.succeeded + stats.failed <= stats.attempts);
}

static void act_starve(world_t *world, const script_step_t *step) {
  heap_fail(&world->heap, step->a % 32u, step->b & 1);
}

/* The process is busy elsewhere. */
static void act_jump(world_t *world, const script_step_t *step) {
  uint64_t us = (step->a + 1u) * ((step->b & 1) != 0 ? 100000ull : 1000ull);

  world->jumped_us += us;
  kernel_jump(us);
  if ((step->b & 2) != 0)
    uv_update_time(world->loop);
}

/* The network is. */
static void act_hold(world_t *world, const script_step_t *step) {
  const place_t *place = place_of(world, step);

  tcp_hold(place->port, place->v6, timeline_now() + step->b * 10000ull);
}

static void act_mode(world_t *world, const script_step_t *step) {
  place_of(world, step)->mode = (place_mode_t)(step->b % 3);
}

static void act_hang_up(world_t *world, const script_step_t *step) {
  actors_hang_up(place_of(world, step), step->b & 1);
}

static void act(world_t *world, const script_step_t *step) {
  static void (*const acts[])(world_t * world, const script_step_t *step) = {
      act_request,     act_request,   act_burst,      act_cancel,
      act_max_pending, act_add,       act_remove,     act_drain,
      act_close,       act_look,      act_starve,     act_jump,
      act_hold,        act_mode,      act_hang_up,    act_request,
      act_cancel,      act_request,   act_cancel_any, act_burst,
      act_request,     stream_writes, stream_goes_on, stream_ends};

  if (step->op == SCRIPT_RAW)
    act_raw(world, step);
  else
    acts[step->op % (sizeof acts / sizeof acts[0])](world, step);
}

/* --- between callbacks -----------------------------------------------------
 */

/* How long a step of the last few ops is to wait; -1: it is something to do. */
static int64_t wait_of(const script_step_t *step) {
  static const uint16_t units_ms[4] = {1, 1, 20, 1000};

  if (step->op < 24 || step->op == SCRIPT_RAW)
    return -1;
  return (int64_t)step->a * units_ms[step->b & 3];
}

int64_t user_acts(world_t *world) {
  const script_step_t *step;

  /* After pool_close() only callbacks may touch the pool. */
  while (!world->closes && !world->heals &&
         (step = script_next(&world->script, SCRIPT_USER)) != NULL) {
    int64_t ms = wait_of(step);

    if (ms >= 0)
      return ms;
    act(world, step);
  }
  return -1;
}

const call_t *user_asks_last(world_t *world) {
  script_step_t plain = {.b = 6u << 3}; /* a GET, in two seconds */
  uint32_t count = world->call_count;

  if (count == WORLD_CALLS)
    world->call_count = count = 0; /* all have ended */
  act_request(world, &plain);
  return world->call_count == count ? NULL : &world->calls[count];
}
