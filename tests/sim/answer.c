#include "answer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVIL "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"

/* --- bytes -----------------------------------------------------------------
 */

static char *make_room(answer_t *answer, size_t len) {
  if (answer->len + len > answer->room) {
    answer->room = (answer->len + len) * 2;
    answer->bytes = realloc(answer->bytes, answer->room);
    if (answer->bytes == NULL)
      abort();
  }
  answer->len += len;
  return answer->bytes + answer->len - len;
}

static void add(answer_t *answer, const char *bytes, size_t len) {
  memcpy(make_room(answer, len), bytes, len);
}

__attribute__((format(printf, 2, 3))) static void say(answer_t *answer,
                                                      const char *format, ...) {
  char text[512];
  va_list args;
  int len;

  va_start(args, format);
  len = vsnprintf(text, sizeof text, format, args);
  va_end(args);
  add(answer, text, (size_t)len);
}

static void add_body(answer_t *answer, uint32_t id, size_t len) {
  while (len > WORLD_PATTERN) { /* a whole number of periods */
    size_t some = WORLD_PATTERN - WORLD_PATTERN % WORLD_PERIOD;

    add(answer, world_pattern(id), some);
    len -= some;
  }
  add(answer, world_pattern(id), len);
}

/* --- parts of answers ------------------------------------------------------
 */

static int is_bodiless(const call_t *call) {
  return call->method == METHOD_HEAD || call->status == 204 ||
         call->status == 304;
}

/* Status line and the fields of all answers. */
static void begin_head(answer_t *answer, const char *version,
                       const call_t *call, uint32_t id) {
  say(answer, "%s %u Fine\r\nServer: sim\r\nX-Id: %u\r\n", version,
      call->status, id);
}

static void add_length(answer_t *answer, const call_t *call) {
  say(answer, "Content-Length: %u\r\n", call->body);
}

static void end_head(answer_t *answer, const char *fields) {
  say(answer, "%s\r\n", fields);
}

static void plain_with(answer_t *answer, call_t *call, uint32_t id,
                       const char *version, const char *fields) {
  begin_head(answer, version, call, id);
  if (call->status != 204)
    add_length(answer, call);
  end_head(answer, fields);
  if (!is_bodiless(call))
    add_body(answer, id, call->body);
}

static void plain(answer_t *answer, call_t *call, uint32_t id) {
  plain_with(answer, call, id, "HTTP/1.1", "");
}

/* The body in chunks of any size; `extension` behind each size. */
static void chunked(answer_t *answer, world_t *world, uint32_t id,
                    const char *extension, const char *trailers) {
  call_t *call = &world->calls[id];
  uint32_t sent = 0;

  begin_head(answer, "HTTP/1.1", call, id);
  end_head(answer, "Transfer-Encoding: chunked\r\n");
  while (sent < call->body) {
    uint32_t len = random_from(&world->chance, 1, 5000);

    if (len > call->body - sent)
      len = call->body - sent;
    say(answer, "%x%s\r\n", len, extension);
    add(answer, world_pattern(id) + sent % WORLD_PERIOD, len);
    say(answer, "\r\n");
    sent += len;
  }
  say(answer, "0%s\r\n%s\r\n", extension, trailers);
}

static void fields(answer_t *answer, unsigned count) {
  unsigned i;

  for (i = 0; i < count; i++)
    say(answer, "X-Field-%u: value %u\r\n", i, i);
}

static size_t head_len(const answer_t *answer) {
  const char *end = memmem(answer->bytes, answer->len, "\r\n\r\n", 4);

  return end == NULL ? answer->len : (size_t)(end - answer->bytes) + 4;
}

/* Leaves bytes out at the end: at least one, and all but `keep`, at most. */
static void cut(answer_t *answer, world_t *world, size_t keep) {
  answer->len =
      random_from(&world->chance, (uint32_t)keep, (uint32_t)answer->len - 1);
}

static void cut_in_head(answer_t *answer, world_t *world) {
  answer->len = head_len(answer);
  cut(answer, world, 1);
}

/* --- kinds -----------------------------------------------------------------
 */

/* Good answers in one piece that differ in words, and in what follows. */
typedef struct {
  kind_t kind;
  const char *version;
  const char *fields;
  then_t then;
  int is_last;
} wording_t;

