/* Bytes that grow, up to a maximum that must be given.
 *
 * There is always room for one byte behind the last (when there is memory at
 * all), so that a NUL can follow whatever was put in. */
#ifndef POOL_BUF_H_
#define POOL_BUF_H_

#include "mem.h"

typedef struct {
  pool__mem_t *mem;
  char *bytes; /* NULL while room is 0 */
  size_t len;
  size_t room; /* bytes allocated */
  size_t max;  /* len never exceeds it */
} pool__buf_t;

void pool__buf_init(pool__buf_t *buf, pool__mem_t *mem, size_t max);

/* Frees the memory; the buf can be used again. */
void pool__buf_clear(pool__buf_t *buf);

/* Empties it. Memory of up to `keep` bytes stays for the next use. */
void pool__buf_reset(pool__buf_t *buf, size_t keep);

/* Room for `more` bytes behind len, and a NUL. UV_ENOBUFS when that would be
 * beyond the maximum, UV_ENOMEM; the buf is as before then. */
int pool__buf_reserve(pool__buf_t *buf, size_t more);

/* Appends; errors as of reserve. */
static inline int pool__buf_append(pool__buf_t *buf, const void *bytes,
                                   size_t len) {
  int err = len < buf->room - buf->len ? 0 : pool__buf_reserve(buf, len);

  if (err != 0)
    return err;
  if (len > 0)
    memcpy(buf->bytes + buf->len, bytes, len);
  buf->len += len;
  return 0;
}

#endif
