#include "pool_actor_inner.h"

#include <errno.h>

#include "pool_oracle.h"
#include "pool_words.h"
#include "reply.h"

#define STEPS_MAX    48u /* of one actor: its time is bounded */
#define PIECES_MAX   32u /* of one text: the rest goes at once */
#define BULK_MAX     80000u
#define REQUESTS_MAX 64u /* that are checked */
#define SPLIT_BITS   7u
#define GO_ON        0x80u

static actor_t actors[WORLD_ACTORS];
static pool__mem_t reply_mem;
static pool__reply_stash_t replies;

int actor_is_clean(const actor_t *actor) {
  return !actor->is_unclean;
}

/* --- sending ---------------------------------------------------------------
 */

static void go(actor_t *actor);

static void on_time(void *arg, uint64_t a, uint64_t b) {
  actor_t *actor = arg;

  (void)a;
  (void)b;
  if (actor->end == NULL || actor->mood != WAITS)
    return;
  actor->mood = ACTS;
  go(actor);
}

static void wait_us(actor_t *actor, uint64_t us) {
  actor->mood = WAITS;
  timeline_after(us, on_time, actor, 0, 0);
}

void actor_soil(actor_t *actor) {
  actor->is_unclean = 1;
  actor->place->world->soiled++;
}

static void hang_up(actor_t *actor, int reset) {
  tcp_end_t *end = actor->end;

  actor->place->world->cuts++;

  if (reset || end->in.ready > 0)
    actor->has_reset = 1;
  actor->end = NULL;
  if (reset)
    tcp_reset(end);
  else
    tcp_close(end);
}

/* How a text is sent: at once, or in pieces with pauses. */
static void set_split(actor_t *actor, unsigned how) {
  static const uint8_t splits[8] = {0, 0, 1, 2, 3, 7, 20, 64};
  static const uint16_t delays_us[4] = {0, 30, 1000, 20000};

  actor->split = splits[how & SPLIT_BITS];
  actor->delay_us = delays_us[how >> 3 & 3];
  actor->pieces = PIECES_MAX;
}

void actor_append(actor_t *actor, const char *bytes, size_t len) {
  if (actor->end->no_more_out)
    return;
  if (len > LOG_ROOM - actor->log_len) {
    actor_soil(actor);
    actor->mood = HANGS;
    return;
  }
  memcpy(actor->log + actor->log_len, bytes, len);
  actor->log_len += len;
}

/* Sends the next piece. */
static void pump(actor_t *actor) {
  size_t len = actor->log_len - actor->sent;

  if (actor->split > 0 && len > actor->split && actor->pieces > 0) {
    len = actor->split;
    actor->pieces--;
  }
  tcp_send(actor->end, actor->log + actor->sent, len);
  actor->sent += len;
  if (actor->sent < actor->log_len)
    wait_us(actor, actor->delay_us);
}

/* --- steps -----------------------------------------------------------------
 */

static void say(actor_t *actor, const char *text, size_t len) {
  actor_soil(actor);
  actor_append(actor, text, len);
}

static void do_answer(actor_t *actor, const script_step_t *step) {
  set_split(actor, step->b);
  actor_answer(actor, step->a);
  if ((step->b & GO_ON) == 0 && actor->mood == ACTS)
    actor->mood = RESTS;
}

static void do_piece(actor_t *actor, const script_step_t *step) {
  const char *text = words_piece(step->a);

  set_split(actor, step->b);
  say(actor, text, strlen(text));
}

static void do_whole(actor_t *actor, const script_step_t *step) {
  const char *text = words_whole(step->a);

  set_split(actor, step->b);
  say(actor, text, strlen(text));
  if ((step->b & GO_ON) == 0 && actor->mood == ACTS)
    actor->mood = RESTS;
}

static void do_raw(actor_t *actor, const script_step_t *step) {
  set_split(actor, step->b);
  say(actor, (const char *)step->raw, step->raw_len);
}

/* More than one read takes in, or than any log. Costly: not often in a run. */
static void do_bulk(actor_t *actor, const script_step_t *step) {
  static const uint32_t sizes[4] = {1000, 3000, 9000, 65536};
  static char bytes[4096];
  world_t *world = actor->place->world;
  size_t left = sizes[step->b & 3];
  char head[80];

  if (world->bulk + left > BULK_MAX)
    return;
  world->bulk += left;
  actor_soil(actor);
  actor->is_unlogged = 1;
  tcp_send(actor->end, head,
           (size_t)snprintf(head, sizeof head,
                            "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
                            left - step->a % 3));
  while (left > 0) {
    size_t len = left < sizeof bytes ? left : sizeof bytes;

    tcp_send(actor->end, bytes, len);
    left -= len;
  }
}

