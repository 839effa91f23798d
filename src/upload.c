#include "upload.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* Of a chunk: its size in hexadecimal digits and two line ends; and the last
 * chunk, for which room is always left (RFC 9112 7.1). */
#define CHUNK_HEAD 10u
#define CHUNK_ROOM (CHUNK_HEAD + 2)
#define LAST_CHUNK "0\r\n\r\n"
#define LAST_ROOM  (sizeof LAST_CHUNK - 1)

void pool__upload_init(pool__upload_t *upload, pool__mem_t *mem, size_t high) {
  memset(upload, 0, sizeof *upload);
  pool__ring_init(&upload->ring, mem, high + CHUNK_ROOM + LAST_ROOM);
  upload->high = high;
}

void pool__upload_clear(pool__upload_t *upload) {
  pool__ring_clear(&upload->ring);
}

void pool__upload_begin(pool__upload_t *upload, uint64_t length) {
  pool__ring_drop(&upload->ring, upload->ring.len);
  upload->whole = NULL;
  upload->whole_len = 0;
  upload->in_flight = upload->counted = 0;
  upload->left = length;
  upload->ended = upload->held = upload->begun = upload->was_full = 0;
  upload->whole_sent = 0;
}

void pool__upload_begin_whole(pool__upload_t *upload, const char *body,
                              size_t len) {
  pool__upload_begin(upload, 0);
  upload->whole = body;
  upload->whole_len = len;
  upload->ended = 1;
}

static int is_chunked(const pool__upload_t *upload) {
  return upload->left == POOL__UPLOAD_UNKNOWN;
}

/* Room for a piece with its framing, and the last chunk behind it. */
static int has_room(const pool__upload_t *upload, size_t len) {
  const pool__ring_t *ring = &upload->ring;

  return ring->len + len + CHUNK_ROOM + LAST_ROOM <= ring->room;
}

static void put_chunk(pool__ring_t *ring, const char *bytes, size_t len) {
  char head[CHUNK_HEAD + 1];
  int n = snprintf(head, sizeof head, "%zx\r\n", len);

  assert(n > 0 && (size_t)n <= CHUNK_HEAD);
  pool__ring_put(ring, head, (size_t)n);
  pool__ring_put(ring, bytes, len);
  pool__ring_put(ring, "\r\n", 2);
}

int pool__upload_put(pool__upload_t *upload, const char *bytes, size_t len) {
  if (len > upload->high)
    return UV_EINVAL;
  if (!is_chunked(upload) && len > upload->left)
    return POOL_ELENGTH;
  if (len == 0)
    return 0; /* an empty chunk would be the last one */
  if (!has_room(upload, len)) {
    upload->was_full = 1;
    return UV_EAGAIN;
  }
  if (pool__ring_ready(&upload->ring) != 0)
    return UV_ENOMEM;
  if (is_chunked(upload)) {
    put_chunk(&upload->ring, bytes, len);
    return 0;
  }
  pool__ring_put(&upload->ring, bytes, len);
  upload->left -= len;
  return 0;
}

int pool__upload_end(pool__upload_t *upload) {
  if (!is_chunked(upload)) {
    if (upload->left > 0)
      return POOL_ELENGTH;
  } else {
    if (pool__ring_ready(&upload->ring) != 0)
      return UV_ENOMEM;
    pool__ring_put(&upload->ring, LAST_CHUNK, LAST_ROOM);
  }
  upload->ended = 1;
  upload->was_full = 0;
  return 0;
}

unsigned pool__upload_send(pool__upload_t *upload, uv_buf_t *pieces) {
  unsigned count = 0;

  assert(upload->in_flight == 0);
  if (upload->held)
    return 0;
  if (upload->whole != NULL && !upload->whole_sent) {
    pieces[count].base = (char *)(uintptr_t)upload->whole;
    pieces[count++].len = upload->in_flight = upload->whole_len;
  } else {
    count = pool__ring_pieces(&upload->ring, 0, pieces);
    upload->in_flight = upload->ring.len;
  }
  if (count > 0)
    upload->begun = 1;
  return count;
}

void pool__upload_landed(pool__upload_t *upload) {
  if (upload->in_flight == 0)
    return;
  if (upload->whole != NULL)
    upload->whole_sent = 1;
  else
    pool__ring_drop(&upload->ring, upload->in_flight);
  upload->in_flight = upload->counted = 0;
}

void pool__upload_rewind(pool__upload_t *upload) {
  upload->in_flight = upload->counted = 0;
  upload->begun = upload->whole_sent = 0;
}

int pool__upload_is_over(const pool__upload_t *upload) {
  return upload->ended && upload->ring.len == 0 &&
         (upload->whole == NULL || upload->whole_sent);
}

int pool__upload_is_idle(const pool__upload_t *upload) {
  return upload->held ||
         (!upload->ended && upload->ring.len == 0 && upload->in_flight == 0);
}

int pool__upload_has_drained(pool__upload_t *upload) {
  if (!upload->was_full || upload->ring.len > upload->high / 2)
    return 0;
  upload->was_full = 0;
  return 1;
}
