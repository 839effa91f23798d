/* One client: its requests go to the pool, its answers come back.
 *
 *   HEAD -> BODY -> WAITING -> HEAD       in step with the exchange:
 *                                         asked -> answering -> done
 *   any -> LINGERING -> closed            an answer that is the last one
 *
 * One request at a time: what is pipelined behind it waits in the buffer, and
 * when that is full nothing more is read. A piece of a body that the pool has
 * no room for waits there too, until on_drain. The other way, when too much
 * waits to be written to the client, the pool is paused.
 *
 * A client lives until its socket is closed and its call, if there is one, was
 * told. */
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "fields.h"

#define OUT_SMALL 4096u /* a piece that is gathered */
#define LINGER_MS 1000u

static void settle(client_t *client);

/* --- its life --------------------------------------------------------------
 */

void client_maybe_free(client_t *client) {
  server_t *server = client->server;

  if (!client->closed || client->has_call || client->is_unflushed)
    return;
  if (client->prev != NULL)
    client->prev->next = client->next;
  else
    server->clients = client->next;
  if (client->next != NULL)
    client->next->prev = client->prev;
  server->client_count--;
  out_clear(&client->out);
  inbound_clear(&client->inbound);
  stash_give(&server->ins, client->in);
  free(client);
  if (server->stopping && server->client_count == 0)
    server_stop(server);
}

static void on_closed(uv_handle_t *handle) {
  client_t *client = handle->data;

  client->closed = 1;
  client_maybe_free(client);
}

/* It is being closed: nobody is to work for it. */
static void leave(client_t *client) {
  client->closing = 1;
  if (client->has_call)
    pool_cancel(client->server->pool, client->call);
}

void client_close(client_t *client) {
  if (client->closing)
    return;
  uv_close((uv_handle_t *)&client->tcp, on_closed);
  leave(client);
}

void client_reset(client_t *client) {
  if (client->closing)
    return;
  if (uv_tcp_close_reset(&client->tcp, on_closed) == 0)
    leave(client);
  else
    client_close(client); /* it is being shut down */
}

static uint64_t now_of(const client_t *client) {
  return uv_now(client->server->loop);
}

/* Until when the client, not a server, may keep us waiting. */
static uint64_t due_of(const client_t *client) {
  const server_t *server = client->server;

  if (client->stage == CLIENT_LINGERING)
    return client->linger_due;
  if (client->out_since != 0)
    return client->out_since + server->slow_ms;
  if (client->stage == CLIENT_HEAD)
    return client->head_since != 0 ? client->head_since + server->slow_ms
                                   : client->idle_since + server->idle_ms;
  if (client->stage == CLIENT_BODY && client->piece == NULL)
    return client->body_due;
  return UINT64_MAX;
}

void client_check(client_t *client, uint64_t now) {
  if (now >= due_of(client))
    client_close(client);
}

void client_let_go(client_t *client) {
  client->is_last = 1;
  settle(client);
}

/* --- out -------------------------------------------------------------------
 */

static void set_unflushed(client_t *client) {
  server_t *server = client->server;

  if (client->is_unflushed)
    return;
  client->is_unflushed = 1;
  client->next_unflushed = server->unflushed;
  server->unflushed = client;
}

void client_put(client_t *client, const char *bytes, size_t len) {
  if (client->closing)
    return;
  if (len > OUT_SMALL ? out_put_now(&client->out, bytes, len) != 0
                      : out_put(&client->out, bytes, len) != 0) {
    client_close(client);
    return;
  }
  set_unflushed(client);
}

void client_put_text(client_t *client, const char *text) {
  client_put(client, text, strlen(text));
}

char *client_room(client_t *client, size_t len) {
  char *room = client->closing ? NULL : out_room(&client->out, len);

  if (room == NULL)
    client_close(client);
  return room;
}

void client_took(client_t *client, size_t len) {
  out_took(&client->out, len);
  set_unflushed(client);
}

static void on_shut(uv_shutdown_t *req, int status) {
  (void)status;
  free(req);
}

/* The last answer is out: no more is said, and what the client still sends is
 * read for a moment, lest a reset takes the answer from it. */
static void linger(client_t *client) {
  uv_shutdown_t *req = malloc(sizeof *req);

  client->stage = CLIENT_LINGERING;
  client->linger_due = now_of(client) + LINGER_MS;
  client->piece = NULL;
  client->in_from = client->in_len = 0;
  if (client->at_end || req == NULL ||
      uv_shutdown(req, (uv_stream_t *)&client->tcp, on_shut) != 0) {
    free(req);
    client_close(client);
    return;
  }
  client_process(client);
}

