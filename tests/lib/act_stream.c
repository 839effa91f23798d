/* Scenes with bodies that flow. */
#include "act.h"
#include "streaming.h"

#define PIECE  1000u
#define PIECES 200u
#define TURNS  400 /* of a millisecond, until all has to be over */

static stream_t stream; /* of the scene that is played */
static scene_t *playing;
static uint32_t written; /* pieces */

static void begin(scene_t *scene, const pool_request_t *request) {
  stream_ask(&stream, scene->fx, request);
  if (scene->count == SCENE_REQUESTS)
    abort();
  scene->made[scene->count++] = stream.record;
}

static void reset(scene_t *scene) {
  memset(&stream, 0, sizeof stream);
  playing = scene;
  written = 0;
}

static int is_over(void) {
  return stream.record->rc != 0 || stream.record->calls > 0;
}

/* The consumer pauses at each piece, for a moment. */
void act_stream_paused(scene_t *scene) {
  int turns = TURNS;

  reset(scene);
  stream.on_piece = stream_pause_each;
  begin(scene, NULL);
  while (!is_over() && turns-- > 0) {
    fixture_run_ms(scene->fx, 1);
    stream_resume(&stream);
  }
}

/* What cannot be written for want of memory is given up. */
static void give_up(int err) {
  if (err == 0 || err == UV_EAGAIN || err == POOL_EGONE)
    return;
  if (playing->rc == 0)
    playing->rc = err;
  pool_cancel(playing->fx->pool, stream.call);
}

static void write_on(void *me) {
  static char piece[PIECE];
  int err = 0;

  (void)me;
  act_fill(piece, sizeof piece);
  while (err == 0 && written < PIECES) {
    err = pool_write(playing->fx->pool, stream.call, piece, sizeof piece);
    written += err == 0;
  }
  if (err == 0 && written == PIECES) {
    written++;
    err = pool_end(playing->fx->pool, stream.call);
  }
  give_up(err);
}

static void upload(scene_t *scene, uint32_t flags, size_t length) {
  pool_request_t request = {.method = "PUT", .path = "/up"};

  reset(scene);
  request.flags = flags;
  request.body_len = length;
  stream.on_drain = write_on;
  begin(scene, &request);
  if (stream.record->rc == 0)
    write_on(NULL);
}

void act_stream_chunks(scene_t *scene) {
  upload(scene, POOL_STREAM, 0);
}

void act_stream_length(scene_t *scene) {
  upload(scene, POOL_STREAM, PIECE * PIECES);
}

void act_stream_expects(scene_t *scene) {
  upload(scene, POOL_STREAM | POOL_EXPECT, PIECE * PIECES);
}

static int cancel(void *me) {
  (void)me;
  pool_cancel(playing->fx->pool, stream.call);
  return POOL_GO_ON;
}

void act_stream_cancelled(scene_t *scene) {
  reset(scene);
  stream.on_piece = cancel;
  begin(scene, NULL);
}

static int close_it(void *me) {
  (void)me;
  fixture_start_close(playing->fx);
  return POOL_PAUSE;
}

void act_stream_closed(scene_t *scene) {
  reset(scene);
  stream.on_head = close_it;
  begin(scene, NULL);
}

/* An answer comes while the body is still being written. */
void act_stream_early(scene_t *scene) {
  pool_request_t request = {
      .method = "POST", .path = "/up", .flags = POOL_STREAM};

  reset(scene);
  begin(scene, &request);
  if (stream.record->rc == 0)
    give_up(stream_write(&stream, "hello", 5));
}
