/* The script of a connection runs until a step has to wait: for bytes, for a
 * turn of the loop (an idle handle: it also makes the poll not block) or for
 * time (a timer). Whatever it waited for calls run() again. */
#include "server_conn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define READ_BYTES 65536u

typedef struct {
  uv_write_t write;
  char bytes[];
} send_t;

static void run(server_conn_t *conn);

static void *must(void *memory) {
  if (memory == NULL)
    abort();
  return memory;
}

/* --- sending ------------------------------------------------------------ */

static void on_written(uv_write_t *write, int status) {
  (void)status;
  free(write->data);
}

void server_conn_send(server_conn_t *conn, const char *bytes, size_t len) {
  uv_stream_t *stream = (uv_stream_t *)&conn->tcp;
  uv_buf_t buf = uv_buf_init((char *)(uintptr_t)bytes, (unsigned)len);
  int n = uv_try_write(stream, &buf, 1);
  size_t done = n > 0 ? (size_t)n : 0;
  send_t *send;

  if (done == len || (n < 0 && n != UV_EAGAIN))
    return;
  send = must(malloc(sizeof *send + len - done));
  memcpy(send->bytes, bytes + done, len - done);
  send->write.data = send;
  buf = uv_buf_init(send->bytes, (unsigned)(len - done));
  if (uv_write(&send->write, stream, &buf, 1, on_written) != 0)
    free(send);
}

static void send_echo(server_conn_t *conn) {
  char text[1024];
  const char *at = conn->request == NULL ? "" : strchr(conn->request, ' ');
  int is_head = conn->request != NULL && !strncmp(conn->request, "HEAD ", 5);
  size_t len;
  int n;

  at = at == NULL || *at == '\0' ? "" : at + 1;
  len = strcspn(at, " ");
  if (len > 512)
    len = 512;
  n = snprintf(text, sizeof text,
               "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%.*s", len,
               is_head ? 0 : (int)len, at);
  server_conn_send(conn, text, (size_t)n);
}

/* --- the end of a connection ------------------------------------------- */

static void unlink_conn(server_conn_t *conn) {
  server_conn_t **at = &conn->server->conns;

  while (*at != conn)
    at = &(*at)->next;
  *at = conn->next;
}

static void on_handle_closed(uv_handle_t *handle) {
  server_conn_t *conn = handle->data;

  conn->server->handles--;
  if (--conn->handles > 0)
    return;
  free(conn->in);
  free(conn->request);
  free(conn);
}

void server_conn_close(server_conn_t *conn, int reset) {
  struct linger linger = {1, 0};
  uv_os_fd_t fd = -1;

  if (conn->closing)
    return;
  conn->closing = 1;
  conn->server->open--;
  unlink_conn(conn);
  if (reset && uv_fileno((uv_handle_t *)&conn->tcp, &fd) == 0)
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  uv_close((uv_handle_t *)&conn->tcp, on_handle_closed);
  uv_close((uv_handle_t *)&conn->turn, on_handle_closed);
  uv_close((uv_handle_t *)&conn->timer, on_handle_closed);
}

static void shut(server_conn_t *conn) {
  uv_os_fd_t fd = -1;

  if (uv_fileno((uv_handle_t *)&conn->tcp, &fd) == 0)
    shutdown(fd, SHUT_WR);
}

/* --- requests ----------------------------------------------------------- */

static void record(server_conn_t *conn, const char *bytes, size_t len) {
  server_t *server = conn->server;
  size_t kept = len < SERVER_RECORD_SIZE ? len : SERVER_RECORD_SIZE;
  server_record_t *to;

  free(conn->request);
  conn->request = must(malloc(kept + 1));
  memcpy(conn->request, bytes, kept);
  conn->request[kept] = '\0';
  if (server->seen < SERVER_RECORDS) {
    to = &server->records[server->seen];
    to->connection = conn->number;
    to->bytes = must(malloc(kept + 1));
    memcpy(to->bytes, conn->request, kept + 1);
    to->len = kept;
  }
  server->seen++;
}

static void consume(server_conn_t *conn, size_t len) {
  if (len == 0)
    return; /* not even a move of what is there: it may be megabytes */
  memmove(conn->in, conn->in + len, conn->in_len - len + 1);
  conn->in_len -= len;
}