/* Some of what waited has left, or all. */
static void on_out(client_t *client) {
  size_t waiting = out_waiting(&client->out);

  client->out_since = waiting > 0 ? now_of(client) : 0;
  if (client->paused && waiting <= CLIENT_OUT_LOW) {
    client->paused = 0;
    pool_resume(client->server->pool, client->call);
  }
  client_process(client);
}

void client_flush(client_t *client) {
  size_t waited = out_waiting(&client->out);

  if (client->closing) {
    client_maybe_free(client);
    return;
  }
  if (out_flush(&client->out) != 0)
    client_close(client);
  else if (out_waiting(&client->out) < waited || client->out_since == 0)
    on_out(client);
}

static void on_less(out_t *out, int status) {
  client_t *client = (client_t *)((char *)out - offsetof(client_t, out));

  if (client->closing)
    return;
  if (status != 0 || out_flush(out) != 0)
    client_close(client);
  else
    on_out(client);
}

/* --- requests --------------------------------------------------------------
 */

static void on_drain(pool_t *pool, pool_call_t call, void *data) {
  (void)pool;
  (void)call;
  client_process(data);
}

static void ask_status(client_t *client) {
  char text[4096];

  answer_with(client, 200, text,
              status_write(client->server, text, sizeof text));
}

static void ask_pool(client_t *client) {
  const inbound_t *in = &client->inbound;
  pool_request_t request;
  fields_t fields;
  int err = fields_for_server(&fields, in, client->peer);

  if (err != 0) {
    answer_refuse(client, err);
    return;
  }
  memset(&request, 0, sizeof request);
  request.method = inbound_method(in);
  request.path = inbound_path(in);
  request.headers = fields.list;
  request.header_count = fields.count;
  request.flags = in->has_body ? POOL_STREAM : 0;
  request.on_head = answer_on_head;
  request.on_body = answer_on_body;
  request.on_drain = on_drain;
  err = pool_request(client->server->pool, &request, answer_on_done, client,
                     &client->call);
  if (err == 0) {
    client->has_call = 1;
    if (in->expects && in->has_body && !in->is_http_1_0)
      client_put_text(client, "HTTP/1.1 100 Continue\r\n\r\n");
    return;
  }
  client->server->refused += err == POOL_EOVERLOADED;
  client->is_last |= in->has_body; /* it is not read */
  answer_refuse(client, answer_status_of(err));
}

static void begin_exchange(client_t *client) {
  const inbound_t *in = &client->inbound;

  client->server->requests++;
  client->stage = CLIENT_BODY;
  client->answering = client->answered = client->is_chunked = 0;
  client->to_head = in->parser.method == HTTP_HEAD;
  client->is_http_1_0 = in->is_http_1_0;
  client->is_last = !in->keeps_alive || client->server->stopping;
  client->is_open = 0;
  client->head_since = 0;
  client->body_due = now_of(client) + client->server->slow_ms;
  if (strcmp(inbound_path(in), "/.gateway") == 0)
    ask_status(client);
  else
    ask_pool(client);
}

/* A piece of a body; 0 when it has to wait. A body may come at a thousand bytes
 * a second, and after a while without any. */
static int pass_piece(client_t *client, const char *piece, size_t len) {
  uint64_t most = now_of(client) + client->server->slow_ms;
  int waited = client->piece != NULL;
  int err = 0;

  if (client->has_call)
    err = pool_write(client->server->pool, client->call, piece, len);
  client->piece = err == UV_EAGAIN ? piece : NULL;
  client->piece_len = len;
  if (err == UV_EAGAIN)
    return 0;
  client->body_due += len;
  if (waited || client->body_due > most)
    client->body_due = most;
  if (err != 0 && err != POOL_EGONE)
    client_close(client); /* or there would be a hole in it */
  return 1;
}

static void end_request(client_t *client) {
  int err = 0;

  client->stage = CLIENT_WAITING;
  if (client->has_call && client->inbound.has_body)
    err = pool_end(client->server->pool, client->call);
  if (err != 0 && err != POOL_EGONE)
    client_close(client);
}

/* Both are over, request and answer; or the answer alone, and then no other can
 * follow. */
static void end_exchange(client_t *client) {
  if (client->stage == CLIENT_BODY)
    client->is_last = 1;
  client->stage = CLIENT_HEAD;
  client->answered = 0;
  client->piece = NULL;
  client->idle_since = now_of(client);
  client->head_since =
      client->in_len > client->in_from ? client->idle_since : 0;
}

static void on_bad(client_t *client) {
  client->is_last = 1;
  client->to_head = 0;
  if (client->stage == CLIENT_HEAD)
    answer_refuse(client, client->inbound.status);
  else if (!client->answered)
    client_close(client); /* in a body */
}

