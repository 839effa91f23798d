#include "streams.h"

#include <stdlib.h>
#include <string.h>

#define MANY_BYTES  100000u
#define PIECES      12u /* of a body, about */
#define GAP_MS      20u /* between them, at most */
#define LONG_GAP_MS 1500u
#define AGAIN_MS    10u /* after a failed allocation */
#define PAUSES      3u  /* of one stream, at most */
#define FRAMING     64u /* bytes, at most: of a chunk, and the last one */

struct stream_s {
  stream_t *next, *prev; /* on the world's list */
  world_t *world;
  uint32_t id;
  uint32_t handles; /* that are not closed yet */
  uv_timer_t waker; /* resumes */
  uv_timer_t pen;   /* writes */
  uint8_t head_told;
  uint8_t paused;
  uint8_t forever;  /* it never resumes */
  uint8_t full;     /* it was refused, and will be told of room */
  uint8_t has_room; /* it has just been told of some */
  uint8_t over;     /* its upload: nothing more is written */
  uint8_t wrong;    /* it wrote what does not fit what it had declared */
  uint8_t wrote_slowly;
  uint8_t pauses;
  uint8_t stops_short; /* it means to do so */
  uint8_t goes_beyond;
  uint32_t told;      /* bytes of the answer's body */
  uint32_t written;   /* bytes of the request's */
  uint32_t goal;      /* that it will have written */
  uint64_t taken;     /* by the process, from its connection, when it paused */
  uint64_t paused_on; /* that connection */
};

static uint32_t from(world_t *world, uint32_t min, uint32_t max) {
  return random_from(&world->chance, min, max);
}

static call_t *call_of(const stream_t *stream) {
  return &stream->world->calls[stream->id];
}

/* Nothing may be done with it any more, nor may it be told anything. */
static int is_over(const stream_t *stream) {
  const call_t *call = call_of(stream);

  return call->done || call->cancelled || stream->wrong ||
         stream->world->phase == PHASE_OVER;
}

/* --- pauses ----------------------------------------------------------------
 */

/* Bytes that were read from the connection of its last attempt, if that is
 * there. */
static uint64_t taken_of(const call_t *call) {
  return call->client != NULL && call->client->conn->id == call->latest
             ? call->client->taken
             : 0;
}

/* In a pause nothing is read. Before its answer an attempt may go wrong, and be
 * followed by another. */
static void check_pause(const stream_t *stream) {
  const call_t *call = call_of(stream);

  if (call->latest == stream->paused_on && taken_of(call) > stream->taken)
    trace_fail("call %u: %llu bytes of its connection are read after %llu, in "
               "a pause",
               stream->id, (unsigned long long)taken_of(call),
               (unsigned long long)stream->taken);
}

static void on_wake(uv_timer_t *timer) {
  stream_t *stream = timer->data;
  world_t *world = stream->world;
  int rc;

  trace("resume", stream->id, 0, 0);
  stream->paused = 0;
  world->in_call = 1;
  rc = pool_resume(world->pool, call_of(stream)->call);
  world->in_call = 0;
  if (rc != 0 && rc != POOL_EGONE)
    trace_fail("call %u: resume says %d", stream->id, rc);
}

static void rest(stream_t *stream, int is_forever) {
  world_t *world = stream->world;

  stream->paused = 1;
  stream->forever |= (uint8_t)is_forever;
  stream->pauses++;
  stream->taken = taken_of(call_of(stream));
  stream->paused_on = call_of(stream)->latest;
  trace("pause", stream->id, is_forever, 0);
  if (!is_forever)
    uv_timer_start(&stream->waker, on_wake,
                   from(world, 1, LONG_GAP_MS / (2u * stream->pauses - 1)), 0);
}

static void pause_by_call(stream_t *stream) {
  world_t *world = stream->world;
  int rc;

  world->in_call = 1;
  rc = pool_pause(world->pool, call_of(stream)->call);
  world->in_call = 0;
  if (rc == 0)
    rest(stream, 0);
  else if (rc != POOL_EGONE)
    trace_fail("call %u: pause says %d", stream->id, rc);
}

