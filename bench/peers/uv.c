/* The floor: what the exchange costs with libuv and llhttp alone. Each
 * connection writes a ready-made request with uv_try_write(), has llhttp read
 * the answer and its body's length, and writes the next. There are no limits,
 * no deadlines, no headers for the user, no failure but exit. */
#include "../common.h"
#include "../pause.h"

#include <stdlib.h>

#include <llhttp.h>
#include <uv.h>

typedef struct {
  uv_tcp_t tcp;
  uv_connect_t connect;
  llhttp_t parser;
  uv_buf_t request;
  uint64_t sent_ns;
  size_t body_len;
  int whole;
  int keeps_alive;
} client_t;

static bench_options_t options;
static bench_run_t run;
static llhttp_settings_t settings;
static client_t *clients;
static unsigned connected;
static char read_buf[65536];

static int on_body(llhttp_t *parser, const char *at, size_t len) {
  client_t *client = parser->data;

  (void)at;
  client->body_len += len;
  return 0;
}

static int on_complete(llhttp_t *parser) {
  client_t *client = parser->data;

  client->whole = 1;
  client->keeps_alive = llhttp_should_keep_alive(parser);
  return 0;
}

static void send_request(void *data) {
  client_t *client = data;
  int rc;

  client->sent_ns = bench_run_sent(&run);
  rc = uv_try_write((uv_stream_t *)&client->tcp, &client->request, 1);
  if (rc < 0 || (size_t)rc != client->request.len)
    bench_fail("write", rc < 0 ? uv_strerror(rc) : "short");
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf) {
  (void)handle;
  (void)size;
  *buf = uv_buf_init(read_buf, sizeof read_buf);
}

static void close_all(void) {
  unsigned i;

  bench_pause_close();
  for (i = 0; i < options.connections; i++)
    uv_close((uv_handle_t *)&clients[i].tcp, NULL);
}

static void on_answer(client_t *client) {
  bench_expect(&options, client->parser.status_code, client->body_len);
  if (!client->keeps_alive)
    bench_fail("answer", "the server closes");
  client->body_len = 0;
  client->whole = 0;
  if (bench_run_may_begin(&run) && connected == options.connections)
    bench_run_begin(&run);
  if (!bench_run_next(&run, client->sent_ns)) {
    if (bench_run_is_over(&run))
      close_all();
  } else if (options.pause_ms > 0) {
    bench_pause(client);
  } else {
    send_request(client);
  }
}

static void on_read(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf) {
  client_t *client = stream->data;

  if (nread < 0)
    bench_fail("read", uv_strerror((int)nread));
  if (llhttp_execute(&client->parser, buf->base, (size_t)nread) != HPE_OK)
    bench_fail("parse", client->parser.reason);
  if (client->whole)
    on_answer(client);
}

static void on_connect(uv_connect_t *connect, int status) {
  client_t *client = connect->data;

  if (status != 0)
    bench_fail("connect", uv_strerror(status));
  connected++;
  uv_tcp_nodelay(&client->tcp, 1);
  uv_read_start((uv_stream_t *)&client->tcp, on_alloc, on_read);
  send_request(client);
}

static void open_client(client_t *client, unsigned endpoint) {
  struct sockaddr_in address;
  char host[32];
  int err;

  bench_host(endpoint, host, sizeof host);
  uv_ip4_addr(host, (int)options.port, &address);
  client->request.base =
      bench_request(&options, endpoint, &client->request.len);
  llhttp_init(&client->parser, HTTP_RESPONSE, &settings);
  client->parser.data = client->tcp.data = client->connect.data = client;
  uv_tcp_init(uv_default_loop(), &client->tcp);
  err = uv_tcp_connect(&client->connect, &client->tcp,
                       (const struct sockaddr *)&address, on_connect);
  if (err != 0)
    bench_fail("connect", uv_strerror(err));
}

int main(int argc, char **argv) {
  unsigned i;

  bench_options(&options, argc, argv);
  bench_run_init(&run, &options);
  llhttp_settings_init(&settings);
  settings.on_body = on_body;
  settings.on_message_complete = on_complete;
  bench_pause_init(uv_default_loop(), options.pause_ms, options.connections,
                   send_request);
  clients = calloc(options.connections, sizeof *clients);
  if (clients == NULL)
    bench_fail("clients", "no memory");
  for (i = 0; i < options.connections; i++)
    open_client(&clients[i], i % options.endpoints);
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  uv_loop_close(uv_default_loop());
  return 0;
}