static void on_event(client_t *client, inbound_event_t event) {
  switch (event) {
  case INBOUND_MORE:
    break;
  case INBOUND_HEAD:
    begin_exchange(client);
    break;
  case INBOUND_BODY:
    pass_piece(client, client->inbound.piece, client->inbound.piece_len);
    break;
  case INBOUND_END:
    end_request(client);
    break;
  case INBOUND_BAD:
    on_bad(client);
    break;
  }
}

/* One step with what was read; 0 when nothing can be done now. */
static int step(client_t *client) {
  inbound_event_t event;
  size_t took;

  if (client->closing)
    return 0;
  if (client->stage == CLIENT_LINGERING)
    client->in_from = client->in_len = 0;
  if (client->answered && (client->stage == CLIENT_WAITING || client->is_last))
    end_exchange(client);
  if (client->stage == CLIENT_LINGERING ||
      (client->stage == CLIENT_HEAD &&
       (client->is_last || out_waiting(&client->out) > CLIENT_OUT_HIGH)))
    return 0;
  if (client->piece != NULL &&
      !pass_piece(client, client->piece, client->piece_len))
    return 0;
  if (client->stage == CLIENT_WAITING)
    return 0;
  event = inbound_feed(&client->inbound,
                       client->in == NULL ? "" : client->in + client->in_from,
                       client->in_len - client->in_from, &took);
  client->in_from += took;
  on_event(client, event);
  return event != INBOUND_MORE;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
  client_t *client = handle->data;

  (void)suggested;
  if (client->in == NULL)
    client->in = stash_take(&client->server->ins);
  buf->base = client->in == NULL ? NULL : client->in + client->in_len;
  buf->len = client->in == NULL ? 0 : CLIENT_IN_ROOM - client->in_len;
}

static void on_read(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf) {
  client_t *client = stream->data;

  (void)buf;
  if (nread == 0)
    return;
  if (nread < 0 && nread != UV_EOF) {
    client_close(client);
    return;
  }
  if (nread == UV_EOF) {
    client->at_end = 1; /* what is here is answered still */
  } else {
    client->in_len += (size_t)nread;
    if (client->stage == CLIENT_HEAD && client->head_since == 0)
      client->head_since = now_of(client); /* for all of it */
  }
  client_process(client);
}

/* Reads while there is room for it. */
static void set_reading(client_t *client) {
  int wanted = !client->at_end && client->in_len < CLIENT_IN_ROOM;

  if (client->closing || wanted == client->reading)
    return;
  client->reading = wanted ? 1 : 0;
  if (!wanted)
    uv_read_stop((uv_stream_t *)&client->tcp);
  else if (uv_read_start((uv_stream_t *)&client->tcp, on_alloc, on_read) != 0)
    client_close(client);
}

/* What is used up goes; what is left moves to the front, unless a piece is
 * waiting there. */
static void compact(client_t *client) {
  if (client->piece != NULL || client->in_from == 0)
    return;
  client->in_len -= client->in_from;
  if (client->in_len > 0)
    memmove(client->in, client->in + client->in_from, client->in_len);
  client->in_from = 0;
}

/* Whether nothing more can come of it: its last answer is over, or the client
 * has said its last and that led to nothing. */
static int is_through(const client_t *client) {
  if (client->stage == CLIENT_HEAD)
    return client->is_last || client->at_end;
  return client->stage == CLIENT_BODY && client->at_end &&
         client->piece == NULL && client->in_len == 0;
}

/* What follows when all was done that can be done now. */
static void settle(client_t *client) {
  if (client->closing || client->stage == CLIENT_LINGERING ||
      !is_through(client) || out_waiting(&client->out) > 0)
    return;
  if (client->stage == CLIENT_HEAD && client->is_last && client->answering)
    linger(client);
  else
    client_close(client);
}

/* Does all that can be done with what is there. */
void client_process(client_t *client) {
  if (client->busy || client->closing)
    return;
  client->busy = 1;
  while (step(client))
    continue;
  compact(client);
  settle(client);
  client->busy = 0;
  if (client->in_len == 0) { /* who says nothing costs no buffer */
    stash_give(&client->server->ins, client->in);
    client->in = NULL;
  }
  set_reading(client);
}

void client_init(client_t *client) {
  client->tcp.data = client;
  client->out.stream = (uv_stream_t *)&client->tcp;
  client->out.stash = &client->server->outs;
  client->out.on_less = on_less;
  client->idle_since = client->head_since = now_of(client);
  inbound_init(&client->inbound, &client->server->heads);
}