/* What a callback of the answer does, and returns. */
static int consume(stream_t *stream) {
  world_t *world = stream->world;

  user_acts_in_callback(world);
  if (is_over(stream))
    return POOL_GO_ON;
  if (stream->pauses == PAUSES || stream->wrote_slowly)
    return POOL_GO_ON; /* or it might come to its deadline by itself */
  if (world_strikes(world, KIND_PAUSED_FOR_EVER)) {
    rest(stream, 1);
    return POOL_PAUSE;
  }
  if (!world_strikes(world, KIND_PAUSE))
    return POOL_GO_ON;
  if (from(world, 0, 1) == 0) {
    pause_by_call(stream);
    return POOL_GO_ON;
  }
  rest(stream, 0);
  return POOL_PAUSE;
}

/* --- the answer ------------------------------------------------------------
 */

static stream_t *told(pool_t *pool, pool_call_t name, void *data,
                      const char *what) {
  world_t *world = universe_now();
  uint32_t id = (uint32_t)(uintptr_t)data;
  stream_t *stream = world->calls[id].stream;

  if (stream == NULL)
    trace_fail("call %u: %s before it was accepted, or after its end", id,
               what);
  if (pool != world->pool || world->in_call || is_over(stream) ||
      name.id != call_of(stream)->call.id)
    trace_fail("call %u: %s at the wrong time", id, what);
  return stream;
}

static int on_head(pool_t *pool, pool_call_t name, const pool_result_t *head,
                   void *data) {
  stream_t *stream = told(pool, name, data, "on_head");
  call_t *call = call_of(stream);
  const char *text = pool_result_header(head, "X-Id");

  trace("head", stream->id, head->status, 0);
  if (stream->head_told || stream->paused)
    trace_fail("call %u: on_head, again or in a pause", stream->id);
  if (head->status != call->status || text == NULL ||
      strtoul(text, NULL, 10) != stream->id)
    trace_fail("call %u: status %d, and the head of %s", stream->id,
               head->status, text == NULL ? "nobody" : text);
  if (head->error != 0 || head->phase != POOL_RECEIVING || head->body_len > 0)
    trace_fail("call %u: a head with error %d, phase %d, a body of %zu",
               stream->id, head->error, (int)head->phase, head->body_len);
  stream->head_told = call->told = 1;
  return consume(stream);
}

static int on_body(pool_t *pool, pool_call_t name, const char *bytes,
                   size_t len, void *data) {
  stream_t *stream = told(pool, name, data, "on_body");
  call_t *call = call_of(stream);

  trace("body", stream->id, (int64_t)len, stream->told);
  if (!stream->head_told || stream->paused || len == 0)
    trace_fail("call %u: on_body without a head, in a pause, or empty",
               stream->id);
  if (stream->told + len > call->body ||
      memcmp(bytes, world_pattern((uint64_t)stream->id + stream->told), len) !=
          0)
    trace_fail("call %u: %zu bytes behind %u of %u, or others", stream->id, len,
               stream->told, call->body);
  stream->told += (uint32_t)len;
  return consume(stream);
}

/* --- the request -----------------------------------------------------------
 */

static void write_on(stream_t *stream);

static void on_pen(uv_timer_t *timer) {
  write_on(timer->data);
}

static void write_after(stream_t *stream, uint32_t ms) {
  uv_timer_start(&stream->pen, on_pen, ms, 0);
}

/* A piece that does not fit what was declared, or an end that comes too soon.
 */
static void judge_wrong(stream_t *stream, int rc) {
  if (rc != POOL_ELENGTH && rc != POOL_EGONE)
    trace_fail("call %u: too much or too little is written, which says %s",
               stream->id, pool_err_name(rc));
  stream->wrong = rc == POOL_ELENGTH;
}

static void finish(stream_t *stream) {
  world_t *world = stream->world;
  pool_call_t name = call_of(stream)->call;
  int rc;

  stream->over = 1;
  world->in_call = 1;
  rc = stream->goes_beyond ? pool_write(world->pool, name, "x", 1)
                           : pool_end(world->pool, name);
  world->in_call = 0;
  trace("end", stream->id, rc, 0);
  if (stream->goes_beyond || stream->stops_short)
    judge_wrong(stream, rc);
  else if (rc == UV_ENOMEM && world->on[KIND_NO_MEMORY])
    write_after(stream, AGAIN_MS);
  else if (rc != 0 && rc != POOL_EGONE)
    trace_fail("call %u: its body ends, which says %s", stream->id,
               pool_err_name(rc));
  if (rc == UV_ENOMEM)
    stream->over = 0;
}

