/* libevent's HTTP client: one evhttp_connection for each request in hand. */
#include "../common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>

typedef struct {
  struct evhttp_connection *connection;
  char host[48];
  uint64_t sent_ns;
  int has_served;
} client_t;

static bench_options_t options;
static bench_run_t run;
static client_t *clients;
static unsigned have_served;
static enum evhttp_cmd_type method;

static void on_done(struct evhttp_request *request, void *data);

static void send_request(client_t *client) {
  struct evhttp_request *request = evhttp_request_new(on_done, client);
  struct evkeyvalq *headers = evhttp_request_get_output_headers(request);

  evhttp_add_header(headers, "Host", client->host);
  if (options.body_len > 0)
    evbuffer_add_reference(evhttp_request_get_output_buffer(request),
                           options.body, options.body_len, NULL, NULL);
  client->sent_ns = bench_run_sent(&run);
  if (evhttp_make_request(client->connection, request, method, options.path))
    bench_fail("request", "refused");
}

/* Every connection has served. */
static int is_warm(client_t *client) {
  have_served += !client->has_served;
  client->has_served = 1;
  return have_served == options.connections && bench_run_may_begin(&run);
}

static void on_done(struct evhttp_request *request, void *data) {
  client_t *client = data;

  if (request == NULL)
    bench_fail("answer", "there was none");
  bench_expect(&options, evhttp_request_get_response_code(request),
               evbuffer_get_length(evhttp_request_get_input_buffer(request)));
  if (is_warm(client))
    bench_run_begin(&run);
  if (bench_run_next(&run, client->sent_ns))
    send_request(client);
}

static void open_client(struct event_base *base, client_t *client,
                        unsigned endpoint) {
  char host[32];

  bench_host(endpoint, host, sizeof host);
  snprintf(client->host, sizeof client->host, "%s:%u", host, options.port);
  client->connection =
      evhttp_connection_base_new(base, NULL, host, (uint16_t)options.port);
  send_request(client);
}

int main(int argc, char **argv) {
  struct event_base *base = event_base_new();
  unsigned i;

  bench_options(&options, argc, argv);
  bench_run_init(&run, &options);
  method =
      strcmp(options.method, "POST") == 0 ? EVHTTP_REQ_POST : EVHTTP_REQ_GET;
  clients = calloc(options.connections, sizeof *clients);
  if (clients == NULL)
    bench_fail("clients", "no memory");
  for (i = 0; i < options.connections; i++)
    open_client(base, &clients[i], i % options.endpoints);
  while (!bench_run_is_over(&run))
    event_base_loop(base, EVLOOP_ONCE);
  for (i = 0; i < options.connections; i++)
    evhttp_connection_free(clients[i].connection);
  event_base_free(base);
  return 0;
}
