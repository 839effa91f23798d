/* The virtual servers: actors of the simulated kernel that read requests, hold
 * them against what the users made, and answer by the kind that strikes.
 *
 *   HEAD -> BODY -> ANSWERING -> HEAD
 *                             `-> OVER    no other request may come
 *
 * A connection's peer lives until its end is closed; what is planned for it is
 * void then: plans carry the connection's id. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "heard.h"

#define DEAF_US     1000000u /* between looks whether its client has gone */
#define HANGS_UP_US 2000u
#define QUIET_US    100000u  /* for a client to notice, at the most */
#define HINT_US     3000000u /* as answer.c says */
#define SLOW_BYTES  8192u
#define SLOW_US     100000u
#define CHUNK_BYTES 65536u

typedef enum { READ_HEAD, READ_BODY, ANSWERING, OVER } stage_t;

typedef struct peer_s peer_t;
struct peer_s {
  peer_t *next, *prev; /* on its site's list */
  site_t *site;
  tcp_end_t *end;
  stage_t stage;
  int is_deaf;    /* reads nothing any more */
  int is_resting; /* reads on after a while */
  uint64_t conn_id;
  uint32_t requests;  /* that came on it */
  int spoke;          /* without being asked */
  uint64_t heard_at;  /* when its client's kernel had all of that; 0: not yet */
  uint64_t silent_at; /* when it was last heard, or last answered */
  uint32_t id;        /* of the call that it works on */
  heard_body_t body;  /* its body */
  size_t len;         /* of what is there of a head */
  size_t sent;        /* of the answer */
  answer_t answer;
  char head[HEARD_HEAD_MAX];
};

/* --- peers -----------------------------------------------------------------
 */

static void drop_peer(peer_t *peer) {
  if (peer->prev != NULL)
    peer->prev->next = peer->next;
  else
    peer->site->peers = peer->next;
  if (peer->next != NULL)
    peer->next->prev = peer->prev;
  peer->end->owner = NULL;
  peer->end->changed = NULL;
  answer_clear(&peer->answer);
  free(peer);
}

static void end_peer(peer_t *peer, int reset) {
  tcp_end_t *end = peer->end;

  drop_peer(peer);
  if (reset)
    tcp_reset(end);
  else
    tcp_close(end);
}

/* The peer that a plan was made for, or NULL when it is gone. */
static peer_t *planned(void *arg, uint64_t conn_id) {
  tcp_end_t *end = arg;
  peer_t *peer = end->owner;

  return end->conn->id == conn_id && peer != NULL && peer->conn_id == conn_id
             ? peer
             : NULL;
}

static void plan(peer_t *peer, uint64_t us, timeline_cb cb, uint64_t value) {
  timeline_after(us, cb, peer->end, peer->conn_id, value);
}

/* --- answers ---------------------------------------------------------------
 */

static void on_then(void *arg, uint64_t conn_id, uint64_t then) {
  peer_t *peer = planned(arg, conn_id);

  if (peer != NULL)
    end_peer(peer, then == THEN_RESET);
}

static void on_extra(void *arg, uint64_t conn_id, uint64_t unused) {
  peer_t *peer = planned(arg, conn_id);

  (void)unused;
  if (peer == NULL || peer->stage != READ_HEAD || peer->len > 0)
    return;
  peer->spoke |= !peer->end->no_more_out;
  tcp_send(peer->end, "HTTP/1.1 200 OK\r\n", 17);
}

/* It said how long it would wait for the next request, and keeps its word. */
static void on_hint_over(void *arg, uint64_t conn_id, uint64_t silent_at) {
  peer_t *peer = planned(arg, conn_id);

  if (peer != NULL && peer->stage == READ_HEAD && peer->len == 0 &&
      peer->silent_at == silent_at)
    end_peer(peer, 0);
}

static void finish_answer(peer_t *peer) {
  world_t *world = peer->site->world;
  const answer_t *answer = &peer->answer;
  call_t *call = &world->calls[peer->id];

  if (call->latest == peer->conn_id)
    call->answered = (uint8_t)answer->is_whole;
  peer->end->tag = peer->body.owes; /* the rest of an early answer's request */
  peer->stage = answer->is_last || answer->then == THEN_WAIT ? OVER : READ_HEAD;
  peer->silent_at = timeline_now();
  if (call->kind == KIND_KEEP_ALIVE_HINT)
    plan(peer, HINT_US, on_hint_over, peer->silent_at);
  if (call->kind == KIND_EXTRA_LATER)
    plan(peer, random_from(&world->chance, 10, 1000000), on_extra, 0);
  if (answer->then == THEN_SHUTDOWN)
    tcp_shutdown(peer->end);
  else if (answer->then_us > 0)
    plan(peer, answer->then_us, on_then, answer->then);
  else if (answer->then == THEN_CLOSE || answer->then == THEN_RESET)
    end_peer(peer, answer->then == THEN_RESET);
}

