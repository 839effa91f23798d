/* Connections and answers.
 *
 *   READING -> ANSWERING -> READING ...      or, after the last answer,
 *              ANSWERING -> LINGERING -> closed
 *
 * One request of a connection is in hand at a time. While it is, the parser
 * is paused and the socket is not read; what came behind the request in the
 * same read is kept for later. So a client may send as many requests ahead as
 * it likes, and costs no more memory for it.
 *
 * A connection that is closed by us is first shut down and then read until the
 * client closes too: closing a socket with unread bytes would reset it, and the
 * client might lose the answer. */
#include "server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <llhttp.h>

#define BACKLOG   1024
#define LINGER_MS 1000

typedef enum { READING, ANSWERING, LINGERING } client_state_t;

struct client_s {
  client_t *next;
  client_t *prev;
  server_t *server;
  client_state_t state;
  uv_tcp_t tcp;
  uv_timer_t timer; /* the delay of an answer, then the lingering */
  unsigned handles; /* of the two, not closed yet */
  uv_write_t write;
  uv_shutdown_t shutdown;
  llhttp_t parser;
  int may_stay;      /* the request in hand allows another one */
  int is_last;       /* the answer in hand says Connection: close */
  uint32_t answered; /* requests */
  char *rest;        /* input behind the request in hand, or NULL */
  size_t rest_len;
  char head[160]; /* of the answer in hand */
};

/* --- the end of a connection --------------------------------------------- */

static void unlink_client(client_t *client) {
  if (client->prev != NULL)
    client->prev->next = client->next;
  else
    client->server->clients = client->next;
  if (client->next != NULL)
    client->next->prev = client->prev;
}

static void on_closed(uv_handle_t *handle) {
  client_t *client = handle->data;

  if (--client->handles > 0)
    return;
  free(client->rest);
  free(client);
}

static void close_client(client_t *client) {
  if (uv_is_closing((uv_handle_t *)&client->tcp))
    return;
  unlink_client(client);
  uv_close((uv_handle_t *)&client->tcp, on_closed);
  uv_close((uv_handle_t *)&client->timer, on_closed);
}

static void on_linger(uv_timer_t *timer) {
  close_client(timer->data);
}

static void on_shutdown(uv_shutdown_t *shutdown, int status) {
  (void)shutdown; /* if it failed, reading or the timer will tell */
  (void)status;
}

static void start_reading(client_t *client);

static void linger(client_t *client) {
  uv_stream_t *stream = (uv_stream_t *)&client->tcp;

  client->state = LINGERING;
  if (uv_shutdown(&client->shutdown, stream, on_shutdown) != 0) {
    close_client(client);
    return;
  }
  uv_timer_start(&client->timer, on_linger, LINGER_MS, 0);
  start_reading(client);
}

/* --- answers ------------------------------------------------------------- */

/* Every n-th request, so that the share is right over any stretch of them. */
static int is_failing(server_t *server) {
  uint64_t percent = server->options.fail_percent;
  uint64_t n = server->requests++;

  return (n + 1) * percent / 100 != n * percent / 100;
}

static int write_head(client_t *client, const char *status, size_t body_len) {
  return snprintf(client->head, sizeof client->head,
                  "HTTP/1.1 %s\r\n"
                  "Content-Type: text/plain\r\n"
                  "Content-Length: %zu\r\n"
                  "%s\r\n",
                  status, body_len,
                  client->is_last ? "Connection: close\r\n" : "");
}

/* The answer in hand is with the kernel. */
static void end_answer(client_t *client) {
  client->answered++;
  client->state = READING;
  if (client->is_last)
    linger(client);
}

static void go_on(client_t *client);

static void on_written(uv_write_t *write, int status) {
  client_t *client = write->data;

  if (status == UV_ECANCELED)
    return; /* it is being closed */
  if (status != 0) {
    close_client(client);
    return;
  }
  end_answer(client);
  go_on(client);
}

