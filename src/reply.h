/* A response, from bytes to a verdict. Knows nothing of sockets or requests.
 *
 *   HEAD -> BODY -> OVER          one with content
 *   HEAD -> OVER                  one without
 *   BODY -> TRAILERS -> OVER      behind the last chunk
 *   HEAD -> HEAD                  an interim response (1xx) was passed over
 *
 * The guard judges each line of the head and of the trailers. Where its status
 * and a Content-Length are all that frames a message, its body is counted. Of
 * all others llhttp parses the lines that frame the message, and the body; and
 * both must agree on what they say and where things end. (A field that says
 * nothing about framing, and that the guard found well-formed, would tell
 * llhttp nothing: it is not read twice.) In a checking build llhttp reads what
 * is counted too, and has to agree.
 * A reply is over when the final message is complete by our own account; after
 * an error it is dead until it is begun again.
 *
 * Replies are kept in a stash and lent to connections while a response is on
 * its way: an idle connection has none, and a warm one allocates none. */
#ifndef POOL_REPLY_H_
#define POOL_REPLY_H_

#include <llhttp.h>

#include "buf.h"
#include "guard.h"
#include "queue.h"

#define POOL__REPLY_KEPT       32u    /* replies that wait in a stash */
#define POOL__REPLY_KEEP_BYTES 16384u /* memory each of their bufs may keep */
#define POOL__REPLY_INTERIMS   16u    /* 1xx before one final response */

typedef enum {
  POOL__REPLY_HEAD,
  POOL__REPLY_BODY,
  POOL__REPLY_TRAILERS,
  POOL__REPLY_OVER
} pool__reply_stage_t;

typedef struct {
  pool__mem_t *mem;
  size_t max_head;    /* bytes of all heads and trailers together */
  size_t max_body;    /* bytes of the body, decoded */
  pool__list_t spare; /* replies nobody has */
  uint32_t lent;      /* replies somebody has */
} pool__reply_stash_t;

typedef struct {
  pool__link_t link;          /* on the stash's spare list, or on none */
  pool__reply_stash_t *stash; /* where it came from and goes back to */
  pool__reply_stage_t stage;
  int error; /* why it is dead, 0 while it is not */
  llhttp_t parser;
  pool__guard_t guard; /* of the head */
  pool__guard_t trailer_guard;
  pool__buf_t head; /* the final head, or what is there of one */
  pool__buf_t trailers;
  pool__buf_t body;
  size_t head_bytes;     /* of all sections so far */
  uint64_t left;         /* of a counted body */
  uint64_t framed_bytes; /* fed since the head: body and its framing */
  uint64_t body_bytes;   /* of the body, if it is streamed */
  const char *piece;     /* of the body, if it is streamed: in the bytes that */
  size_t piece_len;      /* were fed last; 0 when there was none */
  uint64_t chunks;
  uint32_t interims;
  unsigned to_head : 1;      /* the request was HEAD: no body */
  unsigned is_streamed : 1;  /* the body is not gathered, and has no limit */
  unsigned continued : 1;    /* a 100 (Continue) was passed over */
  unsigned is_counted : 1;   /* llhttp does not see the message */
  unsigned head_seen : 1;    /* llhttp is through with the head */
  unsigned message_seen : 1; /* llhttp is through with the message */
  unsigned last_chunk : 1;   /* the chunk of size 0 has come */
  unsigned until_eof : 1;    /* the body ends with the connection */
  unsigned leftover : 1;     /* there were bytes behind the message */
} pool__reply_t;

void pool__reply_stash_init(pool__reply_stash_t *stash, pool__mem_t *mem,
                            size_t max_head, size_t max_body);

/* Frees the spare replies; none may be lent. */
void pool__reply_stash_clear(pool__reply_stash_t *stash);

/* A reply ready for the response to a request, a HEAD request if to_head; or
 * NULL when there is no memory. */
pool__reply_t *pool__reply_take(pool__reply_stash_t *stash, int to_head);

/* The body is to be streamed; before the first byte. */
void pool__reply_stream(pool__reply_t *reply);

/* Gives it back; NULL is nothing. */
void pool__reply_give(pool__reply_t *reply);

/* Feeds bytes of the connection, at least one. 1: the response is over (bytes
 * behind it are noted, not read); 0: more is needed; POOL_EPARSE,
 * POOL_ETOOLARGE, UV_ENOMEM. Not to be called once it is over or dead. */
int pool__reply_feed(pool__reply_t *reply, const char *bytes, size_t len);

/* As above for some of the bytes, from the first one on: returns how many, or
 * the error. If the body is streamed a piece of it may be at hand then. More
 * than is needed to end the response is noted, not read. */
int64_t pool__reply_step(pool__reply_t *reply, const char *bytes, size_t len);

static inline int pool__reply_is_over(const pool__reply_t *reply) {
  return reply->stage == POOL__REPLY_OVER;
}

/* The connection has ended in order. 1: that ended the response as it should
 * (RFC 9112 6.3 rule 8); POOL_EHANGUP: it is cut short. */
int pool__reply_finish(pool__reply_t *reply);

/* The head is there: status and headers are final. */
int pool__reply_has_head(const pool__reply_t *reply);

/* Of a reply that is over: whether its connection may be used again as far as
 * the response tells (RFC 9112 9.3). */
int pool__reply_keeps_alive(const pool__reply_t *reply);

/* Of a reply whose head is there. */
static inline int pool__reply_status(const pool__reply_t *reply) {
  return reply->guard.status;
}

/* Fills status, headers, body and trailers of a result, as far as they are
 * there; they live until the reply is given back. Not before the head is
 * there. */
void pool__reply_tell(const pool__reply_t *reply, pool_result_t *result);

#endif