static void on_answer(void *arg, uint64_t conn_id, uint64_t unused) {
  peer_t *peer = planned(arg, conn_id);
  const answer_t *answer;
  size_t len;

  (void)unused;
  if (peer == NULL)
    return;
  answer = &peer->answer;
  len = answer->len - peer->sent;
  if (answer->piece > 0 && len > answer->piece)
    len = answer->piece;
  if (len > 0)
    tcp_send(peer->end, answer->bytes + peer->sent, len);
  peer->sent += len;
  if (peer->sent < answer->len)
    plan(peer, answer->gap_us, on_answer, 0);
  else
    finish_answer(peer);
}

static void on_deaf(void *arg, uint64_t conn_id, uint64_t unused);

/* The pool has given this attempt up, and what it asks for was asked again: an
 * answer would reach nobody. */
static void fall_silent(peer_t *peer) {
  peer->is_deaf = 1;
  plan(peer, DEAF_US, on_deaf, 0);
}

static void begin_answer(peer_t *peer) {
  if (peer->site->world->calls[peer->id].latest != peer->conn_id) {
    fall_silent(peer);
    return;
  }
  peer->stage = ANSWERING;
  peer->sent = 0;
  answer_make(&peer->answer, peer->site->world, peer->id);
  plan(peer, peer->answer.delay_us, on_answer, 0);
}

/* --- requests --------------------------------------------------------------
 */

static kind_t choose_kind(world_t *world, const call_t *call) {
  uint32_t i;

  for (i = 0; i < world->answer_count; i++)
    if (answer_suits(world->answers[i], call) &&
        world_strikes(world, world->answers[i]))
      return world->answers[i];
  return KIND_NONE;
}

/* A deaf server does not hear that its client has gone; we do. */
static void on_deaf(void *arg, uint64_t conn_id, uint64_t unused) {
  peer_t *peer = planned(arg, conn_id);

  (void)unused;
  if (peer == NULL)
    return;
  if (peer->end->peer->closed)
    end_peer(peer, 1);
  else
    plan(peer, DEAF_US, on_deaf, 0);
}

/* When what it said had come: a full window, or a short read, holds that back
 * until its client reads on. Nothing follows it before the next request. */
static void note_heard(peer_t *peer) {
  const tcp_flow_t *out = &peer->end->peer->in;

  if (peer->spoke && peer->heard_at == 0 && out->queued == 0)
    peer->heard_at = out->last_at;
}

/* What this connection may not be asked any more. */
static void check_welcome(peer_t *peer) {
  const world_t *world = peer->site->world;
  const tcp_path_t *path = &peer->end->conn->path;
  uint64_t there_us = path->latency_us + path->jitter_us;

  if (++peer->requests > world->config.max_requests)
    trace_fail("request %u is the %u. on its connection", peer->id,
               peer->requests);
  note_heard(peer);
  if (peer->heard_at > 0 && world_is_swift(world) &&
      timeline_now() > peer->heard_at + there_us + QUIET_US)
    trace_fail("request %u on a connection that spoke out of turn", peer->id);
  peer->silent_at = timeline_now();
}

/* An event that it is back may be on its way still. */
static int is_out(const site_t *site) {
  pool_endpoint_stats_t stats;

  return site->world->pool != NULL && site->in_pool &&
         pool_endpoint_stats(site->world->pool, site->address, &stats) == 0 &&
         stats.health == POOL_OUT;
}

/* No request goes to an endpoint that is out, but what was on its way. */
static void check_in_service(const peer_t *peer) {
  const site_t *site = peer->site;
  const world_t *world = site->world;
  const tcp_path_t *path = &peer->end->conn->path;
  uint64_t there_ms = 2ull * (path->latency_us + path->jitter_us) / 1000;

  if (site->out_since_ms > 0 && world_is_swift(world) && world->lost_us == 0 &&
      world->last_stats.events_lost == 0 &&
      timeline_now() / 1000 > site->out_since_ms + there_ms + QUIET_US / 1000 &&
      is_out(site))
    trace_fail("request %u came to an endpoint that is out", peer->id);
}

