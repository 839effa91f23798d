#include "pool_stream.h"

#include "pool_actor_inner.h"
#include "pool_oracle.h"
#include "pool_user.h"

#define PIECE_MAX 5000u

/* --- what is told ----------------------------------------------------------
 */

/* What a callback does and returns; then the call may have ended. */
static int says(call_t *call) {
  const script_step_t *step = user_acts_in_callback(call->world);

  if (step == NULL || (step->b & 0x80) == 0)
    return POOL_GO_ON;
  call->paused = 1;
  return POOL_PAUSE;
}

static void check_telling(const call_t *call, pool_call_t id) {
  const world_t *world = call->world;

  FUZZ_CHECK(!world->in_call && !world->closes && !call->ended);
  FUZZ_CHECK(!call->cancelled && !call->is_wrong);
  FUZZ_CHECK(id.id == call->id.id);
}

static int on_head(pool_t *pool, pool_call_t id, const pool_result_t *head,
                   void *data) {
  call_t *call = data;

  check_telling(call, id);
  trace("head", call->index, head->status, 0);
  FUZZ_CHECK(pool == call->world->pool && !call->head_told && !call->paused);
  FUZZ_CHECK(head->error == 0 && head->status >= 200);
  FUZZ_CHECK(head->phase == POOL_RECEIVING && head->body_len == 0);
  oracle_digest(head);
  call->head_told = 1;
  return says(call);
}

static int on_body(pool_t *pool, pool_call_t id, const char *bytes, size_t len,
                   void *data) {
  call_t *call = data;
  size_t i;

  check_telling(call, id);
  trace("body", call->index, (int64_t)len, 0);
  FUZZ_CHECK(pool == call->world->pool && call->head_told && !call->paused);
  FUZZ_CHECK(len > 0 && !call->to_head);
  for (i = 0; i < len; i++)
    call->soiled |= bytes[i] != actor_letter_of(call);
  call->told += len;
  return says(call);
}

static void finish(call_t *call);

static void on_drain(pool_t *pool, pool_call_t id, void *data) {
  call_t *call = data;

  check_telling(call, id);
  FUZZ_CHECK(pool == call->world->pool && call->full && !call->upload_over);
  call->full = 0;
  if (call->world->heals)
    finish(call);
  else
    user_acts_in_callback(call->world);
}

void stream_prepare(call_t *call, pool_request_t *request, unsigned kind) {
  if ((kind & 1) != 0) {
    request->on_head = on_head;
    request->on_body = on_body;
    call->streams = 1;
  }
  if ((kind & 2) != 0 && call->body_len > 0) {
    request->flags = POOL_STREAM;
    request->on_drain = on_drain;
    call->uploads = 1;
  }
  if (kind == 0)
    request->flags |= POOL_EXPECT;
}

/* --- what is done ----------------------------------------------------------
 */

static call_t *call_of(world_t *world, const script_step_t *step) {
  return world->call_count == 0 ? NULL
                                : &world->calls[step->a % world->call_count];
}

/* Whether nothing can be done with it any more. */
static int is_over(const call_t *call) {
  return call->ended || call->cancelled || call->is_wrong ||
         call->world->closes;
}

static void check_write(call_t *call, size_t len, int rc, uint64_t failures) {
  if (rc == POOL_EGONE)
    return; /* it has ended, if only just now */
  FUZZ_CHECK(!is_over(call));
  if (!call->uploads || call->upload_over) {
    FUZZ_CHECK(rc == UV_EINVAL);
  } else if (call->written + len > call->body_len) {
    FUZZ_CHECK(rc == POOL_ELENGTH);
    call->is_wrong = 1;
  } else if (rc == UV_EAGAIN) {
    call->full = 1;
  } else if (rc == UV_ENOMEM) {
    FUZZ_CHECK(call->world->heap.failures > failures);
  } else {
    FUZZ_CHECK(rc == 0);
    call->written += len;
  }
}

static int write_piece(call_t *call, size_t len) {
  world_t *world = call->world;
  uint64_t failures = world->heap.failures;
  char *piece = malloc(len + (len == 0)); /* a block of its own */
  int rc;

  FUZZ_CHECK(piece != NULL);
  memset(piece, actor_letter_of(call), len);
  world->in_call++;
  rc = pool_write(world->pool, call->id, piece, len);
  world->in_call--;
  free(piece);
  trace("write", call->index, rc, (int64_t)len);
  check_write(call, len, rc, failures);
  return rc;
}

static int end_upload(call_t *call) {
  world_t *world = call->world;
  int rc;

  world->in_call++;
  rc = pool_end(world->pool, call->id);
  world->in_call--;
  trace("end", call->index, rc, 0);
  if (rc == POOL_EGONE)
    return rc;
  FUZZ_CHECK(!is_over(call));
  if (!call->uploads || call->upload_over) {
    FUZZ_CHECK(rc == UV_EINVAL);
  } else if (call->written < call->body_len) {
    FUZZ_CHECK(rc == POOL_ELENGTH);
    call->is_wrong = 1;
  } else {
    FUZZ_CHECK(rc == 0);
    call->upload_over = 1;
  }
  return rc;
}

void stream_writes(world_t *world, const script_step_t *step) {
  static const uint32_t lens[4] = {1, 100, 0, PIECE_MAX};
  call_t *call = call_of(world, step);
  size_t len = lens[step->b & 3];

  if (call == NULL)
    return;
  if ((step->b & 4) != 0 && call->uploads)
    len = call->body_len - call->written; /* all that is left */
  write_piece(call, len);
}

void stream_ends(world_t *world, const script_step_t *step) {
  call_t *call = call_of(world, step);

  if (call != NULL)
    end_upload(call);
}

static void go_on(call_t *call, int pauses) {
  world_t *world = call->world;
  int rc;

  world->in_call++;
  rc = pauses ? pool_pause(world->pool, call->id)
              : pool_resume(world->pool, call->id);
  world->in_call--;
  trace(pauses ? "pause" : "resume", call->index, rc, 0);
  if (rc == POOL_EGONE)
    return;
  FUZZ_CHECK(!is_over(call));
  FUZZ_CHECK(rc == (call->streams ? 0 : UV_EINVAL));
  if (rc == 0)
    call->paused = pauses ? 1 : 0;
}

void stream_goes_on(world_t *world, const script_step_t *step) {
  call_t *call = call_of(world, step);

  if (call != NULL)
    go_on(call, step->b & 1);
}

static void finish(call_t *call) {
  if (is_over(call) || !call->uploads || call->upload_over)
    return;
  if (call->written < call->body_len &&
      write_piece(call, call->body_len - call->written) != 0)
    return;
  end_upload(call);
}

void streams_heal(world_t *world) {
  uint32_t i;

  for (i = 0; i < world->call_count; i++) {
    call_t *call = &world->calls[i];

    if (call->ended)
      continue;
    if (call->paused)
      go_on(call, 0);
    finish(call);
  }
}