/* What pool_write() may say; whether to go on. */
static int judge_write(stream_t *stream, uint32_t len, int rc) {
  const world_t *world = stream->world;
  uint32_t high = world->config.high_water_bytes;
  int had_room =
      stream->written == 0 || (stream->has_room && len + FRAMING <= high / 2);

  stream->has_room = 0;
  if (rc == UV_EAGAIN && !had_room) {
    stream->full = 1;
    return 0;
  }
  if (rc == UV_ENOMEM && world->on[KIND_NO_MEMORY]) {
    write_after(stream, AGAIN_MS);
    return 0;
  }
  if (rc == POOL_EGONE) { /* it has ended, its callback is to come */
    stream->over = 1;
    return 0;
  }
  if (rc != 0)
    trace_fail("call %u: %u bytes behind %u, which says %s", stream->id, len,
               stream->written, pool_err_name(rc));
  stream->written += len;
  return 1;
}

static int write_piece(stream_t *stream) {
  world_t *world = stream->world;
  const call_t *call = call_of(stream);
  uint32_t len = from(world, 1, call->sent / PIECES * 2 + 2);
  int rc;

  if (len > stream->goal - stream->written)
    len = stream->goal - stream->written;
  if (len > world->config.high_water_bytes)
    len = world->config.high_water_bytes;
  world->in_call = 1;
  rc = pool_write(world->pool, call->call,
                  world_pattern((uint64_t)stream->id + stream->written), len);
  world->in_call = 0;
  trace("write", stream->id, rc, len);
  return judge_write(stream, len, rc);
}

/* Whether its user has the next piece only after a while. Users who have not
 * could take all connections at once, and bring the pool to its limit: when all
 * has to be well, those who come while half of the connections are taken by
 * uploads do not dawdle. */
static int takes_time(world_t *world) {
  uint32_t slots = world->endpoints * world->config.max_connections;

  if (world->phase >= PHASE_SETTLE && world->uploading * 2 > slots)
    return 0;
  return from(world, 0, 1) == 0;
}

static void write_on(stream_t *stream) {
  world_t *world = stream->world;

  if (stream->over || is_over(stream))
    return;
  while (stream->written < stream->goal) {
    if (!write_piece(stream))
      return;
    if (!stream->wrote_slowly && stream->pauses == 0 &&
        world_strikes(world, KIND_SLOW_WRITER)) {
      stream->wrote_slowly = 1;
      write_after(stream, from(world, 1, LONG_GAP_MS));
      return;
    }
    if (takes_time(world)) {
      write_after(stream, from(world, 0, GAP_MS));
      return;
    }
  }
  finish(stream);
}

static void on_drain(pool_t *pool, pool_call_t name, void *data) {
  stream_t *stream = told(pool, name, data, "on_drain");

  trace("drain", stream->id, 0, 0);
  if (!stream->full || stream->over)
    trace_fail("call %u: on_drain, and nobody waits for it", stream->id);
  stream->full = 0;
  stream->has_room = 1;
  user_acts_in_callback(stream->world);
  write_on(stream);
}

/* --- from the beginning to the end -----------------------------------------
 */

void stream_choose(world_t *world, call_t *call) {
  if (world->streams == 0 || from(world, 0, 99) >= world->streams)
    return;
  call->tells = from(world, 0, 2) > 0;
  if (call->method < METHOD_POST)
    return;
  call->uploads = !call->tells || from(world, 0, 1) == 0;
  if (call->uploads && from(world, 0, 2) == 0)
    call->sent = from(world, 0, MANY_BYTES);
  if (call->uploads && from(world, 0, 9) == 0)
    call->sent = 0;
  call->chunked = call->uploads && from(world, 0, 1) == 0;
  call->expects = (call->sent > 0 || call->chunked) && from(world, 0, 3) == 0;
}

