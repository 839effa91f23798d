#include "call.h"

#include <assert.h>
#include <string.h>

#include "hint.h"

void pool__calls_init(pool__calls_t *calls, pool__mem_t *mem,
                      pool__wheel_t *wheel, uint32_t max_pending, size_t high) {
  int i;

  memset(calls, 0, sizeof *calls);
  calls->mem = mem;
  calls->wheel = wheel;
  calls->max_pending = max_pending;
  pool__slab_init(&calls->slab, mem, sizeof(pool__call_t));
  pool__flows_init(&calls->flows, mem, high);
  for (i = 0; i < POOL__CALL_STATES; i++)
    pool__list_init(&calls->lists[i]);
}

void pool__calls_clear(pool__calls_t *calls) {
  uint32_t i;

  assert(calls->pending == 0);
  for (i = 0; i < pool__slab_size(&calls->slab); i++) {
    pool__call_t *call = pool__slab_at(&calls->slab, i);

    if (call->generation == 0)
      continue; /* never used */
    pool__wheel_disarm(calls->wheel, &call->deadline);
    pool__head_clear(&call->head);
  }
  pool__slab_clear(&calls->slab);
  pool__flows_clear(&calls->flows);
}

static int is_listed(pool__call_state_t state) {
  return state != POOL__CALL_FREE && state != POOL__CALL_ACTIVE;
}

static void move(pool__calls_t *calls, pool__call_t *call,
                 pool__call_state_t state) {
  if (is_listed(call->state))
    pool__list_remove(&calls->lists[call->state], &call->link);
  calls->active -= call->state == POOL__CALL_ACTIVE;
  call->state = state;
  calls->active += state == POOL__CALL_ACTIVE;
  if (is_listed(state))
    pool__list_append(&calls->lists[state], &call->link);
}

static void add_pending(pool__calls_t *calls) {
  pool__wheel_hold(calls->wheel);
  calls->pending++;
  if (calls->pending > calls->peak_pending)
    calls->peak_pending = calls->pending;
}

static pool__call_t *take_slot(pool__calls_t *calls) {
  uint32_t index;
  pool__call_t *call = pool__slab_take(&calls->slab, &index);

  if (call == NULL)
    return NULL;
  if (call->generation == 0) {
    pool__head_init(&call->head, calls->mem);
    call->index = index;
  }
  if (++call->generation == 0)
    call->generation = 1;
  return call;
}

static APART void give_flow(pool__call_t *call) {
  pool__flow_give(call->flow);
  call->flow = NULL;
}

static void give_slot(pool__calls_t *calls, pool__call_t *call) {
  if (call->flow != NULL)
    give_flow(call);
  pool__head_reset(&call->head);
  pool__slab_give(&calls->slab, call->index);
}

static APART int take_flow(pool__calls_t *calls, pool__call_t *call,
                           const pool_request_t *request) {
  const pool__head_t *head = &call->head;
  pool__flow_t *flow = pool__flow_take(&calls->flows, request);

  if (flow == NULL)
    return UV_ENOMEM;
  call->flow = flow;
  flow->call = call;
  if (!head->is_streamed)
    return 0;
  flow->has_upload = 1;
  flow->expects = (request->flags & POOL_EXPECT) != 0 && head->length > 0;
  if ((request->flags & POOL_STREAM) != 0)
    pool__upload_begin(&flow->upload, head->length);
  else
    pool__upload_begin_whole(&flow->upload, head->body, head->body_len);
  flow->upload.held = flow->expects;
  return 0;
}

int pool__call_accept(pool__calls_t *calls, const pool_request_t *request,
                      size_t max_head_bytes, pool__call_t **out) {
  pool__call_t *call = take_slot(calls);
  int err;

  if (call == NULL)
    return UV_ENOMEM;
  assert(call->state == POOL__CALL_FREE);
  err = pool__head_write(&call->head, request, max_head_bytes);
  if (err == 0 && pool__flow_is_for(request))
    err = take_flow(calls, call, request);
  if (err != 0) {
    give_slot(calls, call);
    return err;
  }
  call->error = call->first_error = call->last_error = 0;
  call->cancelled = call->had_free = call->paid = 0;
  call->tries = call->sends = call->tried_count = 0;
  call->accepted_at = pool__wheel_now(calls->wheel);
  call->patient_until = call->accepted_at + POOL__CALL_PATIENCE_MS;
  memset(&call->attempt, 0, sizeof call->attempt);
  move(calls, call, POOL__CALL_WAITING);
  add_pending(calls);
  calls->accepted++;
  *out = call;
  return 0;
}

pool_call_t pool__call_id(const pool__call_t *call) {
  pool_call_t id;

  id.id = (uint64_t)call->generation << 32 | call->index;
  return id;
}

pool__call_t *pool__call_find(const pool__calls_t *calls, pool_call_t id) {
  pool__call_t *call = pool__slab_at(&calls->slab, (uint32_t)id.id);

  if (call == NULL || call->state == POOL__CALL_FREE ||
      call->generation != id.id >> 32)
    return NULL;
  return call;
}

