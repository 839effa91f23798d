/* The answers of good servers. */
#include "pool_actor_inner.h"

static size_t write_fields(char *to, size_t room, shape_t shape,
                           const call_t *call, size_t len) {
  static const char *const lines[SHAPES] = {
      [SHAPE_LENGTH] = "HTTP/1.1 200 OK\r\n",
      [SHAPE_CHUNKED] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n",
      [SHAPE_CHUNKS] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n",
      [SHAPE_CLOSED] = "HTTP/1.1 200 OK\r\n",
      [SHAPE_EMPTY] = "HTTP/1.1 204 No Content\r\n",
      [SHAPE_LAST] = "HTTP/1.1 200 OK\r\nConnection: close\r\n",
      [SHAPE_INTERIM] = "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n",
      [SHAPE_HINT] = "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\n",
  };
  char length[40] = "";

  if (shape == SHAPE_LENGTH || shape >= SHAPE_LAST)
    snprintf(length, sizeof length, "Content-Length: %zu\r\n", len);
  return (size_t)snprintf(to, room, "%sX-Id: %u\r\n%s\r\n", lines[shape],
                          call->index, length);
}

static void append_body(actor_t *actor, shape_t shape, size_t len) {
  char letter = actor_letter_of(actor->call);
  char chunk[40];
  size_t i;

  if (shape == SHAPE_CHUNKED && len > 0)
    actor_append(actor, chunk,
                 (size_t)snprintf(chunk, sizeof chunk, "%zx\r\n", len));
  for (i = 0; i < len; i++) {
    if (shape == SHAPE_CHUNKS)
      actor_append(actor, "01;a=b\r\n", 8);
    actor_append(actor, &letter, 1);
    if (shape == SHAPE_CHUNKS)
      actor_append(actor, "\r\n", 2);
  }
  if (shape == SHAPE_CHUNKED && len > 0)
    actor_append(actor, "\r\n", 2);
  if (shape == SHAPE_CHUNKED || shape == SHAPE_CHUNKS)
    actor_append(actor, "0\r\n\r\n", 5);
}

void actor_answer(actor_t *actor, unsigned a) {
  static const uint16_t lengths[8] = {0, 1, 2, 5, 17, 60, 150, 600};
  shape_t shape = (shape_t)(a % SHAPES);
  call_t *call = actor->call;
  size_t len = lengths[a >> 3 & 7];
  char head[256];

  if (call == NULL)
    return;
  if (actor->body_left > 0 || actor->head_len > 0 || call->answered)
    actor_soil(actor);
  if (shape == SHAPE_CHUNKS && len > 60)
    len = 60;
  actor_append(actor, head, write_fields(head, sizeof head, shape, call, len));
  if (call->to_head || shape == SHAPE_EMPTY)
    len = 0;
  else
    append_body(actor, shape, len);
  if (shape == SHAPE_CLOSED)
    actor->ends = 1;
  if (call->actor == actor) { /* else it was given up, and is asked elsewhere */
    call->answered = 1;
    call->answer_len = len;
  }
}
