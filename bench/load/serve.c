#include "serve.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common.h"

#define MAX_ANSWER 256u
#define BACKLOG    1024
#define GIVE_UP_S  300

static void (*report)(void);

uint64_t serve_now_us(void) {
  return uv_hrtime() / 1000;
}

void serve_check(const char *what, int err) {
  if (err != 0)
    bench_fail(what, uv_strerror(err));
}

static void on_closed(uv_handle_t *handle) {
  serve_client_t *client = handle->data;

  if (--client->open == 0)
    free(client);
}

void serve_drop(serve_client_t *client) {
  if (uv_is_closing((uv_handle_t *)&client->tcp))
    return;
  if (client->endpoint->on_gone != NULL)
    client->endpoint->on_gone(client);
  *client->link = client->next;
  if (client->next != NULL)
    client->next->link = client->link;
  uv_close((uv_handle_t *)&client->tcp, on_closed);
  uv_close((uv_handle_t *)&client->timer, on_closed);
}

void serve_answer(serve_client_t *client, unsigned status) {
  char answer[MAX_ANSWER];
  int len =
      snprintf(answer, sizeof answer,
               "HTTP/1.1 %u %s\r\nContent-Length: 12\r\n\r\nhello world\n",
               status, status < 400 ? "OK" : "Bad");
  uv_buf_t piece = uv_buf_init(answer, (unsigned)len);

  client->len = 0;
  if (uv_try_write((uv_stream_t *)&client->tcp, &piece, 1) != len)
    serve_drop(client);
}

static void on_answer_due(uv_timer_t *timer) {
  serve_client_t *client = timer->data;

  serve_answer(client, client->status);
}

void serve_answer_in(serve_client_t *client, uint64_t ms, unsigned status) {
  client->status = status;
  uv_timer_start(&client->timer, on_answer_due, ms, 0);
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf) {
  serve_client_t *client = handle->data;

  (void)size;
  *buf = uv_buf_init(client->head + client->len,
                     (unsigned)(SERVE_MAX_HEAD - 1 - client->len));
}

static void on_read(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf) {
  serve_client_t *client = stream->data;

  (void)buf;
  if (nread < 0) {
    serve_drop(client);
    return;
  }
  client->len += (size_t)nread;
  client->head[client->len] = '\0';
  if (client->len >= 4 &&
      strcmp(client->head + client->len - 4, "\r\n\r\n") == 0)
    client->endpoint->on_request(client);
}

static void on_connection(uv_stream_t *listener, int status) {
  serve_client_t *client = calloc(1, sizeof *client);

  if (client == NULL)
    bench_fail("connection", "no memory");
  serve_check("connection", status);
  client->endpoint = listener->data;
  client->open = 2;
  client->tcp.data = client->timer.data = client;
  client->next = client->endpoint->clients;
  client->link = &client->endpoint->clients;
  if (client->next != NULL)
    client->next->link = &client->next;
  client->endpoint->clients = client;
  uv_timer_init(listener->loop, &client->timer);
  uv_tcp_init(listener->loop, &client->tcp);
  serve_check("accept", uv_accept(listener, (uv_stream_t *)&client->tcp));
  uv_tcp_nodelay(&client->tcp, 1);
  uv_read_start((uv_stream_t *)&client->tcp, on_alloc, on_read);
}

void serve_listen(serve_endpoint_t *endpoint) {
  uv_tcp_t *listener = &endpoint->listener;
  struct sockaddr_in address;
  char host[32];

  bench_host(endpoint->number, host, sizeof host);
  serve_check(host, uv_ip4_addr(host, (int)endpoint->port, &address));
  serve_check(host, uv_tcp_init(uv_default_loop(), listener));
  listener->data = endpoint;
  serve_check(host,
              uv_tcp_bind(listener, (const struct sockaddr *)&address, 0));
  serve_check(host, uv_listen((uv_stream_t *)listener, BACKLOG, on_connection));
}

void serve_stop(serve_endpoint_t *endpoint) {
  uv_close((uv_handle_t *)&endpoint->listener, NULL);
  while (endpoint->clients != NULL)
    serve_drop(endpoint->clients);
}

static void on_end(uv_signal_t *handle, int number) {
  (void)handle;
  (void)number;
  report();
  exit(fflush(stdout) == 0 ? 0 : 1);
}

void serve_run(void (*at_end)(void)) {
  uv_signal_t ends;

  report = at_end;
  signal(SIGPIPE, SIG_IGN);
  alarm(GIVE_UP_S);
  serve_check("signal", uv_signal_init(uv_default_loop(), &ends));
  serve_check("signal", uv_signal_start(&ends, on_end, SIGTERM));
  printf("listening\n");
  fflush(stdout);
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
