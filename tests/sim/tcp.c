#include "tcp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "flow.h"
#include "places.h"
#include "random.h"
#include "timeline.h"

#define CONNS_MAX    8192u
#define DEFAULT_ROOM 65536u
#define SYN_AGAIN_US 1000000u
#define REST_US      3u /* how late the rest of a split read is */

static tcp_t *conns[CONNS_MAX];
static uint32_t conn_count;
static tcp_t *free_conns;
static uint32_t clients;
static uint64_t ids, turn;
static random_t chance;

void tcp_begin(uint64_t seed) {
  tcp_end();
  places_begin();
  clients = 0;
  ids = turn = 0;
  chance.state = seed;
}

void tcp_end(void) {
  uint32_t i;

  for (i = 0; i < conn_count; i++) {
    flow_clear(&conns[i]->client.in);
    flow_clear(&conns[i]->server.in);
    free(conns[i]);
  }
  conn_count = 0;
  free_conns = NULL;
}

/* --- connections -----------------------------------------------------------
 */

static tcp_t *take_conn(void) {
  tcp_t *conn = free_conns;

  if (conn != NULL) {
    free_conns = conn->next_free;
    return conn;
  }
  if (conn_count == CONNS_MAX)
    abort(); /* bounded: somebody forgets to close */
  conn = calloc(1, sizeof *conn);
  if (conn == NULL)
    abort();
  conns[conn_count++] = conn;
  return conn;
}

static void init_end(tcp_end_t *end, tcp_t *conn, tcp_end_t *peer) {
  tcp_flow_t flow = flow_fresh(&end->in);

  memset(end, 0, sizeof *end);
  end->in = flow;
  end->conn = conn;
  end->peer = peer;
  end->is_client = end == &conn->client;
}

static void maybe_free(tcp_t *conn) {
  if (!conn->client.closed || !conn->server.closed)
    return;
  conn->generation++;
  conn->place->conns--;
  conn->next_free = free_conns;
  free_conns = conn;
}

static void tell(tcp_end_t *end) {
  if (end->changed != NULL && !end->closed)
    end->changed(end);
}

/* --- travelling ------------------------------------------------------------
 */

/* Packets of one direction arrive in the order in which they were sent: a plan
 * only says that the next one is due. */
typedef enum {
  PACKET_SYN,
  PACKET_OPENED, /* SYN-ACK */
  PACKET_BYTES,
  PACKET_FIN,
  PACKET_RESET,
  PACKET_FAILED /* none, but the news that the connect has failed */
} packet_t;

static void on_packet(void *arg, uint64_t unused, uint64_t generation);

static void send_packet_at(tcp_end_t *to, packet_t kind, uint64_t value,
                           uint64_t at) {
  tcp_flow_t *flow = &to->in;

  flow_add_packet(flow, (uint64_t)kind << 56 | value);
  if (at < flow->last_at)
    at = flow->last_at;
  flow->last_at = at;
  timeline_at(at, on_packet, to, 0, to->conn->generation);
}

static void send_packet(tcp_end_t *to, packet_t kind, uint64_t value) {
  const tcp_path_t *path = &to->conn->path;

  send_packet_at(to, kind, value,
                 timeline_now() + path->latency_us +
                     random_below(&chance, path->jitter_us + 1));
}

static size_t room_of(const tcp_end_t *reader) {
  const tcp_path_t *path = &reader->conn->path;
  size_t room = reader->is_client ? path->client_room : path->server_room;

  return room > 0 ? room : DEFAULT_ROOM;
}

static size_t send_room_of(const tcp_end_t *writer) {
  size_t room = writer->conn->path.send_room;

  return room > 0 ? room : DEFAULT_ROOM;
}

static void send_reset(tcp_end_t *to) {
  if (!to->closed || to->state != TCP_DEAD)
    send_packet(to, PACKET_RESET, 0);
}

static void on_bytes(tcp_end_t *end, size_t len) {
  end->in.flight -= len;
  if (end->closed || end->state == TCP_DEAD) {
    if (end->state != TCP_DEAD)
      send_reset(end->peer);
    return;
  }
  if (end->in.ready == 0)
    end->in.ready_turn = turn;
  end->in.ready += len;
  tell(end);
  tell(end->peer); /* that much is acknowledged */
}

static void note_over(tcp_end_t *end) {
  if (end->over_turn == 0)
    end->over_turn = turn;
}

static void on_fin(tcp_end_t *end) {
  if (end->state == TCP_DEAD)
    return;
  end->no_more_in = end->had_fin = 1;
  note_over(end);
  if (end->peer->had_fin)
    end->is_over = end->peer->is_over = 1;
  tell(end);
}