static const char *field(const char *head, size_t len, const char *name) {
  size_t size = strlen(name);
  size_t i;

  for (i = 0; i + size < len; i++)
    if (strncasecmp(head + i, name, size) == 0)
      return head + i + size;
  return NULL;
}

/* Of what follows the head; SIZE_MAX when the last chunk is not there yet. */
static size_t body_length(const char *head, size_t len) {
  const char *value = field(head, len, "\r\nContent-Length:");
  const char *end;

  if (value != NULL)
    return (size_t)strtoull(value, NULL, 10);
  if (field(head, len, "\r\nTransfer-Encoding: chunked") == NULL)
    return 0;
  end = strstr(head + len - 2, "\r\n0\r\n\r\n");
  return end == NULL ? SIZE_MAX : (size_t)(end + 7 - (head + len));
}

/* Takes a request, with its body or without; 0 when it is not there yet. */
static int take_request(server_conn_t *conn, int whole) {
  const char *end = conn->in == NULL ? NULL : strstr(conn->in, "\r\n\r\n");
  size_t head, body, len;

  if (end == NULL)
    return 0;
  head = (size_t)(end - conn->in) + 4;
  body = body_length(conn->in, head);
  if (whole && conn->in_len - head < body)
    return 0;
  len = conn->in_len - head < body ? conn->in_len : head + body;
  record(conn, conn->in, whole ? len : head);
  conn->drop = body == SIZE_MAX ? SIZE_MAX : head + body - len;
  consume(conn, len);
  return 1;
}

static int has_text(const char *all, const server_step_t *step) {
  return step->bytes == NULL || strstr(all, step->bytes) != NULL;
}

static int expect(server_conn_t *conn, const server_step_t *step) {
  if (!take_request(conn, step->op == SERVER_EXPECT))
    return 0;
  if (!has_text(conn->request, step))
    conn->server->mismatches++;
  return 1;
}

/* --- reading ------------------------------------------------------------- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
  server_conn_t *conn = handle->data;

  (void)suggested;
  if (conn->in_room < conn->in_len + READ_BYTES + 1) {
    conn->in_room = 2 * (conn->in_len + READ_BYTES);
    conn->in = must(realloc(conn->in, conn->in_room));
  }
  *buf = uv_buf_init(conn->in + conn->in_len, READ_BYTES);
}

static void take_bytes(server_conn_t *conn, size_t len) {
  size_t drop;

  conn->server->bytes_in += len;
  conn->in_len += len;
  conn->in[conn->in_len] = '\0';
  drop = conn->drop < conn->in_len ? conn->drop : conn->in_len;
  consume(conn, drop);
  conn->drop -= drop;
}

static void on_read(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf) {
  server_conn_t *conn = stream->data;

  (void)buf;
  if (nread == 0)
    return;
  if (nread > 0) {
    take_bytes(conn, (size_t)nread);
    run(conn);
    return;
  }
  if (nread == UV_EOF)
    conn->server->hangups++;
  else
    conn->server->resets++;
  server_conn_close(conn, 0);
}

/* --- steps -------------------------------------------------------------- */

static void on_turn(uv_idle_t *idle) {
  server_conn_t *conn = idle->data;

  if (--conn->turns == 0)
    uv_idle_stop(idle);
  run(conn);
}

static void on_time(uv_timer_t *timer) {
  run(timer->data);
}

/* 1 when `count` turns of the loop have passed since the first call. */
static int wait_turns(server_conn_t *conn, uint32_t *begun, uint32_t count) {
  if (*begun && conn->turns == 0) {
    *begun = 0;
    return 1;
  }
  if (!*begun) {
    *begun = 1;
    conn->turns = count + 1; /* the first one has no poll before it */
    uv_idle_start(&conn->turn, on_turn);
  }
  return 0;
}

static int drip(server_conn_t *conn, const server_step_t *step) {
  size_t left = step->len - conn->dripped;
  size_t len = left < step->n ? left : step->n;

  if (uv_is_active((uv_handle_t *)&conn->turn))
    return 0;
  server_conn_send(conn, step->bytes + conn->dripped, len);
  conn->dripped += len;
  if (len < left) {
    conn->turns = 1;
    uv_idle_start(&conn->turn, on_turn);
    return 0;
  }
  conn->dripped = 0;
  return 1;
}