void pool__call_set_deadline(pool__calls_t *calls, pool__call_t *call,
                             uint32_t timeout_ms, pool__timer_cb cb) {
  if (timeout_ms == POOL_OFF) {
    call->due = UINT64_MAX;
    return;
  }
  call->due = call->accepted_at + timeout_ms;
  pool__wheel_arm_by(calls->wheel, &call->deadline, timeout_ms, cb);
}

void pool__call_activate(pool__calls_t *calls, pool__call_t *call) {
  assert(call->state == POOL__CALL_WAITING || call->state == POOL__CALL_FRESH);
  move(calls, call, POOL__CALL_ACTIVE);
  call->tries++;
  call->sends += call->attempt.sent;
  if (call->attempt.reused)
    calls->reuses++;
}

static void begin_to_wait(const pool__calls_t *calls, pool__call_t *call) {
  call->patient_until = pool__wheel_now(calls->wheel) + POOL__CALL_PATIENCE_MS;
}

void pool__call_again(pool__calls_t *calls, pool__call_t *call,
                      pool__call_state_t state) {
  assert(call->attempt.conn == NULL);
  assert(state == POOL__CALL_WAITING || state == POOL__CALL_FRESH ||
         state == POOL__CALL_BACKOFF);
  pool__reply_give(call->attempt.reply);
  memset(&call->attempt, 0, sizeof call->attempt);
  if (call->flow != NULL)
    pool__flow_rewind(call->flow);
  begin_to_wait(calls, call);
  move(calls, call, state);
}

void pool__call_wait(pool__calls_t *calls, pool__call_t *call) {
  assert(call->state == POOL__CALL_BACKOFF || call->state == POOL__CALL_FRESH);
  if (call->state == POOL__CALL_BACKOFF)
    begin_to_wait(calls, call);
  move(calls, call, POOL__CALL_WAITING);
}

/* The latest one is the last; when there are too many the oldest is forgotten.
 */
static void note_tried(pool__call_t *call, uint32_t endpoint) {
  uint32_t i = 0;

  while (i < call->tried_count && call->tried[i] != endpoint)
    i++;
  if (i == call->tried_count && i < POOL__CALL_TRIED) {
    call->tried[call->tried_count++] = endpoint;
    return;
  }
  if (i == POOL__CALL_TRIED)
    i = 0;
  memmove(call->tried + i, call->tried + i + 1,
          (call->tried_count - 1 - i) * sizeof *call->tried);
  call->tried[call->tried_count - 1] = endpoint;
}

void pool__call_note_failure(pool__call_t *call, int error, uint32_t endpoint) {
  if (call->first_error == 0)
    call->first_error = error;
  call->last_error = error;
  if (endpoint != 0)
    note_tried(call, endpoint);
}

void pool__call_end(pool__calls_t *calls, pool__call_t *call, int error) {
  assert(call->state != POOL__CALL_FREE && call->state != POOL__CALL_ENDED);
  assert(call->attempt.conn == NULL);
  call->error = error;
  move(calls, call, POOL__CALL_ENDED);
}

static uint32_t ms_between(uint64_t from, uint64_t to) {
  return to - from > UINT32_MAX ? UINT32_MAX : (uint32_t)(to - from);
}

static void tell_times(const pool__call_t *call, uint64_t now,
                       pool_result_t *result) {
  const pool__attempt_t *attempt = &call->attempt;
  uint64_t started = attempt->started_at;

  result->waited_ms =
      ms_between(call->accepted_at, started != 0 ? started : now);
  if (attempt->first_byte_at != 0)
    result->first_byte_ms = ms_between(started, attempt->first_byte_at);
  result->total_ms = ms_between(call->accepted_at, now);
}

static inline void tell(const pool__calls_t *calls, const pool__call_t *call,
                        pool_result_t *result) {
  const pool__attempt_t *attempt = &call->attempt;

  memset(result, 0, sizeof *result);
  result->error = call->error;
  result->phase = attempt->phase;
  result->body = "";
  if (attempt->endpoint != NULL)
    result->endpoint = attempt->endpoint->name;
  result->attempts = call->sends;
  result->reused = attempt->reused;
  tell_times(call, pool__wheel_now(calls->wheel), result);
  result->first_error = call->first_error;
  result->last_error = call->last_error;
  if (call->error == 0 || call->error == POOL_EREJECTED)
    pool__reply_tell(attempt->reply, result);
}

void pool__call_tell(const pool__calls_t *calls, const pool__call_t *call,
                     pool_result_t *result) {
  tell(calls, call, result);
}

static void count(pool__calls_t *calls, const pool__call_t *call) {
  if (call->error == 0)
    calls->succeeded++;
  else if (call->cancelled)
    calls->cancelled++;
  else
    calls->failed++;
}

void pool__call_finish(pool__calls_t *calls, pool__call_t *call) {
  pool__reply_t *reply = call->attempt.reply;
  pool_done_cb done = call->done;
  void *data = call->data;
  pool_result_t result;

  assert(call->state == POOL__CALL_ENDED);
  tell(calls, call, &result);
  count(calls, call);
  move(calls, call, POOL__CALL_FREE);
  give_slot(calls, call);
  calls->pending--;
  done(&result, data);
  pool__reply_give(reply);
  /* Only now: it may have made the next one. */
  if (calls->pending == 0)
    pool__wheel_let_go(calls->wheel);
}