/* Sends what the reader has room for, and FIN behind the last byte. */
static void transmit(tcp_end_t *to) {
  tcp_t *conn = to->conn;
  tcp_flow_t *flow = &to->in;
  size_t room = room_of(to);

  while (flow->queued > 0 && flow->ready + flow->flight < room) {
    size_t len = room - flow->ready - flow->flight;

    if (len > flow->queued)
      len = flow->queued;
    if (conn->path.segment > 0 && len > conn->path.segment)
      len = conn->path.segment;
    flow->queued -= len;
    flow->flight += len;
    send_packet(to, PACKET_BYTES, len);
  }
  if (flow->queued == 0 && flow->fin_wanted && !flow->fin_sent) {
    flow->fin_sent = 1;
    send_packet(to, PACKET_FIN, 0);
  }
}

static void take(tcp_end_t *end, size_t len) {
  end->read_turn = turn;
  end->taken += len;
  end->is_asking = 0;
  flow_skip(&end->in, len);
  transmit(end);
}

/* --- the end of connections ------------------------------------------------
 */

/* The reset of the peer has come, or the network gave up. What is still on its
 * way or queued to be sent is lost, what has arrived is not. */
static void die(tcp_end_t *end, int error) {
  if (end->state == TCP_DEAD)
    return;
  end->lost = tcp_unacknowledged(end);
  end->state = TCP_DEAD;
  end->error = error;
  end->no_more_in = end->no_more_out = 1;
  note_over(end);
  end->peer->in.queued = 0;
  tell(end);
}

static void on_reset(tcp_end_t *end) {
  int error = ECONNRESET;

  if (end->is_over)
    return;
  if (end->state == TCP_CONNECTING)
    error = ECONNREFUSED;
  else if (end->had_fin && !end->no_more_out)
    error = EPIPE;
  die(end, error);
}

static void count_closed(const tcp_end_t *end) {
  if (!end->is_client)
    return;
  end->conn->place->clients--;
  clients--;
}

static void close_with_reset(tcp_end_t *end) {
  end->peer->in.queued = 0; /* not sent any more */
  if (end->state == TCP_OPEN && !end->is_over)
    send_reset(end->peer);
  end->state = TCP_DEAD;
}

void tcp_close(tcp_end_t *end) {
  count_closed(end);
  if (end->lingers || end->in.ready > 0) {
    close_with_reset(end);
  } else if (end->state == TCP_OPEN) {
    end->peer->in.fin_wanted = 1;
    transmit(end->peer);
  } else {
    end->state = TCP_DEAD;
  }
  end->closed = 1;
  maybe_free(end->conn);
}

void tcp_reset(tcp_end_t *end) {
  end->lingers = 1;
  tcp_close(end);
}

void tcp_break(tcp_end_t *end, int error) {
  if (end->state == TCP_OPEN)
    send_reset(end->peer);
  die(end, error);
}

/* --- opening ---------------------------------------------------------------
 */

static void on_opened(tcp_end_t *end) {
  if (end->closed) {
    send_reset(end->peer);
    return;
  }
  if (end->state != TCP_CONNECTING)
    return;
  end->state = TCP_OPEN;
  tell(end);
}

static void on_syn(tcp_end_t *server) {
  tcp_t *conn = server->conn;
  const tcp_listener_t *listener = &conn->place->listener;
  int verdict;

  server->state = TCP_OPEN;
  server->closed = 0;
  verdict =
      listener->on_syn == NULL ? -1 : listener->on_syn(listener->arg, server);
  if (verdict == 0) {
    send_packet(&conn->client, PACKET_OPENED, 0);
    return;
  }
  server->closed = 1;
  server->state = TCP_DEAD;
  if (verdict < 0)
    send_packet(&conn->client, PACKET_RESET, 0);
  else
    send_packet_at(server, PACKET_SYN, 0, timeline_now() + SYN_AGAIN_US);
}

static void deliver(tcp_end_t *end, packet_t kind, uint64_t value) {
  switch (kind) {
  case PACKET_SYN:
    on_syn(end);
    break;
  case PACKET_OPENED:
    on_opened(end);
    break;
  case PACKET_BYTES:
    on_bytes(end, (size_t)value);
    break;
  case PACKET_FIN:
    on_fin(end);
    break;
  case PACKET_RESET:
    on_reset(end);
    break;
  case PACKET_FAILED:
    die(end, (int)value);
    break;
  }
}

/* What finds its path blocked waits until that is over. */
static void on_packet(void *arg, uint64_t unused, uint64_t generation) {
  tcp_end_t *end = arg;
  uint64_t until = end->conn->place->hold;
  uint64_t packet;

  (void)unused;
  if (end->conn->generation != (uint32_t)generation)
    return; /* of a connection that is gone */
  if (until > timeline_now()) {
    timeline_at(until, on_packet, end, 0, generation);
    return;
  }
  packet = flow_take_packet(&end->in);
  deliver(end, (packet_t)(packet >> 56), packet & 0xffffffffffffffu);
}