static void flood(server_conn_t *conn, const server_step_t *step) {
  if (uv_is_active((uv_handle_t *)&conn->turn) ||
      uv_is_active((uv_handle_t *)&conn->timer))
    return;
  if (uv_stream_get_write_queue_size((uv_stream_t *)&conn->tcp) < 65536)
    server_conn_send(conn, step->bytes, step->len);
  if (step->n > 0) {
    uv_timer_start(&conn->timer, on_time, step->n, 0);
    return;
  }
  conn->turns = 1;
  uv_idle_start(&conn->turn, on_turn);
}

static int delay(server_conn_t *conn, const server_step_t *step) {
  if (uv_is_active((uv_handle_t *)&conn->timer))
    return 0;
  if (conn->dripped == 1) { /* the mark that the timer has been started */
    conn->dripped = 0;
    return 1;
  }
  conn->dripped = 1;
  uv_update_time(conn->server->loop);
  uv_timer_start(&conn->timer, on_time, step->n, 0);
  return 0;
}

static int turn(server_conn_t *conn, const server_step_t *step) {
  uint32_t begun = (uint32_t)conn->dripped;
  int over = wait_turns(conn, &begun, step->n);

  conn->dripped = begun;
  return over;
}

/* Does one step; 1 when the next one is due. */
static int act(server_conn_t *conn, const server_step_t *step) {
  switch (step->op) {
  case SERVER_EXPECT:
  case SERVER_EXPECT_HEAD:
    return expect(conn, step);
  case SERVER_REPLY:
    send_echo(conn);
    return 1;
  case SERVER_SEND:
    server_conn_send(conn, step->bytes, step->len);
    return 1;
  case SERVER_DRIP:
    return drip(conn, step);
  case SERVER_FLOOD:
    flood(conn, step);
    return 0;
  case SERVER_TURN:
    return turn(conn, step);
  case SERVER_DELAY:
    return delay(conn, step);
  case SERVER_DEAF:
    uv_read_stop((uv_stream_t *)&conn->tcp);
    return 1;
  case SERVER_HEAR:
    uv_read_start((uv_stream_t *)&conn->tcp, on_alloc, on_read);
    return 1;
  case SERVER_SHUTDOWN:
    shut(conn);
    return 1;
  case SERVER_CLOSE:
  case SERVER_RESET:
    server_conn_close(conn, step->op == SERVER_RESET);
    return 0;
  case SERVER_REPEAT:
    conn->step = conn->script - 1;
    return 1;
  case SERVER_HANG:
    while (take_request(conn, 1))
      continue;
    return 0;
  }
  abort();
}

static void run(server_conn_t *conn) {
  if (conn->running)
    return;
  conn->running = 1;
  while (!conn->closing && act(conn, conn->step))
    conn->step++;
  conn->running = 0;
}

/* --- accepting ----------------------------------------------------------- */

static void init_conn(server_conn_t *conn, server_t *server) {
  conn->server = server;
  conn->number = server->accepted;
  conn->script = server->fallback;
  if (conn->number < server->script_count)
    conn->script = server->scripts[conn->number];
  conn->step = conn->script;
  conn->tcp.data = conn->turn.data = conn->timer.data = conn;
  uv_idle_init(server->loop, &conn->turn);
  uv_timer_init(server->loop, &conn->timer);
  conn->handles = 3;
  server->handles += 3;
  server->accepted++;
  if (++server->open > server->peak_open)
    server->peak_open = server->open;
  conn->next = server->conns;
  server->conns = conn;
}

void server_conn_accept(server_t *server, uv_stream_t *listener) {
  server_conn_t *conn = must(calloc(1, sizeof *conn));

  uv_tcp_init(server->loop, &conn->tcp);
  init_conn(conn, server);
  if (uv_accept(listener, (uv_stream_t *)&conn->tcp) != 0) {
    server_conn_close(conn, 0);
    return;
  }
  uv_unref((uv_handle_t *)&conn->tcp);
  uv_tcp_nodelay(&conn->tcp, 1);
  uv_read_start((uv_stream_t *)&conn->tcp, on_alloc, on_read);
  run(conn);
}
