/* What tests of streamed requests need: a request whose answer is told in
 * pieces, and a record of these. */
#ifndef STREAMING_H_
#define STREAMING_H_

#include "fixture.h"

#define BIG 1000000u /* bytes of a body that no socket takes at once */

/* What came of an answer. */
typedef struct {
  record_t *record;
  uint32_t heads;
  uint32_t pieces;
  uint32_t drains;
  int status;
  size_t len;
  uint64_t sum;
  char text[256];            /* its first bytes */
  int (*on_piece)(void *me); /* or NULL: goes on */
  int (*on_head)(void *me);  /* or NULL */
  void (*on_drain)(void *me);
  fixture_t *fx;
  pool_call_t call;
} stream_t;

/* Makes a request whose answer is streamed; `given` may be NULL. */
void stream_ask(stream_t *stream, fixture_t *fx, const pool_request_t *given);

/* As the functions of the pool. */
int stream_write(stream_t *stream, const char *bytes, size_t len);
int stream_end(stream_t *stream);
int stream_resume(stream_t *stream);

/* [BIG], and the answer that has it as its body. */
const char *stream_big(void);
const char *stream_big_answer(size_t *len);

uint64_t stream_sum(const char *bytes, size_t len);

/* For on_piece: pauses at the first, or at each. */
int stream_pause_once(void *me);
int stream_pause_each(void *me);

const char *stream_last_request(const fixture_t *fx);

#endif
