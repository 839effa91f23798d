#include "reply.h"

#include <assert.h>
#include <string.h>

/* Framing of chunked bodies is bounded too: so much for each chunk (16 digits,
 * two line ends), and this much over it in a whole response, for extensions
 * and leading zeroes (RFC 9112 7.1.1). */
#define CHUNK_OVERHEAD 20u
#define SPARE_OVERHEAD 16384u

static int is_bodiless(const pool__reply_t *reply) {
  unsigned status = reply->guard.status;

  return reply->to_head || status < 200 || status == 204 || status == 304;
}

static int on_headers_complete(llhttp_t *parser) {
  pool__reply_t *reply = parser->data;

  reply->head_seen = 1;
  return is_bodiless(reply) ? 1 : 0; /* 1: skip the body */
}

static int on_message_complete(llhttp_t *parser) {
  pool__reply_t *reply = parser->data;

  reply->message_seen = 1;
  return HPE_PAUSED; /* so that not one byte behind it is read */
}

static int on_chunk_header(llhttp_t *parser) {
  pool__reply_t *reply = parser->data;

  reply->chunks++;
  if (!reply->is_streamed &&
      parser->content_length > reply->body.max - reply->body.len) {
    reply->error = POOL_ETOOLARGE;
    return HPE_USER;
  }
  reply->last_chunk = parser->content_length == 0;
  return HPE_PAUSED; /* for its overhead, and the guard reads the trailers */
}

static int take_body(pool__reply_t *reply, const char *at, size_t len) {
  int err;

  if (reply->is_streamed) {
    assert(reply->piece_len == 0); /* a step ends at a chunk's header */
    reply->piece = at;
    reply->piece_len = len;
    reply->body_bytes += len;
    return 0;
  }
  err = pool__buf_append(&reply->body, at, len);
  return err == UV_ENOBUFS ? POOL_ETOOLARGE : err;
}

static int on_body(llhttp_t *parser, const char *at, size_t len) {
  pool__reply_t *reply = parser->data;

  reply->error = take_body(reply, at, len);
  return reply->error == 0 ? 0 : HPE_USER;
}

/* By name: the order of the fields differs between versions of llhttp. */
static const llhttp_settings_t settings = {
    .on_headers_complete = on_headers_complete,
    .on_message_complete = on_message_complete,
    .on_chunk_header = on_chunk_header,
    .on_body = on_body,
};

static void begin_message(pool__reply_t *reply) {
  reply->is_counted = reply->head_seen = reply->message_seen = 0;
  reply->stage = POOL__REPLY_HEAD;
}

/* What a head may say about the framing of its content (RFC 9112 6.1, 6.3);
 * more than llhttp asks for, which knows nothing of what we can decode. */
static int judge_framing(pool__reply_t *reply) {
  const pool__guard_t *guard = &reply->guard;

  if (guard->status == 101)
    return POOL_EPARSE; /* we asked for no upgrade */
  if (is_bodiless(reply))
    return 0;
  if (guard->has_coding && (!guard->is_chunked || guard->coding_twice ||
                            guard->has_length || guard->minor == 0))
    return POOL_EPARSE;
  if (guard->has_length && guard->length > reply->body.max &&
      !reply->is_streamed)
    return POOL_ETOOLARGE;
  reply->until_eof = !guard->has_coding && !guard->has_length;
  return 0;
}

static void start_over(pool__reply_t *reply) {
  pool__buf_reset(&reply->head, POOL__REPLY_KEEP_BYTES);
  pool__guard_reset(&reply->guard, 0);
  begin_message(reply);
}

/* Whether llhttp has understood the head as the guard has. */
static int readers_agree(const pool__reply_t *reply) {
  const pool__guard_t *guard = &reply->guard;

  if (!reply->head_seen || reply->parser.status_code != guard->status)
    return 0;
  if (is_bodiless(reply))
    return reply->message_seen;
  return llhttp_message_needs_eof(&reply->parser) == (int)reply->until_eof &&
         (!guard->has_length || reply->parser.content_length == guard->length);
}

/* Runs llhttp over some bytes of a section. It must take all of them, and end
 * the section with the last byte just where the guard does. */