static void do_wait(actor_t *actor, const script_step_t *step) {
  static const uint16_t units_us[4] = {1000, 10000, 10, 60000};

  wait_us(actor, (uint64_t)step->a * units_us[step->b & 3]);
}

static void do_fin(actor_t *actor, const script_step_t *step) {
  (void)step;
  actor->place->world->cuts++;
  tcp_shutdown(actor->end);
}

static void do_close(actor_t *actor, const script_step_t *step) {
  (void)step;
  hang_up(actor, 0);
}

static void do_reset(actor_t *actor, const script_step_t *step) {
  (void)step;
  hang_up(actor, 1);
}

static void do_hang(actor_t *actor, const script_step_t *step) {
  (void)step;
  actor->mood = HANGS;
}

static void do_deaf(actor_t *actor, const script_step_t *step) {
  (void)step;
  actor->is_deaf = 1;
}

static void do_rest(actor_t *actor, const script_step_t *step) {
  actor->is_early = (step->a & 1) != 0;
  actor->mood = RESTS;
}

static void take_step(actor_t *actor, const script_step_t *step) {
  static void (*const acts[])(actor_t * actor, const script_step_t *step) = {
      do_answer, do_piece, do_whole, do_piece, do_answer, do_wait, do_rest,
      do_fin,    do_close, do_reset, do_hang,  do_deaf,   do_bulk};

  if (actor->steps++ == STEPS_MAX)
    actor->mood = HANGS;
  else if (step->op == SCRIPT_RAW)
    do_raw(actor, step);
  else
    acts[step->op % (sizeof acts / sizeof acts[0])](actor, step);
}

/* At the end of the track. */
static void be_polite(actor_t *actor, const world_t *world) {
  actor->mood = RESTS;
  if (!world->polite && !world->heals)
    return;
  if (actor->call != NULL && !actor->call->answered)
    actor_answer(actor, SHAPE_LENGTH);
}

/* Does what there is to do, until it has to wait. */
static void go(actor_t *actor) {
  world_t *world = actor->place->world;

  while (actor->end != NULL) {
    const script_step_t *step;

    if (actor->mood != WAITS && actor->sent < actor->log_len) {
      pump(actor);
      continue;
    }
    if (actor->ends && actor->sent == actor->log_len) {
      actor->ends = 0;
      world->cuts++;
      tcp_shutdown(actor->end);
    }
    if (actor->mood == RESTS && actor->requests > actor->seen_to) {
      actor->seen_to = actor->requests;
      actor->mood = ACTS;
    }
    if (actor->mood != ACTS)
      return;
    step = world->heals ? NULL : script_next(&world->script, SCRIPT_SERVER);
    if (step == NULL)
      be_polite(actor, world);
    else
      take_step(actor, step);
  }
}

static void wake(actor_t *actor) {
  if (actor->mood == RESTS)
    actor->mood = ACTS;
  go(actor);
}

/* --- reading ---------------------------------------------------------------
 */

/* The head is whole: whose request is it? It must be one that is pending, or
 * was, and that servers have not had more often than it may be sent. One whose
 * client has gone was given up, and the next attempt may be here already. */
static void read_head(actor_t *actor) {
  world_t *world = actor->place->world;
  const char *id =
      memmem(actor->head, actor->head_len, "\r\nX-Id: ", strlen("\r\nX-Id: "));
  unsigned long index;
  call_t *call;

  FUZZ_CHECK(id != NULL);
  index = strtoul(id + strlen("\r\nX-Id: "), NULL, 10);
  FUZZ_CHECK(index < world->call_count);
  call = &world->calls[index];
  FUZZ_CHECK(++call->seen <= oracle_attempts(call));
  FUZZ_CHECK(!call->body_seen); /* what flowed is gone */
  FUZZ_CHECK(strncmp(actor->head, call->method, strlen(call->method)) == 0);
  if (call->actor == NULL || !actor->end->peer->closed) {
    call->actor = actor;
    call->answered = 0;
  }
  actor->call = call;
  actor->body_left = call->body_len;
  actor->head_len = 0;
}

/* Takes a line, or what there is of it. */
static size_t take_head(actor_t *actor, const char *bytes, size_t len) {
  const char *end = memchr(bytes, '\n', len);
  char *to = actor->head + actor->head_len;

  if (end != NULL)
    len = (size_t)(end - bytes) + 1;
  if (len > HEAD_ROOM - actor->head_len) {
    actor->mood = HANGS;
    return len;
  }
  memcpy(to, bytes, len);
  actor->head_len += len;
  if (end != NULL && actor->head_len > 4 &&
      memcmp(to + len - 4, "\r\n\r\n", 4) == 0)
    read_head(actor);
  return len;
}

