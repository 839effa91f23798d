/* A program that uses the installed library, in C99 that is also C++11: one
 * GET to a server on the same loop. Exits with 0 when it was answered. */
#include <stdio.h>
#include <string.h>

#include <httpool.h>

static const char answer[] = "HTTP/1.1 200 OK\r\n"
                             "Content-Length: 5\r\n"
                             "Connection: close\r\n"
                             "\r\n"
                             "hello";

static uv_tcp_t listener;
static uv_tcp_t client;
static char input[1024];
static int good;

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
  (void)handle;
  (void)suggested;
  *buf = uv_buf_init(input, sizeof input);
}

static void on_read(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf) {
  uv_buf_t reply = uv_buf_init((char *)(size_t)answer, sizeof answer - 1);
  (void)buf;
  if (nread > 0)
    uv_try_write(stream, &reply, 1);
  else if (nread < 0)
    uv_close((uv_handle_t *)stream, NULL);
}

static void on_connection(uv_stream_t *server, int status) {
  if (status == 0 && uv_tcp_init(server->loop, &client) == 0 &&
      uv_accept(server, (uv_stream_t *)&client) == 0)
    uv_read_start((uv_stream_t *)&client, on_alloc, on_read);
}

static int listen_anywhere(uv_loop_t *loop, char *address, size_t size) {
  struct sockaddr_in name;
  int len = (int)sizeof name;
  uv_ip4_addr("127.0.0.1", 0, &name);
  if (uv_tcp_init(loop, &listener) != 0 ||
      uv_tcp_bind(&listener, (const struct sockaddr *)&name, 0) != 0 ||
      uv_listen((uv_stream_t *)&listener, 1, on_connection) != 0 ||
      uv_tcp_getsockname(&listener, (struct sockaddr *)&name, &len) != 0)
    return -1;
  snprintf(address, size, "127.0.0.1:%d", (int)ntohs(name.sin_port));
  return 0;
}

static void on_hello(const pool_result_t *result, void *data) {
  good = result->error == 0 && result->status == 200 &&
         strcmp(result->body, "hello") == 0;
  pool_close((pool_t *)data, NULL, NULL);
  uv_close((uv_handle_t *)&listener, NULL);
}

int main(void) {
  uv_loop_t loop;
  pool_t *pool;
  char address[32];
  if (uv_loop_init(&loop) != 0 ||
      listen_anywhere(&loop, address, sizeof address) != 0 ||
      pool_create(&pool, &loop, NULL) != 0 ||
      pool_add_endpoint(pool, address) != 0 ||
      pool_get(pool, "/hello", on_hello, pool) != 0)
    return 2;
  uv_run(&loop, UV_RUN_DEFAULT);
  return good && uv_loop_close(&loop) == 0 ? 0 : 1;
}