/* Writes what the kernel takes at once, and the rest when it can. Returns
 * whether that was all. */
static int send_answer(client_t *client, uv_buf_t *bufs, unsigned count) {
  uv_stream_t *stream = (uv_stream_t *)&client->tcp;
  int n = uv_try_write(stream, bufs, count);
  size_t sent = n > 0 ? (size_t)n : 0;

  if (n < 0 && n != UV_EAGAIN) {
    close_client(client);
    return 0;
  }
  while (count > 0 && sent >= bufs->len) {
    sent -= bufs->len;
    bufs++;
    count--;
  }
  if (count == 0) {
    end_answer(client);
    return 1;
  }
  bufs->base += sent;
  bufs->len -= sent;
  client->write.data = client;
  if (uv_write(&client->write, stream, bufs, count, on_written) != 0)
    close_client(client);
  return 0;
}

static int must_close(const client_t *client) {
  uint32_t close_after = client->server->options.close_after;

  return !client->may_stay || client->server->stopping ||
         (close_after > 0 && client->answered + 1 >= close_after);
}

static int answer(client_t *client) {
  server_t *server = client->server;
  int is_head = client->parser.method == HTTP_HEAD;
  size_t body_len = server->options.body_bytes;
  const char *status =
      is_failing(server) ? "503 Service Unavailable" : "200 OK";
  uv_buf_t bufs[2];

  client->is_last = must_close(client);
  bufs[0] =
      uv_buf_init(client->head, (unsigned)write_head(client, status, body_len));
  bufs[1] = uv_buf_init(server->body, (unsigned)body_len);
  return send_answer(client, bufs, is_head || body_len == 0 ? 1 : 2);
}

/* What cannot be read is answered at once, and nothing after it is read. */
static void refuse(client_t *client) {
  uv_buf_t buf;

  client->state = ANSWERING;
  client->is_last = 1;
  buf = uv_buf_init(client->head,
                    (unsigned)write_head(client, "400 Bad Request", 0));
  send_answer(client, &buf, 1);
}

static void on_delay(uv_timer_t *timer) {
  client_t *client = timer->data;

  if (answer(client))
    go_on(client);
}

static void answer_soon(client_t *client) {
  uint32_t delay_ms = client->server->options.delay_ms;

  client->state = ANSWERING;
  if (delay_ms == 0 && answer(client))
    return;
  if (client->state != ANSWERING || uv_is_closing((uv_handle_t *)&client->tcp))
    return;
  uv_read_stop((uv_stream_t *)&client->tcp);
  if (delay_ms > 0)
    uv_timer_start(&client->timer, on_delay, delay_ms, 0);
}

/* --- requests ------------------------------------------------------------ */

static int on_message_complete(llhttp_t *parser) {
  client_t *client = parser->data;

  client->may_stay = llhttp_should_keep_alive(parser) && !parser->upgrade &&
                     parser->http_minor > 0;
  return HPE_PAUSED; /* one at a time */
}

static const llhttp_settings_t parser_settings = {
    .on_message_complete = on_message_complete,
};

static void keep_rest(client_t *client, const char *bytes, size_t len) {
  client->rest = malloc(len);
  if (client->rest == NULL) {
    close_client(client);
    return;
  }
  memcpy(client->rest, bytes, len);
  client->rest_len = len;
}

/* Input while READING: parts of a request, one, or several. */
static void take(client_t *client, const char *bytes, size_t len) {
  while (len > 0 && client->state == READING) {
    llhttp_errno_t err = llhttp_execute(&client->parser, bytes, len);
    size_t took;

    if (err == HPE_OK)
      return;
    if (err != HPE_PAUSED) {
      refuse(client);
      return;
    }
    took = (size_t)(llhttp_get_error_pos(&client->parser) - bytes);
    bytes += took;
    len -= took;
    llhttp_resume(&client->parser);
    answer_soon(client);
  }
  if (len > 0 && client->state == ANSWERING)
    keep_rest(client, bytes, len);
}