/* A ping: it is the pool's, and told by its path. Who is there is well, but
 * says each fourth time that it is not. */
static void answer_ping(peer_t *peer) {
  const char *answer = peer->site->pinged++ % 4 == 0
                           ? "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
                           : "HTTP/1.1 204 No Content\r\n\r\n";

  if (strncmp(peer->head, "GET " WORLD_PING " HTTP/1.1\r\nHost: ", 26) != 0)
    trace_fail("a ping came as\n%s", peer->head);
  check_welcome(peer);
  tcp_send(peer->end, answer, strlen(answer));
}

static void on_head(peer_t *peer, size_t len) {
  static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
  world_t *world = peer->site->world;
  char *slash = memchr(peer->head, '/', len);
  call_t *call;

  if (slash == NULL)
    trace_fail("a request without a path: %.*s", (int)len, peer->head);
  if (strncmp(slash, WORLD_PING " ", sizeof WORLD_PING) == 0) {
    answer_ping(peer);
    return;
  }
  peer->id = (uint32_t)strtoul(slash + 1, NULL, 10);
  if (peer->id >= world->call_count)
    trace_fail("a request that nobody made: %u", peer->id);
  call = &world->calls[peer->id];
  heard_head(peer->site, peer->id, peer->head, len);
  check_welcome(peer);
  check_in_service(peer);
  if (call->seen++ > 0 && (!call->repeats || world->config.max_attempts == 1))
    trace_fail("request %u was sent twice", peer->id);
  if (peer->end->peer->closed) { /* it was overtaken by the next attempt */
    peer->stage = OVER;
    fall_silent(peer);
    return;
  }
  if (call->told || call->flowed)
    trace_fail("request %u was sent again after it had flowed", peer->id);
  call->kind = (int16_t)choose_kind(world, call);
  call->latest = peer->conn_id;
  call->client = peer->end->peer;
  call->answered = 0;
  if (call->kind != KIND_NONE)
    call->ends |= kind_info((kind_t)call->kind)->hit;
  trace("request", peer->site->port, peer->id, call->kind);
  peer->site->served++;
  peer->end->tag = 1; /* busy: see host.c */
  heard_body_begin(&peer->body, world, peer->id);
  peer->stage = READ_BODY;
  if (call->kind == KIND_DEAF)
    fall_silent(peer);
  else if (call->kind == KIND_EXPECT_FINAL)
    begin_answer(peer);
  else if (call->expects && call->kind != KIND_EXPECT_IGNORED)
    tcp_send(peer->end, go_on, sizeof go_on - 1);
}

/* Takes bytes of a head; returns how many. */
static size_t read_head(peer_t *peer, const char *bytes, size_t len) {
  size_t had = peer->len;
  size_t room = HEARD_HEAD_MAX - had;
  char *end;

  if (room == 0)
    trace_fail("a request head without end");
  if (len > room)
    len = room;
  memcpy(peer->head + had, bytes, len);
  peer->len += len;
  end = memmem(peer->head, peer->len, "\r\n\r\n", 4);
  peer->end->tag = end == NULL; /* it waits for the rest: see host.c */
  if (end == NULL)
    return len;
  on_head(peer, (size_t)(end - peer->head) + 4);
  peer->len = 0;
  return (size_t)(end - peer->head) + 4 - had;
}

/* Bytes that come although the answer is on its way: the rest of a body that
 * was answered early, and no other. */
static size_t read_late(peer_t *peer, const char *bytes, size_t len) {
  world_t *world = peer->site->world;

  if (!peer->body.owes)
    trace_fail("%zu bytes on a connection after its last answer, or before "
               "the answer to %u",
               len, peer->id);
  if (world->mode == WORLD_SINGLE &&
      world->calls[peer->id].kind == KIND_EXPECT_FINAL)
    trace_fail("the body of %u comes although it was refused", peer->id);
  len = heard_body(&peer->body, world, bytes, len);
  if (!peer->body.owes && peer->stage == READ_HEAD)
    peer->end->tag = 0;
  return len;
}

static int is_early(const peer_t *peer) {
  int kind = peer->site->world->calls[peer->id].kind;

  return kind == KIND_EARLY || kind == KIND_EARLY_RESET ||
         kind == KIND_EARLY_KEEPS || kind == KIND_EARLY_HALF;
}