static int parse(pool__reply_t *reply, const char *bytes, size_t len,
                 int is_end) {
  llhttp_errno_t err = llhttp_execute(&reply->parser, bytes, len);

  if (err == HPE_OK)
    return 0;
  /* llhttp 9.1.0 and 9.1.1 say so of interim responses. */
  if (err != HPE_PAUSED &&
      (err != HPE_PAUSED_UPGRADE || reply->guard.status >= 200))
    return POOL_EPARSE;
  if (!is_end || llhttp_get_error_pos(&reply->parser) != bytes + len)
    return POOL_EPARSE;
  reply->message_seen = 1;
  return 0;
}

/* Has llhttp read those lines of the head that matter to it. */
static int parse_head(pool__reply_t *reply) {
  const pool__guard_t *guard = &reply->guard;
  uint32_t last = guard->run_count - 1;
  uint32_t i;

  llhttp_init(&reply->parser, HTTP_RESPONSE, &settings);
  reply->parser.data = reply;
  for (i = 0; i <= last; i++) {
    if (reply->head_seen ||
        parse(reply, reply->head.bytes + guard->runs[i].from,
              guard->runs[i].to - guard->runs[i].from, i == last) != 0)
      return POOL_EPARSE;
  }
  return readers_agree(reply) ? 0 : POOL_EPARSE;
}

/* --- counted messages -------------------------------------------------------
 *
 * Whatever llhttp knows of them, the guard has found out: where the head ends,
 * the status, the one length, if any, and that nothing else speaks of framing.
 */

static int is_plain(const pool__guard_t *guard) {
  return !guard->is_odd && !guard->has_coding;
}

static void count_head(pool__reply_t *reply) {
  const pool__guard_t *guard = &reply->guard;

#ifdef HTTPOOL_CHECK
  assert(parse_head(reply) == 0);
#endif
  reply->is_counted = 1;
  reply->left = guard->has_length ? guard->length : UINT64_MAX;
  reply->message_seen = is_bodiless(reply) || reply->left == 0;
}

static int64_t count_body(pool__reply_t *reply, const char *bytes, size_t len) {
  int err;

  if (len > reply->left)
    len = (size_t)reply->left;
  err = take_body(reply, bytes, len);
  if (err != 0)
    return err;
  if (!reply->until_eof)
    reply->left -= len;
  if (reply->left == 0)
    reply->stage = POOL__REPLY_OVER;
  return (int64_t)len;
}

/* --- stages ----------------------------------------------------------------
 */

static int end_head(pool__reply_t *reply) {
  if (reply->guard.status < 200) {
    if (++reply->interims > POOL__REPLY_INTERIMS)
      return POOL_EPARSE;
    if (reply->guard.status == 100)
      reply->continued = 1;
    start_over(reply);
    return 0;
  }
  pool__guard_finish(&reply->guard, reply->head.bytes);
  reply->stage = reply->message_seen ? POOL__REPLY_OVER : POOL__REPLY_BODY;
  return 0;
}

/* Gathers one section, the head or the trailers, and has it judged. Returns
 * how many bytes of `bytes` belong to it, negative on error; *whole tells
 * whether it ended there.
 *
 * A section that starts here is judged where it is and copied once its length
 * is known; one that goes on has to be put together first. */
static int64_t gather_section(pool__reply_t *reply, pool__guard_t *guard,
                              pool__buf_t *section, const char *bytes,
                              size_t len, int *whole) {
  size_t had = section->len;
  size_t room = reply->stash->max_head - reply->head_bytes;
  size_t take = len < room ? len : room;
  int64_t end = 0;
  int err;

  if (had == 0) {
    end = pool__guard_scan(guard, bytes, take);
    if (end > 0)
      take = (size_t)end;
  }
  err = end < 0 ? (int)end : pool__buf_append(section, bytes, take);
  if (err != 0)
    return err;
  if (had > 0) {
    end = pool__guard_scan(guard, section->bytes, section->len);
    if (end < 0)
      return end;
    if (end > 0) {
      section->len = (size_t)end;
      take = (size_t)end - had;
    }
  }
  *whole = end > 0;
  if (!*whole && take == room)
    return POOL_ETOOLARGE;
  reply->head_bytes += take;
  return (int64_t)take;
}

static int64_t feed_head(pool__reply_t *reply, const char *bytes, size_t len) {
  int whole = 0;
  int64_t took =
      gather_section(reply, &reply->guard, &reply->head, bytes, len, &whole);
  int err;

  if (took < 0 || !whole)
    return took;
  err = judge_framing(reply);
  if (err == 0 && is_plain(&reply->guard))
    count_head(reply);
  else if (err == 0)
    err = parse_head(reply);
  if (err == 0)
    err = end_head(reply);
  return err != 0 ? err : took;
}

