/* How a call may end: once, in time, and in a way that what the servers did to
 * it allows. */
#include <stdlib.h>
#include <string.h>

#include "streams.h"

#define LATE_MS    6u   /* a callback may be behind its timer */
#define WRITING_MS 600u /* that a user takes who is not slow */

static uint32_t end_of(int error) {
  switch (error) {
  case 0:
    return END_OK;
  case POOL_EHANGUP:
    return END_HANGUP;
  case UV_ECONNRESET:
    return END_RESET;
  case UV_EPIPE:
    return END_PIPE;
  case POOL_EPARSE:
    return END_PARSE;
  case POOL_ETOOLARGE:
    return END_LARGE;
  case UV_ETIMEDOUT:
    return END_TIME;
  case UV_ENOMEM:
  case UV_ENOBUFS:
    return END_MEMORY;
  case UV_ECANCELED:
    return END_CANCEL;
  case POOL_ECLOSING:
    return END_CLOSED;
  case POOL_ENOENDPOINT:
    return END_NOWHERE;
  case POOL_EREJECTED:
    return END_REJECT;
  case POOL_ELENGTH:
    return END_LENGTH;
  case POOL_EUNHEALTHY:
    return END_SICK;
  case UV_ECONNREFUSED:
  case UV_EADDRNOTAVAIL:
  case UV_ENETUNREACH:
  case UV_EHOSTUNREACH:
  case UV_EACCES:
  case UV_EMFILE:
  case UV_ENFILE:
  case UV_EINVAL:
    return END_CONNECT;
  default:
    return 0;
  }
}

/* A reset behind a 100 (Continue) is told as an end by libuv, if one read found
 * both. */
static uint32_t hit_of(const call_t *call) {
  return kind_info((kind_t)call->kind)->hit |
         (call->kind == KIND_RESET_BEFORE && call->expects ? END_HANGUP : 0);
}

/* With one kind in the world, a call that it struck ends just as its row says;
 * with many, each may also suffer from the others, but what cannot end well
 * does not. */
static uint32_t allowed_by_kind(const world_t *world, const call_t *call,
                                const pool_result_t *result) {
  group_t struck_by = kind_info((kind_t)call->kind)->group;
  uint32_t spill = world_spill(world);
  uint32_t hit = hit_of(call);

  if (world->mode == WORLD_SINGLE) {
    group_t group = kind_info(world->single)->group;

    if (group == GROUP_CONNECT)
      return kind_info(world->single)->hit;
    if (group == GROUP_AFTER && !result->reused)
      return hit; /* what ends connections has not been there yet */
    if (call->kind == KIND_NONE || struck_by == GROUP_AFTER)
      return hit | spill;
    return hit;
  }
  return (hit & END_OK) != 0 ? hit | spill : hit | (spill & ~END_OK);
}

/* With more than one attempt: as any of them, or well. */
static uint32_t allowed_again(const world_t *world, const call_t *call) {
  uint32_t ends = 0;

  if (call->repeats)
    ends |= END_OK | call->ends;
  if (call->repeats && world->judges && world->on[KIND_UNAVAILABLE])
    ends |= END_REJECT;
  if (world->config.ping_path != NULL)
    ends |= END_SICK;
  if (world->config.attempt_timeout_ms != POOL_OFF &&
      (world->mode == WORLD_SWARM || call->kind == KIND_SLOW_READER))
    ends |= END_TIME;
  return ends;
}

static uint32_t allowed(const world_t *world, const call_t *call,
                        const pool_result_t *result) {
  uint32_t ends = END_OK;

  if (call->cancelled)
    return END_CANCEL;
  if (world->mode != WORLD_QUIET && call->phase < PHASE_LIVE)
    ends = allowed_by_kind(world, call, result);
  if (world->config.max_attempts > 1 && call->phase < PHASE_LIVE &&
      world->mode != WORLD_QUIET)
    ends |= allowed_again(world, call);
  if (call->timeout_ms < world->config.timeout_ms)
    ends |= END_TIME;
  if (stream_is_forever(call))
    ends = (world->mode == WORLD_SINGLE ? 0 : ends & ~END_OK) | END_TIME;
  if (stream_is_wrong(call))
    ends = END_LENGTH;
  if (world->phase == PHASE_OVER)
    ends |= END_CLOSED;
  return ends;
}

static void judge_answer(const call_t *call, uint32_t id,
                         const pool_result_t *result) {
  const char *text = pool_result_header(result, "X-Id");

  if (!call->answered)
    trace_fail("call %u: success before the whole answer was sent", id);
  if (text == NULL || strtoul(text, NULL, 10) != id)
    trace_fail("call %u was given the answer to %s", id,
               text == NULL ? "nobody" : text);
  if (result->status != call->status)
    trace_fail("call %u: status %d, not %u", id, result->status, call->status);
  if (call->stream != NULL)
    stream_judge(call, id, result);
  if (!call->tells &&
      (result->body_len != call->body ||
       memcmp(result->body, world_pattern(id), call->body) != 0))
    trace_fail("call %u: a body of %zu bytes, not the one of %u", id,
               result->body_len, call->body);
  if (result->phase != POOL_COMPLETE || result->endpoint == NULL ||
      result->attempts < 1)
    trace_fail("call %u: success, phase %d, attempts %u", id,
               (int)result->phase, result->attempts);
}