static void on_bytes(peer_t *peer, const char *bytes, size_t len) {
  while (len > 0) {
    size_t took = len;

    if (peer->stage == READ_BODY)
      took = heard_body(&peer->body, peer->site->world, bytes, len);
    else if (peer->stage != READ_HEAD || peer->body.owes)
      took = read_late(peer, bytes, len);
    else
      took = read_head(peer, bytes, len);
    bytes += took;
    len -= took;
    if (peer->stage == READ_BODY && !peer->is_deaf &&
        (!peer->body.owes || is_early(peer)))
      begin_answer(peer);
    if (peer->is_deaf)
      return;
  }
}

static void on_slow(void *arg, uint64_t conn_id, uint64_t unused);

/* Reads once; whether there may be more. A slow reader takes a little and has
 * a rest; one that is deaf takes nothing. */
static int read_some(peer_t *peer) {
  static char bytes[CHUNK_BYTES];
  int is_slow = peer->stage == READ_BODY &&
                peer->site->world->calls[peer->id].kind == KIND_SLOW_READER;
  int64_t n;

  if (peer->is_deaf || peer->is_resting)
    return 0;
  n = tcp_read(peer->end, bytes, is_slow ? SLOW_BYTES : CHUNK_BYTES, 0);
  if (n > 0) {
    on_bytes(peer, bytes, (size_t)n);
    if (is_slow) {
      peer->is_resting = 1;
      plan(peer, SLOW_US, on_slow, 0);
    }
    return 1;
  }
  if (n != -EAGAIN)
    end_peer(peer, 0); /* the client has closed, or reset */
  return 0;
}

static void on_changed(tcp_end_t *end) {
  while (read_some(end->owner))
    continue;
}

static void on_slow(void *arg, uint64_t conn_id, uint64_t unused) {
  peer_t *peer = planned(arg, conn_id);

  (void)unused;
  if (peer == NULL)
    return;
  peer->is_resting = 0;
  on_changed(peer->end);
}

/* --- connections -----------------------------------------------------------
 */

static int strikes_here(site_t *site, kind_t kind) {
  world_t *world = site->world;

  return (world->mode != WORLD_SINGLE || site == &world->sites[0]) &&
         world_strikes(world, kind);
}

/* What some servers do to a new connection. */
static void begin_badly(peer_t *peer) {
  uint32_t soon = random_below(&peer->site->world->chance, HANGS_UP_US);

  if (strikes_here(peer->site, KIND_FIN_AT_ONCE))
    plan(peer, soon, on_then, THEN_CLOSE);
  else if (strikes_here(peer->site, KIND_RESET_AT_ONCE))
    plan(peer, soon, on_then, THEN_RESET);
  else if (strikes_here(peer->site, KIND_SPEAKS_FIRST))
    plan(peer, soon, on_extra, 0);
}

static int on_syn(void *arg, tcp_end_t *server) {
  site_t *site = arg;
  peer_t *peer;

  if (site->is_down)
    return -1;
  if (strikes_here(site, KIND_BACKLOG))
    return 1;
  peer = calloc(1, sizeof *peer);
  if (peer == NULL)
    abort();
  peer->site = site;
  peer->end = server;
  peer->conn_id = server->conn->id;
  peer->next = site->peers;
  if (peer->next != NULL)
    peer->next->prev = peer;
  site->peers = peer;
  server->owner = peer;
  server->changed = on_changed;
  begin_badly(peer);
  return 0;
}

void origin_begin(world_t *world) {
  uint32_t i;

  for (i = 0; i < world->endpoints; i++) {
    tcp_listener_t listener = {on_syn, &world->sites[i]};

    tcp_listen(world->sites[i].port, world->sites[i].v6, &listener);
  }
}

void origin_crash(site_t *site, int reset) {
  while (site->peers != NULL)
    end_peer(site->peers, reset);
}

void origin_check_rest(const world_t *world) {
  uint32_t i;

  for (i = 0; i < world->endpoints; i++) {
    const peer_t *peer = world->sites[i].peers;

    for (; peer != NULL; peer = peer->next)
      if (peer->stage == OVER || peer->is_deaf)
        trace_fail("a connection is still open that said %s at call %u",
                   kind_info((kind_t)world->calls[peer->id].kind)->name,
                   peer->id);
  }
}

void origin_end(world_t *world) {
  uint32_t i;

  for (i = 0; i < world->endpoints; i++)
    origin_crash(&world->sites[i], 1);
}