void stream_prepare(const call_t *call, pool_request_t *request) {
  if (call->tells) {
    request->on_head = on_head;
    request->on_body = on_body;
  }
  if (call->expects)
    request->flags |= POOL_EXPECT;
  if (!call->uploads)
    return;
  request->flags |= POOL_STREAM;
  request->on_drain = on_drain;
  request->body = NULL;
  request->body_len = call->chunked ? 0 : call->sent;
}

static void set_goal(stream_t *stream) {
  world_t *world = stream->world;
  const call_t *call = call_of(stream);

  stream->goal = call->sent;
  if (call->chunked || !world_strikes(world, KIND_WRONG_LENGTH))
    return;
  stream->goes_beyond = call->sent == 0 || from(world, 0, 1) == 0;
  stream->stops_short = !stream->goes_beyond;
  if (stream->stops_short)
    stream->goal = from(world, 0, call->sent - 1);
}

void stream_begin(world_t *world, uint32_t id) {
  call_t *call = &world->calls[id];
  stream_t *stream;

  if (!call->tells && !call->uploads)
    return;
  stream = calloc(1, sizeof *stream);
  if (stream == NULL)
    abort();
  call->stream = stream;
  stream->world = world;
  stream->id = id;
  stream->next = world->stream_list;
  if (stream->next != NULL)
    stream->next->prev = stream;
  world->stream_list = stream;
  world->telling += call->tells;
  world->uploading += call->uploads;
  stream->handles = 2;
  uv_timer_init(&world->loop, &stream->waker);
  uv_timer_init(&world->loop, &stream->pen);
  stream->waker.data = stream->pen.data = stream;
  if (call->tells && world_strikes(world, KIND_PAUSE_FIRST))
    pause_by_call(stream);
  if (!call->uploads)
    return;
  set_goal(stream);
  if (takes_time(world))
    write_after(stream, from(world, 0, GAP_MS));
  else
    write_on(stream);
}

/* Out of the blue, as who is told by its own reader that it is full. */
void stream_pause_any(world_t *world) {
  stream_t *stream = world->stream_list;

  for (; stream != NULL; stream = stream->next)
    if (!stream->paused && !stream->wrote_slowly && stream->pauses < PAUSES &&
        call_of(stream)->tells && !is_over(stream) &&
        world_strikes(world, KIND_PAUSE)) {
      pause_by_call(stream);
      return;
    }
}

static void on_closed(uv_handle_t *handle) {
  stream_t *stream = handle->data;

  if (--stream->handles == 0)
    free(stream);
}

void stream_end(world_t *world, uint32_t id) {
  call_t *call = &world->calls[id];
  stream_t *stream = call->stream;

  if (stream == NULL)
    return;
  if (stream->prev != NULL)
    stream->prev->next = stream->next;
  else
    world->stream_list = stream->next;
  if (stream->next != NULL)
    stream->next->prev = stream->prev;
  world->telling -= call->tells;
  world->uploading -= call->uploads;
  call->stream = NULL;
  uv_close((uv_handle_t *)&stream->waker, on_closed);
  uv_close((uv_handle_t *)&stream->pen, on_closed);
}

/* --- what has to be so -----------------------------------------------------
 */

int stream_is_forever(const call_t *call) {
  return call->stream != NULL && call->stream->forever;
}

int stream_is_wrong(const call_t *call) {
  return call->stream != NULL && call->stream->wrong;
}

int stream_was_slow(const call_t *call) {
  const stream_t *stream = call->stream;

  return stream != NULL && (stream->wrote_slowly || stream->pauses > 0);
}

void stream_judge(const call_t *call, uint32_t id,
                  const pool_result_t *result) {
  const stream_t *stream = call->stream;

  if (stream->paused)
    trace_fail("call %u: success in a pause", id);
  if (!call->tells)
    return;
  if (!stream->head_told || stream->told != call->body || result->body_len > 0)
    trace_fail("call %u: success with %u bytes of %u told, and %zu gathered",
               id, stream->told, call->body, result->body_len);
}

void streams_check(const world_t *world) {
  const stream_t *stream = world->stream_list;

  for (; stream != NULL; stream = stream->next)
    if (stream->paused)
      check_pause(stream);
}
