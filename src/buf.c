#include "buf.h"

#include <assert.h>
#include <string.h>

#define SMALLEST 256u /* the first allocation, where the maximum allows it */

void pool__buf_init(pool__buf_t *buf, pool__mem_t *mem, size_t max) {
  assert(max < SIZE_MAX);
  buf->mem = mem;
  buf->bytes = NULL;
  buf->len = buf->room = 0;
  buf->max = max;
}

void pool__buf_clear(pool__buf_t *buf) {
  pool__mem_give(buf->mem, buf->bytes, buf->room);
  buf->bytes = NULL;
  buf->len = buf->room = 0;
}

void pool__buf_reset(pool__buf_t *buf, size_t keep) {
  buf->len = 0;
  if (buf->room > keep)
    pool__buf_clear(buf);
}

static int grow(pool__buf_t *buf, size_t more) {
  size_t room = buf->room == 0 ? SMALLEST : buf->room;
  char *bytes;

  if (more > buf->max - buf->len)
    return UV_ENOBUFS;
  while (room < buf->len + more + 1)
    room = room > buf->max / 2 ? buf->max + 1 : room * 2;
  if (room > buf->max + 1)
    room = buf->max + 1;
  bytes = pool__mem_resize(buf->mem, buf->bytes, buf->room, room);
  if (bytes == NULL)
    return UV_ENOMEM;
  buf->bytes = bytes;
  buf->room = room;
  return 0;
}

int pool__buf_reserve(pool__buf_t *buf, size_t more) {
  if (more < buf->room - buf->len)
    return 0; /* also false for a buf without memory: 0 - 0 */
  return grow(buf, more);
}
