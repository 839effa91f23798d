/* The listener: lets clients in, looks now and then who is late, and ends when
 * all have gone. */
#include <stdlib.h>
#include <string.h>

#include "client.h"

#define BACKLOG  1024
#define SWEEP_MS 250u
#define REFUSALS 64u /* clients too many that are told so */
#define STASHED  64u /* blocks of each kind that are kept */

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

static void let_in(server_t *server) {
  client_t *client = calloc(1, sizeof *client);

  server->missed = client == NULL; /* it is tried again */
  if (client == NULL)
    return;
  client->server = server;
  if (uv_tcp_init(server->loop, &client->tcp) != 0) {
    free(client);
    return;
  }
  client_init(client);
  enlist(client);
  if (uv_accept((uv_stream_t *)&server->listener,
                (uv_stream_t *)&client->tcp) != 0) {
    client_close(client);
    return;
  }
  uv_tcp_nodelay(&client->tcp, 1);
  note_peer(client);
  if (server->client_count > server->max_clients + REFUSALS) {
    client_close(client);
    return;
  }
  if (server->client_count > server->max_clients) {
    client->is_last = 1;
    answer_refuse(client, 503);
  }
  client_process(client);
}

static void on_connection(uv_stream_t *listener, int status) {
  server_t *server = listener->data;

  if (status == 0)
    let_in(server);
}

static void on_flush(uv_prepare_t *handle) {
  server_t *server = handle->data;
  client_t *client = server->unflushed;

  while (client != NULL) { /* one may put more out again, up to a limit */
    server->unflushed = NULL;
    while (client != NULL) {
      client_t *next = client->next_unflushed;

      client->is_unflushed = 0;
      client_flush(client);
      client = next;
    }
    client = server->unflushed;
  }
}

static void on_sweep(uv_timer_t *handle) {
  server_t *server = handle->data;
  uint64_t now = uv_now(server->loop);
  client_t *client = server->clients;

  if (server->missed)
    let_in(server);
  while (client != NULL) {
    client_t *next = client->next;

    client_check(client, now);
    client = next;
  }
}

static int parse_address(const char *text, int port,
                         struct sockaddr_storage *address) {
  if (uv_ip4_addr(text, port, (struct sockaddr_in *)address) == 0)
    return 0;
  return uv_ip6_addr(text, port, (struct sockaddr_in6 *)address);
}

static int listen_at(server_t *server, const char *text, int port) {
  struct sockaddr_storage address;
  int err;

  memset(&address, 0, sizeof address);
  err = parse_address(text, port, &address);
  if (err == 0)
    err = uv_tcp_bind(&server->listener, (struct sockaddr *)&address, 0);
  if (err == 0)
    err = uv_listen((uv_stream_t *)&server->listener, BACKLOG, on_connection);
  return err;
}

static void set_up_stashes(server_t *server) {
  server->ins.size = CLIENT_IN_ROOM;
  server->outs.size = OUT_FIRST_BYTES;
  server->heads.size = sizeof(inbound_head_t);
  server->ins.max_kept = server->outs.max_kept = STASHED;
  server->heads.max_kept = STASHED;
}

int server_start(server_t *server, const char *address, int port) {
  int err = uv_tcp_init(server->loop, &server->listener);

  if (err != 0)
    return err;
  set_up_stashes(server);
  server->listener.data = server;
  uv_timer_init(server->loop, &server->sweep);
  uv_prepare_init(server->loop, &server->flush);
  server->sweep.data = server->flush.data = server;
  uv_timer_start(&server->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
  uv_prepare_start(&server->flush, on_flush);
  uv_unref((uv_handle_t *)&server->sweep);
  uv_unref((uv_handle_t *)&server->flush);
  return listen_at(server, address, port);
}

int server_port(const server_t *server) {
  struct sockaddr_storage address;
  int len = sizeof address;

  memset(&address, 0, sizeof address);
  uv_tcp_getsockname(&server->listener, (struct sockaddr *)&address, &len);
  return ntohs(address.ss_family == AF_INET6
                   ? ((struct sockaddr_in6 *)&address)->sin6_port
                   : ((struct sockaddr_in *)&address)->sin_port);
}

void server_stop(server_t *server) {
  client_t *client = server->clients;

  if (!server->stopping)
    uv_close((uv_handle_t *)&server->listener, NULL);
  server->stopping = 1;
  while (client != NULL) {
    client_t *next = client->next;

    client_let_go(client);
    client = next;
  }
  if (server->client_count > 0 || server->on_stopped == NULL)
    return;
  uv_close((uv_handle_t *)&server->sweep, NULL);
  uv_close((uv_handle_t *)&server->flush, NULL);
  stash_clear(&server->ins);
  stash_clear(&server->outs);
  stash_clear(&server->heads);
  server->on_stopped(server);
  server->on_stopped = NULL;
}

void server_abort(server_t *server) {
  client_t *client = server->clients;

  while (client != NULL) {
    client_t *next = client->next;

    client_close(client);
    client = next;
  }
}
