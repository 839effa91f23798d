#include "conform_client.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define CLIENT_FULL_MS 10

/* --- the loop ------------------------------------------------------------- */

void client_loop(uv_loop_t *loop, conform_t *log) {
  if (uv_loop_init(loop) != 0)
    abort();
  loop->data = log;
}

void client_turns(uv_loop_t *loop, int n) {
  while (n-- > 0)
    uv_run(loop, UV_RUN_NOWAIT);
}

void client_loop_end(uv_loop_t *loop) {
  client_turns(loop, 3);
  if (uv_loop_close(loop) != 0) {
    conform_fail(loop->data, "", "the loop has handles left");
    uv_print_all_handles(loop, stderr);
  }
}

static uint64_t in_vain_at(void) {
  return uv_hrtime() + CONFORM_WAIT_MS * 1000000ull;
}

void client_until(client_t *me, const uint32_t *counter, uint32_t n) {
  uint64_t until = in_vain_at();

  while (*counter < n) {
    uv_run(me->tcp.loop, UV_RUN_NOWAIT);
    if (*counter < n && uv_hrtime() > until) {
      conform_fail(me->log, me->name, "waits in vain");
      return;
    }
  }
}

void client_await(client_t *me, short events) {
  struct pollfd fd = {client_fd(me), events, 0};

  if (poll(&fd, 1, CONFORM_WAIT_MS) != 1)
    conform_fail(me->log, me->name, "waits in vain");
}

void client_feed(client_t *me, plain_t *peer, size_t len) {
  uint64_t until = in_vain_at();
  size_t done = 0;

  while (done < len && uv_hrtime() < until) {
    size_t n = plain_read_ready(peer, len - done);

    client_turns(me->tcp.loop, 1);
    if (peer->ended)
      return;
    done += n;
  }
  if (done < len)
    conform_fail(me->log, me->name, "waits in vain");
}

/* --- callbacks ------------------------------------------------------------ */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
  static char bytes[65536];

  (void)handle;
  (void)suggested;
  *buf = uv_buf_init(bytes, sizeof bytes);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  client_t *me = stream->data;

  if (n < 0) {
    me->ends++;
    conform_log(me->log, me->name, "read %s", conform_name((int)n));
  } else {
    me->bytes += (size_t)n;
    if (n > 0 && !me->quiet)
      conform_log(me->log, me->name, "read %zd %.*s", n, n < 64 ? (int)n : 0,
                  buf->base);
  }
  if (me->then != NULL)
    me->then(me);
}

static void on_connect(uv_connect_t *req, int status) {
  client_t *me = req->data;

  me->connects++;
  conform_log(me->log, me->name, "connect: %s", conform_name(status));
  if (me->then != NULL)
    me->then(me);
}

static void on_write(uv_write_t *req, int status) {
  client_write_t *write = req->data;
  client_t *me = write->client;

  me->written++;
  conform_log(me->log, me->name, "write %d: %s", (int)(write - me->writes),
              conform_name(status));
}

static void on_shutdown(uv_shutdown_t *req, int status) {
  client_t *me = req->data;

  me->shutdowns++;
  conform_log(me->log, me->name, "shutdown: %s", conform_name(status));
}

static void on_close(uv_handle_t *handle) {
  client_t *me = handle->data;
  uint32_t i;

  me->closes++;
  conform_log(me->log, me->name, "close");
  for (i = 0; i < me->write_count; i++)
    free(me->writes[i].bytes);
}

/* --- acting --------------------------------------------------------------- */

static void note(client_t *me, const char *what, int rc) {
  if (rc != 0)
    conform_log(me->log, me->name, "%s says %s", what, conform_name(rc));
}

void client_init(client_t *me, uv_loop_t *loop, const char *name) {
  memset(me, 0, sizeof *me);
  me->log = loop->data;
  me->name = name;
  if (uv_tcp_init(loop, &me->tcp) != 0)
    abort();
  me->tcp.data = me->connect.data = me->shutdown.data = me;
}

