/* What waits to be written to a client: gathered during a turn of the loop,
 * then written at once. While libuv writes one lot the next is gathered. */
#ifndef GATEWAY_OUT_H_
#define GATEWAY_OUT_H_

#include <stddef.h>

#include <uv.h>

#include "stash.h"

#define OUT_FIRST_BYTES 4096u /* gathered in blocks of a stash; then more */

typedef struct out_s out_t;
struct out_s {
  uv_stream_t *stream;
  stash_t *stash;                          /* of OUT_FIRST_BYTES */
  void (*on_less)(out_t *out, int status); /* a lot is written, or failed */
  char *bytes;                             /* gathered */
  size_t len;
  size_t room;
  char *flying; /* being written */
  size_t flying_len;
  size_t flying_room;
  uv_write_t req;
};

/* Bytes that are not the kernel's yet. */
static inline size_t out_waiting(const out_t *out) {
  return out->len + out->flying_len;
}

/* Gathers. UV_ENOMEM. */
int out_put(out_t *out, const char *bytes, size_t len);

/* Where up to so many bytes can be written, and out_took() says how many were.
 * NULL: no memory. */
char *out_room(out_t *out, size_t len);
static inline void out_took(out_t *out, size_t len) {
  out->len += len;
}

/* As above for a large piece: written from where it is as far as the kernel
 * takes it. UV_ENOMEM, or what the socket says. */
int out_put_now(out_t *out, const char *bytes, size_t len);

/* Writes what was gathered. What the socket says. */
int out_flush(out_t *out);

/* Frees what was gathered; what is flying goes with its write. */
void out_clear(out_t *out);

#endif