static const wording_t wordings[] = {
    {KIND_SAYS_CLOSE, "HTTP/1.1", "Connection: close\r\n", THEN_CLOSE, 1},
    {KIND_SAYS_CLOSE_STAYS, "HTTP/1.1", "Connection: close\r\n", THEN_WAIT, 1},
    {KIND_EARLY, "HTTP/1.1", "Connection: close\r\n", THEN_WAIT, 1},
    {KIND_EARLY_RESET, "HTTP/1.1", "Connection: close\r\n", THEN_RESET, 1},
    {KIND_EARLY_HALF, "HTTP/1.1", "Connection: close\r\n", THEN_SHUTDOWN, 1},
    {KIND_OLD_VERSION, "HTTP/1.0", "", THEN_CLOSE, 1},
    {KIND_OLD_KEEPS, "HTTP/1.0", "Connection: keep-alive\r\n", THEN_NOTHING, 0},
    {KIND_KEEP_ALIVE_HINT, "HTTP/1.1",
     "Connection: keep-alive\r\nKeep-Alive: timeout=3, max=9\r\n", THEN_NOTHING,
     0},
};

/* All others, EARLY_KEEPS too: it reads the rest, and goes on. */
static const wording_t usual = {KIND_NONE, "HTTP/1.1", "", THEN_NOTHING, 0};

static void worded(answer_t *answer, call_t *call, uint32_t id) {
  const wording_t *wording = &usual;
  size_t i;

  for (i = 0; i < sizeof wordings / sizeof wordings[0]; i++)
    if (wordings[i].kind == (kind_t)call->kind)
      wording = &wordings[i];
  plain_with(answer, call, id, wording->version, wording->fields);
  answer->then = wording->then;
  answer->is_last = wording->is_last;
}

/* How fast it comes. */
static void set_pace(answer_t *answer, const call_t *call, random_t *chance) {
  switch (call->kind) {
  case KIND_EARLY_RESET: /* in small pieces: the reset may overtake a read */
    answer->piece = answer->len / 8 + 1;
    answer->gap_us = 1;
    break;
  case KIND_DRIP:
    answer->piece = answer->len / 20 + 1;
    answer->gap_us = random_from(chance, 1000, 20000);
    break;
  case KIND_SLOW:
    answer->delay_us = random_from(chance, 100000, 500000);
    break;
  default:
    break;
  }
}

static void open_end(answer_t *answer, const call_t *call, uint32_t id,
                     then_t then) {
  begin_head(answer, "HTTP/1.1", call, id);
  end_head(answer, "");
  add_body(answer, id, call->body);
  answer->then = then;
}

