/* A reverse proxy in front of one service: httpool on the way to its servers.
 *
 *   gateway --listen 127.0.0.1:8080 --upstream 127.0.0.1:9001,127.0.0.1:9002 \
 *           --max-pending 200
 *
 * Bodies stream both ways and wait for whoever is slow; past the limit the
 * answer is 503 on the spot. GET /.gateway tells how near that is. SIGTERM ends
 * it when the requests under way are answered, or after ten seconds. Port 0 is
 * any that is free; which one is printed. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/gateway.h"

#define GRACE_MS 10000u
#define SLOW_MS  30000u
#define IDLE_MS  60000u

typedef struct {
  const char *listen;
  const char *upstream;
  const char *ping;
  uint32_t max_pending;
  uint32_t max_clients;
  uint32_t max_connections;
} options_t;

typedef struct {
  uv_loop_t loop;
  server_t server;
  uv_signal_t on_term, on_int;
  uv_timer_t grace;
} gateway_t;

/* --- options ---------------------------------------------------------------
 */

static void usage(void) {
  fputs("usage: gateway --listen ADDRESS:PORT --upstream HOST:PORT,...\n"
        "  --max-pending N      requests under way, more are refused [1000]\n"
        "  --max-connections N  to each server [20]\n"
        "  --max-clients N      connections of clients [1000]\n"
        "  --ping PATH          asks a server that is out whether it is well\n",
        stderr);
  exit(2);
}

static uint32_t number(const char *text, unsigned long min, unsigned long max) {
  char *end;
  unsigned long n = strtoul(text, &end, 10);

  if (end == text || *end != '\0' || n < min || n > max)
    usage();
  return (uint32_t)n;
}

static options_t read_options(int argc, char **argv) {
  static const struct option names[] = {
      {"listen", required_argument, NULL, 'l'},
      {"upstream", required_argument, NULL, 'u'},
      {"max-pending", required_argument, NULL, 'p'},
      {"max-connections", required_argument, NULL, 'c'},
      {"max-clients", required_argument, NULL, 'n'},
      {"ping", required_argument, NULL, 'i'},
      {NULL, 0, NULL, 0}};
  options_t options = {.max_clients = 1000};
  int c;

  while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
    if (c == 'l')
      options.listen = optarg;
    else if (c == 'u')
      options.upstream = optarg;
    else if (c == 'p')
      options.max_pending = number(optarg, 1, 1000000);
    else if (c == 'c')
      options.max_connections = number(optarg, 1, 65535);
    else if (c == 'n')
      options.max_clients = number(optarg, 1, 1000000);
    else if (c == 'i')
      options.ping = optarg;
    else
      usage();
  }
  if (options.listen == NULL || options.upstream == NULL || optind < argc)
    usage();
  return options;
}

static void fail(const char *what, int err) {
  fprintf(stderr, "gateway: %s: %s\n", what, pool_strerror(err));
  exit(1);
}

/* --- the pool --------------------------------------------------------------
 */

static void add_servers(pool_t *pool, const char *list) {
  char address[256];

  while (*list != '\0') {
    size_t len = strcspn(list, ",");
    int err;

    if (len == 0 || len >= sizeof address)
      usage();
    memcpy(address, list, len);
    address[len] = '\0';
    err = pool_add_endpoint(pool, address);
    if (err != 0)
      fail(address, err);
    list += list[len] == ',' ? len + 1 : len;
  }
}

/* A stream may take as long as it likes while its bytes move. */
static void make_pool(gateway_t *gateway, const options_t *options) {
  pool_config_t config = {.max_pending = options->max_pending,
                          .max_connections = options->max_connections,
                          .max_connecting = 16,
                          .timeout_ms = POOL_OFF,
                          .head_timeout_ms = 60000,
                          .stall_timeout_ms = 60000,
                          .ping_path = options->ping};
  int err = pool_create(&gateway->server.pool, &gateway->loop, &config);

  if (err != 0)
    fail("the pool", err);
  add_servers(gateway->server.pool, options->upstream);
}

/* --- the end ---------------------------------------------------------------
 */

static void on_stopped(void *data) {
  gateway_t *gateway =
      (gateway_t *)((char *)data - offsetof(gateway_t, server));

  uv_close((uv_handle_t *)&gateway->on_term, NULL);
  uv_close((uv_handle_t *)&gateway->on_int, NULL);
  uv_close((uv_handle_t *)&gateway->grace, NULL);
  pool_close(gateway->server.pool, NULL, NULL);
}

static void on_grace(uv_timer_t *timer) {
  gateway_t *gateway = timer->data;

  server_abort(&gateway->server);
}

static void on_signal(uv_signal_t *handle, int number) {
  gateway_t *gateway = handle->data;

  (void)number;
  if (gateway->server.stopping) {
    server_abort(&gateway->server); /* asked twice */
    return;
  }
  uv_timer_start(&gateway->grace, on_grace, GRACE_MS, 0);
  server_stop(&gateway->server);
}

static void watch_signals(gateway_t *gateway) {
  signal(SIGPIPE, SIG_IGN);
  uv_signal_init(&gateway->loop, &gateway->on_term);
  uv_signal_init(&gateway->loop, &gateway->on_int);
  uv_timer_init(&gateway->loop, &gateway->grace);
  gateway->on_term.data = gateway->on_int.data = gateway->grace.data = gateway;
  uv_signal_start(&gateway->on_term, on_signal, SIGTERM);
  uv_signal_start(&gateway->on_int, on_signal, SIGINT);
  uv_unref((uv_handle_t *)&gateway->on_term);
  uv_unref((uv_handle_t *)&gateway->on_int);
}

/* ADDRESS:PORT, [ADDRESS]:PORT */
static void start_server(gateway_t *gateway, const options_t *options) {
  server_t *server = &gateway->server;
  char address[64];
  const char *colon = strrchr(options->listen, ':');
  const char *from = options->listen;
  const char *to = colon;
  int err;

  if (colon == NULL)
    usage();
  if (*from == '[' && to > from && to[-1] == ']') {
    from++;
    to--;
  }
  if (to < from || (size_t)(to - from) >= sizeof address)
    usage();
  memcpy(address, from, (size_t)(to - from));
  address[to - from] = '\0';
  err = server_start(server, address, (int)number(colon + 1, 0, 65535));
  if (err != 0)
    fail(options->listen, err);
  printf("listening on %.*s:%d\n", (int)(colon - options->listen),
         options->listen, server_port(server));
  fflush(stdout);
}

int main(int argc, char **argv) {
  static gateway_t gateway;
  options_t options = read_options(argc, argv);

  uv_loop_init(&gateway.loop);
  gateway.server.loop = &gateway.loop;
  gateway.server.max_clients = options.max_clients;
  gateway.server.slow_ms = SLOW_MS;
  gateway.server.idle_ms = IDLE_MS;
  gateway.server.on_stopped = on_stopped;
  watch_signals(&gateway);
  make_pool(&gateway, &options);
  start_server(&gateway, &options);
  uv_run(&gateway.loop, UV_RUN_DEFAULT);
  return uv_loop_close(&gateway.loop) == 0 ? 0 : 1;
}