static int64_t feed_trailers(pool__reply_t *reply, const char *bytes,
                             size_t len) {
  int whole = 0;
  int64_t took = gather_section(reply, &reply->trailer_guard, &reply->trailers,
                                bytes, len, &whole);
  int err;

  if (took < 0)
    return took;
  err = parse(reply, bytes, (size_t)took, whole);
  if (err != 0)
    return err;
  if (whole && !reply->message_seen)
    return POOL_EPARSE;
  if (whole) {
    pool__guard_finish(&reply->trailer_guard, reply->trailers.bytes);
    reply->stage = POOL__REPLY_OVER;
  }
  return took;
}

/* Adds bytes of a body and of its framing. The bound depends on what there is
 * up to here, not on how it was cut: within a chunk's header the chunk counts
 * already, and at the header's end, where it is paused, it has just done so. */
static int count_framing(pool__reply_t *reply, size_t took, int at_header) {
  uint64_t chunks = reply->chunks + (at_header ? 0 : 1);
  uint64_t body = reply->is_streamed ? reply->body_bytes : reply->body.len;

  reply->framed_bytes += took;
  return !reply->guard.is_chunked ||
                 reply->framed_bytes - body <=
                     chunks * CHUNK_OVERHEAD + SPARE_OVERHEAD
             ? 0
             : POOL_ETOOLARGE;
}

static int64_t parse_body(pool__reply_t *reply, const char *bytes, size_t len) {
  llhttp_errno_t err = llhttp_execute(&reply->parser, bytes, len);
  size_t took = len;
  int at_header = 0;
  int sane;

  if (err != HPE_OK && err != HPE_PAUSED)
    return reply->error != 0 ? reply->error : POOL_EPARSE;
  if (err == HPE_PAUSED)
    took = (size_t)(llhttp_get_error_pos(&reply->parser) - bytes);
  if (err == HPE_PAUSED && !reply->message_seen) {
    at_header = 1;
    llhttp_resume(&reply->parser);
  }
  sane = count_framing(reply, took, at_header);
  if (sane != 0)
    return sane;
  if (reply->message_seen)
    reply->stage = POOL__REPLY_OVER;
  else if (reply->last_chunk)
    reply->stage = POOL__REPLY_TRAILERS;
  return (int64_t)took;
}

/* Twice in the code: each of its callers is a hot path of its own. */
static inline __attribute__((always_inline)) int64_t
feed_stage(pool__reply_t *reply, const char *bytes, size_t len) {
  switch (reply->stage) {
  case POOL__REPLY_HEAD:
    return feed_head(reply, bytes, len);
  case POOL__REPLY_BODY:
    return reply->is_counted ? count_body(reply, bytes, len)
                             : parse_body(reply, bytes, len);
  case POOL__REPLY_TRAILERS:
    return feed_trailers(reply, bytes, len);
  case POOL__REPLY_OVER:
    break;
  }
  reply->leftover = 1;
  return (int64_t)len;
}

int pool__reply_feed(pool__reply_t *reply, const char *bytes, size_t len) {
  assert(reply->stage != POOL__REPLY_OVER && reply->error == 0);
  while (len > 0) {
    int64_t took = feed_stage(reply, bytes, len);

    if (took < 0) {
      reply->error = (int)took;
      return reply->error;
    }
    bytes += took;
    len -= (size_t)took;
  }
  return reply->stage == POOL__REPLY_OVER ? 1 : 0;
}

int64_t pool__reply_step(pool__reply_t *reply, const char *bytes, size_t len) {
  int64_t took;

  assert(reply->error == 0);
  reply->piece_len = 0;
  took = feed_stage(reply, bytes, len);
  if (took < 0)
    reply->error = (int)took;
  return took;
}

int pool__reply_finish(pool__reply_t *reply) {
  if (reply->stage == POOL__REPLY_BODY && reply->until_eof) {
    reply->stage = POOL__REPLY_OVER;
    return 1;
  }
  reply->error = POOL_EHANGUP;
  return reply->error;
}

int pool__reply_has_head(const pool__reply_t *reply) {
  return reply->stage != POOL__REPLY_HEAD;
}

int pool__reply_keeps_alive(const pool__reply_t *reply) {
  const pool__guard_t *guard = &reply->guard;

  assert(reply->stage == POOL__REPLY_OVER);
  if (reply->leftover || reply->until_eof || guard->says_close ||
      reply->trailer_guard.says_close)
    return 0;
  if (guard->minor == 0 && !guard->says_keep)
    return 0;
  return reply->is_counted || llhttp_should_keep_alive(&reply->parser);
}

