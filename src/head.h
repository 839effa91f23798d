/* A request as bytes: judged, then serialised once.
 *
 * The Host line differs from endpoint to endpoint, and a request may be tried
 * on several; so the head is kept in two parts and the endpoint's Host line
 * goes between them when it is sent. Host then stands first, as RFC 9110 7.2
 * asks. A request that brings a Host of its own has it in the first part.
 *
 *   POST /things HTTP/1.1 CRLF | Host: ... CRLF | Fields CRLF CRLF | body
 *   `- line -----------------'                   `- fields -------'
 */
#ifndef POOL_HEAD_H_
#define POOL_HEAD_H_

#include "mem.h"
#include "upload.h"

/* Bytes of a head that need no allocation, and bytes of memory for a longer one
 * that stay for the next. */
#define POOL__HEAD_INLINE 320u
#define POOL__HEAD_KEEP   4096u
#define POOL__HEAD_PIECES 4u /* line, Host, fields, body */

typedef struct {
  pool__mem_t *mem;
  char *bytes;       /* line, fields and a copied body, in `own` or allocated */
  size_t room;       /* what is allocated, 0 when in `own` */
  size_t line_len;   /* with the caller's Host line, if there is one */
  size_t fields_len; /* with the empty line */
  const char *body;  /* the caller's, or the copy behind the fields */
  size_t body_len;
  uint64_t length;     /* of the body; or UNKNOWN: it is streamed in chunks */
  uint8_t is_streamed; /* the body comes in pieces, or is held back at first */
  uint8_t own_host;    /* the Host line is the caller's */
  uint8_t wants_close; /* says Connection: close */
  uint8_t is_head;     /* the answer has no body (RFC 9110 9.3.2) */
  uint8_t repeatable;  /* may be executed twice (RFC 9110 9.2.2) */
  char own[POOL__HEAD_INLINE];
} pool__head_t;

/* All zeroes but `mem` is an empty head. */
void pool__head_init(pool__head_t *head, pool__mem_t *mem);

/* Forgets the request; some memory may stay for the next one. */
void pool__head_reset(pool__head_t *head);

/* Frees the memory. */
void pool__head_clear(pool__head_t *head);

/* Judges the request and serialises it. The head must be empty, and is so
 * again after a failure. Errors: UV_EINVAL (see httpool.h; also a head of more
 * than max_bytes), UV_ENOMEM. */
int pool__head_write(pool__head_t *head, const pool_request_t *request,
                     size_t max_bytes);

/* The bytes to send, without a body that is streamed: at most POOL__HEAD_PIECES
 * non-empty pieces that stay as they are while the head and `host_line` ("Host:
 * ...\r\n") do. Returns how many there are. */
unsigned pool__head_pieces(const pool__head_t *head, const char *host_line,
                           size_t host_line_len, uv_buf_t *pieces);

#endif