/* The kernel may still be moving what it has. */
static int has_room(client_t *me) {
  struct pollfd fd = {client_fd(me), POLLOUT, 0};

  return poll(&fd, 1, CLIENT_FULL_MS) == 1 && fd.revents == POLLOUT;
}

int client_fd(const client_t *me) {
  uv_os_fd_t fd;

  return uv_fileno((const uv_handle_t *)&me->tcp, &fd) == 0 ? fd : -1;
}

void client_connect(client_t *me, const plain_t *listener) {
  struct sockaddr_in in = plain_address(listener);

  note(me, "uv_tcp_connect",
       uv_tcp_connect(&me->connect, &me->tcp, (struct sockaddr *)&in,
                      on_connect));
  note(me, "uv_tcp_nodelay", uv_tcp_nodelay(&me->tcp, 1));
}

void client_read(client_t *me) {
  note(me, "uv_read_start",
       uv_read_start((uv_stream_t *)&me->tcp, on_alloc, on_read));
}

void client_pair(client_t *me, uv_loop_t *loop, const char *name, plain_t *peer,
                 const char *peer_name) {
  plain_t listener = plain_listener(loop->data, "l", 8);

  client_init(me, loop, name);
  client_connect(me, &listener);
  *peer = plain_accept(&listener, peer_name);
  client_until(me, &me->connects, 1);
  client_read(me);
  client_turns(loop, 2); /* libuv has told epoll, and nothing comes of it */
  plain_close(&listener);
}

void client_open(client_t *a, uv_loop_t *loop, plain_t *b, conform_t *log) {
  client_loop(loop, log);
  client_pair(a, loop, "a", b, "b");
}

void client_end(client_t *a, plain_t *b) {
  uv_loop_t *loop = a->tcp.loop;

  if (!uv_is_closing((uv_handle_t *)&a->tcp))
    client_close(a);
  plain_close(b);
  client_loop_end(loop);
}

void client_try(client_t *me, const char *text) {
  uv_buf_t buf = uv_buf_init((char *)(uintptr_t)text, (unsigned)strlen(text));
  int n = uv_try_write((uv_stream_t *)&me->tcp, &buf, 1);

  if (n < 0)
    conform_log(me->log, me->name, "try %s", conform_name(n));
  else
    conform_log(me->log, me->name, "try %d", n);
}

static void begin_write(client_t *me, char *owned, const char *at, size_t len) {
  client_write_t *write = &me->writes[me->write_count];
  uv_buf_t buf = uv_buf_init((char *)(uintptr_t)at, (unsigned)len);

  if (me->write_count++ == CLIENT_WRITES)
    abort();
  write->client = me;
  write->bytes = owned;
  write->req.data = write;
  note(me, "uv_write",
       uv_write(&write->req, (uv_stream_t *)&me->tcp, &buf, 1, on_write));
}

void client_write(client_t *me, const char *text) {
  begin_write(me, NULL, text, strlen(text));
}

void client_write_many(client_t *me, size_t len, size_t offset) {
  char *bytes = malloc(len);

  if (bytes == NULL)
    abort();
  conform_fill(bytes, len, offset);
  begin_write(me, bytes, bytes, len);
}

size_t client_try_all(client_t *me) {
  static char bytes[65536];
  size_t done = 0;
  int n;

  do {
    uv_buf_t buf = uv_buf_init(bytes, sizeof bytes);

    conform_fill(bytes, sizeof bytes, done);
    n = uv_try_write((uv_stream_t *)&me->tcp, &buf, 1);
    done += n > 0 ? (size_t)n : 0;
  } while (n > 0 || (n == UV_EAGAIN && has_room(me)));
  conform_log(me->log, me->name, "try_all %s", conform_name(n));
  return done;
}

void client_shutdown(client_t *me) {
  note(me, "uv_shutdown",
       uv_shutdown(&me->shutdown, (uv_stream_t *)&me->tcp, on_shutdown));
}

void client_close(client_t *me) {
  uv_close((uv_handle_t *)&me->tcp, on_close);
}

void client_close_reset(client_t *me) {
  note(me, "uv_tcp_close_reset", uv_tcp_close_reset(&me->tcp, on_close));
}