void pool__reply_tell(const pool__reply_t *reply, pool_result_t *result) {
  assert(reply->stage != POOL__REPLY_HEAD);
  result->status = reply->guard.status;
  result->header_count = reply->guard.field_count;
  result->headers =
      result->header_count > 0 ? &reply->guard.fields->header : NULL;
  result->body = "";
  result->body_len = reply->body.len;
  if (reply->body.len > 0) {
    reply->body.bytes[reply->body.len] = '\0'; /* a buf has room for it */
    result->body = reply->body.bytes;
  }
  /* There are none before the end. */
  result->trailer_count = reply->trailer_guard.field_count;
  if (result->trailer_count > 0)
    result->trailers = &reply->trailer_guard.fields->header;
}

static pool__reply_t *make(pool__reply_stash_t *stash) {
  pool__reply_t *reply = pool__mem_take(stash->mem, 1, sizeof *reply);

  if (reply == NULL)
    return NULL;
  reply->stash = stash;
  pool__guard_init(&reply->guard, stash->mem);
  pool__guard_init(&reply->trailer_guard, stash->mem);
  pool__guard_reset(&reply->trailer_guard, 1);
  pool__buf_init(&reply->head, stash->mem, stash->max_head);
  pool__buf_init(&reply->trailers, stash->mem, stash->max_head);
  pool__buf_init(&reply->body, stash->mem, stash->max_body);
  return reply;
}

static void destroy(pool__reply_t *reply) {
  pool__guard_clear(&reply->guard);
  pool__guard_clear(&reply->trailer_guard);
  pool__buf_clear(&reply->head);
  pool__buf_clear(&reply->trailers);
  pool__buf_clear(&reply->body);
  pool__mem_give(reply->stash->mem, reply, sizeof *reply);
}

void pool__reply_stash_init(pool__reply_stash_t *stash, pool__mem_t *mem,
                            size_t max_head, size_t max_body) {
  stash->mem = mem;
  stash->max_head = max_head;
  stash->max_body = max_body;
  stash->lent = 0;
  pool__list_init(&stash->spare);
}

void pool__reply_stash_clear(pool__reply_stash_t *stash) {
  pool__link_t *link;

  assert(stash->lent == 0);
  while ((link = pool__list_first(&stash->spare)) != NULL) {
    pool__list_remove(&stash->spare, link);
    destroy(POOL__OF(link, pool__reply_t, link));
  }
}

pool__reply_t *pool__reply_take(pool__reply_stash_t *stash, int to_head) {
  pool__link_t *link = pool__list_first(&stash->spare);
  pool__reply_t *reply;

  if (link != NULL) {
    pool__list_remove(&stash->spare, link);
    reply = POOL__OF(link, pool__reply_t, link);
  } else {
    reply = make(stash);
    if (reply == NULL)
      return NULL;
  }
  stash->lent++;
  reply->error = 0;
  reply->head_bytes = 0;
  reply->framed_bytes = reply->chunks = 0;
  reply->interims = 0;
  reply->to_head = to_head ? 1 : 0;
  reply->last_chunk = reply->until_eof = reply->leftover = 0;
  reply->is_streamed = reply->continued = 0;
  pool__guard_reset(&reply->guard, 0);
  if (reply->trailer_guard.line > 0 || reply->trailer_guard.looked > 0)
    pool__guard_reset(&reply->trailer_guard, 1);
  begin_message(reply);
  return reply;
}

void pool__reply_stream(pool__reply_t *reply) {
  assert(reply->stage == POOL__REPLY_HEAD);
  reply->is_streamed = 1;
  reply->body_bytes = reply->piece_len = 0;
}

void pool__reply_give(pool__reply_t *reply) {
  pool__reply_stash_t *stash;

  if (reply == NULL)
    return;
  stash = reply->stash;
  stash->lent--;
  if (stash->spare.length == POOL__REPLY_KEPT) {
    destroy(reply);
    return;
  }
  pool__buf_reset(&reply->head, POOL__REPLY_KEEP_BYTES);
  pool__buf_reset(&reply->trailers, POOL__REPLY_KEEP_BYTES);
  pool__buf_reset(&reply->body, POOL__REPLY_KEEP_BYTES);
  pool__list_prepend(&stash->spare, &reply->link);
}