tcp_end_t *tcp_connect(int port, int v6, const tcp_path_t *path, int lost,
                       int error) {
  tcp_t *conn = take_conn();
  tcp_end_t *client = &conn->client;
  tcp_end_t *server = &conn->server;

  init_end(client, conn, server);
  init_end(server, conn, client);
  conn->path = *path;
  conn->place = places_find(port, v6);
  conn->id = ++ids;
  server->state = TCP_DEAD; /* until the SYN comes */
  server->closed = 1;
  conn->place->conns++;
  conn->place->clients++;
  clients++;
  if (error != 0)
    send_packet(client, PACKET_FAILED, (uint64_t)error);
  else if (!lost)
    send_packet(server, PACKET_SYN, 0);
  return client;
}

/* --- what programs do ------------------------------------------------------
 */

int tcp_take_error(tcp_end_t *end) {
  int error = end->error;

  end->error = 0;
  return error;
}

int64_t tcp_read(tcp_end_t *end, void *to, size_t len, int peek) {
  if (end->in.ready > 0) {
    if (len > end->in.ready)
      len = end->in.ready;
    flow_get(&end->in, to, len);
    if (!peek)
      take(end, len);
    return (int64_t)len;
  }
  if (end->had_fin)
    return 0;
  if (end->error != 0)
    return -tcp_take_error(end);
  return end->no_more_in ? 0 : -EAGAIN;
}

static size_t send_space(const tcp_end_t *end) {
  const tcp_flow_t *out = &end->peer->in;
  size_t room = send_room_of(end);
  size_t used = out->queued + out->flight;

  return used < room ? room - used : 0;
}

int64_t tcp_write(tcp_end_t *end, const void *from, size_t len) {
  size_t space = send_space(end);

  if (end->error != 0)
    return -tcp_take_error(end);
  if (end->no_more_out)
    return -EPIPE;
  if (end->state == TCP_CONNECTING || space == 0)
    return -EAGAIN;
  if (len > space)
    len = space;
  flow_put(&end->peer->in, from, len);
  end->is_asking = 1;
  if (!end->is_corked)
    transmit(end->peer);
  return (int64_t)len;
}

void tcp_cork(tcp_end_t *end, int on) {
  end->is_corked = on ? 1 : 0;
  if (!on)
    transmit(end->peer);
}

int tcp_shutdown(tcp_end_t *end) {
  if (end->state != TCP_OPEN || end->is_over)
    return -ENOTCONN;
  end->no_more_out = 1;
  end->peer->in.fin_wanted = 1;
  transmit(end->peer);
  return 0;
}

size_t tcp_unacknowledged(const tcp_end_t *end) {
  if (end->state == TCP_DEAD)
    return end->lost;
  return end->peer->in.queued + end->peer->in.flight;
}

uint32_t tcp_poll(const tcp_end_t *end) {
  uint32_t events = 0;

  if (end->no_more_in)
    events |= EPOLLIN | EPOLLRDHUP;
  if (end->no_more_in && end->no_more_out)
    events |= EPOLLHUP;
  if (end->error != 0)
    events |= EPOLLERR;
  if (end->state == TCP_CONNECTING)
    return events;
  if (end->in.ready > 0)
    events |= EPOLLIN;
  if (end->no_more_out || send_space(end) * 3 >= send_room_of(end))
    events |= EPOLLOUT;
  return events;
}

/* --- what actors and the network do ----------------------------------------
 */

void tcp_send(tcp_end_t *end, const void *from, size_t len) {
  if (end->state != TCP_OPEN || end->no_more_out || len == 0)
    return;
  flow_put(&end->peer->in, from, len);
  transmit(end->peer);
}

void tcp_delay_ready(tcp_end_t *end, size_t keep) {
  tcp_flow_t *flow = &end->in;
  size_t late = flow->ready - keep;

  /* Only if nothing behind it is here or under way: order must be kept. */
  if (flow->flight > 0 || flow->fin_sent || end->state != TCP_OPEN ||
      end->peer->state != TCP_OPEN)
    return;
  flow->ready = keep;
  flow->flight += late;
  send_packet_at(end, PACKET_BYTES, late, timeline_now() + REST_US);
}

void tcp_next_turn(void) {
  turn++;
}

uint64_t tcp_turn(void) {
  return turn;
}

uint32_t tcp_clients(void) {
  return clients;
}

void tcp_each_server(int port, int v6, void (*cb)(tcp_end_t *server, void *arg),
                     void *arg) {
  uint32_t i;

  for (i = 0; i < conn_count; i++)
    if (!conns[i]->server.closed && conns[i]->place == places_find(port, v6))
      cb(&conns[i]->server, arg);
}
