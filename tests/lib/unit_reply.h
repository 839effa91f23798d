/* Runs tables of answers through the reply room.
 *
 * Each case is fed whole, byte by byte, and split in two at every offset, and
 * has to get the same verdict each time. Every piece is a block of its own, so
 * that a read beyond its end is found out.
 *
 * A reply is not fed any more once it is over or dead. So with bytes behind
 * the end of an answer there are two ways: they come in the piece that has the
 * end in it, and the reply notes them; or they would come later, and then it
 * is whoever reads an idle connection who closes it. The tables say what
 * becomes of the connection, and here bytes that are left over count as
 * closing it either way. */
#ifndef UNIT_REPLY_H_
#define UNIT_REPLY_H_

#include "reply.h"

#define UNIT_MAX_HEAD 8192u
#define UNIT_MAX_BODY 8192u

enum {
  UNIT_TO_HEAD = 1, /* the request was HEAD */
  UNIT_EOF = 2      /* the connection ends behind the bytes */
};

typedef enum {
  UNIT_EITHER, /* versions of the parser differ, and both are right */
  UNIT_REUSE,
  UNIT_CLOSE
} unit_fate_t;

typedef struct {
  const char *name;
  const char *bytes;
  size_t len;
  unsigned flags;
  int verdict; /* 1: an answer; 0: more is needed; or an error */
  const char *body;
  int status; /* 0: 200 */
  unit_fate_t fate;
} unit_reply_case_t;

/* What became of one feeding. */
typedef struct {
  int verdict;
  int status;
  unit_fate_t fate;
  size_t header_count;
  size_t body_len;
  uint64_t digest; /* of headers and body */
} unit_reply_outcome_t;

/* Pieces of bytes for the tables. */
#define UNIT_SL "HTTP/1.1 200 OK\r\n"
#define UNIT_TE "Transfer-Encoding: chunked\r\n"
#define UNIT_CL "Content-Length: "
#define UNIT_CASE(n, b, v)                                                     \
  .name = (n), .bytes = (b), .len = sizeof(b) - 1, .verdict = (v)

/* An answer with this body whose connection is good for another one, or not;
 * one that ends with the connection; bytes that are no answer; an answer that
 * the connection's end cuts short; one that is still to go on. */
#define REUSES(n, b, t)                                                        \
  { UNIT_CASE(n, b, 1), .body = (t), .fate = UNIT_REUSE }
#define CLOSES(n, b, t)                                                        \
  { UNIT_CASE(n, b, 1), .body = (t), .fate = UNIT_CLOSE }
#define ENDS(n, b, t)                                                          \
  { UNIT_CASE(n, b, 1), .flags = UNIT_EOF, .body = (t), .fate = UNIT_CLOSE }
#define FAILS(n, b)                                                            \
  { UNIT_CASE(n, b, POOL_EPARSE) }
#define TOO_LARGE(n, b)                                                        \
  { UNIT_CASE(n, b, POOL_ETOOLARGE) }
#define CUT(n, b)                                                              \
  { UNIT_CASE(n, b, POOL_EHANGUP), .flags = UNIT_EOF }
#define WAITS(n, b)                                                            \
  { UNIT_CASE(n, b, 0) }

/* Runs all cases in all ways; prints those that fail, and then asserts that
 * there were none. */
void unit_reply_check(const unit_reply_case_t *cases, size_t count);
#define UNIT_CHECK(cases)                                                      \
  unit_reply_check(cases, sizeof(cases) / sizeof((cases)[0]))

/* Feeds `bytes` to `reply` in pieces that end at the given cuts (rising, all
 * below len), then the connection's end if UNIT_EOF is in `flags`. */
unit_reply_outcome_t unit_reply_feed(pool__reply_t *reply, const char *bytes,
                                     size_t len, const size_t *cuts,
                                     size_t cut_count, unsigned flags);

/* As above in pieces of `step` bytes, on a stash of its own with the given
 * limits, and nothing may be left of it. */
unit_reply_outcome_t unit_reply_run(const char *bytes, size_t len, size_t step,
                                    unsigned flags, size_t max_head,
                                    size_t max_body);

#endif