static void go_on(client_t *client) {
  char *rest = client->rest;

  if (client->state != READING || uv_is_closing((uv_handle_t *)&client->tcp))
    return;
  client->rest = NULL;
  if (rest != NULL)
    take(client, rest, client->rest_len);
  free(rest);
  if (client->state == READING)
    start_reading(client);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
  client_t *client = handle->data;

  (void)suggested;
  *buf = uv_buf_init(client->server->read_buf, sizeof client->server->read_buf);
}

static void on_read(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf) {
  client_t *client = stream->data;

  if (nread < 0)
    close_client(client);
  else if (client->state == READING && !client->server->options.stall)
    take(client, buf->base, (size_t)nread);
}

static void start_reading(client_t *client) {
  int err = uv_read_start((uv_stream_t *)&client->tcp, on_alloc, on_read);

  if (err != 0 && err != UV_EALREADY)
    close_client(client);
}

/* --- the server ---------------------------------------------------------- */

static client_t *make_client(server_t *server) {
  client_t *client = calloc(1, sizeof *client);

  if (client == NULL)
    abort(); /* an example; libuv itself could not go on either */
  client->server = server;
  client->next = server->clients;
  if (client->next != NULL)
    client->next->prev = client;
  server->clients = client;
  client->handles = 2;
  uv_tcp_init(server->loop, &client->tcp);
  uv_timer_init(server->loop, &client->timer);
  client->tcp.data = client->timer.data = client;
  llhttp_init(&client->parser, HTTP_REQUEST, &parser_settings);
  client->parser.data = client;
  return client;
}

static void on_connection(uv_stream_t *listener, int status) {
  server_t *server = listener->data;
  client_t *client;

  if (status != 0)
    return; /* out of descriptors, perhaps; the next one may work */
  client = make_client(server);
  if (uv_accept(listener, (uv_stream_t *)&client->tcp) != 0) {
    close_client(client);
    return;
  }
  uv_tcp_nodelay(&client->tcp, 1);
  start_reading(client);
}

int server_start(server_t *server, uv_loop_t *loop,
                 const server_options_t *options,
                 const struct sockaddr *address) {
  int err;

  memset(server, 0, sizeof *server);
  server->loop = loop;
  server->options = *options;
  server->body = malloc(options->body_bytes + (size_t)1);
  if (server->body == NULL)
    return UV_ENOMEM;
  memset(server->body, 'x', options->body_bytes);
  uv_tcp_init(loop, &server->listener);
  server->listener.data = server;
  err = uv_tcp_bind(&server->listener, address, 0);
  if (err == 0)
    err = uv_listen((uv_stream_t *)&server->listener, BACKLOG, on_connection);
  if (err != 0)
    uv_close((uv_handle_t *)&server->listener, NULL);
  return err;
}

int server_port(const server_t *server) {
  struct sockaddr_storage name;
  int len = sizeof name;
  int err =
      uv_tcp_getsockname(&server->listener, (struct sockaddr *)&name, &len);

  if (err != 0)
    return err;
  if (name.ss_family == AF_INET6)
    return ntohs(((struct sockaddr_in6 *)&name)->sin6_port);
  return ntohs(((struct sockaddr_in *)&name)->sin_port);
}

static void close_clients(server_t *server, int idle_only) {
  client_t *client = server->clients;

  while (client != NULL) {
    client_t *next = client->next;

    if (!idle_only || client->state == READING)
      close_client(client);
    client = next;
  }
}

void server_stop(server_t *server) {
  if (server->stopping)
    return;
  server->stopping = 1;
  uv_close((uv_handle_t *)&server->listener, NULL);
  close_clients(server, 1);
}

void server_abort(server_t *server) {
  server_stop(server);
  close_clients(server, 0);
}

void server_clear(server_t *server) {
  free(server->body);
}