static size_t take_body(actor_t *actor, const char *bytes, size_t len) {
  char letter = actor_letter_of(actor->call);
  size_t i;

  if (len > actor->body_left)
    len = actor->body_left;
  for (i = 0; i < len; i++)
    FUZZ_CHECK(bytes[i] == letter);
  actor->body_left -= len;
  actor->call->body_seen = actor->call->uploads;
  return len;
}

static void take_in(actor_t *actor, const char *bytes, size_t len) {
  while (len > 0) {
    size_t took = actor->body_left > 0 ? take_body(actor, bytes, len)
                                       : take_head(actor, bytes, len);

    bytes += took;
    len -= took;
    if (actor->head_len == 0 && actor->body_left == 0)
      actor->requests++;
  }
}

static void on_changed(tcp_end_t *end) {
  actor_t *actor = end->owner;
  char bytes[512];
  int64_t n = -EAGAIN;

  while (!actor->is_deaf && actor->mood != HANGS &&
         (n = tcp_read(end, bytes, sizeof bytes, 0)) > 0)
    take_in(actor, bytes, (size_t)n);
  if (actor->mood == HANGS || actor->is_deaf)
    return;
  if (n != -EAGAIN) {
    hang_up(actor, 0);
  } else if (actor->is_early && (actor->head_len > 0 || actor->body_left > 0)) {
    actor->is_early = 0;
    wake(actor);
  } else if (actor->mood == RESTS) {
    go(actor);
  }
}

/* --- connections -----------------------------------------------------------
 */

static actor_t *make(place_t *place, tcp_end_t *end) {
  world_t *world = place->world;
  uint32_t room = WORLD_ACTORS - (world->heals ? 0 : WORLD_SPARE);
  actor_t *actor;

  if (world->actors >= room)
    return NULL;
  actor = &actors[world->actors++];
  memset(actor, 0, offsetof(actor_t, log));
  actor->place = place;
  actor->end = end;
  end->owner = actor;
  end->changed = on_changed;
  return actor;
}

static void on_first_words(void *arg, uint64_t a, uint64_t b) {
  actor_t *actor = arg;

  (void)a;
  (void)b;
  if (actor->end != NULL)
    wake(actor);
}

static int on_syn(void *arg, tcp_end_t *server) {
  place_t *place = arg;
  actor_t *actor;

  actor = place->mode == PLACE_ACCEPTS ? make(place, server) : NULL;
  if (actor == NULL) {
    place->world->turned_away++;
    return place->mode == PLACE_DROPS ? 1 : -1;
  }
  if (place->speaks_first)
    timeline_after(0, on_first_words, actor, 0, 0);
  return 0;
}

void actors_begin(world_t *world) {
  static const pool_allocator_t standard;
  uint32_t i;

  pool__mem_init(&reply_mem, &standard);
  pool__reply_stash_init(&replies, &reply_mem, 1u << 20, 1u << 20);
  world->actors = 0;
  for (i = 0; i < world->place_count; i++) {
    tcp_listener_t listener = {on_syn, &world->places[i]};

    tcp_listen(world->places[i].port, world->places[i].v6, &listener);
  }
}

void actors_end(void) {
  pool__reply_stash_clear(&replies);
}

static void hang_up_server(tcp_end_t *server, void *arg) {
  actor_t *actor = server->owner;

  actor_soil(actor); /* it may have been in the middle of an answer */
  hang_up(actor, *(int *)arg);
}

void actors_hang_up(place_t *place, int reset) {
  tcp_each_server(place->port, place->v6, hang_up_server, &reset);
}

/* --- what a client may send ------------------------------------------------
 */

/* Whether the log has, from what is checked already up to `end`, just the
 * answer to the latest request. */
static int is_answer(actor_t *actor, size_t end) {
  int to_head = (int)(actor->to_heads >> actor->answers & 1);
  pool__reply_t *reply = pool__reply_take(&replies, to_head);
  int fine;

  FUZZ_CHECK(reply != NULL);
  fine = end > actor->checked &&
         pool__reply_feed(reply, actor->log + actor->checked,
                          end - actor->checked) == 1 &&
         pool__reply_keeps_alive(reply);
  pool__reply_give(reply);
  actor->checked = end;
  actor->answers++;
  return fine;
}

void actor_check_reuse(const tcp_end_t *client, uint32_t requests,
                       int to_head) {
  const tcp_flow_t *in = &client->in;
  actor_t *actor = client->peer->owner;
  size_t taken;

  if (actor == NULL || client->state != TCP_OPEN || actor->has_reset ||
      actor->is_unlogged || requests >= REQUESTS_MAX)
    return;
  taken = actor->sent - in->ready - in->flight - in->queued;
  if (requests > actor->answers)
    FUZZ_CHECK(is_answer(actor, taken));
  FUZZ_CHECK(actor->answers == requests && actor->checked == taken);
  if (to_head)
    actor->to_heads |= 1ull << requests;
}
