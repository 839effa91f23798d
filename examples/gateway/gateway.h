/* The gateway: what its parts know of each other.
 *
 *   gateway.c          options, the pool, signals
 *   gateway/server.c   the listener: how many clients there are, and who is
 *                      late
 *   gateway/client.c   one client: its requests in, its answers out
 *   gateway/answer.c   what is answered
 *   gateway/out.c      what waits to be written to a client
 *   gateway/inbound.c  requests, parsed
 *   gateway/target.c   what they ask for
 *   gateway/fields.c   header fields on their way through
 *   gateway/stash.c    memory that is needed for a moment
 *   gateway/status.c   the status page */
#ifndef GATEWAY_H_
#define GATEWAY_H_

#include <uv.h>

#include "httpool.h"
#include "stash.h"

typedef struct client_s client_t;

typedef struct {
  uv_loop_t *loop;
  pool_t *pool;
  uv_tcp_t listener;
  uv_timer_t sweep;    /* looks for clients that are late */
  uv_prepare_t flush;  /* writes what was gathered in a turn */
  client_t *clients;   /* all of them */
  client_t *unflushed; /* with something to be written */
  stash_t ins;         /* what is read of clients */
  stash_t outs;        /* what is gathered for them */
  stash_t heads;       /* of requests */
  uint32_t client_count;
  uint32_t max_clients;
  uint32_t slow_ms; /* a client may keep us waiting */
  uint32_t idle_ms; /* between requests */
  int missed;       /* one could not be let in for want of memory */
  int stopping;     /* no new clients, and each answer is the last */
  void (*on_stopped)(void *data); /* the last client has gone */
  uint64_t requests;
  uint64_t answers[6]; /* by the first digit of the status */
  uint64_t refused;    /* answered with 503 at once */
} server_t;

/* Listens. An error of libuv's. */
int server_start(server_t *server, const char *address, int port);

/* Where it listens. */
int server_port(const server_t *server);

/* Lets no new client in, and the others finish; then calls on_stopped. */
void server_stop(server_t *server);

/* Ends the clients that are left. */
void server_abort(server_t *server);

/* The server stops: one that is idle goes now. */
void client_let_go(client_t *client);

/* Closes one whose time has come. */
void client_check(client_t *client, uint64_t now);

/* Writes what was gathered. */
void client_flush(client_t *client);

/* Closes it at once. */
void client_close(client_t *client);

/* The status page as text; its length. */
size_t status_write(const server_t *server, char *text, size_t size);

#endif