/* Of what the process was away, or blocked, nobody is to blame. */
static void judge_time(world_t *world, const call_t *call, uint32_t id) {
  uint64_t away_ms = (world->lost_us - call->lost_us + 999) / 1000;
  uint64_t now_ms = uv_now(&world->loop);
  uint64_t due_ms = call->accepted_ms + call->timeout_ms;
  uint64_t late_ms = now_ms > due_ms ? now_ms - due_ms : 0;

  if (call->timeout_ms == POOL_OFF)
    return;
  late_ms = late_ms > away_ms ? late_ms - away_ms : 0;
  if (late_ms > world->max_late_ms)
    world->max_late_ms = late_ms;
  if (late_ms > world->config.resolution_ms + LATE_MS)
    trace_fail("call %u ended %u ms after its deadline", id, (unsigned)late_ms);
}

static int has_stall_timer(const world_t *world) {
  return world->config.stall_timeout_ms != POOL_OFF;
}

/* When a drip is found out: by the head timer, or because a body that is told
 * moves too slowly. 0: not before the deadline. */
static uint32_t drip_ms(const world_t *world, const call_t *call,
                        uint32_t head_ms) {
  const pool_config_t *config = &world->config;

  if (head_ms > config->head_timeout_ms + config->resolution_ms)
    return config->head_timeout_ms;
  return call->tells && config->min_rate > 0
             ? head_ms + 2 * config->rate_window_ms
             : 0;
}

/* One that sends nothing more is found out by the stall timer (of an upload
 * after up to twice that), one that does not come to the end of its head by the
 * head timer. */
void judge_expect_stuck(const world_t *world, call_t *call, uint32_t head_ms) {
  if (world->mode == WORLD_SWARM)
    return; /* there may be other reasons to be late */
  if (call->kind == KIND_DRIP_FOR_EVER)
    call->stuck_ms = drip_ms(world, call, head_ms);
  else if (has_stall_timer(world))
    call->stuck_ms = world->config.stall_timeout_ms *
                     (call->sent > 0 || call->uploads ? 2 : 1);
  else if (call->kind == KIND_STUCK || call->kind == KIND_STUCK_IN_HEAD)
    call->stuck_ms = world->config.head_timeout_ms;
}

/* Counted from when it was put on its connection. */
static void judge_stuck(const world_t *world, const call_t *call, uint32_t id,
                        const pool_result_t *result) {
  uint64_t slack_ms =
      (world->service_us + 4ull * world->latency_us + 4ull * world->jitter_us) /
          1000 +
      world->config.resolution_ms + LATE_MS + (call->uploads ? WRITING_MS : 0);

  if (call->stuck_ms > 0 && !stream_was_slow(call) &&
      result->total_ms - result->waited_ms > call->stuck_ms + slack_ms)
    trace_fail("call %u was stuck for %u ms, and found so after %u", id,
               result->total_ms - result->waited_ms, call->stuck_ms);
}

/* It failed although nothing was done to it. */
static int is_bystander(const world_t *world, const call_t *call, int error) {
  if (error == 0 || call->cancelled || world->phase == PHASE_OVER ||
      call->timeout_ms < world->config.timeout_ms || stream_is_forever(call) ||
      stream_is_wrong(call))
    return 0;
  return call->kind == KIND_NONE ||
         kind_info((kind_t)call->kind)->group == GROUP_AFTER;
}

/* Never twice what must not be; and within the limit, but for a replay. */
static void judge_attempts(world_t *world, const call_t *call, uint32_t id,
                           const pool_result_t *result) {
  uint32_t most = call->repeats ? world->config.max_attempts + 1 : 1;

  if (world->config.max_attempts == 1)
    most = 1;
  if (result->attempts > most || call->seen > result->attempts)
    trace_fail("call %u: %u attempts of %u, %u seen", id, result->attempts,
               most, call->seen);
  if (result->attempts > 1 && result->first_error == 0)
    trace_fail("call %u: %u attempts, and none has failed", id,
               result->attempts);
  if (result->error == POOL_EREJECTED && result->status != 503)
    trace_fail("call %u: %d was rejected", id, result->status);
  world->given_up += result->error != 0 && result->first_error != 0;
}

void judge_call(world_t *world, uint32_t id, const pool_result_t *result) {
  call_t *call = &world->calls[id];
  uint32_t end = end_of(result->error);

  if (world->in_call)
    trace_fail("call %u: callback inside a pool_*() call", id);
  if (world->closed)
    trace_fail("call %u: callback after the pool was closed", id);
  if (call->done)
    trace_fail("call %u: two callbacks", id);
  if ((allowed(world, call, result) & end) == 0)
    trace_fail("call %u (phase %u, struck by %s) ended with %s, phase %d, "
               "reused %d",
               id, call->phase, kind_info((kind_t)call->kind)->name,
               pool_err_name(result->error), (int)result->phase,
               result->reused);
  judge_attempts(world, call, id, result);
  if (result->error == 0 || result->error == POOL_EREJECTED)
    judge_answer(call, id, result);
  world->bystanders += (uint64_t)is_bystander(world, call, result->error);
  judge_time(world, call, id);
  if (result->total_ms != uv_now(&world->loop) - call->accepted_ms ||
      result->waited_ms > result->total_ms)
    trace_fail("call %u: %u of %u ms waited", id, result->waited_ms,
               result->total_ms);
  judge_stuck(world, call, id, result);
  if (result->attempts > 0 && result->first_error == 0)
    call->started_ms = call->accepted_ms + result->waited_ms;
}
