#include "ring.h"

#include <assert.h>
#include <string.h>

void pool__ring_init(pool__ring_t *ring, pool__mem_t *mem, size_t room) {
  memset(ring, 0, sizeof *ring);
  ring->mem = mem;
  ring->room = room;
}

void pool__ring_clear(pool__ring_t *ring) {
  pool__mem_give(ring->mem, ring->bytes, ring->bytes == NULL ? 0 : ring->room);
  ring->bytes = NULL;
  ring->from = ring->len = 0;
}

int pool__ring_ready(pool__ring_t *ring) {
  if (ring->bytes == NULL)
    ring->bytes = pool__mem_resize(ring->mem, NULL, 0, ring->room);
  return ring->bytes == NULL ? UV_ENOMEM : 0;
}

static size_t wrapped(const pool__ring_t *ring, size_t offset) {
  return offset < ring->room ? offset : offset - ring->room;
}

void pool__ring_put(pool__ring_t *ring, const void *bytes, size_t len) {
  size_t at = wrapped(ring, ring->from + ring->len);
  size_t first = ring->room - at;

  assert(ring->bytes != NULL && len <= ring->room - ring->len);
  if (first > len)
    first = len;
  if (len == 0)
    return;
  memcpy(ring->bytes + at, bytes, first);
  memcpy(ring->bytes, (const char *)bytes + first, len - first);
  ring->len += len;
}

unsigned pool__ring_pieces(const pool__ring_t *ring, size_t skip,
                           uv_buf_t *pieces) {
  size_t at = wrapped(ring, ring->from + skip);
  size_t len = ring->len - skip;
  size_t first = ring->room - at;

  assert(skip <= ring->len);
  if (len == 0)
    return 0;
  pieces[0].base = ring->bytes + at;
  pieces[0].len = first < len ? first : len;
  if (len <= first)
    return 1;
  pieces[1].base = ring->bytes;
  pieces[1].len = len - first;
  return 2;
}

void pool__ring_drop(pool__ring_t *ring, size_t len) {
  assert(len <= ring->len);
  ring->len -= len;
  ring->from = ring->len == 0 ? 0 : wrapped(ring, ring->from + len);
}