static void make_good(answer_t *answer, world_t *world, uint32_t id) {
  call_t *call = &world->calls[id];

  switch (call->kind) {
  case KIND_CHUNKED:
    chunked(answer, world, id, "", "");
    break;
  case KIND_CHUNK_EXTENSIONS:
    chunked(answer, world, id, ";a=\"b c\";d", "");
    break;
  case KIND_TRAILERS:
    chunked(answer, world, id, "", "X-Sum: 1\r\nX-More: 2\r\n");
    break;
  case KIND_OPEN_END:
  case KIND_OPEN_END_HALF:
    open_end(answer, call, id,
             call->kind == KIND_OPEN_END ? THEN_CLOSE : THEN_SHUTDOWN);
    answer->is_last = 1;
    break;
  case KIND_INTERIM:
    say(answer, "HTTP/1.1 100 Continue\r\n\r\n");
    say(answer, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
    plain(answer, call, id);
    break;
  case KIND_MANY_FIELDS:
    begin_head(answer, "HTTP/1.1", call, id);
    fields(answer, 200);
    add_length(answer, call);
    end_head(answer, "");
    add_body(answer, id, call->body);
    break;
  default:
    worded(answer, call, id);
    set_pace(answer, call, &world->chance);
    break;
  }
  answer->is_whole = 1;
}

/* Ends too soon. */
static void make_cut(answer_t *answer, world_t *world, uint32_t id) {
  call_t *call = &world->calls[id];
  kind_t kind = (kind_t)call->kind;

  answer->then = THEN_CLOSE;
  if (kind == KIND_FIN_BEFORE || kind == KIND_RESET_BEFORE) {
    answer->then = kind == KIND_FIN_BEFORE ? THEN_CLOSE : THEN_RESET;
    return;
  }
  if (kind == KIND_FIN_IN_CHUNK) {
    chunked(answer, world, id, "", "");
    cut(answer, world, head_len(answer));
    return;
  }
  if (kind == KIND_OPEN_END_RESET) {
    open_end(answer, call, id, THEN_RESET);
    return;
  }
  plain(answer, call, id);
  if (kind == KIND_FIN_IN_HEAD || kind == KIND_RESET_IN_HEAD)
    cut_in_head(answer, world);
  else
    cut(answer, world, head_len(answer));
  if (kind == KIND_RESET_IN_HEAD || kind == KIND_RESET_IN_BODY)
    answer->then = THEN_RESET;
}

/* Never ends. */
static void make_stuck(answer_t *answer, world_t *world, uint32_t id) {
  call_t *call = &world->calls[id];

  answer->then = THEN_WAIT;
  plain(answer, call, id);
  if (call->kind == KIND_STUCK || call->kind == KIND_DEAF)
    answer->len = 0;
  if (call->kind == KIND_STUCK_IN_HEAD)
    cut_in_head(answer, world);
  if (call->kind == KIND_STUCK_IN_BODY)
    cut(answer, world, head_len(answer));
  if (call->kind == KIND_DRIP_FOR_EVER) {
    answer->piece = 1;
    answer->gap_us = 8000000 / (uint32_t)answer->len;
    answer->len--; /* whoever has no deadline waits for the last one */
  }
  judge_expect_stuck(
      world, call, (uint32_t)(answer->gap_us * (head_len(answer) - 1) / 1000));
}

/* Is not valid HTTP/1.1, or not what we asked for. */
static void make_invalid(answer_t *answer, world_t *world, uint32_t id) {
  call_t *call = &world->calls[id];
  int i;

  switch (call->kind) {
  case KIND_GARBAGE:
    say(answer, "\x16\x03\x01%s\r\n\r\n", "not HTTP at all");
    break;
  case KIND_BAD_CHUNK:
    begin_head(answer, "HTTP/1.1", call, id);
    end_head(answer, "Transfer-Encoding: chunked\r\n");
    say(answer, "1\r\n%c\r\n-5\r\nhello\r\n0\r\n\r\n", *world_pattern(id));
    break;
  case KIND_BARE_LF:
    say(answer, "HTTP/1.1 200 OK\nX-Id: %u\nContent-Length: 0\n\n", id);
    break;
  case KIND_BOTH_FRAMINGS:
    begin_head(answer, "HTTP/1.1", call, id);
    add_length(answer, call);
    end_head(answer, "Transfer-Encoding: chunked\r\n");
    say(answer, "0\r\n\r\n");
    break;
  case KIND_TWO_LENGTHS:
    plain_with(answer, call, id, "HTTP/1.1", "Content-Length: 3\r\n");
    break;
  case KIND_UPGRADE:
    say(answer, "HTTP/1.1 101 Switching Protocols\r\n"
                "Connection: upgrade\r\nUpgrade: chat\r\n\r\n");
    break;
  case KIND_INTERIM_FLOOD:
    for (i = 0; i < 40; i++)
      say(answer, "HTTP/1.1 102 Processing\r\n\r\n");
    plain(answer, call, id);
    break;
  default:
    plain_with(answer, call, id, "HTTP/2.0", "");
    break;
  }
}

/* Is more than is allowed. */
static void make_huge(answer_t *answer, world_t *world, uint32_t id) {
  call_t *call = &world->calls[id];
  size_t len = 0;

  begin_head(answer, "HTTP/1.1", call, id);
  switch (call->kind) {
  case KIND_HUGE_HEAD:
    while (answer->len <= world->config.max_head_bytes)
      say(answer, "X-Long: %.400s\r\n", world_pattern(id));
    end_head(answer, "Content-Length: 0\r\n");
    break;
  case KIND_TOO_MANY_FIELDS:
    fields(answer, 300);
    end_head(answer, "Content-Length: 0\r\n");
    break;
  case KIND_HUGE_BODY:
    say(answer, "Content-Length: %u\r\n", world->config.max_body_bytes + 1);
    end_head(answer, "");
    add_body(answer, id, 1000);
    answer->then = THEN_WAIT;
    break;
  default:
    end_head(answer, "Transfer-Encoding: chunked\r\n");
    for (; len <= world->config.max_body_bytes; len += 8000) {
      say(answer, "%x\r\n", 8000);
      add_body(answer, id, 8000);
      say(answer, "\r\n");
    }
    answer->then = THEN_WAIT;
    break;
  }
}

/* Whether an answer arrives in one piece. What follows it in another one may
 * come when the connection has a new request: no client can tell it from an
 * answer to that, so it must not be one here. */
static int arrives_whole(const world_t *world) {
  return !world->on[KIND_SMALL_SEGMENTS] && !world->on[KIND_SMALL_WINDOW] &&
         !world->on[KIND_SHORT_READ];
}

/* Is good, and something follows that is not. */
static void make_and_after(answer_t *answer, world_t *world, uint32_t id) {
  call_t *call = &world->calls[id];
  uint32_t soon_us = random_from(&world->chance, 1000, 2000000);

  plain(answer, call, id);
  answer->is_whole = 1;
  switch (call->kind) {
  case KIND_EXTRA_BYTES:
    answer->is_last = arrives_whole(world);
    say(answer, answer->is_last ? EVIL : "no answer");
    break;
  case KIND_FIN_AFTER:
    answer->then = THEN_CLOSE;
    break;
  case KIND_RESET_AFTER:
    answer->then = THEN_RESET;
    break;
  case KIND_FIN_IDLE:
    answer->then = THEN_CLOSE;
    answer->then_us = soon_us;
    break;
  case KIND_RESET_IDLE:
    answer->then = THEN_RESET;
    answer->then_us = soon_us;
    break;
  case KIND_HALF_CLOSE:
    answer->then = THEN_SHUTDOWN;
    break;
  default:
    break; /* EXTRA_LATER: origin.c */
  }
}

int answer_suits(kind_t kind, const call_t *call) {
  if (kind == KIND_DEAF || kind == KIND_EARLY || kind == KIND_EARLY_RESET ||
      kind == KIND_EARLY_KEEPS || kind == KIND_EARLY_HALF ||
      kind == KIND_SLOW_READER)
    return call->sent > 0;
  if (kind == KIND_EXPECT_IGNORED || kind == KIND_EXPECT_FINAL)
    return call->expects;
  if (kind == KIND_HUGE_BODY || kind == KIND_ENDLESS_BODY)
    return call->method != METHOD_HEAD && !call->tells;
  if (call->method != METHOD_HEAD)
    return 1;
  return kind == KIND_UNAVAILABLE || kind == KIND_SAYS_CLOSE ||
         kind == KIND_INTERIM || kind == KIND_STUCK ||
         kind == KIND_FIN_BEFORE || kind == KIND_RESET_BEFORE ||
         kind == KIND_FIN_AFTER || kind == KIND_GARBAGE || kind == KIND_UPGRADE;
}

static uint32_t body_len(world_t *world, const call_t *call) {
  random_t *chance = &world->chance;

  if (call->kind == KIND_LARGE_BODY)
    return random_from(chance, 20000, WORLD_BODY_MAX);
  if (call->kind == KIND_EARLY_RESET)
    return random_from(chance, 1, 300); /* a reset drops what has no room */
  return random_from(chance, 1, random_chance(chance, 500) ? 20000 : 300);
}

static void choose_status(call_t *call) {
  call->status = 200;
  if (call->kind == KIND_NO_CONTENT)
    call->status = 204;
  if (call->kind == KIND_NOT_MODIFIED)
    call->status = 304;
  if (call->kind == KIND_UNAVAILABLE)
    call->status = 503;
  if (call->kind == KIND_BROKEN)
    call->status = 500;
}

void answer_make(answer_t *answer, world_t *world, uint32_t id) {
  call_t *call = &world->calls[id];
  kind_t kind = (kind_t)call->kind;
  char *bytes = answer->bytes;
  size_t room = answer->room;

  memset(answer, 0, sizeof *answer);
  answer->bytes = bytes;
  answer->room = room;
  choose_status(call);
  call->body = body_len(world, call);
  answer->delay_us = random_from(&world->chance, 0, world->service_us);
  if (kind == KIND_NONE || kind_info(kind)->group == GROUP_ANSWER)
    make_good(answer, world, id);
  else if (kind_info(kind)->group == GROUP_AFTER)
    make_and_after(answer, world, id);
  else if (kind <= KIND_DEAF)
    make_stuck(answer, world, id);
  else if (kind <= KIND_OPEN_END_RESET)
    make_cut(answer, world, id);
  else if (kind <= KIND_INTERIM_FLOOD)
    make_invalid(answer, world, id);
  else
    make_huge(answer, world, id);
  if (is_bodiless(call))
    call->body = 0;
  if (kind != KIND_NONE && kind_info(kind)->group == GROUP_BAD)
    answer->is_last = 1; /* who was told such a thing does not come again */
  if (call->says_last && answer->then == THEN_NOTHING)
    answer->then = THEN_WAIT; /* it is for the client to keep its word */
  answer->is_last |= call->says_last;
}

void answer_clear(answer_t *answer) {
  free(answer->bytes);
  answer->bytes = NULL;
  answer->room = 0;
}
