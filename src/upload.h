/* The body of a request that comes in pieces: its framing, its declared length,
 * and what of it waits for the socket. Knows no socket.
 *
 * What is taken is framed at once and kept in a ring until it is on its way. A
 * full ring refuses: it never takes more than the high-water mark, and says
 * once when it has sunk to half of that.
 *
 * A body that is there as a whole, and only held back for a 100 (Continue), is
 * an upload too; it is sent from where it is. */
#ifndef POOL_UPLOAD_H_
#define POOL_UPLOAD_H_

#include "ring.h"

#define POOL__UPLOAD_UNKNOWN UINT64_MAX /* length: it is chunked */
#define POOL__UPLOAD_PIECES  2u

typedef struct {
  pool__ring_t ring;
  size_t high;
  const char *whole; /* the body that is there already, or NULL */
  size_t whole_len;
  uint64_t left;         /* of the declared length, not yet taken; or UNKNOWN */
  size_t in_flight;      /* bytes that are being written */
  size_t counted;        /* of them, as moved already */
  unsigned ended : 1;    /* nothing more will be put in */
  unsigned held : 1;     /* waits for a 100 (Continue), or for long enough */
  unsigned begun : 1;    /* some of it was given to a socket */
  unsigned was_full : 1; /* who was refused waits to be told */
  unsigned whole_sent : 1;
} pool__upload_t;

void pool__upload_init(pool__upload_t *upload, pool__mem_t *mem, size_t high);
void pool__upload_clear(pool__upload_t *upload);

/* A new body of that length, in pieces to come; or one that is there. */
void pool__upload_begin(pool__upload_t *upload, uint64_t length);
void pool__upload_begin_whole(pool__upload_t *upload, const char *body,
                              size_t len);

/* Takes a piece, all of it or nothing. UV_EAGAIN: there is no room now, later
 * there will be. UV_EINVAL: it is larger than the high-water mark. UV_ENOMEM.
 * POOL_ELENGTH: that is more than was declared. */
int pool__upload_put(pool__upload_t *upload, const char *bytes, size_t len);

/* That was all. POOL_ELENGTH: less than was declared. UV_ENOMEM. */
int pool__upload_end(pool__upload_t *upload);

/* What can be sent now, at most POOL__UPLOAD_PIECES; it is in flight then, and
 * stays where it is until it is landed. Not while something is in flight. */
unsigned pool__upload_send(pool__upload_t *upload, uv_buf_t *pieces);

/* What is in flight has left. */
void pool__upload_landed(pool__upload_t *upload);

/* Nothing of what is in flight, or ever was, has left; or what has is there
 * still, and is to leave once more. */
void pool__upload_rewind(pool__upload_t *upload);

static inline int pool__upload_can_rewind(const pool__upload_t *upload) {
  return !upload->begun || upload->whole != NULL;
}

/* All of it has left. */
int pool__upload_is_over(const pool__upload_t *upload);

/* Nothing can be sent before somebody puts more in, or it is held. */
int pool__upload_is_idle(const pool__upload_t *upload);

/* Once after a refusal: there is room again. */
int pool__upload_has_drained(pool__upload_t *upload);

#endif
