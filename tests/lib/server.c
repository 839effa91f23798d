/* The listener of the scripted server, and listeners without a server. A
 * bound socket that never listens keeps the port ours: while the listener is
 * closed, connects to it are refused, and nobody else can take it. */
#include "server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server_conn.h"

static void on_connection(uv_stream_t *listener, int status) {
  if (status == 0)
    server_conn_accept(listener->data, listener);
}

static void fill_address(struct sockaddr_storage *address, int v6, int port) {
  memset(address, 0, sizeof *address);
  if (v6)
    uv_ip6_addr("::1", port, (struct sockaddr_in6 *)(void *)address);
  else
    uv_ip4_addr("127.0.0.1", port, (struct sockaddr_in *)(void *)address);
}

static socklen_t address_size(int v6) {
  return v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

/* A bound socket and its port, or an error. */
static int bind_any(int v6, int *port) {
  struct sockaddr_storage address;
  socklen_t size = address_size(v6);
  int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int on = 1;

  if (fd < 0)
    return uv_translate_sys_error(errno);
  fill_address(&address, v6, 0);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, (struct sockaddr *)&address, size) != 0 ||
      getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
    int error = uv_translate_sys_error(errno);

    close(fd);
    return error;
  }
  *port = ntohs(v6 ? ((struct sockaddr_in6 *)(void *)&address)->sin6_port
                   : ((struct sockaddr_in *)(void *)&address)->sin_port);
  return fd;
}

int server_open_refusing(server_t *server, uv_loop_t *loop, int v6) {
  static const server_step_t echo[] = {EXPECT(), REPLY(), REPEAT()};
  int fd = bind_any(v6, &server->port);

  signal(SIGPIPE, SIG_IGN); /* peers may be gone when we write, or they do */
  server->holder = fd;
  if (fd < 0)
    return fd;
  server->loop = loop;
  server->v6 = v6;
  server->fallback = echo;
  snprintf(server->address, sizeof server->address,
           v6 ? "[::1]:%d" : "127.0.0.1:%d", server->port);
  return 0;
}

int server_open(server_t *server, uv_loop_t *loop, int v6) {
  int err = server_open_refusing(server, loop, v6);

  return err != 0 ? err : server_listen(server);
}

int server_listen(server_t *server) {
  struct sockaddr_storage address;
  uv_tcp_t *listener;
  int err;

  assert(server->listener == NULL);
  listener = calloc(1, sizeof *listener);
  if (listener == NULL)
    return UV_ENOMEM;
  fill_address(&address, server->v6, server->port);
  uv_tcp_init(server->loop, listener);
  listener->data = server;
  server->listener = listener;
  server->handles++;
  uv_unref((uv_handle_t *)listener);
  err = uv_tcp_bind(listener, (struct sockaddr *)&address, 0);
  if (err == 0)
    err = uv_listen((uv_stream_t *)listener, 511, on_connection);
  if (err != 0)
    server_refuse(server);
  return err;
}

static void on_listener_closed(uv_handle_t *handle) {
  server_t *server = handle->data;

  server->handles--;
  free(handle);
}

void server_refuse(server_t *server) {
  if (server->listener != NULL)
    uv_close((uv_handle_t *)server->listener, on_listener_closed);
  server->listener = NULL;
}

/* --- the rest of the interface ----------------------------------------- */

void server_script(server_t *server, const server_step_t *steps) {
  if (server->script_count < server->accepted)
    abort(); /* connections have been accepted before */
  if (server->script_count == SERVER_SCRIPTS)
    abort();
  server->scripts[server->script_count++] = steps;
}

void server_default(server_t *server, const server_step_t *steps) {
  server->fallback = steps;
}

void server_send_all(server_t *server, const char *bytes, size_t len) {
  server_conn_t *conn;

  for (conn = server->conns; conn != NULL; conn = conn->next)
    server_conn_send(conn, bytes, len);
}

void server_close_all(server_t *server, int reset) {
  while (server->conns != NULL)
    server_conn_close(server->conns, reset);
}

void server_close(server_t *server) {
  server_refuse(server);
  server_close_all(server, 0);
  if (server->holder >= 0)
    close(server->holder);
  server->holder = -1;
}

int server_closed(const server_t *server) {
  return server->handles == 0;
}

void server_clear(server_t *server) {
  uint32_t i;

  for (i = 0; i < server->seen && i < SERVER_RECORDS; i++)
    free(server->records[i].bytes);
}

/* --- holes --------------------------------------------------------------- */

static int fill(hole_t *hole, const struct sockaddr_storage *address) {
  size_t i;

  for (i = 0; i < sizeof hole->fillers / sizeof hole->fillers[0]; i++) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
      return uv_translate_sys_error(errno);
    hole->fillers[i] = fd;
    if (connect(fd, (const struct sockaddr *)address, address_size(0)) != 0 &&
        errno != EINPROGRESS)
      return uv_translate_sys_error(errno);
  }
  return 0;
}

int hole_open(hole_t *hole, int black) {
  struct sockaddr_storage address;
  int port;
  size_t i;

  for (i = 0; i < sizeof hole->fillers / sizeof hole->fillers[0]; i++)
    hole->fillers[i] = -1;
  hole->listener = bind_any(0, &port);
  if (hole->listener < 0)
    return hole->listener;
  if (listen(hole->listener, black ? 0 : 128) != 0)
    return uv_translate_sys_error(errno);
  fill_address(&address, 0, port);
  snprintf(hole->address, sizeof hole->address, "127.0.0.1:%d", port);
  return black ? fill(hole, &address) : 0;
}

void hole_close(hole_t *hole) {
  size_t i;

  for (i = 0; i < sizeof hole->fillers / sizeof hole->fillers[0]; i++)
    if (hole->fillers[i] >= 0)
      close(hole->fillers[i]);
  close(hole->listener);
}
