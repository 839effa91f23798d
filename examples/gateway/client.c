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

/* --- its life --------------------------------------------------------------
 */

client_t *client_next(const client_t *client) {
  return client->next;
}

client_t *client_next_unflushed(client_t *client) {
  client_t *next = client->next_unflushed;

  client->is_unflushed = 0;
  return next;
}

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
  free(client->in);
  free(client);
  if (server->stopping && server->client_count == 0)
    server_stop(server);
}

static void on_closed(uv_handle_t *handle) {
  client_t *client = handle->data;

  client->closed = 1;
  client_maybe_free(client);
}

void client_close(client_t *client) {
  if (client->closing)
    return;
  client->closing = 1;
  uv_close((uv_handle_t *)&client->tcp, on_closed);
  if (client->has_call)
    pool_cancel(client->server->pool, client->call);
}

void client_wait_for(client_t *client, uint32_t ms) {
  client->due = uv_now(client->server->loop) + ms;
}

void client_check(client_t *client, uint64_t now) {
  if (now >= client->due)
    client_close(client);
}

void client_let_go(client_t *client) {
  client->is_last = 1;
  if (client->stage == CLIENT_HEAD && client->in_len == 0)
    client_close(client);
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

static void on_shut(uv_shutdown_t *req, int status) {
  (void)status;
  free(req);
}

/* The last answer is out: no more is said, and what the client still sends is
 * read for a moment, lest a reset takes the answer from it. */
static void linger(client_t *client) {
  uv_shutdown_t *req = malloc(sizeof *req);

  client->stage = CLIENT_LINGERING;
  client_wait_for(client, LINGER_MS);
  if (client->at_end || req == NULL ||
      uv_shutdown(req, (uv_stream_t *)&client->tcp, on_shut) != 0) {
    free(req);
    client_close(client);
    return;
  }
  client_process(client);
}

void client_flush(client_t *client) {
  if (client->closing) {
    client_maybe_free(client);
    return;
  }
  if (out_flush(&client->out) != 0)
    client_close(client);
  else if (out_waiting(&client->out) > 0 && client->due == UINT64_MAX)
    client_wait_for(client, client->server->slow_ms);
}

static void on_less(out_t *out, int status) {
  client_t *client = (client_t *)((char *)out - offsetof(client_t, out));

  if (client->closing)
    return;
  if (status != 0 || out_flush(out) != 0) {
    client_close(client);
    return;
  }
  if (out_waiting(out) > 0)
    client_wait_for(client, client->server->slow_ms);
  else if (client->stage == CLIENT_WAITING)
    client->due = UINT64_MAX;
  if (client->paused && out_waiting(out) <= CLIENT_OUT_LOW) {
    client->paused = 0;
    pool_resume(client->server->pool, client->call);
  }
  client_process(client);
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
  client_wait_for(client, client->server->slow_ms);
  if (strcmp(inbound_path(in), "/.gateway") == 0)
    ask_status(client);
  else
    ask_pool(client);
}

/* A piece of a body; 0 when it has to wait. */
static int pass_piece(client_t *client, const char *piece, size_t len) {
  int err;

  if (!client->has_call)
    return 1; /* nobody wants it any more */
  err = pool_write(client->server->pool, client->call, piece, len);
  client->piece = err == UV_EAGAIN ? piece : NULL;
  client->piece_len = len;
  if (err == UV_EAGAIN)
    client->due = UINT64_MAX; /* it is not the client who is slow */
  return err != UV_EAGAIN;
}

static void end_request(client_t *client) {
  client->stage = CLIENT_WAITING;
  client->due = UINT64_MAX; /* the servers have time limits of their own */
  if (client->has_call && client->inbound.has_body)
    pool_end(client->server->pool, client->call);
}

/* Both are over, request and answer; or the answer alone, and then no other can
 * follow. */
static void end_exchange(client_t *client) {
  if (client->stage == CLIENT_BODY)
    client->is_last = 1;
  if (client->is_last) {
    if (out_flush(&client->out) != 0)
      client_close(client);
    else if (out_waiting(&client->out) == 0)
      linger(client);
    else
      client_wait_for(client, client->server->slow_ms);
    return;
  }
  client->answered = 0;
  client->stage = CLIENT_HEAD;
  client_wait_for(client, client->server->idle_ms);
}

static void on_event(client_t *client, inbound_event_t event) {
  switch (event) {
  case INBOUND_MORE:
    break;
  case INBOUND_HEAD:
    begin_exchange(client);
    break;
  case INBOUND_BODY:
    client_wait_for(client, client->server->slow_ms);
    pass_piece(client, client->inbound.piece, client->inbound.piece_len);
    break;
  case INBOUND_END:
    end_request(client);
    break;
  case INBOUND_BAD:
    client->is_last = 1;
    client->to_head = 0;
    if (client->has_call)
      client_close(client);
    else
      answer_refuse(client, client->inbound.status);
    break;
  }
}

/* One step with what was read; 0 when nothing can be done now. */
static int step(client_t *client) {
  inbound_event_t event;
  size_t took;

  if (client->closing)
    return 0;
  if (client->stage == CLIENT_LINGERING) {
    client->in_from = client->in_len = 0;
    return 0;
  }
  if (client->answered &&
      (client->stage == CLIENT_WAITING || client->is_last)) {
    end_exchange(client);
    return client->stage == CLIENT_HEAD;
  }
  if (client->piece != NULL &&
      !pass_piece(client, client->piece, client->piece_len))
    return 0;
  if (client->stage == CLIENT_WAITING)
    return 0;
  event = inbound_feed(&client->inbound, client->in + client->in_from,
                       client->in_len - client->in_from, &took);
  client->in_from += took;
  on_event(client, event);
  return event != INBOUND_MORE;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
  client_t *client = handle->data;

  (void)suggested;
  if (client->in == NULL)
    client->in = malloc(CLIENT_IN_ROOM);
  buf->base = client->in == NULL ? NULL : client->in + client->in_len;
  buf->len = client->in == NULL ? 0 : CLIENT_IN_ROOM - client->in_len;
}

static void on_read(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf) {
  client_t *client = stream->data;

  (void)buf;
  if (nread == 0)
    return;
  if (nread < 0) {
    client->at_end = 1;
    if (nread == UV_EOF && client->stage == CLIENT_WAITING)
      client->is_last = 1; /* it may wait for its answer still */
    else
      client_close(client);
    uv_read_stop(stream);
    client->reading = 0;
    return;
  }
  if (client->stage == CLIENT_HEAD && client->in_len == 0)
    client_wait_for(client, client->server->slow_ms); /* for all of the head */
  client->in_len += (size_t)nread;
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

/* Does all that can be done with what is there. */
void client_process(client_t *client) {
  if (client->busy)
    return;
  client->busy = 1;
  while (step(client))
    continue;
  client->busy = 0;
  compact(client);
  if (client->in_len == 0 && client->stage == CLIENT_HEAD) {
    free(client->in); /* an idle client costs no buffer */
    client->in = NULL;
  }
  set_reading(client);
}

/* --- a new one -------------------------------------------------------------
 */

static void note_peer(client_t *client) {
  struct sockaddr_storage address;
  int len = sizeof address;

  if (uv_tcp_getpeername(&client->tcp, (struct sockaddr *)&address, &len) != 0)
    return;
  if (address.ss_family == AF_INET6)
    uv_ip6_name((struct sockaddr_in6 *)&address, client->peer,
                sizeof client->peer);
  else
    uv_ip4_name((struct sockaddr_in *)&address, client->peer,
                sizeof client->peer);
}

static void enlist(client_t *client) {
  server_t *server = client->server;

  client->next = server->clients;
  if (server->clients != NULL)
    server->clients->prev = client;
  server->clients = client;
  server->client_count++;
}

void client_accept(server_t *server) {
  client_t *client = calloc(1, sizeof *client);

  if (client == NULL)
    return;
  client->server = server;
  if (uv_tcp_init(server->loop, &client->tcp) != 0) {
    free(client);
    return;
  }
  client->tcp.data = client;
  client->out.stream = (uv_stream_t *)&client->tcp;
  client->out.on_less = on_less;
  inbound_init(&client->inbound);
  enlist(client);
  client_wait_for(client, server->slow_ms);
  if (uv_accept((uv_stream_t *)&server->listener,
                (uv_stream_t *)&client->tcp) != 0) {
    client_close(client);
    return;
  }
  uv_tcp_nodelay(&client->tcp, 1);
  note_peer(client);
  if (server->client_count > server->max_clients) {
    client->is_last = 1;
    answer_refuse(client, 503);
    client_process(client);
    return;
  }
  set_reading(client);
}
