/* Bytes that leave in the order in which they came, in memory of a fixed size:
 * what is in it does not move, so a write that is under way can point to it. */
#ifndef POOL_RING_H_
#define POOL_RING_H_

#include <uv.h>

#include "mem.h"

typedef struct {
  pool__mem_t *mem;
  char *bytes; /* [room]; NULL before the first byte */
  size_t room;
  size_t from; /* offset of the first byte */
  size_t len;
} pool__ring_t;

void pool__ring_init(pool__ring_t *ring, pool__mem_t *mem, size_t room);

/* Frees the memory; the ring can be used again. */
void pool__ring_clear(pool__ring_t *ring);

/* Takes the memory, if it has none. UV_ENOMEM. */
int pool__ring_ready(pool__ring_t *ring);

/* Appends to a ring that is ready and has room for it. */
void pool__ring_put(pool__ring_t *ring, const void *bytes, size_t len);

/* What is in it behind the first `skip` bytes: 0, 1 or 2 pieces. */
unsigned pool__ring_pieces(const pool__ring_t *ring, size_t skip,
                           uv_buf_t *pieces);

/* Drops its first `len` bytes. */
void pool__ring_drop(pool__ring_t *ring, size_t len);

#endif
